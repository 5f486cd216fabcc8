"""The recorded day: made by its generator, read by the guard's reader, judged by the matcher."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.access.floor.terms import ALLOWED
from app.demo import make_recording
from app.kernel.vocabulary import Signal
from app.policy.agreement import Limits
from app.policy.catalogue.matching import match_app, match_exclusion
from app.policy.catalogue.packs import load_catalogue
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.law.packs import PolicyTexts, load_floors
from app.sdk.agent.event import UiEvent
from app.sdk.agent.recording import read_recording

ROOT = Path(__file__).parents[2]
POLICIES = ROOT / "policies"
COMPANY = ROOT / "app" / "demo" / "data" / "company"
CALIFORNIA = ("US-CA", "US", "GLOBAL")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """What an event says about where it happened."""

    app: str
    url: str | None
    field: str | None
    private: bool


@pytest.fixture(scope="module")
def recorded() -> tuple[UiEvent, ...]:
    return read_recording(make_recording.RECORDING)


@pytest.fixture(scope="module")
def rules() -> Mapping[str, Any]:
    """The policy document for an engineer in California, before any choice of hers."""
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
    return document(Limits(compile_layers(layers), catalogue))


def test_the_file_is_what_its_generator_makes() -> None:
    assert make_recording.RECORDING.read_bytes() == make_recording.recording()


def test_about_3000_events_of_all_signals_over_one_working_day(
    recorded: tuple[UiEvent, ...],
) -> None:
    assert 2_900 <= len(recorded) <= 3_100
    assert {event.signal for event in recorded} == set(Signal)
    assert recorded[-1].time - recorded[0].time < timedelta(hours=10)


def test_work_is_recognised_and_everything_else_is_refused(
    recorded: tuple[UiEvent, ...], rules: Mapping[str, Any]
) -> None:
    """The generator knows what each visit is; the matcher has to find it out."""
    expected = {
        **dict.fromkeys(map(_place, make_recording.UNLISTED), "unlisted"),
        **dict.fromkeys(map(_place, make_recording.HOSTILE), "refused"),
        **dict.fromkeys(map(_place, make_recording.EXCLUDED), "excluded"),
        **dict.fromkeys(map(_place, make_recording.ROUND), "listed"),
        **dict.fromkeys(map(_place, make_recording.SPELLINGS), "listed"),
    }
    seen = {_place(event): _verdict(event, rules) for event in recorded}
    assert seen.keys() == expected.keys()
    for place, verdict in seen.items():
        if expected[place] == "refused":
            assert verdict != "listed", place
        else:
            assert verdict == expected[place], place


def _place(seen: UiEvent | make_recording.RecordedVisit) -> Place:
    return Place(seen.app, seen.url, seen.field, seen.private)


def _verdict(event: UiEvent, rules: Mapping[str, Any]) -> str:
    if match_exclusion(event, rules) is not None:
        return "excluded"
    return "unlisted" if match_app(event, rules) is None else "listed"
