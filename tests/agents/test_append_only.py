"""What agents were told and what they reported cannot be changed afterwards, on both databases."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.agents.reports.model import AgentReport, Captured, ExcludedEvents
from app.kernel.vocabulary import Signal

TABLES = (
    "agent_device",
    "agent_revocation",
    "agent_lease",
    "agent_report",
    "agent_report_allowed",
    "agent_report_refused",
    "agent_report_excluded",
)


@pytest.fixture
def filled(company):
    """One row in each table."""
    device = company.pair()
    company.lease(device)
    rows = ((Captured("slack", Signal.CLICK, 1),), {"excluded": 1}, (ExcludedEvents("banking", 1),))
    told = AgentReport("r-00000001", None, None, *rows)
    with company.write() as tx:
        company.services.reports.take(tx, device, told, company.now)
        company.services.devices.revoke(tx, company.person(), device.id, company.now)
    return company


def test_no_row_can_be_changed_deleted_or_replaced(filled):
    last = {
        "sqlite": "INSERT OR REPLACE INTO {0} SELECT * FROM {0}",
        "postgresql": "TRUNCATE {0} CASCADE",
    }[filled.services.database.dialect]
    for table in TABLES:
        for statement in ("UPDATE {0} SET device_id = 'd_forged'", "DELETE FROM {0}", last):
            with pytest.raises(DBAPIError, match="append-only"), filled.write() as tx:
                tx.execute(text(statement.format(table)))
        with filled.read() as tx:
            assert tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 1, table
