"""Somebody changes rows with SQL: the service refuses, the log says so, and the verifier agrees.

A refusal because rows do not agree with the log does not follow from the log. The verifier holds it
against the alarm: without one it is a finding, and what is allowed is judged by the log as always.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.consent.model import Act
from app.kernel.clock import instant, timestamp
from tests.access.office import ALICE, BOB, LAWYERS, MANAGER, RESEARCHER, codes
from tests.sdk.day import Day, Leaf, Log
from tests.tamper import sql

DISPUTED = "record_disputed"


@pytest.fixture
def captured(day: Day) -> Day:
    """Alice and Bob agreed, and their laptops may capture."""
    for person in (ALICE, BOB):
        day.pair(person)
    day.captured(ALICE, BOB)
    assert day.poll(ALICE) == day.poll(BOB) == ()
    return day


def delete_the_newest_decision(day: Day) -> None:
    day.decide(ALICE, Act.WITHDRAWN)
    day.log()
    sql(
        day.services.database,
        f"DELETE FROM consent_decision WHERE person_id = '{ALICE.id}' AND act = 'withdrawn'",
    )


def change_the_policy(day: Day) -> None:
    sql(day.services.database, "UPDATE policy_company SET region = 'US' WHERE region = 'US-CA'")
    sql(day.services.database, "UPDATE policy_event SET region = 'US' WHERE region = 'US-CA'")
    day.stop("US-CA")  # whatever changes policy has it read anew


def move(day: Day) -> None:
    sql(day.services.database, f"UPDATE person SET region = 'US' WHERE id = '{ALICE.id}'")


SCENES: dict[str, tuple[Callable[[Day], None], str]] = {
    "a withdrawal deleted": (delete_the_newest_decision, "consent"),
    "a policy moved to another region": (change_the_policy, "policy"),
    "a home changed": (move, "person"),
}


def without_alarms(log: Log) -> Log:
    return log.restamped([leaf for leaf in log.leaves if leaf["kind"] != "alarm.raised"])


def later(log: Log, by: timedelta) -> Log:
    """The log with one more entry some time after all others."""
    last = log.leaves[-1]
    at = timestamp(instant(last["integrated_at"]) + by)
    more = {**log.leaves[log.last("notice.adopted")], "occurred_at": at, "integrated_at": at}
    more |= {
        "kind": "session.started",
        "facts": {},
        "event": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
    }
    return log.restamped([*log.leaves, more])


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_refused_is_explained_by_the_alarm(captured: Day, scene: str) -> None:
    tamper, what = SCENES[scene]
    tamper(captured)
    assert DISPUTED in captured.poll(ALICE)
    assert DISPUTED in codes(captured.ask(ALICE))
    log = captured.log()
    lease = log.leaves[log.last("lease.changed")]["facts"]
    assert lease["disputed"] == [what]
    check = log.checked()
    assert check.verdict(whole=True).findings == ()
    assert any("An alarm is open at the end of the log" in notice for notice in check.notices)
    assert any("2 leases and access decisions refuse" in notice for notice in check.notices)


@pytest.mark.parametrize("scene", SCENES)
def test_without_the_alarm_each_refusal_is_named(captured: Day, scene: str) -> None:
    tamper, what = SCENES[scene]
    tamper(captured)
    captured.poll(ALICE)
    captured.ask(ALICE)
    log = later(without_alarms(captured.log()), timedelta(minutes=6))
    findings = log.findings()
    lease, decision = log.last("lease.changed"), log.last("access.decided")
    said = f"says that what is recorded of the {what} is disputed; no alarm is"
    assert f"entry {lease} {said}" in findings
    assert any(finding.startswith(f"entry {decision} says that what") for finding in findings)


def test_while_an_alarm_may_still_come_nothing_is_found(captured: Day) -> None:
    delete_the_newest_decision(captured)
    captured.poll(ALICE)
    assert without_alarms(captured.log()).findings() == ()


def test_an_alarm_about_somebody_else_explains_nothing(captured: Day) -> None:
    delete_the_newest_decision(captured)
    captured.poll(ALICE)
    log = captured.log()

    def change(leaf: Leaf) -> None:
        leaf["facts"]["chain"] = f"consent:{captured.pseudonym(BOB)}"

    findings = later(log.forged(log.last("alarm.raised"), change), timedelta(minutes=6)).findings()
    assert [finding.partition(" says")[0] for finding in findings] == [
        f"entry {log.last('lease.changed')}"
    ]


def test_a_lease_that_is_on_under_an_alarm_is_judged_as_always(captured: Day) -> None:
    on = captured.log().leaves[captured.log().last("lease.changed")]["facts"]
    delete_the_newest_decision(captured)
    captured.poll(ALICE)
    log = captured.log()
    at = log.last("lease.changed")

    def change(leaf: Leaf) -> None:
        leaf["facts"] = {**on, "device": leaf["facts"]["device"], "seq": leaf["facts"]["seq"]}

    source = log.last("consent.withdrawn")
    words = f"entry {at} says the standing is given; by entry {source} it is withdrawn"
    assert words in log.forged(at, change).findings()


def test_what_is_in_doubt_is_never_allowed(captured: Day) -> None:
    """A lease that says it is disputed, and on, does not follow from what it says."""
    delete_the_newest_decision(captured)
    captured.poll(ALICE)
    log = captured.log()
    at = log.last("lease.changed")

    def change(leaf: Leaf) -> None:
        leaf["facts"] |= {"capture": "on", "reasons": []}

    findings = log.forged(at, change).findings()
    assert f"entry {at} says capture on; by the log it is off" in findings


def test_something_that_cannot_be_disputed_is_named(captured: Day) -> None:
    delete_the_newest_decision(captured)
    captured.poll(ALICE)
    log = captured.log()
    at = log.last("lease.changed")

    def change(leaf: Leaf) -> None:
        leaf["facts"]["disputed"] = ["weather"]

    (finding,) = log.forged(at, change).findings()
    assert "disputed: weather is none of" in finding


def test_whoever_opts_out_while_their_rows_are_in_doubt_is_folded(captured: Day) -> None:
    """Numbers go on after whatever rows there are; the log leaves them out and nobody is wrong."""
    columns = _columns(captured, "consent_decision")
    chosen = ", ".join(
        {"id": "'d-forged'", "seq": "seq + 1", "event_id": "'forged'"}.get(name, name)
        for name in columns
    )
    sql(
        captured.services.database,
        f"INSERT INTO consent_decision ({', '.join(columns)}) SELECT {chosen} "
        f"FROM consent_decision WHERE person_id = '{ALICE.id}'",
    )
    assert DISPUTED in captured.poll(ALICE)
    captured.decide(ALICE, Act.WITHDRAWN)
    assert captured.poll(ALICE)
    log = captured.log()
    assert log.leaves[log.last("consent.withdrawn")]["facts"]["seq"] == 3
    assert log.findings() == ()
    assert without_alarms(log).findings(), "without an alarm no number is left out"


def _columns(day: Day, table: str) -> list[str]:
    with day.services.database.read() as tx:
        row = tx.execute(text(f"SELECT * FROM {table} LIMIT 1")).one()
        return list(row._mapping)


def test_a_reporting_line_that_a_row_had_for_a_while_is_refused_and_explained(
    captured: Day,
) -> None:
    """Change a manager, ask, change back."""
    database = captured.services.database
    captured.log()
    sql(database, f"UPDATE person SET manager = '{RESEARCHER.id}' WHERE id = '{ALICE.id}'")
    assert DISPUTED in codes(captured.ask(ALICE))
    sql(database, f"UPDATE person SET manager = '{MANAGER.id}' WHERE id = '{ALICE.id}'")
    assert DISPUTED in codes(captured.ask(ALICE)), "the alarm stays"
    log = captured.log()
    assert log.findings() == ()
    assert "alarm.raised" in {leaf["kind"] for leaf in log.leaves}


def test_a_consumer_that_nobody_registered_takes_a_number_away(day: Day) -> None:
    columns = _columns(day, "access_consumer")
    forged = {"row": "1000", "version": "2", "secret_sha256": "'forged'"}
    chosen = ", ".join(forged.get(name, name) for name in columns)
    sql(
        day.services.database,
        f"INSERT INTO access_consumer ({', '.join(columns)}) SELECT {chosen} FROM access_consumer "
        "WHERE consumer_id = 'pipeline'",
    )
    day.register("pipeline", ["ai_training.computer_use"], ["training"])
    log = day.log()
    assert log.leaves[log.last("access.consumer_registered")]["facts"]["version"] == 3
    assert log.findings() == ()
    (finding,) = without_alarms(log).findings()
    assert "says version 3 of the consumer; by the log it is 2" in finding


def test_a_laptop_with_another_key_is_off_and_explained(captured: Day) -> None:
    sql(
        captured.services.database,
        "UPDATE agent_device SET public = (SELECT other.public FROM agent_device other "
        f"WHERE other.person_id = '{BOB.id}') WHERE person_id = '{ALICE.id}'",
    )
    assert DISPUTED in captured.poll(ALICE)
    assert captured.poll(BOB) == ()
    log = captured.log()
    at = log.last("lease.changed", disputed=["device"])
    assert log.findings() == ()
    (finding,) = later(without_alarms(log), timedelta(minutes=6)).findings()
    assert finding == (
        f"entry {at - 1} says that what is recorded of the device is disputed; no alarm is"
    )


def test_what_is_published_while_rules_are_in_doubt_is_not_held_against_the_log(
    captured: Day,
) -> None:
    """Whether it widens was judged by rows that do not stand; that it narrows holds either way."""
    change_the_policy(captured)
    captured.publish("US-CA", LAWYERS, hours={"value": {"mon": "08-18"}})
    captured.poll(BOB)
    log = captured.log()
    assert log.findings() == ()

    def change(leaf: Leaf) -> None:
        leaf["facts"]["direction"] = "widens"

    at = log.last("policy.published")
    assert log.forged(at, change).findings() == ()
    (finding, *_) = without_alarms(log.forged(at, change)).findings()
    assert "says that it widens" in finding


def test_whoever_leaves_while_their_past_is_in_doubt_is_folded(captured: Day) -> None:
    captured.change(ALICE, region="DE", place="DE", entity="DE/Beispiel GmbH")
    captured.log()
    sql(
        captured.services.database,
        f"DELETE FROM person_version WHERE person_id = '{ALICE.id}' AND version = 2",
        f"UPDATE person SET version = 1 WHERE id = '{ALICE.id}'",
    )
    assert DISPUTED in captured.poll(ALICE)
    captured.leave(ALICE)
    log = captured.log()
    assert log.findings() == ()
    (finding,) = without_alarms(log).findings()
    assert "says residence 1; by the log it is 3" in finding
