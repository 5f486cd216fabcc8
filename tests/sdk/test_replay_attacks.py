"""Forged logs in which everything fits but one thing that was decided.

Each case changes one entry of an honest log and makes index, streams and digests anew, as somebody
would who holds the log's key. The replay must name exactly that entry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from app.access.decision.decide import decide
from app.access.decision.record import entry_facts, facts_from_entry
from app.capture.directive import Circumstances, directive
from app.consent.model import Act
from app.kernel.clock import instant, timestamp
from app.kernel.facts import decode_part
from app.kernel.vocabulary import Signal
from tests.access.office import ALICE, BOB, HOUR, LAWYERS, MANAGER, RECRUITER, RESEARCHER
from tests.sdk.day import Day, Leaf, Log

Change = Callable[[Leaf], None]


@dataclass
class Scene:
    """An honest log, and where to lie in it."""

    log: Log
    at: int
    source: int | None
    change: Change
    words: str


def lease(**circumstances: Any) -> Change:
    """Make a lease say other circumstances, and the directive that follows from them."""

    def change(leaf: Leaf) -> None:
        facts = leaf["facts"] = {**leaf["facts"], **circumstances}
        again = directive(decode_part(Circumstances, facts), instant(leaf["occurred_at"]))
        facts["capture"] = "on" if again.capture else "off"
        facts["reasons"] = [str(reason) for reason in again.reasons]
        facts.setdefault("policy", None)

    return change


def decided(edit: Callable[[Leaf], None]) -> Change:
    """Change facts of a decision, and make the outcome follow from them."""

    def change(leaf: Leaf) -> None:
        facts = leaf["facts"]
        edit(facts)
        question, known = facts_from_entry(facts)
        again = decide(question, known)
        grant = "0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11" if again.permit else None
        leaf["facts"] = entry_facts(question, known, again, purposes=facts["purposes"], grant=grant)

    return change


def without(signal: str) -> dict[str, Any]:
    """The signals of the permissive policy, one of them denied."""
    allowed = {one.value: {"mode": "allow", "retention_days": 365} for one in Signal}
    return {**allowed, signal: {"mode": "deny"}}


def withdrawn(day: Day) -> Scene:
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    day.decide(ALICE, Act.WITHDRAWN)
    day.poll(ALICE)
    log = day.log()
    at, source = log.last("lease.changed"), log.last("consent.withdrawn")
    on = log.leaves[log.last("lease.changed", capture="on")]["facts"]
    return Scene(
        log, at, source, lease(standing="given", policy=on["policy"]),
        f"says the standing is given; by entry {source} it is withdrawn",
    )  # fmt: skip


def paused(day: Day) -> Scene:
    day.pair(ALICE)
    day.captured(ALICE)
    day.decide(ALICE, Act.PAUSED, day.now + HOUR)
    day.poll(ALICE)
    log = day.log()
    source = log.last("consent.paused")
    return Scene(
        log, log.last("lease.changed"), source, lease(standing="given"),
        f"says the standing is given; by entry {source} it is paused",
    )  # fmt: skip


def expired_pause(day: Day) -> Scene:
    """A refusal for a pause that was over."""
    day.captured(ALICE)
    day.decide(ALICE, Act.PAUSED, day.now + HOUR)
    day.clock.advance(2 * HOUR)
    day.ask(ALICE, captured_from=day.now - 4 * HOUR, captured_to=day.now - 4 * HOUR)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["people"][0] |= {"standing": "paused", "suffices_now": False, "scope": None}
        facts["scopes"] = []

    source = log.last("consent.given")
    words = f"says the standing of {day.pseudonym(ALICE)} is paused; by entry {source} it is given"
    return Scene(log, log.last("access.decided"), source, decided(change), words)


def expired(day: Day) -> Scene:
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    day.clock.advance(timedelta(days=366))
    day.poll(ALICE)
    log = day.log()
    source = log.last("consent.given")
    return Scene(
        log, log.last("lease.changed"), source, lease(standing="given"),
        f"says the standing is given; by entry {source} it is expired",
    )  # fmt: skip


def stopped(day: Day) -> Scene:
    day.captured(ALICE)
    day.stop("US-CA")
    day.ask(ALICE)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["policies"][0]["stopped"] = False

    source = log.last("policy.stopped")
    return Scene(
        log, log.last("access.decided"), source, decided(change),
        f"was stopped is false; by entry {source} it is true",
    )  # fmt: skip


def policy_version(day: Day) -> Scene:
    day.captured(ALICE)
    day.ask(ALICE)
    before = day.log().leaves[-1]["facts"]["policies"][0]
    day.tighten("US-CA", signals=without("click"))
    day.ask(ALICE)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["policies"][0] = before

    source = log.last("policy.published")
    return Scene(
        log, log.last("access.decided"), source, decided(change), f"by entry {source} they are"
    )


def region_floor(day: Day) -> Scene:
    """A person has moved to where the floor knows another basis; the lease is that of before."""
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    before = day.log().leaves[-1]["facts"]
    day.change(ALICE, region="DE", place="DE", entity="DE/Beispiel GmbH")
    day.poll(ALICE)
    log = day.log()

    def change(leaf: Leaf) -> None:
        leaf["facts"] = before

    source = log.last("directory.person")
    return Scene(
        log, log.last("lease.changed"), source, change,
        f"says that the region changed is false; by entry {source} it is true",
    )  # fmt: skip


def superior(day: Day) -> Scene:
    day.captured(ALICE)
    day.ask_for(MANAGER, ALICE)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["people"][0]["line"] = facts["people"][0]["line"][1:]

    source = log.last("directory.person", line=log.leaves[-1]["facts"]["people"][0]["line"])
    return Scene(
        log, log.last("access.decided"), source, decided(change), "says the line of superiors"
    )


def superior_of_late(day: Day) -> Scene:
    """The reporting line changed above somebody whose own entry did not."""
    day.captured(ALICE)
    day.change(MANAGER, manager=RESEARCHER.id)
    day.ask_for(RESEARCHER, ALICE)
    log = day.log()
    assert log.leaves[-1]["facts"]["reasons"] == ["caller_in_line"]
    above = day.pseudonym(RESEARCHER)

    def change(facts: Leaf) -> None:
        facts["people"][0]["line"].remove(above)

    return Scene(
        log, log.last("access.decided"), None, decided(change), "says the line of superiors"
    )


def recruiter(day: Day) -> Scene:
    """Somebody who asks on their own behalf has become a recruiter."""
    day.captured(ALICE)
    day.change(RESEARCHER, roles=RECRUITER.roles)
    day.ask_for(RESEARCHER, ALICE)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["on_behalf_functions"] = []

    source = log.last("directory.person")
    return Scene(
        log, log.last("access.decided"), source, decided(change),
        f"on whose behalf is asked are none; by entry {source} they are hr",
    )  # fmt: skip


def who_left(day: Day) -> Scene:
    day.captured(ALICE)
    day.leave(ALICE)
    day.ask(ALICE)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["people"][0]["left"] = False

    source = log.last("directory.person")
    return Scene(
        log, log.last("access.decided"), source, decided(change),
        f"is false; by entry {source} it is true",
    )  # fmt: skip


def revoked_device(day: Day) -> Scene:
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    on = day.log().leaves[-1]["facts"]
    day.revoke_device(ALICE)
    day.poll(ALICE)
    log = day.log()
    source = log.last("device.revoked")
    return Scene(
        log, log.last("lease.changed"), source, lease(device_active=True, policy=on["policy"]),
        f"says that the device is not revoked is true; by entry {source} it is false",
    )  # fmt: skip


def scope(day: Day) -> Scene:
    """More signals than the offer named."""
    day.tighten("US-CA", signals=without("screenshot"))
    day.captured(ALICE)
    day.ask(ALICE)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["scopes"][0]["signals"] = sorted([*facts["scopes"][0]["signals"], "screenshot"])

    source = log.last("consent.given")
    return Scene(
        log, log.last("access.decided"), source, decided(change), "says what was agreed to"
    )


def scope_at_its_source(day: Day) -> Scene:
    """The decision itself says more than the offer that it names."""
    day.tighten("US-CA", signals=without("screenshot"))
    day.opt_in(ALICE)
    log = day.log()

    def change(leaf: Leaf) -> None:
        leaf["facts"]["signals"] = sorted([*leaf["facts"]["signals"], "screenshot"])

    return Scene(log, log.last("consent.given"), None, change, "says signals")


def consent_at_capture(day: Day) -> Scene:
    """Agreed to only after the capture."""
    day.clock.advance(3 * HOUR)
    day.opt_in(ALICE)
    day.clock.advance(HOUR / 2)
    day.ask(ALICE)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["people"][0]["suffices_at_capture"] = True

    return Scene(
        log, log.last("access.decided"), log.last("consent.given"), decided(change),
        "sufficed all through the capture is true; by entry",
    )  # fmt: skip


def consumer(day: Day) -> Scene:
    day.captured(ALICE)
    day.register("pipeline", ["ai_training.evaluation"], ["training"])
    day.ask(ALICE)
    log = day.log()

    def change(facts: Leaf) -> None:
        facts["consumer_purposes"] = ["ai_training.computer_use"]

    source = log.last("access.consumer_registered")
    return Scene(
        log, log.last("access.decided"), source, decided(change),
        "says the purposes of the consumer are ai_training.computer_use; by entry",
    )  # fmt: skip


def widening_at_once(day: Day) -> Scene:
    """A policy that widens, published as one that does not and from now on."""
    day.tighten("US-CA", notice_lead_days={"value": 3}, hours={"value": {"mon": "08-18"}})
    day.publish("US-CA", LAWYERS, notice_lead_days={"value": 3})
    log = day.log()

    def change(leaf: Leaf) -> None:
        leaf["facts"] |= {"direction": "narrows", "valid_from": leaf["occurred_at"]}

    return Scene(log, log.last("policy.published"), None, change, "says that it narrows from")


def invented_policy(day: Day) -> Scene:
    """A row of a company policy that no entry published, with approvals that nobody gave."""
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    log = day.log()
    published = log.leaves[log.last("policy.published")]["facts"]["policy"]
    invented = "sha256:" + "7" * 64

    def change(leaf: Leaf) -> None:
        layers = [invented if one == published else one for one in leaf["facts"]["layers"]]
        leaf["facts"]["layers"] = sorted(layers)

    log.documents[invented] = log.documents[published]
    return Scene(log, log.last("lease.changed"), None, change, f"{invented}")


def one_person_twice(day: Day) -> Scene:
    day.publish("US-CA", LAWYERS, hours={"value": {"mon": "08-18"}})
    log = day.log()
    author = log.leaves[log.last("policy.proposed")]["actor"]

    def change(leaf: Leaf) -> None:
        leaf["actor"] = author

    return Scene(log, log.last("policy.approved"), None, change, "counts")


def resumed_alone(day: Day) -> Scene:
    day.stop("US-CA")
    day.resume("US-CA")
    log = day.log()
    proposer = log.leaves[log.last("policy.resume_proposed")]["actor"]

    def change(leaf: Leaf) -> None:
        leaf["actor"] = proposer

    return Scene(log, log.last("policy.resumed"), None, change, "resumes US-CA without two people")


def given_by_another(day: Day) -> Scene:
    day.opt_in(ALICE)
    log = day.log()
    other = day.pseudonym(MANAGER)

    def change(leaf: Leaf) -> None:
        leaf["actor"] = {"kind": "person", "id": other}

    return Scene(log, log.last("consent.given"), None, change, f"by {other}")


def longer_validity(day: Day) -> Scene:
    day.opt_in(ALICE)
    log = day.log()
    later = timestamp(day.now + timedelta(days=4000))

    def change(leaf: Leaf) -> None:
        leaf["facts"]["valid_until"] = later

    return Scene(log, log.last("consent.given"), None, change, "says valid_until")


def another_document(day: Day) -> Scene:
    """The lease names a policy document that nobody compiled for this person."""
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    log = day.log()
    other = next(name for name in log.documents if name != log.leaves[-1]["facts"]["policy"])

    def change(leaf: Leaf) -> None:
        leaf["facts"]["policy"] = other

    return Scene(log, log.last("lease.changed"), None, change, "says policy")


def longer_life(day: Day) -> Scene:
    day.tighten("US-CA", lease_ttl_s={"value": 60})
    day.pair(ALICE)
    day.poll(ALICE)

    def change(leaf: Leaf) -> None:
        leaf["facts"]["ttl_s"] = 900

    log = day.log()
    return Scene(log, log.last("lease.changed"), None, change, "by the log 60 s are allowed")


def somebody_elses_device(day: Day) -> Scene:
    day.pair(ALICE)
    day.pair(BOB)
    day.captured(ALICE)
    day.decide(ALICE, Act.WITHDRAWN)
    day.poll(ALICE)
    log = day.log()
    other = day.devices[BOB.id].id

    def change(leaf: Leaf) -> None:
        leaf["facts"]["device"] = other
        leaf["actor"] = {"kind": "device", "id": other}

    return Scene(log, log.last("lease.changed"), None, change, "a lease for the device of")


def filed_under_another(day: Day) -> Scene:
    """A use that the person asked about would never see in their own stream."""
    day.captured(ALICE)
    day.ask(ALICE)
    log = day.log()
    other = day.pseudonym(BOB)

    def change(leaf: Leaf) -> None:
        leaf["subjects"] = [other]

    return Scene(log, log.last("access.decided"), None, change, "filed under other people")


def invented_person(day: Day) -> Scene:
    day.captured(ALICE)
    day.ask(ALICE)
    log = day.log()
    nobody = "p_" + "0" * 32

    def change(leaf: Leaf) -> None:
        leaf["subjects"] = [nobody]
        leaf["facts"]["people"][0]["person"] = nobody

    return Scene(
        log, log.last("access.decided"), None, change, "whom no entry of the directory names"
    )


def another_instant(day: Day) -> Scene:
    """Decided after a withdrawal, and dated before it."""
    day.captured(ALICE)
    day.ask(ALICE)
    log = day.log()
    before = timestamp(day.now - HOUR)

    def change(leaf: Leaf) -> None:
        leaf["facts"]["asked_at"] = before

    return Scene(log, log.last("access.decided"), None, change, "was decided at")


SCENES = (
    withdrawn, paused, expired_pause, expired, stopped, policy_version, region_floor, superior,
    superior_of_late, recruiter, who_left, revoked_device, scope, scope_at_its_source,
    consent_at_capture, consumer, widening_at_once, invented_policy, one_person_twice,
    resumed_alone, given_by_another, longer_validity, another_document, longer_life,
    somebody_elses_device, filed_under_another, invented_person, another_instant,
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_one_lie_in_a_log_that_fits_is_named(day: Day, scene: Callable[[Day], Scene]) -> None:
    told = scene(day)
    assert told.log.findings() == ()
    verdict = told.log.forged(told.at, told.change).checked().verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == told.at
    assert any(told.words in finding for finding in verdict.findings), verdict.findings
    assert all(finding.startswith(f"entry {told.at} ") for finding in verdict.findings)
