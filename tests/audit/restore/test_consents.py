"""A restore ends every agreement that stands or could stand again, together with its entry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from app.audit.entries import store
from app.audit.entries.model import SYSTEM, EntryFilter
from app.audit.reading.service import ReadingService
from app.consent.model import VALIDITY, Act, State
from app.db.engine import Tx
from app.demo.custodians import NAMES
from app.kernel.errors import Unavailable
from app.wiring import Services
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.audit.restore.instance import (
    Crash,
    Instance,
    consents,
    dies,
    withdraws,
    write,
)
from tests.fakes import FakeClock
from tests.tamper import sql

pytestmark = pytest.mark.slow


def state(services: Services) -> State:
    with services.database.read() as tx:
        person = services.directory.person(tx, EMPLOYEE)
        return services.consent.standing(tx, person, services.clock.now()).state


def test_a_consent_whose_withdrawal_may_be_lost_no_longer_holds(lost: Instance) -> None:
    services = lost.acknowledge()
    assert state(services) is State.REVOKED
    with services.database.read() as tx:
        (entry,) = ReadingService(services.log).search(tx, EntryFilter(kind="consent.revoked"))
        assert entry.leaf["facts"]["reason"] == "restore"
        body = ReadingService(services.log).body(tx, entry.leaf["event"])
        assert body is not None
        assert "decide anew" in str(body["note"])
    write(services, consents)  # and it can be given anew
    assert state(services) is State.GIVEN


def pauses(story: Story) -> None:
    consents(story)
    person, until = story.person(EMPLOYEE), story.now + timedelta(hours=4)
    story.services.consent.decide(story.tx, person, Act.PAUSED, story.now, until=until)


def test_a_paused_consent_does_not_come_back_when_its_pause_ends(instance: Instance) -> None:
    """It was withdrawn in what was lost, and the pause would have hidden that for a while."""
    write(instance.start(), pauses)
    instance.back_up()
    services = instance.start()
    instance.clock.advance(60)
    write(services, withdraws)
    instance.put_back()
    services = instance.acknowledge()
    assert state(services) is State.REVOKED
    instance.clock.advance(timedelta(hours=5))
    assert state(services) is State.REVOKED


def moves(story: Story) -> None:
    consents(story)
    moved = replace(story.person(EMPLOYEE), region="DE", place="DE")
    story.services.directory.import_people(
        story.tx, [moved], actor=SYSTEM, now=story.now, file_digest="sha256:" + "0" * 64
    )


@pytest.mark.parametrize(
    ("tell", "days", "before"),
    [
        (consents, 0, State.GIVEN),
        (pauses, 0, State.PAUSED),
        (consents, VALIDITY.days + 1, State.EXPIRED),
        (moves, 0, State.INVALIDATED),
    ],
)
def test_whatever_could_stand_again_is_ended(
    sample: Services,
    clock: FakeClock,
    tell: Callable[[Story], None],
    days: int,
    before: State,
) -> None:
    """A clock, a notice and a home can go back to what they were; what was ended cannot."""
    write(sample, tell)
    clock.advance(timedelta(days=days))
    assert state(sample) is before
    with sample.database.write() as tx:
        assert sample.consent.end_all(tx, clock.now()) == 1
    assert state(sample) is State.REVOKED


@pytest.mark.parametrize(
    "tampered",
    [
        "UPDATE consent_decision SET act = 'refused'",  # to be given back after the restore
        "DELETE FROM consent_decision",
    ],
)
def test_a_consent_that_somebody_hid_in_the_copy_is_ended(
    sample: Services, clock: FakeClock, tampered: str
) -> None:
    """Put back as it was after the restore, the row would let its consent live."""
    write(sample, consents)
    assert sql(sample.database, f"{tampered} WHERE person_id = '{EMPLOYEE}'") == 1
    with sample.database.write() as tx:
        assert sample.consent.end_all(tx, clock.now()) == 1
    assert state(sample) is State.REVOKED


def test_a_copy_out_of_which_somebody_was_taken_is_refused(
    sample: Services, clock: FakeClock
) -> None:
    """Put back after the restore, they would agree as before."""
    write(sample, consents)
    tables = ("consent_decision", "notice_shown", "person_version")
    rows = [f"DELETE FROM {table} WHERE person_id = '{EMPLOYEE}'" for table in tables]
    assert sql(sample.database, *rows, f"DELETE FROM person WHERE id = '{EMPLOYEE}'") > len(tables)
    with (
        pytest.raises(Unavailable, match="lacks people") as refused,
        sample.database.write() as tx,
    ):
        sample.consent.end_all(tx, clock.now())
    assert refused.value.kind == "record-disputed"


def test_what_is_ended_already_is_not_ended_again(sample: Services, clock: FakeClock) -> None:
    write(sample, consents)
    write(sample, withdraws)
    with sample.database.write() as tx:
        assert sample.consent.end_all(tx, clock.now()) == 0
    assert state(sample) is State.WITHDRAWN


def test_no_restore_is_recorded_whose_consents_were_not_ended(lost: Instance) -> None:
    """The process dies between the entry and the end of the consents: neither is kept."""
    found = lost.recover()
    note = lost.signed(found.statement(), *NAMES)

    def crash(_tx: Tx, _now: object) -> int:
        raise Crash

    with pytest.raises(Crash):
        found.acknowledge(note, crash, lost.clock.now())
    with found.database.read() as tx:
        assert not store.any_pending(tx)
    with pytest.raises(Unavailable) as refused:
        lost.start()
    assert refused.value.kind == "rolled_back"


def test_a_restore_that_is_recorded_has_ended_them(lost: Instance) -> None:
    """The process dies right after that transaction: nothing is left to be done about consents."""
    found = lost.recover()
    note = lost.signed(found.statement(), *NAMES)
    with pytest.raises(Crash):
        dies(found, "before the tree").acknowledge(
            note, lost.running[-1].consent.end_all, lost.clock.now()
        )
    assert state(lost.running[-1]) is State.REVOKED
