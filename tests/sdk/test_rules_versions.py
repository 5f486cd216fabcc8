"""Rules have a version: each stretch of a log is replayed by its own, or said not to be.

Rules 2 are invented here: no lease says on before two in the afternoon, and nobody is read about
alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from app.access.decision.decide import decide
from app.access.decision.model import AccessDecision, AccessReason, Facts, Question
from app.access.decision.rules import CARRIED, CURRENT, RULES_1, Rules
from app.audit.reading.selection import Selection
from app.capture.directive import Circumstances, Directive, directive
from app.consent.model import Act
from app.kernel.vocabulary import Reason
from app.sdk.verify import Ask, Depth, Report, render, verify_asked
from app.sdk.verify.replay.decisions import DecisionCheck
from app.wiring import build
from app.wiring.shipped import read_shipped
from tests.access.office import ALICE, BOB, HOUR
from tests.sdk.day import Day, Leaf, Log
from tests.sdk.test_replay_whole import exported, vkey_of

OPENS_AT = 14


def late_directive(given: Circumstances, at: datetime) -> Directive:
    """As rules 1, and off before two."""
    before = directive(given, at)
    if at.hour >= OPENS_AT:
        return before
    return Directive(capture=False, reasons=(*before.reasons, Reason.OFF_HOURS))


def never_alone(question: Question, facts: Facts) -> AccessDecision:
    """As rules 1, and at least two people together."""
    before = decide(question, facts)
    if len(facts.people) > 1 or AccessReason.COHORT_TOO_SMALL in before.reasons:
        return before
    found = {*before.reasons, AccessReason.COHORT_TOO_SMALL}
    return AccessDecision(tuple(reason for reason in AccessReason if reason in found))


RULES_2 = Rules(2, "9.9", late_directive, never_alone)
BOTH: Mapping[int, Rules] = {1: RULES_1, 2: RULES_2}
ONLY_1: Mapping[int, Rules] = {1: RULES_1}
ONLY_2: Mapping[int, Rules] = {2: RULES_2}


def restarted(day: Day, rules: Rules) -> None:
    """The service starts anew, with a release that decides by these rules."""
    services = day.services
    shipped = replace(read_shipped(services.settings.policies), rules=rules)
    day.services = build(
        services.settings, clock=day.clock, database=services.database, shipped=shipped
    )


@pytest.fixture
def two_days(day: Day) -> Day:
    """A day under rules 1, then one under rules 2, with leases and decisions in both."""
    for one in (ALICE, BOB):
        day.pair(one)
    day.captured(ALICE, BOB)
    assert day.poll(ALICE) == ()
    assert day.ask(ALICE).decision
    restarted(day, RULES_2)
    assert day.poll(ALICE) == (Reason.OFF_HOURS,)
    assert not day.ask(ALICE).decision
    assert day.ask(ALICE, BOB).decision
    day.decide(BOB, Act.WITHDRAWN)
    assert set(day.poll(BOB)) == {Reason.CONSENT_WITHDRAWN, Reason.OFF_HOURS}
    day.clock.advance(2 * HOUR)
    assert day.poll(ALICE) == ()
    return day


def checked(log: Log, carried: Mapping[int, Rules], *, replay: bool = True) -> DecisionCheck:
    check = DecisionCheck(log.documents.get if replay else None, carried)
    for position, leaf in enumerate(log.leaves):
        check.see(position, leaf)
    check.finish()
    return check


def verified(day: Day, path: Path, carried: Mapping[int, Rules] = CARRIED, **ask: Depth) -> Report:
    return verify_asked(path, Ask(vkey=vkey_of(day), rules=carried, **ask))


# The service


def test_what_the_service_decides_by_is_what_a_verifier_of_this_release_carries() -> None:
    assert CARRIED[CURRENT.version] is CURRENT
    assert all(rules.version == version for version, rules in CARRIED.items())


def test_a_log_that_follows_the_first_rules_says_nothing_of_them(day: Day) -> None:
    restarted(day, RULES_1)
    assert "rules.adopted" not in {leaf["kind"] for leaf in day.log().leaves}


def test_other_rules_are_named_once_when_the_service_starts_and_again_on_the_way_back(
    day: Day,
) -> None:
    for rules in (RULES_2, RULES_2, RULES_1, RULES_1):
        restarted(day, rules)
    adopted = [leaf["facts"] for leaf in day.log().leaves if leaf["kind"] == "rules.adopted"]
    assert adopted == [{"version": 2, "release": "9.9"}, {"version": 1, "release": "0.1"}]


def test_a_verb_next_to_the_service_adopts_no_rules(day: Day) -> None:
    services = day.services
    shipped = replace(read_shipped(services.settings.policies), rules=RULES_2)
    build(
        services.settings, clock=day.clock, database=services.database, shipped=shipped,
        serving=False,
    )  # fmt: skip
    assert "rules.adopted" not in {leaf["kind"] for leaf in day.log().leaves}


# The verifier


@pytest.mark.parametrize("depth", [Depth.FACTS, Depth.REPLAY])
def test_who_carries_both_versions_decides_everything_again(
    two_days: Day, tmp_path: Path, depth: Depth
) -> None:
    report = verified(two_days, exported(two_days, tmp_path), BOTH, depth=depth)
    assert report.policy.ok, render(report)
    assert report.counts["unreplayed"] == 0
    assert not any("not replayed" in note for note in report.notes)


@pytest.mark.parametrize("depth", [Depth.FACTS, Depth.REPLAY])
def test_what_follows_rules_that_are_not_carried_is_said_and_never_called_good(
    two_days: Day, tmp_path: Path, depth: Depth
) -> None:
    path = exported(two_days, tmp_path)
    log = two_days.log()
    report = verified(two_days, path, ONLY_1, depth=depth)
    assert (report.integrity.ok, report.completeness.ok, report.policy.ok) == (True, True, None)
    assert report.exit_code == 0
    first, last = log.last("rules.adopted"), log.last("log.exported")
    said = (
        f"Entries {first} to {last} follow rules 2, which this release does not carry: "
        "5 decisions and leases are not replayed there. Release 9.9 can."
    )
    assert said in report.notes
    assert said in report.policy.sentence
    assert report.policy.sentence.startswith("Not replayed as a whole: 0 of 3 decisions allowed")
    assert report.counts["unreplayed"] == 5
    assert "policy       -" in render(report)


def test_a_later_release_without_rules_1_names_the_release_that_can(two_days: Day) -> None:
    log = two_days.log()
    check = checked(log, ONLY_2)
    verdict = check.verdict(whole=True)
    assert verdict.ok is None, verdict
    at = log.last("rules.adopted")
    assert f"Entries 0 to {at - 1} follow rules 1" in verdict.sentence
    assert "Release 0.1 can." in verdict.sentence
    assert check.counts["unreplayed"] == 2
    assert check.counts["replayed"] == 5


def test_what_release_0_1_decided_is_replayed_by_rules_1(two_days: Day) -> None:
    """Rules 2 would have decided otherwise, and are not asked."""
    log = two_days.log()
    verdict = checked(log, {1: RULES_2, 2: RULES_2}).verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == log.leaves.index(
        next(leaf for leaf in log.leaves if leaf["kind"] == "lease.changed")
    )
    assert checked(log, BOTH).verdict(whole=True).ok


def lease_on(leaf: Leaf) -> None:
    leaf["facts"] |= {"capture": "on", "reasons": []}


def permitted(leaf: Leaf) -> None:
    leaf["facts"] |= {
        "outcome": "permit",
        "reasons": [],
        "grant": "0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11",
        "retain_days": 363,
    }


FORGERIES: Mapping[str, tuple[str, Mapping[str, object], Callable[[Leaf], None]]] = {
    "a lease": ("lease.changed", {"capture": "off", "reasons": ["off_hours"]}, lease_on),
    "a permit": ("access.decided", {"reasons": ["cohort_too_small"]}, permitted),
}


@pytest.mark.parametrize("replay", [True, False])
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_wrong_decision_under_rules_2_is_found_by_who_carries_them(
    two_days: Day, forgery: str, replay: bool
) -> None:
    kind, facts, change = FORGERIES[forgery]
    log = two_days.log()
    at = log.last(kind, **facts)
    forged = log.forged(at, change)
    assert checked(log, BOTH, replay=replay).verdict(whole=True).ok
    verdict = checked(forged, BOTH, replay=replay).verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == at
    unjudged = checked(forged, ONLY_1, replay=replay).verdict(whole=True)
    assert unjudged.ok is None, "nobody says that it is good"


@pytest.mark.parametrize("carried", [ONLY_1, BOTH])
def test_no_rules_permit_a_prohibited_purpose(two_days: Day, carried: Mapping[int, Rules]) -> None:
    log = two_days.log()
    at = log.last("access.decided", outcome="permit")

    def change(leaf: Leaf) -> None:
        leaf["purpose"] = leaf["facts"]["purpose"] = "performance_evaluation"

    verdict = checked(log.forged(at, change), carried).verdict(whole=True)
    assert verdict.ok is False
    assert any(
        f"entry {at} permits 'performance_evaluation'" in finding for finding in verdict.findings
    )


def test_back_under_carried_rules_everything_is_decided_again(two_days: Day) -> None:
    """Also what rests on entries of the stretch between, which were taken for what they say."""
    restarted(two_days, RULES_1)
    two_days.poll(BOB)
    two_days.ask(ALICE, BOB)
    log = two_days.log()
    assert checked(log, BOTH).verdict(whole=True).ok
    check = checked(log, ONLY_1)
    assert check.verdict(whole=True).ok is None
    (notice,) = [one for one in check.notices if "rules" in one]
    back = log.last("rules.adopted", version=1)
    assert f" to {back - 1} follow rules 2" in notice
    at = log.last("access.decided")
    verdict = checked(log.forged(at, permitted), ONLY_1).verdict(whole=True)
    assert verdict.ok is False, "BOB withdrew under rules 2, and a permit under rules 1 is wrong"
    assert verdict.first_bad == at


def test_what_rests_on_entries_that_cannot_be_taken_is_not_replayed_either(two_days: Day) -> None:
    two_days.tighten("US-CA", cohort_min={"value": 2})
    restarted(two_days, RULES_1)
    two_days.poll(ALICE)
    two_days.ask(ALICE, BOB)
    log = two_days.log()
    at = log.last("policy.published")
    del log.documents[log.leaves[at]["facts"]["policy"]]
    verdict = checked(log, ONLY_1).verdict(whole=True)
    assert verdict.ok is None
    back = log.last("rules.adopted", version=1)
    assert f"Entries {back} to {len(log.leaves) - 1} rest on entry {at}" in verdict.sentence


WRONG_ADOPTIONS: Mapping[str, tuple[Mapping[str, object], str]] = {
    "of no version": ({"facts": {"version": 0, "release": "9.9"}}, "which is no version"),
    "of a text": ({"facts": {"version": "2", "release": "9.9"}}, "version: is no number"),
    "of a truth": ({"facts": {"version": True, "release": "9.9"}}, "version: is no number"),
    "of what holds": ({"facts": {"version": 1, "release": "9.9"}}, "which hold already"),
    "without a release": ({"facts": {"version": 2}}, "lacks what its kind must say"),
    "by a consumer": ({"actor": {"kind": "consumer", "id": "pipeline"}}, "in somebody's name"),
}


@pytest.mark.parametrize("wrong", WRONG_ADOPTIONS)
def test_rules_that_are_adopted_wrongly_are_named(two_days: Day, wrong: str) -> None:
    changes, words = WRONG_ADOPTIONS[wrong]
    log = two_days.log()
    at = log.last("rules.adopted")
    verdict = checked(log.forged(at, lambda leaf: leaf.update(changes)), BOTH).verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == at
    assert words in verdict.findings[0]


@pytest.mark.parametrize(
    "chosen",
    [
        lambda day: Selection(person=day.pseudonym(BOB)),
        lambda _day: Selection(kinds=("rules.adopted",)),
        lambda _day: Selection(purpose="ai_training.computer_use"),
    ],
)
def test_a_selection_of_a_log_with_two_versions_verifies(
    two_days: Day, tmp_path: Path, chosen: Callable[[Day], Selection]
) -> None:
    report = verified(two_days, exported(two_days, tmp_path, chosen(two_days)), ONLY_1)
    assert report.integrity.ok
    assert report.completeness.ok is not False
    assert report.ok, render(report)
