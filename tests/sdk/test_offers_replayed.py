"""An offer in the log that was never in force is found where it is shown.

Whoever agrees to more than there is lets every later policy in, so what was offered must follow
from the entries before it. Each forged log fits in everything else: decision and leases name the
offer.
"""

from collections.abc import Callable
from typing import Any

import pytest

from app.kernel.canonical import canonical, digest, parse_canonical
from tests.access.office import ALICE
from tests.sdk.agreeing import LITTLE, publish
from tests.sdk.day import Day, Log

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def agreed(day: Day) -> Log:
    """Alice agreed to pointer movement without content for 7 days, and holds a lease."""
    day.pair(ALICE)
    publish(day, signals=LITTLE)
    day.captured(ALICE)
    assert day.poll(ALICE) == ()
    return day.log()


def reoffered(log: Log, change: Change) -> Log:
    """The same log, in which another offer was shown and agreed to."""
    name = log.leaves[log.last("notice.shown")]["facts"]["offer"]
    offer = parse_canonical(log.documents[name])
    change(offer)
    body = canonical(offer)
    for at, leaf in enumerate(log.leaves):
        if leaf["facts"].get("offer") == name:
            log = log.forged(at, lambda leaf: leaf["facts"].update(offer=digest(body)))
    return Log(log.leaves, {**log.documents, digest(body): body})


def _more_content(offer: dict[str, Any]) -> None:
    offer["terms"]["knobs"]["signals.pointer.mode"]["value"] = "allow"


def _more_days(offer: dict[str, Any]) -> None:
    offer["terms"]["knobs"]["signals.pointer.retention_days"]["value"] = 30
    offer["retention_days"]["pointer"] = 30


def _wider_address(offer: dict[str, Any]) -> None:
    app = next(app for app in offer["terms"]["apps"] if app["id"] == "google_docs")
    app["match"]["urls"] = ["*.google.com"]


def _exclusion_gone(offer: dict[str, Any]) -> None:
    gone = offer["terms"]["exclusions"].pop()
    offer["terms"]["knobs"]["exclusions"]["value"].remove(gone["id"])


def _exclusion_narrower(offer: dict[str, Any]) -> None:
    item = next(item for item in offer["terms"]["exclusions"] if item["match"]["fields"])
    item["match"]["fields"] = item["match"]["fields"][1:]


def _nothing_said(offer: dict[str, Any]) -> None:
    offer["v"] = 1
    del offer["terms"]


def _two_accounts(offer: dict[str, Any]) -> None:
    offer["retention_days"]["pointer"] = 3


FORGERIES: dict[str, tuple[Change, str]] = {
    "content that was removed": (_more_content, "more than was in force: signals.pointer.mode"),
    "a longer keeping": (_more_days, "more than was in force: signals.pointer.retention_days"),
    "a wider address": (_wider_address, "more than was in force: apps.google_docs"),
    "without an exclusion": (_exclusion_gone, "more than was in force: exclusions, exclusions."),
    "a narrower exclusion": (_exclusion_narrower, "more than was in force: exclusions."),
    "as release 0.1 wrote it": (_nothing_said, "does not say what would be agreed to"),
    "with terms wider than its reader sees": (_two_accounts, "wider than what it names"),
}


def test_what_was_shown_follows_from_what_was_in_force(agreed: Log) -> None:
    assert reoffered(agreed, lambda _offer: None).findings() == ()


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_offer_that_was_never_in_force_is_found(agreed: Log, forgery: str) -> None:
    change, words = FORGERIES[forgery]
    verdict = reoffered(agreed, change).checked().verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == agreed.last("notice.shown")
    assert words in verdict.findings[0]


def test_an_offer_of_less_than_there_is_is_no_fault(agreed: Log) -> None:
    def narrower(offer: dict[str, Any]) -> None:
        offer["terms"]["knobs"]["screenshot_min_interval_s"]["value"] = 60

    findings = reoffered(agreed, narrower).findings()
    assert [one for one in findings if "offer" in one] == [], "only its leases say otherwise"
