"""Rules have a version: each stretch of a log is replayed by its own, or said not to be.

Rules 3 are invented here: no lease says on before two in the afternoon, and nobody is read about
alone.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from app.access.decision.decide import decide
from app.access.decision.model import AccessDecision, AccessReason, Facts, Question
from app.access.decision.rules import CARRIED, CURRENT, RULES_1, RULES_2, Rules
from app.audit.reading.selection import Selection
from app.capture.directive import Circumstances, Directive, directive
from app.consent.model import Act
from app.kernel.vocabulary import Reason
from app.sdk.verify import Ask, Depth, Report, as_json, render, verify_asked
from app.sdk.verify.replay.decisions import DecisionCheck
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped, read_shipped
from tests import typed
from tests.access.office import ALICE, BOB, FURNISHED, HOUR, furnish
from tests.fakes import FakeClock
from tests.sdk.day import Day, Leaf, Log
from tests.sdk.test_replay_whole import exported, vkey_of
from tests.templates import Templates

OPENS_AT = 14


def late_directive(given: Circumstances, at: datetime) -> Directive:
    """As rules 2, and off before two."""
    before = directive(given, at)
    if at.hour >= OPENS_AT:
        return before
    return Directive(capture=False, reasons=(*before.reasons, Reason.OFF_HOURS))


def never_alone(question: Question, facts: Facts) -> AccessDecision:
    """As rules 2, and at least two people together."""
    before = decide(question, facts)
    if len(facts.people) > 1 or AccessReason.COHORT_TOO_SMALL in before.reasons:
        return before
    found = {*before.reasons, AccessReason.COHORT_TOO_SMALL}
    return AccessDecision(tuple(reason for reason in AccessReason if reason in found))


RULES_3 = Rules(
    3, "9.9", late_directive, never_alone, whole_offer=True, places=True, every_decision=True
)
BOTH: Mapping[int, Rules] = {1: RULES_1, 2: RULES_2, 3: RULES_3}
ONLY_2: Mapping[int, Rules] = {1: RULES_1, 2: RULES_2}
ONLY_3: Mapping[int, Rules] = {1: RULES_1, 3: RULES_3}


@cache
def shipped_by(rules: Rules, folder: Path) -> Shipped:
    return replace(read_shipped(folder), rules=rules)


def restarted(day: Day, rules: Rules) -> None:
    """The service starts anew, with a release that decides by these rules."""
    services = day.services
    shipped = shipped_by(rules, services.settings.policies)
    day.services = build(
        services.settings, clock=day.clock, database=services.database, shipped=shipped
    )


def two_days_of(day: Day) -> Day:
    """A day under rules 2, then one under rules 3, with leases and decisions in both."""
    for one in (ALICE, BOB):
        day.pair(one)
    day.captured(ALICE, BOB)
    assert day.poll(ALICE) == ()
    assert day.ask(ALICE).decision
    restarted(day, RULES_3)
    assert day.poll(ALICE) == (Reason.OFF_HOURS,)
    assert not day.ask(ALICE).decision
    answer = day.ask(ALICE, BOB)
    day.use(day.grant(answer))
    day.decide(BOB, Act.WITHDRAWN)
    assert set(day.poll(BOB)) == {Reason.CONSENT_WITHDRAWN, Reason.OFF_HOURS}
    day.clock.advance(2 * HOUR)
    assert day.poll(ALICE) == ()
    day.tighten("US-CA", cohort_min={"value": 2})
    day.stop("US-CA")
    day.resume("US-CA")
    return day


@pytest.fixture
def two_days(day: Day) -> Day:
    """Two days that go on in the test."""
    return two_days_of(day)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def past(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    templates: Templates,
    shipped: Shipped,
) -> Iterator[Day]:
    """Two days that are over: made once for each database; tests export and read them."""
    folder, clock = tmp_path_factory.mktemp("past"), FakeClock()
    furnish(templates, shipped)
    with templates.copy(request.param, FURNISHED, folder) as url:
        settings = Settings(var=folder / "var", database_url=url, demo=True)
        services = build(settings, clock=clock, shipped=shipped)
        yield two_days_of(Day.entered(services, clock))
        services.close()


@pytest.fixture(scope="module")
def told(past: Day) -> Log:
    """What the log says of them."""
    return past.log()


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


def adopted(day: Day) -> list[object]:
    return [leaf["facts"] for leaf in day.log().leaves if leaf["kind"] == "rules.adopted"]


OURS = {"version": 2, "release": "0.2"}


def test_a_log_names_the_rules_that_it_follows_once(day: Day) -> None:
    restarted(day, RULES_2)
    assert adopted(day) == [OURS]


def test_other_rules_are_named_once_when_the_service_starts_and_again_on_the_way_back(
    day: Day,
) -> None:
    for rules in (RULES_3, RULES_3, RULES_2, RULES_2):
        restarted(day, rules)
    assert adopted(day) == [OURS, {"version": 3, "release": "9.9"}, OURS]


def test_a_verb_next_to_the_service_adopts_no_rules(day: Day) -> None:
    services = day.services
    shipped = shipped_by(RULES_3, services.settings.policies)
    build(
        services.settings, clock=day.clock, database=services.database, shipped=shipped,
        serving=False,
    )  # fmt: skip
    assert adopted(day) == [OURS]


# The verifier


@pytest.mark.parametrize("depth", [Depth.FACTS, Depth.REPLAY])
def test_who_carries_both_versions_decides_everything_again(
    past: Day, tmp_path: Path, depth: Depth
) -> None:
    report = verified(past, exported(past, tmp_path), BOTH, depth=depth)
    assert report.policy.ok, render(report)
    assert report.counts["unreplayed"] == 0
    assert as_json(report)["ok"] is True
    assert "NOT REPLAYED" not in render(report)
    assert not any("not replayed" in note for note in report.notes)


@pytest.mark.parametrize("depth", [Depth.FACTS, Depth.REPLAY])
def test_what_follows_rules_that_are_not_carried_is_said_and_never_called_good(
    past: Day, tmp_path: Path, depth: Depth
) -> None:
    path = exported(past, tmp_path)
    log = past.log()
    report = verified(past, path, ONLY_2, depth=depth)
    assert (report.integrity.ok, report.completeness.ok, report.policy.ok) == (True, True, None)
    assert report.exit_code == 0
    first, last = log.last("rules.adopted"), log.last("log.exported")
    said = (
        f"Entries {first} to {last} follow rules 3, which this release does not carry: "
        "5 decisions and leases are not replayed there. Release 9.9 can."
    )
    assert said in report.notes
    assert said in report.policy.sentence
    assert report.policy.sentence.startswith("Not replayed as a whole: 0 of 3 decisions allowed")
    assert report.counts["unreplayed"] == 5
    assert "policy       -" in render(report)
    assert as_json(report)["ok"] is None
    last_line = render(report).splitlines()[-1]
    assert last_line == (
        f"NOT REPLAYED: {last - first + 1} entries were not replayed, the rules of that stretch "
        "are not in this release. Exit 0 is no verdict on them."
    )


def test_a_program_can_require_that_everything_was_replayed(past: Day, tmp_path: Path) -> None:
    def verify(*options: str) -> typed.Done:
        words = (str(tmp_path / "log.tar"), "--key", vkey_of(past), *options)
        return typed.habeas("verify", *words, settings={}, folder=tmp_path)

    exported(past, tmp_path)
    assert verify().returncode == 0
    assert "NOT REPLAYED" in verify().stdout.splitlines()[-1]
    required = verify("--require-replay", "--json")
    assert (required.returncode, json.loads(required.stdout)["ok"]) == (1, None)
    assert "not everything was replayed" in required.stderr
    assert verify("--require-replay", "--without-replay").returncode == 2


def test_a_log_that_was_replayed_as_a_whole_meets_the_requirement(day: Day, tmp_path: Path) -> None:
    words = (str(exported(day, tmp_path)), "--key", vkey_of(day), "--require-replay")
    done = typed.habeas("verify", *words, settings={}, folder=tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_later_release_without_rules_2_names_the_release_that_can(told: Log) -> None:
    check = checked(told, ONLY_3)
    verdict = check.verdict(whole=True)
    assert verdict.ok is None, verdict
    first, *_, last = (at for at, leaf in enumerate(told.leaves) if leaf["kind"] == "rules.adopted")
    assert f"Entries {first} to {last - 1} follow rules 2" in verdict.sentence
    assert "Release 0.2 can." in verdict.sentence
    assert check.counts["unreplayed"] == 2
    assert check.counts["replayed"] == 5


def test_what_release_0_2_decided_is_replayed_by_rules_2(told: Log) -> None:
    """Rules 3 would have decided otherwise, and are not asked."""
    verdict = checked(told, {1: RULES_1, 2: RULES_3, 3: RULES_3}).verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == told.leaves.index(
        next(leaf for leaf in told.leaves if leaf["kind"] == "lease.changed")
    )
    assert checked(told, BOTH).verdict(whole=True).ok


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
    told: Log, forgery: str, replay: bool
) -> None:
    kind, facts, change = FORGERIES[forgery]
    at = told.last(kind, **facts)
    forged = told.forged(at, change)
    assert checked(told, BOTH, replay=replay).verdict(whole=True).ok
    verdict = checked(forged, BOTH, replay=replay).verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == at
    unjudged = checked(forged, ONLY_2, replay=replay).verdict(whole=True)
    assert unjudged.ok is None, "nobody says that it is good"


@pytest.mark.parametrize("carried", [ONLY_2, BOTH])
def test_no_rules_permit_a_prohibited_purpose(told: Log, carried: Mapping[int, Rules]) -> None:
    at = told.last("access.decided", outcome="permit")

    def change(leaf: Leaf) -> None:
        leaf["purpose"] = leaf["facts"]["purpose"] = "performance_evaluation"

    verdict = checked(told.forged(at, change), carried).verdict(whole=True)
    assert verdict.ok is False
    assert any(
        f"entry {at} permits 'performance_evaluation'" in finding for finding in verdict.findings
    )


def test_back_under_carried_rules_everything_is_decided_again(two_days: Day) -> None:
    """Also what rests on entries of the stretch between, which were taken for what they say."""
    restarted(two_days, RULES_2)
    two_days.poll(BOB)
    two_days.ask(ALICE, BOB)
    log = two_days.log()
    assert checked(log, BOTH).verdict(whole=True).ok
    check = checked(log, ONLY_2)
    assert check.verdict(whole=True).ok is None
    notice, remark = [one for one in check.notices if "rules" in one]
    back = log.last("rules.adopted", version=2)
    assert f" to {back - 1} follow rules 3" in notice
    assert remark == f"Entry {back} goes back from rules 3 to 2."
    at = log.last("access.decided")
    verdict = checked(log.forged(at, permitted), ONLY_2).verdict(whole=True)
    assert verdict.ok is False, "BOB withdrew under rules 3, and a permit under rules 2 is wrong"
    assert verdict.first_bad == at


FOLDED: Mapping[str, tuple[str, Callable[[Leaf, Log], object], str]] = {
    "a publication": (
        "policy.published",
        lambda leaf, _log: leaf["facts"].update(
            valid_from=leaf["integrated_at"], direction="widens"
        ),
        "says that it widens",
    ),
    "the number of a withdrawal": (
        "consent.withdrawn",
        lambda leaf, _log: leaf["facts"].update(seq=9),
        "says seq 9",
    ),
    "a resume by one person": (
        "policy.resumed",
        lambda leaf, log: leaf.update(
            actor=log.leaves[log.last("policy.resume_proposed")]["actor"]
        ),
        "resumes US-CA without two people",
    ),
    "a use": (
        "access.used",
        lambda leaf, _log: leaf["facts"].update(decision=leaf["event"]),
        "names another decision",
    ),
    "a refusal with a grant": (
        "access.decided",
        lambda leaf, _log: leaf["facts"].update(outcome="deny", reasons=["stopped"]),
        "refuses and yet names a grant",
    ),
    "the time of a lease": (
        "lease.changed",
        lambda leaf, _log: leaf.update(occurred_at="2026-11-16T08:00:00.000000Z"),
        "occurred at 2026-11-16T08:00:00.000000Z, before",
    ),
    "a stop of nothing": (
        "policy.stopped",
        lambda leaf, _log: leaf["facts"].pop("region"),
        "lacks what its kind must say",
    ),
    "a use of nothing": (
        "access.used",
        lambda leaf, _log: leaf["facts"].pop("grant"),
        "lacks what its kind must say",
    ),
}


@pytest.mark.parametrize("forgery", FOLDED)
def test_what_is_folded_is_judged_whatever_the_rules(told: Log, forgery: str) -> None:
    kind, change, words = FOLDED[forgery]
    at = told.last(kind)
    assert at > told.last("rules.adopted")
    assert checked(told, ONLY_2).verdict(whole=True).ok is None

    def forge(leaf: Leaf) -> None:
        change(leaf, told)

    verdict = checked(told.forged(at, forge), ONLY_2).verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == at
    assert f"entry {at} {words}" in verdict.findings[0]


def test_an_entry_under_other_rules_that_cannot_be_taken_is_a_finding(told: Log) -> None:
    at = told.last("policy.published")
    name = told.leaves[at]["facts"]["policy"]
    documents = {other: body for other, body in told.documents.items() if other != name}
    verdict = checked(Log(told.leaves, documents), ONLY_2).verdict(whole=True)
    assert verdict.ok is False
    assert f"entry {at} names the document {name}, which is not here" in verdict.findings[0]


def test_versions_that_were_left_out_and_a_way_back_are_remarked_on(told: Log) -> None:
    at = told.last("rules.adopted")

    def leap(leaf: Leaf) -> None:
        leaf["facts"]["version"] = 99

    remark = f"Entry {at} adopts rules 99; the highest known before are 2."
    assert remark in checked(told.forged(at, leap), ONLY_2).notices
    assert not any("highest known" in one for one in checked(told, ONLY_2).notices)


WRONG_ADOPTIONS: Mapping[str, tuple[Mapping[str, object], str]] = {
    "of no version": ({"facts": {"version": 0, "release": "9.9"}}, "which is no version"),
    "of a text": ({"facts": {"version": "2", "release": "9.9"}}, "version: is no number"),
    "of a truth": ({"facts": {"version": True, "release": "9.9"}}, "version: is no number"),
    "of what holds": ({"facts": {"version": 2, "release": "9.9"}}, "which hold already"),
    "without a release": ({"facts": {"version": 3}}, "lacks what its kind must say"),
    "by a consumer": ({"actor": {"kind": "consumer", "id": "pipeline"}}, "in somebody's name"),
}


@pytest.mark.parametrize("wrong", WRONG_ADOPTIONS)
def test_rules_that_are_adopted_wrongly_are_named(told: Log, wrong: str) -> None:
    changes, words = WRONG_ADOPTIONS[wrong]
    at = told.last("rules.adopted")
    verdict = checked(told.forged(at, lambda leaf: leaf.update(changes)), BOTH).verdict(whole=True)
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
    past: Day, tmp_path: Path, chosen: Callable[[Day], Selection]
) -> None:
    report = verified(past, exported(past, tmp_path, chosen(past)), ONLY_2)
    assert report.integrity.ok
    assert report.completeness.ok is not False
    assert report.ok, render(report)
