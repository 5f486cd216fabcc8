"""Which events a policy lets through, once a lease says on."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.event.model import WindowKind
from app.event.reading import read_event
from app.kernel.forms import AGENT_FORM
from app.kernel.refusals import REPORTABLE, Refusal
from app.kernel.vocabulary import Mode, Reason, Signal
from app.policy.knobs import REGISTRY
from app.sdk.agent.guard import Allowed, Denied, Guard
from tests.agent_simulator import (
    BROWSER,
    CHAT,
    EDITOR,
    AgentSimulator,
    LeaseOffice,
    event,
    place,
    policy_document,
)
from tests.event.events import an_event
from tests.fakes import FakeClock


@pytest.fixture
def judge(tmp_path: Path, clock: FakeClock):
    """A guard under a policy that differs from the usual one as said."""

    def under(*, personal: bool = False, **changes: object) -> Guard:
        office = LeaseOffice(clock, document=policy_document(**changes))
        agent = AgentSimulator(tmp_path / "agent", office, clock)
        agent.guard._personal = personal
        agent.poll()
        return agent.guard

    return under


def _signals(**modes: str) -> dict[str, object]:
    return {
        signal.value: {"mode": modes.get(signal.value, "allow"), "retention_days": 1}
        for signal in REGISTRY.signals_in(AGENT_FORM)
    }


def test_a_listed_app_is_captured_under_its_id(judge):
    assert judge().may_capture(event()) == Allowed(Mode.ALLOW, "vscode")


@pytest.mark.parametrize(
    "words",
    [
        {"window": "private"},
        {"window": "unknown"},
        {"window": "incognito"},
        {"field": "password"},
        {"field": "current-password\n"},
        {"field": "unknown"},
    ],
)
def test_a_text_that_stands_for_a_word_of_a_list_is_no_event(judge, words):
    """Python does not check types: a recorder's ``"private"`` is not ``WindowKind.PRIVATE``."""
    policy = judge()
    refused = Denied(Refusal.EVENT_UNREADABLE)
    odd = replace(place(), **words)
    assert policy.may_capture(replace(event(), place=odd)) == refused
    assert policy.may_capture(event(signal="screenshot", pictured=(odd,))) == refused


def test_a_time_without_a_zone_is_no_event(judge, clock):
    here = replace(event(), at=clock.now().astimezone().replace(tzinfo=None))
    assert judge().may_capture(here) == Denied(Refusal.EVENT_UNREADABLE)


def test_a_screenshot_in_a_text_is_no_event_either(judge):
    shot = event(signal="screenshot", pictured=None)
    policy = judge()
    assert policy.may_capture(shot) == Denied(Refusal.PICTURE_UNKNOWN)
    assert policy.may_capture(replace(shot, signal="screenshot")) == Denied(
        Refusal.EVENT_UNREADABLE
    )


def test_the_json_text_of_an_event_is_judged_as_its_members_are(judge, clock):
    policy = judge()
    program = {"id": EDITOR, "signer": "UBF8T346G9", "executable": None}
    members = an_event(at=clock.now().isoformat(), program=program, address=None)
    text = json.dumps(members)
    for written in (members, text, text.encode()):
        assert policy.may_capture(written) == Allowed(Mode.ALLOW, "vscode")
    for broken in (text[:-1], text.encode("utf-16"), b"\xff", "", b"", text + "x"):
        assert policy.may_capture(broken) == Denied(Refusal.EVENT_UNREADABLE)


def test_an_unlisted_app_is_not(judge):
    answer = judge().may_capture(event("com.spotify.client"))
    assert answer == Denied(Refusal.APP_UNLISTED)


@pytest.mark.parametrize(
    "seen",
    [
        {"address": "https://bank.example/accounts"},
        {"field": "password"},
        {"window": "private"},
    ],
)
def test_an_excluded_place_is_never_captured_not_even_in_a_listed_app(judge, seen):
    assert judge().may_capture(event(**seen)) == Denied(Refusal.EXCLUDED, "banking")


def test_a_denied_signal_is_not_captured(judge):
    guard = judge(signals=_signals(key_content="deny"))
    assert guard.may_capture(event(signal="key_content")) == Denied(Refusal.SIGNAL_DENIED)


def test_where_no_purpose_is_left_nothing_is_captured(judge):
    assert judge(purposes=[]).may_capture(event()) == Denied(Refusal.SIGNAL_DENIED)


def test_a_redacted_signal_says_so(judge):
    guard = judge(signals=_signals(key_content="redact"))
    assert guard.may_capture(event(signal="key_content")) == Allowed(Mode.REDACT, "vscode")


@pytest.mark.parametrize(
    ("signal", "counterparty", "expected"),
    [
        ("allow", "redact", Allowed(Mode.REDACT, "slack")),
        ("redact", "allow", Allowed(Mode.REDACT, "slack")),
        ("allow", "allow", Allowed(Mode.ALLOW, "slack")),
        ("allow", "deny", Denied(Refusal.COUNTERPARTY)),
        ("deny", "allow", Denied(Refusal.SIGNAL_DENIED)),
    ],
)
def test_where_others_speak_too_the_stricter_mode_holds(judge, signal, counterparty, expected):
    guard = judge(signals=_signals(click=signal), counterparty=counterparty)
    assert guard.may_capture(event("slack")) == expected


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-11-16T07:00:00Z", True),  # Monday, 08:00 in Berlin
        ("2026-11-16T16:59:59Z", True),
        ("2026-11-16T06:59:59Z", False),
        ("2026-11-16T17:00:00Z", False),
        ("2026-11-15T09:00:00Z", False),  # Sunday
        ("2026-11-16T07:30:00+01:00", False),
        ("2026-11-16T09:30:00+03:00", False),  # the same instant: the offset means nothing
    ],
)
def test_hours_are_judged_in_the_laptops_zone_whatever_the_offset_says(judge, clock, at, allowed):
    clock.at = datetime.fromisoformat(at)
    guard = judge(hours=list(range(8, 18)))
    answer = guard.may_capture(event(at=datetime.fromisoformat(at)))
    assert answer == (Allowed(Mode.ALLOW, "vscode") if allowed else Denied(Reason.OFF_HOURS))


def test_outside_the_hours_a_policy_may_redact_instead(judge):
    guard = judge(hours=[], off_hours="redact")
    assert guard.may_capture(event()) == Allowed(Mode.REDACT, "vscode")


def test_an_own_laptop_is_not_captured_where_the_policy_denies_it(judge):
    assert judge(personal=True).may_capture(event()) == Denied(Reason.PERSONAL_DEVICE)


@pytest.fixture
def agent(tmp_path: Path, clock: FakeClock) -> AgentSimulator:
    return AgentSimulator(tmp_path / "agent", LeaseOffice(clock), clock)


def _at(agent: AgentSimulator, seconds: float) -> Allowed | Denied:
    """What the guard says about an event so many seconds from now."""
    at = agent.clock.now() + timedelta(seconds=seconds)
    return agent.guard.may_capture(event(at=at))


OUTSIDE = Denied(Refusal.EVENT_OUTSIDE_LEASE)


@pytest.mark.parametrize("seconds", [-86_400 * 365, -61, 61, 86_400])
def test_law_1_an_event_from_before_the_lease_or_from_the_future_is_denied(agent, seconds):
    agent.poll()
    assert _at(agent, seconds) == OUTSIDE


@pytest.mark.parametrize("seconds", [-60, 0, 60])
def test_clocks_of_recorder_and_service_may_differ_by_a_minute(agent, seconds):
    agent.poll()
    assert isinstance(_at(agent, seconds), Allowed)


def test_an_event_of_the_lease_before_is_still_good_while_capture_stayed_on(agent):
    for _ in range(5):
        agent.poll()
        agent.wait(600)
    assert isinstance(_at(agent, -2_900), Allowed)
    assert _at(agent, -3_100) == OUTSIDE


def test_nothing_happens_after_the_end_of_the_lease(agent):
    agent.poll()
    agent.wait(870)
    assert isinstance(_at(agent, 29), Allowed)
    assert _at(agent, 30) == OUTSIDE


def pause(agent: AgentSimulator) -> None:
    office = agent._office
    office.reasons = (Reason.STOPPED,)
    agent.wait(1)
    agent.poll()
    agent.wait(300)
    office.reasons = ()


def decide_anew(agent: AgentSimulator) -> None:
    agent._office.consent_seq += 2  # withdrawn and given between two polls


BREAKS = {
    "the lease ended": lambda agent: agent.wait(1_000),
    "capture was off": pause,
    "the person withdrew and agreed again": decide_anew,
    "the agent was started anew": lambda agent: agent.restart(),
    "the service was not understood": lambda a: a.guard.turn_off(Refusal.SERVER_ANSWER),
}


@pytest.mark.parametrize("sentence", BREAKS)
def test_law_7_what_happened_before_capture_came_back_is_denied_when(agent, sentence):
    agent.poll()
    agent.wait(300)
    held_back = event(at=agent.clock.now())
    assert isinstance(agent.guard.may_capture(held_back), Allowed)
    agent.wait(100)
    BREAKS[sentence](agent)
    agent.poll()
    assert agent.captures
    assert agent.guard.may_capture(held_back) == OUTSIDE


@pytest.mark.parametrize(
    "raw",
    [
        {},
        an_event(at="2026-11-16T10:00:00"),
        an_event(at="yesterday"),
        an_event(signal="mood"),
        an_event(window=False),
        an_event(text="hello"),
        {name: value for name, value in an_event().items() if name != "window"},
    ],
)
def test_law_7_an_event_that_cannot_be_read_is_denied(judge, raw):
    assert judge().may_capture(raw) == Denied(Refusal.EVENT_UNREADABLE)


@pytest.mark.parametrize("broken", [None, 7, [], "click", object()])
def test_law_7_nonsense_in_place_of_an_event_is_denied(judge, broken):
    assert isinstance(judge().may_capture(broken), Denied)


def test_law_7_a_broken_clock_denies(judge, clock, monkeypatch):
    guard = judge()

    def broken() -> datetime:
        raise OSError("no clock")

    monkeypatch.setattr(clock, "now", broken)
    assert guard.may_capture(event()) == Denied(Refusal.INTERNAL)
    assert guard.state is Refusal.INTERNAL


modes = st.sampled_from(["deny", "redact", "allow"])
documents = st.fixed_dictionaries(
    {
        "signals": st.fixed_dictionaries(
            {
                s.value: st.fixed_dictionaries({"mode": modes, "retention_days": st.just(1)})
                for s in REGISTRY.signals_in(AGENT_FORM)
            }
        ),
        "hours": st.none() | st.just([]) | st.just(list(range(168))),
        "off_hours": modes,
        "counterparty": modes,
        "personal_device": modes,
    }
)
events = st.builds(
    event,
    st.sampled_from([EDITOR, CHAT, BROWSER, "com.spotify.client"]),
    st.sampled_from([str(signal) for signal in Signal]),
    address=st.sampled_from([None, "https://bank.example/", "https://a.slack.com/x"]),
    window=st.sampled_from(list(WindowKind)),
)


def _rank(answer: Allowed | Denied) -> int:
    return int(answer.mode) if isinstance(answer, Allowed) else 0


@settings(max_examples=60, deadline=None)
@given(documents, events, st.sampled_from(["signal", "off_hours", "counterparty", "hours"]))
def test_law_7_a_stricter_policy_never_allows_more(tmp_path_factory, changes, seen, knob):
    def ask(changes: dict[str, object]) -> int:
        clock = FakeClock()
        office = LeaseOffice(clock, document=policy_document(**changes))
        agent = AgentSimulator(tmp_path_factory.mktemp("agent"), office, clock)
        agent.poll()
        return _rank(agent.guard.may_capture(seen))

    stricter = dict(changes)
    if knob == "signal":
        stricter["signals"] = {
            **changes["signals"],
            seen.signal.value: {"mode": "deny", "retention_days": 0},
        }
    elif knob == "hours":
        stricter["hours"] = []
    else:
        stricter[knob] = "deny"
    assert ask(stricter) <= ask(changes)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_reading_an_event_ends_in_an_event_or_a_value_error(value):
    with pytest.raises(ValueError, match=r"."):
        read_event(value)


def test_every_reason_the_guard_can_give_may_be_reported():
    assert {str(reason) for reason in (*Reason, *Refusal)} == REPORTABLE
