"""Whoever acted held the role for it, by the entries of the directory; the verifier names others.

The service asks its tables. In these logs a table said for a while what no entry says, or the entry
says another actor than there was.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.audit.entries.model import Kind
from app.kernel.authority import Role, RoleRow, write_rows
from app.kernel.canonical import digest
from app.policy.timeline import SKEW
from app.sdk.verify.replay.decisions import DecisionCheck
from tests.access.office import ALICE, BOB, LAWYERS, MANAGER
from tests.sdk.day import Day, Leaf, Log

LAWYER = LAWYERS[0]
MINUTE = timedelta(minutes=1)


def named(log: Log, at: int) -> list[str]:
    """What is found of an entry."""
    findings = log.checked().verdict(whole=True).findings
    return [finding for finding in findings if finding.startswith(f"entry {at} ")]


def by(pseudonym: str) -> Callable[[Leaf], None]:
    def change(leaf: Leaf) -> None:
        leaf["actor"] = {"kind": "person", "id": pseudonym}

    return change


def older(log: Log, *, regions: bool = False, rows: bool = False) -> Log:
    """The log as a release wrote it that did not say these yet."""
    leaves = []
    for leaf in log.leaves:
        if leaf["kind"] == "roles.adopted" and rows:
            continue
        without = {"roles"} if leaf["kind"] == "directory.person" and regions else set()
        facts = {name: value for name, value in leaf["facts"].items() if name not in without}
        leaves.append({**leaf, "facts": facts})
    return log.restamped(leaves)


# What an honest log says ------------------------------------------------------------------------


def test_every_act_of_an_eventful_day_was_by_somebody_who_held_the_role(eventful_log: Log) -> None:
    check = eventful_log.checked()
    assert check.verdict(whole=True).ok
    assert check.counts["acts"] > 10
    assert check.counts["acts.unshown"] == 0
    assert not [notice for notice in check.notices if "need a role" in notice]


@pytest.mark.parametrize("kind", [
    "policy.proposed", "policy.approved", "policy.published", "policy.stopped",
    "policy.resume_proposed", "policy.resumed", "access.consumer_registered", "consent.revoked",
])  # fmt: skip
def test_each_act_by_somebody_without_the_role_is_named(
    eventful_day: Day, eventful_log: Log, kind: str
) -> None:
    at, nobody = eventful_log.last(kind), eventful_day.pseudonym(MANAGER)
    (finding, *_) = named(eventful_log.forged(at, by(nobody)), at)
    assert f"is an act of {nobody}, who by entry " in finding
    assert " had no role for that: to " in finding


@pytest.mark.parametrize(
    "kind", ["policy.approved", "policy.stopped", "access.consumer_registered"]
)
def test_an_act_of_nobody_and_an_act_of_a_program_are_named(eventful_log: Log, kind: str) -> None:
    at = eventful_log.last(kind)
    (unknown, *_) = named(eventful_log.forged(at, by("p_" + "0" * 32)), at)
    assert "who no entry before names" in unknown

    def program(leaf: Leaf) -> None:
        leaf["actor"] = {"kind": "system", "id": "habeas"}

    (finding, *_) = named(eventful_log.forged(at, program), at)
    assert "is by system:habeas, where a person must act" in finding


# A role that only a row had -----------------------------------------------------------------------


def test_a_role_that_a_row_had_for_a_minute_approves_nothing(day: Day) -> None:
    """What the service believed of a table, the log does not say; so today's sample is named."""
    day.change(LAWYERS[1], roles=())
    day.log()
    day.clock.advance(2 * SKEW)
    day.publish("US-CA", LAWYERS, hours={"value": {"mon": "08-18"}})
    log, who = day.log(), day.pseudonym(LAWYERS[1])
    approved = log.last("policy.approved")
    source = log.last("directory.person")
    said = f"is an act of {who}, who by entry {source} had no role for that: to approve policy"
    assert named(log, approved) == [f"entry {approved} {said} in US-CA as legal"]
    assert log.checked().verdict(whole=True).first_bad == approved


def test_a_role_of_another_region_stops_nothing_here(day: Day) -> None:
    day.change(LAWYER, roles=(Role("legal", "DE"),))
    day.log()
    day.clock.advance(2 * SKEW)
    day.stop("US-CA")
    log = day.log()
    at = log.last("policy.stopped")
    (finding,) = named(log, at)
    assert finding.endswith("to stop capture in US-CA")


def test_whoever_may_stop_a_country_may_stop_a_part_of_it(day: Day) -> None:
    day.change(LAWYER, roles=(Role("dpo", "US"),))
    day.log()
    day.clock.advance(2 * SKEW)
    day.stop("US-CA")
    assert day.log().findings() == ()


@pytest.mark.parametrize(("later", "is_named"), [(SKEW - MINUTE, False), (SKEW + MINUTE, True)])
def test_what_began_before_a_role_was_lost_may_end_just_after(
    day: Day, later: timedelta, is_named: bool
) -> None:
    day.change(LAWYER, roles=())
    day.log()
    day.clock.advance(later)
    day.stop("US-CA")
    log = day.log()
    assert bool(named(log, log.last("policy.stopped"))) is is_named


def test_who_has_left_acts_no_more(day: Day) -> None:
    day.leave(LAWYER)
    day.log()
    day.clock.advance(2 * SKEW)
    day.stop("US-CA")
    log = day.log()
    assert named(log, log.last("policy.stopped"))


def test_an_own_laptop_is_revoked_without_a_role_and_another_only_with_one(day: Day) -> None:
    day.pair(ALICE)
    day.revoke_device(ALICE)
    log = day.log()
    assert log.findings() == ()
    at = log.last("device.revoked")
    assert named(log.forged(at, by(day.pseudonym(BOB))), at)
    assert not named(log.forged(at, by(day.pseudonym(LAWYER))), at)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("device.paired", "what only"), ("notice.shown", "what is for"), ("consent.given", "decides")],
)
def test_what_is_a_persons_own_act_is_nobody_elses(
    eventful_day: Day, eventful_log: Log, kind: str, words: str
) -> None:
    at, other = eventful_log.last(kind), eventful_day.pseudonym(LAWYER)
    (finding,) = named(eventful_log.forged(at, by(other)), at)
    assert other in finding
    assert words in finding


# What older entries do not say ------------------------------------------------------------------


def test_where_no_entry_says_what_roles_may_nothing_is_shown_and_nothing_found(
    eventful_log: Log,
) -> None:
    check = older(eventful_log, rows=True, regions=True).checked()
    assert check.verdict(whole=True).ok
    assert check.counts["acts"] == check.counts["acts.unshown"] > 10
    (said,) = [notice for notice in check.notices if "need a role" in notice]
    count = check.counts["acts"]
    assert said.startswith(f"Of {count} acts that need a role, {count} are not shown")


def test_where_entries_say_roles_without_regions_a_role_of_that_name_is_not_shown(
    eventful_day: Day, eventful_log: Log
) -> None:
    log = older(eventful_log, regions=True)
    check = log.checked()
    assert check.verdict(whole=True).ok
    assert check.counts["acts.unshown"] > 0
    at = log.last("policy.approved")
    assert named(log.forged(at, by(eventful_day.pseudonym(MANAGER))), at), "no role of any region"


def test_an_entry_whose_functions_are_not_its_roles_is_named(eventful_log: Log) -> None:
    at = eventful_log.last("directory.person")

    def change(leaf: Leaf) -> None:
        leaf["facts"]["roles"] = [["auditor", None]]

    (finding,) = named(eventful_log.forged(at, change), at)
    assert "names other functions than those of its roles" in finding


# The rows ----------------------------------------------------------------------------------------


def test_what_roles_may_is_what_the_log_says_of_them_then(eventful_log: Log) -> None:
    """Rows that let nobody stop, adopted last, make nothing before them wrong."""
    rows = write_rows([RoleRow("legal", "region", "policy", "approve", "allow")])
    at = eventful_log.last("roles.adopted")
    then = {name: eventful_log.leaves[-1][name] for name in ("occurred_at", "integrated_at")}
    adopted = {**eventful_log.leaves[at], **then, "facts": {"policy": digest(rows)}}
    after = {**eventful_log.leaves[eventful_log.last("policy.stopped")], **then}
    log = eventful_log.restamped([*eventful_log.leaves, adopted, after])
    log.documents = {**log.documents, digest(rows): rows}
    findings = log.checked().verdict(whole=True).findings
    assert [finding.split(" ")[1] for finding in findings] == [str(len(log.leaves) - 1)]
    assert findings[0].endswith("to stop capture in US-CA")


def test_rows_that_are_not_here_are_named(eventful_log: Log) -> None:
    name = eventful_log.leaves[eventful_log.last("roles.adopted")]["facts"]["policy"]
    documents = {key: body for key, body in eventful_log.documents.items() if key != name}
    check = DecisionCheck(documents.get)
    for position, leaf in enumerate(eventful_log.leaves):
        check.see(position, leaf)
    verdict = check.verdict(whole=True)
    assert f"names the document {name}, which is not here" in verdict.findings[0]


def test_what_the_rows_allow_a_consumer_is_asked_of_the_log(eventful_log: Log) -> None:
    at = eventful_log.last("access.decided", outcome="permit")

    def change(leaf: Leaf) -> None:
        leaf["facts"]["role_policy"] = False

    (finding, *_) = named(eventful_log.forged(at, change), at)
    assert "says role_policy False; by the log it is True" in finding


def test_every_kind_that_a_person_does_in_a_role_is_asked_about(eventful_log: Log) -> None:
    """A kind that is new is placed: it needs a role here, or it is on this list with the reason."""
    check = eventful_log.checked()
    assert check.replay is not None
    assert {kind for kind in Kind if kind in check.replay.acts.kinds} | NO_ROLE.keys() == set(Kind)
    assert not NO_ROLE.keys() & check.replay.acts.kinds


SYSTEM = "the program itself does it"
OWN = "a person decides about themselves"
MACHINE = "a device or a consumer does it, and its own entries are held against those before"
CUSTODIANS = "two custodians signed for it, which is checked where it stands"
NO_ROLE: dict[Kind, str] = {
    **dict.fromkeys(
        (
            Kind.LOG_OPENED, Kind.LOG_CUSTODIANS_ADOPTED, Kind.LOG_WITNESSES_ADOPTED,
            Kind.RULES_ADOPTED, Kind.ROLES_ADOPTED, Kind.SEALS_ADOPTED, Kind.ALARM_RAISED,
            Kind.KEYS_ADOPTED, Kind.DOOR_REFUSED,
            Kind.POLICY_FLOOR_ADOPTED, Kind.POLICY_CATALOGUE_SHIPPED, Kind.POLICY_PURPOSES_ADOPTED,
            Kind.NOTICE_ADOPTED,
        ),
        SYSTEM,
    ),
    Kind.POLICY_CATALOGUE_ADOPTED: "by the program, or by the second of two people",
    **dict.fromkeys((Kind.LOG_RESTORED, Kind.SUBJECT_ERASED, Kind.SEALS_REBUILT), CUSTODIANS),
    **dict.fromkeys(
        (
            Kind.SESSION_STARTED, Kind.SESSION_ENDED, Kind.NOTICE_SHOWN, Kind.CONSENT_GIVEN,
            Kind.CONSENT_REFUSED, Kind.CONSENT_ACKNOWLEDGED, Kind.CONSENT_WITHDRAWN,
            Kind.CONSENT_PAUSED, Kind.CONSENT_RESUMED, Kind.DEVICE_PAIRED,
        ),
        OWN,
    ),
    **dict.fromkeys(
        (
            Kind.DEVICE_PAIRING_STARTED, Kind.DEVICE_TOKEN_ISSUED, Kind.LEASE_CHANGED,
            Kind.AGENT_REPORTED, Kind.ACCESS_DECIDED, Kind.ACCESS_USED,
        ),
        MACHINE,
    ),
}  # fmt: skip
