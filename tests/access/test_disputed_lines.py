"""Whoever changes with SQL who reports to whom reads nothing by it. Attacks, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.access.service import AccessAnswer
from app.directory.tables import person_table
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.access.office import ALICE, BOB, MANAGER, RECRUITER, TOP, Office, codes
from tests.fakes import FakeClock
from tests.tamper import sql, tampering

Change = Callable[..., None]

LINES = {
    "her manager": "UPDATE person SET manager = 'E-6' WHERE id = 'E-3'",
    "that she reports to nobody": "UPDATE person SET manager = NULL WHERE id = 'E-3'",
    "who is above her manager": "UPDATE person SET manager = 'E-6' WHERE id = 'E-2'",
    "that her manager is the top": "UPDATE person SET manager = NULL WHERE id = 'E-2'",
    "a circle above her": "UPDATE person SET manager = 'E-2' WHERE id = 'E-1'",
}


@pytest.fixture
def captured(office: Office) -> Office:
    """Alice and Bob agreed and were captured; their manager may look at nothing of it."""
    office.captured(ALICE, BOB)
    office.services.integrator.integrate()
    assert office.ask(ALICE).decision
    assert "caller_in_line" in codes(office.ask_for(MANAGER, ALICE))
    return office


@pytest.fixture(params=["running", "at start"])
def change(
    request: pytest.FixtureRequest, captured: Office, clock: FakeClock, shipped: Shipped
) -> Iterator[Change]:
    """Write SQL; the service goes on with all it remembers, or starts anew."""
    with ExitStack() as started:

        def changed(*statements: str) -> None:
            services = captured.services
            assert sql(services.database, *statements) >= len(statements)
            if request.param == "at start":
                captured.services = build(services.settings, clock=clock, shipped=shipped)
                started.callback(captured.services.close)

        yield changed


def reasons(office: Office, answer: AccessAnswer) -> list[str]:
    """All that the log says against it; a caller is told only what is about the caller."""
    assert not answer.decision
    return list(office.entry_of(answer)["facts"]["reasons"])


def alarms(office: Office) -> list[str]:
    return sorted(str(one.leaf["facts"]["why"]) for one in office.entries(kind="alarm.raised"))


@pytest.mark.every_pair("said", "change", "database_url")
@pytest.mark.parametrize("said", LINES)
def test_somebody_changes_with_sql(said: str, captured: Office, change: Change) -> None:
    change(LINES[said])
    for answer in (captured.ask(ALICE), captured.ask_for(MANAGER, ALICE)):
        assert "record_disputed" in reasons(captured, answer)
    assert alarms(captured) == ["unsealed"]


def test_a_manager_changed_for_the_time_of_a_question_reads_nothing_and_an_alarm_stays(
    captured: Office, change: Change
) -> None:
    """Today's sample: a manager is changed, somebody asks, the manager is changed back."""
    change("UPDATE person SET manager = 'E-6' WHERE id = 'E-3'")
    between = captured.ask_for(MANAGER, ALICE, purpose="rights.fulfilment", consumer="rights-desk")
    assert "record_disputed" in reasons(captured, between)
    sql(captured.services.database, "UPDATE person SET manager = 'E-2' WHERE id = 'E-3'")
    assert "record_disputed" in reasons(captured, captured.ask(ALICE))
    assert alarms(captured) == ["unsealed"]
    assert captured.ask(BOB).decision, "only what was touched is off"


def test_the_line_is_asked_about_for_purposes_that_need_no_consent(
    captured: Office, change: Change
) -> None:
    """Whoever is above somebody must not read for any purpose; in a circle that cannot be said."""
    change(LINES["that her manager is the top"])
    asked = {"purpose": "audit.compliance", "consumer": "auditors"}
    assert "record_disputed" in reasons(captured, captured.ask_for(TOP, ALICE, **asked))


def test_a_function_that_was_taken_away_with_sql_separates_all_the_same(
    captured: Office, change: Change
) -> None:
    """A recruiter without a role in the row is nobody who may ask on anybody's behalf."""
    change(f"UPDATE person SET roles = '' WHERE id = '{RECRUITER.id}'")
    answer = captured.ask_for(RECRUITER, ALICE)
    assert not answer.decision
    assert "caller_unknown" in codes(answer)


def test_an_old_line_put_back_with_its_own_seal_is_behind(captured: Office, change: Change) -> None:
    """Bob moved to another manager; his old row would let the new one ask about him."""
    database = captured.services.database
    with database.read() as tx:
        old = tx.execute(select(person_table).where(person_table.c.id == BOB.id)).mappings().one()
    captured.hire(replace(BOB, manager="E-6"))
    captured.services.integrator.integrate()
    with tampering(database) as connection:
        row = person_table.update().where(person_table.c.id == BOB.id).values(**old)
        connection.execute(row)
    change("UPDATE person SET name = name WHERE id = 'E-4'")
    assert "record_disputed" in reasons(captured, captured.ask(BOB))
    assert alarms(captured) == ["behind"]


PAST = {
    "where she was before": "UPDATE person_version SET region = 'FR' WHERE person_id = 'E-3'",
    "when it was recorded": (
        "UPDATE person_version SET recorded_at = '2020-01-01 00:00:00' WHERE person_id = 'E-3'"
    ),
    "that nothing was recorded": "DELETE FROM person_version WHERE person_id = 'E-3'",
}


@pytest.mark.every_pair("said", "change", "database_url")
@pytest.mark.parametrize("said", PAST)
def test_somebody_rewrites_with_sql(said: str, captured: Office, change: Change) -> None:
    change(PAST[said])
    assert "record_disputed" in reasons(captured, captured.ask(ALICE))
    assert alarms(captured)
