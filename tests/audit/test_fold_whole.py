"""A batch of entries is folded whole or not at all."""

from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.recorded import Recorded
from app.audit.entries.service import AuditService
from app.audit.growing.fold import Fold
from app.audit.growing.integrator import Integrator
from app.db.engine import Database
from tests.fakes import FakeClock


def test_an_entry_that_cannot_be_read_leaves_nothing_of_its_batch(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    with database.write() as tx:
        log.open(tx, clock.now())
        log.append(tx, Event(Kind.DIRECTORY_IMPORTED, SYSTEM, {}), clock.now())
    integrator.integrate()
    readable = {"now": False}

    def opened(*_: object) -> tuple[Recorded, ...]:
        return (Recorded("a_table", "1", "a:chain"),)

    def imported(*_: object) -> tuple[Recorded, ...]:
        if not readable["now"]:
            raise ValueError("of a newer program")
        return ()

    fold = Fold(database, {Kind.LOG_OPENED: opened, Kind.DIRECTORY_IMPORTED: imported})
    for _ in range(3):
        fold.catch_up()
        assert fold.ring.broken is not None
        assert fold.ring.positions == {}
    readable["now"] = True
    fold.catch_up()
    assert fold.ring.broken is None
    assert fold.ring.positions["a:chain"].rows == 1
