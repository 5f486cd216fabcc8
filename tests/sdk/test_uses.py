"""Grants are closed: by whom they were given to, once, in time; and whoever verifies sees it."""

from datetime import timedelta
from typing import Any

import pytest

from app.access.decision.model import USE_WITHIN
from app.kernel.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from tests.access.office import ALICE, BOB
from tests.sdk.day import Day, Leaf, Log

RESULT = "sha256:" + "a" * 64


def permitted(day: Day) -> str:
    day.captured(ALICE, BOB)
    return day.grant(day.ask(ALICE, BOB))


def test_a_use_is_an_entry_about_the_same_people_for_the_same_purpose(day: Day) -> None:
    grant = permitted(day)
    closed = day.use(grant, rows=7, result=RESULT)
    log = day.log()
    permit, use = log.leaves[log.last("access.decided")], log.leaves[log.last("access.used")]
    assert use["event"] == closed.event_id
    assert use["facts"] == {
        "grant": grant,
        "decision": permit["event"],
        "consumer": "pipeline",
        "outcome": "used",
        "rows": 7,
        "result": RESULT,
    }
    assert (use["subjects"], use["purpose"]) == (permit["subjects"], permit["purpose"])
    check = log.checked()
    assert check.verdict(whole=True).ok
    assert (check.counts["grants.used"], check.counts["grants.open"]) == (1, 0)


def test_the_same_report_twice_is_one_entry_and_another_report_is_refused(day: Day) -> None:
    grant = permitted(day)
    first = day.use(grant, rows=7)
    assert day.use(grant, rows=7) == first
    for other in ({"rows": 8}, {"rows": 7, "result": RESULT}, {"outcome": "unused"}):
        with pytest.raises(Conflict, match="closed before"):
            day.use(grant, **other)
    assert len(day.entries(kind="access.used")) == 1


def test_a_grant_can_be_closed_as_not_used(day: Day) -> None:
    day.use(permitted(day), outcome="unused")
    assert day.log().checked().counts["grants.unused"] == 1


@pytest.mark.parametrize(
    "said",
    [
        {"outcome": "sold"},
        {"rows": -1},
        {"rows": 2**53},
        {"outcome": "unused", "rows": 1},
        {"outcome": "unused", "result": RESULT},
        {"result": "a text"},
    ],
)
def test_a_report_that_says_nothing_is_refused(day: Day, said: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        day.use(permitted(day), **said)
    assert not day.entries(kind="access.used")


def test_nobody_closes_the_grant_of_another_consumer(day: Day) -> None:
    grant = permitted(day)
    with pytest.raises(NotFound, match="no such grant of yours"):
        day.use(grant, consumer="auditors")
    with pytest.raises(NotFound, match="no such grant of yours"):
        day.use("0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11")


def test_a_consumer_whose_secret_was_replaced_closes_nothing(day: Day) -> None:
    grant = permitted(day)
    with day.services.database.read() as tx:
        before = day.services.consumers.authenticate(tx, day.secrets["pipeline"], day.now)
    day.register("pipeline", ["ai_training.computer_use"], ["training"])
    with pytest.raises(Unauthenticated), day.services.database.write() as tx:
        day.services.access.use(tx, before, grant, "used", day.now)
    day.use(grant)


def test_after_a_day_it_is_too_late_and_the_grant_counts_as_open(day: Day) -> None:
    grant = permitted(day)
    day.clock.advance(USE_WITHIN)
    open_ = day.log().checked()
    assert open_.verdict(whole=True).ok
    assert open_.counts["grants.open"] == 1
    (notice,) = open_.notices
    assert notice.startswith("1 grant was never closed")
    assert f"entry {day.log().last('access.decided')}." in notice
    day.use(grant)
    day.clock.advance(1)
    late = day.grant(day.ask(ALICE, BOB, captured_from=day.now - 2 * USE_WITHIN / 2,
                             captured_to=day.now - USE_WITHIN))  # fmt: skip
    day.clock.advance(USE_WITHIN + timedelta(seconds=1))
    with pytest.raises(Conflict, match="has passed"):
        day.use(late)


def test_a_grant_that_has_not_expired_is_not_open_yet(day: Day) -> None:
    permitted(day)
    check = day.log().checked()
    assert check.counts["grants.open"] == 0
    assert check.notices == ()


# Forged logs -------------------------------------------------------------------------------------


def used(day: Day) -> Log:
    day.use(permitted(day), rows=7)
    return day.log()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grant": "0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11"}, "which no permit issued"),
        ({"consumer": "auditors"}, "a grant of pipeline"),
        ({"decision": "0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11"}, "names another decision"),
        ({"outcome": "unused"}, "says unused and 7 rows"),
        ({"outcome": "sold"}, "with the outcome 'sold'"),
    ],
)
def test_a_use_that_fits_no_permit_is_named(day: Day, change: Leaf, words: str) -> None:
    log = used(day)
    at = log.last("access.used")
    forged = log.forged(at, lambda leaf: leaf["facts"].update(change))
    verdict = forged.checked().verdict(whole=True)
    assert verdict.first_bad == at
    assert words in verdict.findings[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"actor": {"kind": "consumer", "id": "auditors"}}, "as auditors, a grant of pipeline"),
        ({"actor": {"kind": "system", "id": "pipeline"}}, "a grant of pipeline"),
        ({"purpose": "ai_training.evaluation"}, "closes for ai_training.evaluation a grant for"),
        ({"subjects": []}, "closes for other people"),
        ({"occurred_at": "2026-11-18T09:00:00.000000Z"}, "after the time for it had passed"),
    ],
)
def test_a_use_by_another_for_another_or_too_late_is_named(
    day: Day, change: Leaf, words: str
) -> None:
    log = used(day)
    at = log.last("access.used")
    verdict = log.forged(at, lambda leaf: leaf.update(change)).checked().verdict(whole=True)
    assert verdict.first_bad == at
    assert words in verdict.findings[0]


def test_a_grant_closed_twice_and_a_grant_closed_before_it_was_given_are_named(day: Day) -> None:
    log = used(day)
    at = log.last("access.used")
    twice = log.restamped([*log.leaves, log.leaves[at]])
    verdict = twice.checked().verdict(whole=True)
    assert verdict.findings == (f"entry {at + 1} closes a grant that entry {at} closed",)
    permit = log.last("access.decided")
    leaves = [*log.leaves]
    leaves.insert(permit, leaves.pop(at))
    verdict = log.restamped(leaves).checked().verdict(whole=True)
    assert verdict.first_bad == permit
    assert "which no permit issued" in verdict.findings[0]


def test_a_grant_issued_twice_is_named(day: Day) -> None:
    log = used(day)
    at = log.last("access.decided")
    verdict = log.restamped([*log.leaves, log.leaves[at]]).checked().verdict(whole=True)
    assert any(
        f"issues the grant that entry {at} issued" in finding for finding in verdict.findings
    )


def test_a_use_left_out_leaves_the_grant_open_and_fails_nothing(day: Day) -> None:
    log = used(day)
    del log.leaves[log.last("access.used")]
    day.clock.advance(120)
    day.ask(ALICE)
    later = day.log().leaves[-1]
    check = log.restamped([*log.leaves, later]).checked()
    assert check.verdict(whole=True).ok
    assert check.counts["grants.open"] == 1
