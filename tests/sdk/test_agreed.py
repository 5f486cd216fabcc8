"""Nothing wider than agreed: what laptops are told, what consumers read, what the log proves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.access.decision.model import AccessReason
from app.consent.model import Act
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.wiring.shipped import Shipped
from tests.access.office import ALICE, BOB, HOUR, TRAINING, codes
from tests.sdk.agreeing import (
    LITTLE,
    MORE,
    agree_to_files,
    document,
    edited,
    pointer,
    publish,
    restart,
    signals,
)
from tests.sdk.day import Day

DAY = timedelta(days=1)


@pytest.fixture
def agreed(day: Day) -> Day:
    """Alice agreed to pointer movement without content, kept for 7 days."""
    for one in (ALICE, BOB):
        day.pair(one)
    publish(day, signals=LITTLE)
    day.captured(ALICE)
    return day


# Policies


def test_what_two_people_publish_does_not_reach_who_agreed_to_less(agreed: Day) -> None:
    assert pointer(document(agreed, ALICE)) == ("redact", 7)
    publish(agreed, signals=MORE)
    agreed.opt_in(BOB)
    assert pointer(document(agreed, BOB)) == ("allow", 30)
    assert pointer(document(agreed, ALICE)) == ("redact", 7)
    agreed.opt_in(ALICE)
    assert pointer(document(agreed, ALICE)) == ("allow", 30)
    assert agreed.log().findings() == ()


def test_a_consumer_reads_nothing_that_is_older_than_agreed(agreed: Day) -> None:
    publish(agreed, signals=MORE)
    agreed.opt_in(BOB)
    start = agreed.now
    agreed.clock.advance(6 * DAY)
    asked = {"signals": ("pointer",), "captured_from": start, "captured_to": start + HOUR}
    assert agreed.ask(ALICE, **asked).decision
    agreed.clock.advance(DAY)
    assert codes(agreed.ask(ALICE, **asked)) == [AccessReason.RETENTION_PASSED]
    assert codes(agreed.ask(ALICE, BOB, **asked)) == [AccessReason.RETENTION_PASSED]
    assert agreed.ask(BOB, **asked).decision
    assert agreed.log().findings() == ()


def test_a_permit_says_for_how_many_of_the_agreed_days_data_may_be_kept(agreed: Day) -> None:
    publish(agreed, signals=MORE)
    agreed.opt_in(BOB)
    agreed.clock.advance(HOUR)
    asked = {"signals": ("pointer",), "captured_from": agreed.now, "captured_to": agreed.now}

    def retain_days(*people: Any) -> int:
        return int(agreed.entry_of(agreed.ask(*people, **asked))["facts"]["retain_days"])

    assert (retain_days(ALICE), retain_days(BOB), retain_days(ALICE, BOB)) == (7, 30, 7)


def test_what_was_captured_under_less_stays_bound_to_it_after_agreeing_to_more(
    agreed: Day,
) -> None:
    start = agreed.now
    agreed.clock.advance(HOUR)
    publish(agreed, signals=MORE)
    agreed.opt_in(ALICE)
    agreed.clock.advance(8 * DAY)
    asked = {"signals": ("pointer",), "captured_from": start, "captured_to": start + HOUR / 2}
    assert codes(agreed.ask(ALICE, **asked)) == [AccessReason.RETENTION_PASSED]
    later = {**asked, "captured_from": start + 2 * HOUR, "captured_to": start + 3 * HOUR}
    assert agreed.ask(ALICE, **later).decision
    assert agreed.log().findings() == ()


def test_narrowing_applies_at_once_and_coming_back_needs_no_new_act(agreed: Day) -> None:
    before = document(agreed, ALICE)
    agreed.tighten("US-CA", signals=signals(pointer=("deny", 0), click=("redact", 3)))
    assert pointer(document(agreed, ALICE)) == ("deny", 0)
    assert document(agreed, ALICE)["signals"]["click"] == {"mode": "redact", "retention_days": 3}
    publish(agreed, signals=MORE)
    back = document(agreed, ALICE)
    assert {**back, "layers": None} == {**before, "layers": None}
    assert agreed.log().findings() == ()


KNOBS: dict[str, dict[str, Any]] = {
    "counterparty": {"value": "deny"},
    "redactors": {"value": ["bank_accounts", "person_names"]},
    "screenshot_min_interval_s": {"value": 600},
    "hours": {"value": {"mon": "09-12"}},
    "purposes": {"value": [TRAINING]},
}


@pytest.mark.parametrize("knob", KNOBS)
def test_other_knobs_are_agreed_to_as_well(day: Day, knob: str) -> None:
    day.pair(ALICE)
    day.pair(BOB)
    publish(day, **{knob: KNOBS[knob]})
    day.opt_in(ALICE)
    before = document(day, ALICE)[knob]
    publish(day)
    day.opt_in(BOB)
    assert document(day, ALICE)[knob] == before
    assert document(day, BOB)[knob] != before


def test_what_was_agreed_to_rests_behind_a_pause_and_comes_back_as_it_was(agreed: Day) -> None:
    before = document(agreed, ALICE)
    agreed.decide(ALICE, Act.PAUSED, agreed.now + HOUR)
    publish(agreed, signals=MORE)
    agreed.decide(ALICE, Act.RESUMED)
    assert document(agreed, ALICE)["signals"] == before["signals"]
    assert agreed.log().findings() == ()


# The catalogue


def _wider(catalogue: Catalogue) -> App:
    docs = catalogue.apps["google_docs"]
    return replace(docs, match=replace(docs.match, urls=("*.google.com", "docs.google.com")))


def _reused(catalogue: Catalogue) -> App:
    return replace(catalogue.apps["google_docs"], match=Matchers(urls=("bank.example",)))


def _no_browser(catalogue: Catalogue) -> App:
    browser = next(app for app in catalogue.apps.values() if app.browser)
    return replace(browser, group="documents")


def _narrow_exclusion(catalogue: Catalogue) -> Exclusion:
    return replace(next(iter(catalogue.exclusions.values())), match=Matchers(fields=("nothing",)))


EDITS: dict[str, Callable[[Catalogue], App | Exclusion]] = {
    "a wider address": _wider,
    "an id for another app": _reused,
    "no browser any more": _no_browser,
    "an exclusion of less": _narrow_exclusion,
}


def matchers(written: dict[str, Any]) -> dict[str, Any]:
    """How apps are recognised, whether they are browsers, and exclusions."""
    apps = {app["id"]: {**app["match"], "group": app["group"]} for app in written["apps"]}
    return {"apps": apps, "exclusions": {one["id"]: one["match"] for one in written["exclusions"]}}


@pytest.mark.parametrize("edit", EDITS)
def test_a_file_that_was_edited_reaches_nobody_who_agreed_before(
    agreed: Day, shipped: Shipped, edit: str
) -> None:
    before, item = matchers(document(agreed, ALICE)), EDITS[edit](shipped.catalogue)
    restart(agreed, edited(shipped, item))
    agree_to_files(agreed)
    agreed.opt_in(BOB)
    after, new = matchers(document(agreed, ALICE)), matchers(document(agreed, BOB))
    kind = "apps" if isinstance(item, App) else "exclusions"
    assert new[kind][item.id] != before[kind][item.id], "it does reach who agrees now"
    if isinstance(item, App):
        left = after["apps"].pop(item.id, None)
        was = before["apps"].pop(item.id)
        assert left is None or set(left["urls"]) <= set(was["urls"])
        assert left is None or not (was["group"] == "browser" and left["programs"])
    else:
        assert set(after["exclusions"].pop(item.id)["fields"]) >= {"nothing"}
        before["exclusions"].pop(item.id)
    assert after == before
    assert agreed.log().findings() == ()


def test_an_exclusion_that_is_gone_goes_on_for_who_agreed_before(
    agreed: Day, shipped: Shipped
) -> None:
    name, before = next(iter(shipped.catalogue.exclusions)), document(agreed, ALICE)
    restart(agreed, edited(shipped, without=name))
    agree_to_files(agreed)
    after = document(agreed, ALICE)
    assert after["exclusions"] == before["exclusions"]
    assert name in {item["id"] for item in after["exclusions"]}
    assert agreed.log().findings() == ()


def test_an_app_that_is_new_in_the_file_reaches_only_who_agrees_after(
    agreed: Day, shipped: Shipped
) -> None:
    new = App("new_app", "New", "documents", Matchers(urls=("new.example.com",)))
    before = document(agreed, ALICE)["apps"]
    restart(agreed, edited(shipped, new))
    publish(agreed, signals=LITTLE)
    agreed.opt_in(BOB)
    assert "new_app" in {app["id"] for app in document(agreed, BOB)["apps"]}
    assert document(agreed, ALICE)["apps"] == before
