"""The recorded day: made by its generator, read by the guard's reader, judged by the matcher."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.demo import make_recording
from app.demo.day.visits import BETWEEN, ROUND
from app.event.model import UiEvent
from app.event.rules import Circumstance, EventRules
from app.event.verdict import Allowed, judge
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Reason, Signal
from app.sdk.agent.recording import read_recording
from tests.vectors.california import documents

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"
COMPANY = ROOT / "app" / "demo" / "data" / "company"
CALIFORNIA = ("US-CA", "US", "GLOBAL")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

LEFT_OUT = {
    # A lease is the guard's own to check; the day is judged without one.
    Refusal.NO_LEASE,
    Refusal.LEASE_UNREADABLE,
    Refusal.LEASE_EXPIRED,
    Refusal.LEASE_FROM_FUTURE,
    Refusal.LEASE_ROLLED_BACK,
    Refusal.LEASE_JUMPED,
    Refusal.LEASE_FORKED,
    Refusal.LEASE_NOT_FRESH,
    Refusal.AGENT_TOO_OLD,
    Refusal.OTHER_DEVICE,
    Refusal.POLICY_MISMATCH,
    Refusal.POLICY_UNREADABLE,
    Refusal.CLOCK_ROLLED_BACK,
    Refusal.CLOCK_JUMPED,
    Refusal.STATE_UNREADABLE,
    Refusal.SERVER_ANSWER,
    Refusal.KEYS_REFUSED,
    Refusal.KEYS_EXPIRED,
    Refusal.EVENT_OUTSIDE_LEASE,
    Refusal.SCREENSHOT_INTERVAL,
    Refusal.INTERNAL,
    # A recording with such an event is not read at all.
    Refusal.EVENT_UNREADABLE,
    # In California every signal may be kept.
    Refusal.SIGNAL_DENIED,
}
"""Why an event may be refused that the day does not show."""


@pytest.fixture(scope="module")
def recorded() -> tuple[UiEvent, ...]:
    return read_recording(make_recording.RECORDING)


@pytest.fixture(scope="module")
def rules() -> EventRules:
    """What the two documents say for an engineer in California, before any choice of hers."""
    return EventRules.of(*documents(), Circumstance((UTC,)))


def test_the_file_is_what_its_generator_makes() -> None:
    assert make_recording.RECORDING.read_bytes() == make_recording.recording()


def test_about_3000_events_of_all_signals_over_one_working_day(
    recorded: tuple[UiEvent, ...],
) -> None:
    assert 2_900 <= len(recorded) <= 3_100
    assert {event.signal for event in recorded} == set(Signal)
    assert recorded[-1].at - recorded[0].at < timedelta(hours=10)


def test_each_event_is_answered_as_its_visit_says(
    recorded: tuple[UiEvent, ...], rules: EventRules
) -> None:
    """The generator knows what each visit is; the verdict has to find it out."""
    for event, act in zip(recorded, make_recording.acts(), strict=True):
        assert _answer(event, rules) == act.visit.answer.to(act.signal), (act.visit, act.signal)


def test_every_app_of_the_day_is_captured_in_every_signal_that_is_used_there(
    recorded: tuple[UiEvent, ...], rules: EventRules
) -> None:
    seen = list(zip(recorded, make_recording.acts(), strict=True))
    for visit in ROUND:
        events = [event for event, act in seen if act.visit is visit]
        assert len(events) > 5
        assert all(isinstance(judge(event, rules), Allowed) for event in events)


def test_the_day_shows_every_reason_that_can_be_seen_in_california(
    recorded: tuple[UiEvent, ...], rules: EventRules
) -> None:
    seen = {_answer(event, rules)[0] for event in recorded} - {None}
    assert seen == set(Refusal) - LEFT_OUT


@pytest.mark.parametrize(("region", "app"), [("DE", "slack"), ("FR", "zendesk")])
def test_clicks_with_germany_and_france_are_redacted_and_no_text_or_picture_is_kept(
    recorded: tuple[UiEvent, ...], rules: EventRules, region: str, app: str
) -> None:
    events = [event for event in recorded if event.place.counterparties == (region,)]
    verdicts = {event.signal: judge(event, rules) for event in events}
    kept = {
        signal: (verdict.mode, verdict.app)
        for signal, verdict in verdicts.items()
        if isinstance(verdict, Allowed)
    }
    assert kept[Signal.CLICK] == (Mode.REDACT, app)
    assert verdicts.keys() - kept.keys() == {
        Signal.KEY_TIMING,
        Signal.KEY_CONTENT,
        Signal.SCREENSHOT,
    }


def test_every_visit_is_made(recorded: tuple[UiEvent, ...]) -> None:
    made = {id(act.visit) for act in make_recording.acts()}
    assert made == {id(visit) for visit in (*ROUND, *BETWEEN)}


def _answer(event: UiEvent, rules: EventRules) -> tuple[Reason | Refusal | None, str | None]:
    verdict = judge(event, rules)
    if isinstance(verdict, Allowed):
        return None, None
    return verdict.reason, verdict.exclusion
