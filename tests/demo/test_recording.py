"""The recorded day: made by its generator, read by the guard's reader, judged by the matcher."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.access.floor.terms import ALLOWED
from app.demo import make_recording
from app.event.model import Place, UiEvent
from app.event.reading import read_event
from app.event.rules import Circumstance, EventRules
from app.event.verdict import Allowed, judge
from app.kernel.forms import AGENT_FORM
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Reason, Signal
from app.policy.agreement import Limits
from app.policy.catalogue.packs import load_catalogue
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.law.packs import PolicyTexts, load_floors
from app.sdk.agent.recording import read_recording

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"
COMPANY = ROOT / "app" / "demo" / "data" / "company"
CALIFORNIA = ("US-CA", "US", "GLOBAL")
WORDS: dict[Reason | Refusal, str] = {
    Refusal.EXCLUDED: "excluded",
    Refusal.APP_UNLISTED: "unlisted",
    Refusal.ADDRESS_UNREADABLE: "unlisted",
}
NO_LIMIT = dict.fromkeys(map(str, Signal), "allow")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def recorded() -> tuple[UiEvent, ...]:
    return read_recording(make_recording.RECORDING)


@pytest.fixture(scope="module")
def rules() -> EventRules:
    """What the policy document says for an engineer in California, before any choice of hers."""
    catalogue = load_catalogue(POLICIES / "apps")
    texts = PolicyTexts(catalogue, ALLOWED)
    layers = [
        floor.at(NOW)
        for floor in load_floors(POLICIES / "regions", catalogue, ALLOWED)
        if floor.region in CALIFORNIA
    ]
    for region in ("US-CA", "US"):
        text = (COMPANY / f"{region}.yaml").read_bytes()
        layers.append(texts.read_company_policy(text, region).at(NOW))
    told = document(Limits(compile_layers(layers), catalogue), AGENT_FORM)
    others = {"regions": {"US-CA": NO_LIMIT, "US-NY": NO_LIMIT}, "unknown": {}}
    return EventRules.of(told, others, Circumstance((UTC,)))


def test_the_file_is_what_its_generator_makes() -> None:
    assert make_recording.RECORDING.read_bytes() == make_recording.recording()


def test_about_3000_events_of_all_signals_over_one_working_day(
    recorded: tuple[UiEvent, ...],
) -> None:
    assert 2_900 <= len(recorded) <= 3_100
    assert {event.signal for event in recorded} == set(Signal)
    assert recorded[-1].at - recorded[0].at < timedelta(hours=10)


def test_work_is_recognised_and_everything_else_is_refused(
    recorded: tuple[UiEvent, ...], rules: EventRules
) -> None:
    """The generator knows what each visit is; the verdict has to find it out."""
    expected = {
        **dict.fromkeys(map(_place, make_recording.UNLISTED), "unlisted"),
        **dict.fromkeys(map(_place, make_recording.HOSTILE), "refused"),
        **dict.fromkeys(map(_place, make_recording.UNKNOWN), "refused"),
        **dict.fromkeys(map(_place, make_recording.EXCLUDED), "excluded"),
        **dict.fromkeys(map(_place, make_recording.ROUND), "listed"),
        **dict.fromkeys(map(_place, make_recording.SPELLINGS), "listed"),
    }
    seen = {event.place: _verdict(event, rules) for event in recorded}
    assert seen.keys() == expected.keys()
    for place, verdict in seen.items():
        if expected[place] == "refused":
            assert verdict != "listed", place
        else:
            assert verdict == expected[place], place


def _place(visit: make_recording.RecordedVisit) -> Place:
    event = {"at": "2026-11-16T08:30:00Z", "signal": "click", **visit.place}
    return read_event(event).place


def _verdict(event: UiEvent, rules: EventRules) -> str:
    verdict = judge(event, rules)
    if isinstance(verdict, Allowed):
        return "listed"
    return WORDS.get(verdict.reason, str(verdict.reason))
