"""Two integrators at once, on PostgreSQL: the second looks at nothing before the first is done."""

import pytest
from sqlalchemy import text

from app.audit.entries import store
from app.audit.entries.service import AuditService
from app.audit.growing.integrator import Integrator
from app.db.engine import Database, Tx
from app.kernel.errors import Unavailable
from tests.audit import make
from tests.fakes import FakeClock

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def impatient(tx: Tx) -> Tx:
    """Let a transaction take "wait for the other" for no."""
    tx.execute(text("SET LOCAL lock_timeout = '50ms'"))
    return tx


def test_an_integrator_that_finds_nothing_holds_the_log_all_the_same(
    database: Database, integrator: Integrator
) -> None:
    with database.write() as first:
        assert integrator._integrate_batch(first) == 0
        with pytest.raises(Unavailable), database.write() as second:
            integrator._integrate_batch(impatient(second))


def test_who_holds_only_the_head_holds_the_log(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock
) -> None:
    """As verbs do while the service runs, which change the head without integrating."""
    with database.write() as tx:
        log.append(tx, make.decision(1), clock.now())
    with database.write() as holding:
        store.head_of(holding, for_update=True)
        with pytest.raises(Unavailable), database.write() as second:
            integrator._integrate_batch(impatient(second))
    assert integrator.integrate() == 1
