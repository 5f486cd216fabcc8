"""Trying an event: the verdict is the guard's, and who is named for it is who decided it."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from app.capture.trial import OTHER_SIDE, Laptop, Told, Trial, as_json, trial
from app.event.reading import read_event
from app.event.verdict import Allowed, Denied
from app.kernel.canonical import parse_canonical
from app.kernel.forms import AGENT_FORM
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Reason
from app.policy.knobs import REGISTRY
from tests.agent_simulator import (
    BERLIN,
    BROWSER,
    AgentSimulator,
    LeaseOffice,
    event,
    place,
    policy_document,
)
from tests.event import events
from tests.event.ready import app, exclusion
from tests.fakes import FakeClock
from tests.policy.pace import unhurried

HOME = Laptop("Europe/Berlin")
ROOM = "https://team.slack.com/room"


def row(mode: str, **changes: str) -> dict[str, str]:
    """A row of the document about the other side."""
    return {**{signal.value: mode for signal in REGISTRY.signals_in(AGENT_FORM)}, **changes}


ROWS = {"DE": row("redact", key_content="deny"), "US-CA": row("allow"), "NO": row("deny")}
OTHERS = {"kind": "counterparties", "v": AGENT_FORM, "regions": ROWS, "unknown": row("deny")}


def told(**changes: Any) -> Told:
    """A document that leaves everything to the other side, with changes."""
    return Told(policy_document(counterparty="allow", **changes), OTHERS, ("Europe/Berlin",))


def tried(*, laptop: Laptop = HOME, signal: str = "click", **changes: Any) -> Trial:
    """A page in a listed chat, tried with changes to the event."""
    given = {"address": ROOM, "account": "lane@example.com", **changes}
    return trial(event(BROWSER, signal, **given), told(), laptop)


def test_what_nothing_narrows_is_nobody_s_decision() -> None:
    done = tried()
    assert done.verdict == Allowed(done.verdict.mode, "slack")  # type: ignore[union-attr]
    assert (done.knobs, done.regions, done.unknown, done.days) == ((), (), (), 30)


def test_the_other_side_is_named_with_the_strictest_of_its_regions() -> None:
    done = tried(counterparties=("US-CA", "DE"))
    assert as_json(done.verdict) == {"allowed": {"mode": "redact", "app": "slack"}}
    assert (done.knobs, done.regions) == ((OTHER_SIDE,), ("DE",))
    typed = tried(counterparties=("US-CA", "DE"), signal="key_content")
    assert typed.verdict == Denied(Refusal.COUNTERPARTY)
    assert (typed.knobs, typed.regions) == ((OTHER_SIDE,), ("DE",))


def test_a_region_that_nobody_knows_is_named_as_that() -> None:
    done = tried(counterparties=None)
    assert done.verdict == Denied(Refusal.COUNTERPARTY)
    assert done.regions == (None,)
    assert done.unknown == ("counterparties",)


def test_the_knob_about_others_is_told_from_their_own_rules() -> None:
    others = replace(told(), document=policy_document(counterparty="redact"))
    alone = trial(event(BROWSER, address=ROOM), others, HOME)
    assert alone.knobs == ("counterparty",)
    german = trial(event(BROWSER, address=ROOM, counterparties=("DE",)), others, HOME)
    assert german.knobs == ("counterparty", OTHER_SIDE)


@pytest.mark.parametrize(
    ("changes", "refusal", "knobs"),
    [
        ({"address": "https://bank.example/"}, Refusal.EXCLUDED, ("exclusions.banking",)),
        ({"address": "https://elsewhere.example/"}, Refusal.APP_UNLISTED, ("apps",)),
        ({"window": "unknown"}, Refusal.WINDOW_UNKNOWN, ("exclusions.banking",)),
        ({"field": "unknown"}, Refusal.FIELD_UNKNOWN, ("exclusions.banking",)),
        ({"address": "unknown"}, Refusal.ADDRESS_UNKNOWN, ()),
    ],
)
def test_a_refusal_names_what_it_rests_on(
    changes: dict[str, Any], refusal: Refusal, knobs: tuple[str, ...]
) -> None:
    done = tried(**changes)
    assert isinstance(done.verdict, Denied)
    assert (done.verdict.reason, done.knobs) == (refusal, knobs)


def test_of_exclusions_only_those_are_named_that_ask_about_what_is_unknown() -> None:
    asking = [exclusion("a", fields=["password"]), exclusion("b", titles=["slack: *hr*"])]
    own = [exclusion("own.c", titles=["*: *pay*"]), exclusion("own.d", titles=["vscode: *x*"])]
    document = policy_document(exclusions=asking, own_exclusions=own)
    done = trial(event(BROWSER, address=ROOM, title=None), replace(told(), document=document), HOME)
    assert done.verdict == Denied(Refusal.TITLE_UNKNOWN)
    assert done.knobs == ("exclusions.b", "own_exclusions.c")
    assert done.unknown == ("title", "account")


def test_a_signal_without_a_purpose_names_the_purposes() -> None:
    none = trial(event(BROWSER, address=ROOM), told(purposes=[]), HOME)
    assert (none.verdict, none.knobs) == (Denied(Refusal.SIGNAL_DENIED), ("purposes",))
    rows = {**policy_document()["signals"], "click": {"mode": "deny", "retention_days": 0}}
    denied = trial(event(BROWSER, address=ROOM), told(signals=rows), HOME)
    assert denied.knobs == ("signals.click.mode",)


def test_the_window_that_stands_in_the_way_of_a_picture_is_told() -> None:
    chat = place(BROWSER, address=ROOM, account="lane@example.com")
    bank = replace(chat, address="https://bank.example/")
    unsure = replace(chat, counterparties=None)
    assert tried(signal="screenshot", pictured=(chat, bank, unsure)).window == 2
    other = tried(signal="screenshot", pictured=(chat, unsure))
    assert (other.window, other.unknown) == (2, ("counterparties",))
    assert tried(signal="screenshot", pictured=(chat,)).window == 0
    assert tried(signal="screenshot", pictured=None).unknown == ("pictured",)


def test_it_is_the_first_window_without_which_the_picture_would_not_be_refused_so() -> None:
    chat = place(BROWSER, address=ROOM, account="lane@example.com")
    bank = replace(chat, address="https://bank.example/")
    unsure = replace(chat, counterparties=None)
    for own, *shown in product((chat, bank, unsure), repeat=4):
        changes = {**vars(own), "signal": "screenshot"}
        whole = tried(**changes, pictured=tuple(shown))
        fewer = (n for n in range(3) if tried(**changes, pictured=shown[:n]).said == whole.said)
        assert whole.window == (0 if isinstance(whole.said, Allowed) else next(fewer, 3))


def test_hours_are_judged_at_home_too_and_an_unknown_zone_is_outside() -> None:
    office = told(hours=list(range(8, 18)))
    for zone, reason in [("Europe/Berlin", None), ("Asia/Tokyo", Reason.OFF_HOURS)]:
        done = trial(event(BROWSER, address=ROOM), office, Laptop(zone))
        assert (done.verdict == Denied(Reason.OFF_HOURS)) == (reason is not None)
    for laptop, zones in [(Laptop(None), office.zones), (HOME, ("Etc/Unknown",))]:
        done = trial(event(BROWSER, address=ROOM), replace(office, zones=zones), laptop)
        assert done.knobs == ("off_hours", "hours")


def test_a_laptop_of_the_person_s_own_is_tried_as_that() -> None:
    done = tried(laptop=replace(HOME, personal=True))
    assert (done.verdict, done.knobs) == (Denied(Reason.PERSONAL_DEVICE), ("personal_device",))


def test_a_lease_that_says_off_is_the_verdict_and_what_would_be_is_told_next_to_it() -> None:
    off = replace(told(), off=(Reason.STOPPED, Reason.LEAD_TIME))
    done = trial(event(BROWSER, address=ROOM), off, HOME)
    assert done.verdict == Denied(Reason.STOPPED)
    assert isinstance(done.said, Allowed)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> tuple[AgentSimulator, FakeClock, Told]:
    """A guard, its clock, and the documents that it was sent."""
    clock = FakeClock()
    office = LeaseOffice(clock, document=DOCUMENT, others=ROWS)
    agent = AgentSimulator(tmp_path_factory.mktemp("laptop"), office, clock, zone=BERLIN)
    sent = agent.poll()
    assert sent.document is not None
    assert sent.counterparties is not None
    documents = (parse_canonical(sent.document), parse_canonical(sent.counterparties))
    return agent, clock, Told(*documents, ("Europe/Berlin",))


DOCUMENT = policy_document(
    counterparty="allow",
    screenshot_min_interval_s=0,
    hours=None,
    apps=[*policy_document()["apps"], app("github", urls=["github.com"])],
)


KNOWN = st.fixed_dictionaries(
    {},
    optional={
        "program": st.just({"id": BROWSER, "signer": "EQHXZ8M8AV", "executable": None}),
        "address": st.sampled_from([ROOM, "https://github.com/a", "https://bank.example/", None]),
        "frames": st.just([]),
        "window": st.just("ordinary"),
        "title": st.just("Room"),
        "field": st.sampled_from(["none", "text", "password"]),
        "counterparties": st.lists(st.sampled_from([*ROWS, "FR"]), max_size=2),
    },
)
EVENTS = st.builds(dict.__or__, events.EVENTS, KNOWN)
"""Whole events, of which members are replaced by such as a listed page has."""


@pytest.mark.parametrize("sort", [Allowed, Denied])
def test_some_of_the_events_are_kept_and_some_are_not(sort: type) -> None:
    documents = Told(DOCUMENT, OTHERS, ("Europe/Berlin",))
    first = settings(phases=[Phase.generate], database=None, max_examples=2_000)
    find(EVENTS, lambda raw: isinstance(_said(raw, documents), sort), settings=first)


def _said(raw: dict[str, Any], documents: Told) -> Allowed | Denied:
    return trial(read_event({**raw, "at": "2026-11-16T09:00:00Z"}), documents, HOME).verdict


@unhurried
@given(EVENTS)
def test_the_guard_on_a_laptop_says_the_same(
    laptop: tuple[AgentSimulator, FakeClock, Told], raw: dict[str, Any]
) -> None:
    agent, clock, documents = laptop
    seen = replace(read_event({**raw, "at": "2026-11-16T09:00:00Z"}), at=clock.now())
    assert agent.guard.may_capture(seen) == trial(seen, documents, HOME).verdict
