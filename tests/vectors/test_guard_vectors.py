"""The published events with their verdicts: whoever judges them says the same.

``tests/vectors/guard/*.json`` are for whoever builds a guard: a policy document, a counterparty
document, the zones, and events as a recorder writes them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.capture.trial import Laptop, Told, as_json, trial
from app.event.reading import read_event, read_event_text
from app.event.verdict import Denied
from app.kernel.refusals import Refusal

FOLDER = Path(__file__).parent / "guard"
FILES = {file.stem: json.loads(file.read_bytes()) for file in sorted(FOLDER.glob("*.json"))}


def cases() -> Iterator[Any]:
    """Each case with the file that it stands in."""
    for name, file in FILES.items():
        for case in file["cases"]:
            yield pytest.param(file, case, id=f"{name}: {case['name']}")


def test_there_are_vectors_and_no_two_cases_have_one_name() -> None:
    names = [(name, case["name"]) for name, file in FILES.items() for case in file["cases"]]
    assert len(names) >= 10
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("file", "case"), list(cases()))
def test_the_server_says_what_is_published(file: dict[str, Any], case: dict[str, Any]) -> None:
    assert tried(file, case["event"]) == case["verdict"]


def tried(file: dict[str, Any], event: object) -> dict[str, Any]:
    """What the server's tester says to an event, given as JSON text or as its value."""
    told = Told(file["document"], file["counterparties"], tuple(file["zones"]))
    try:
        read = read_event_text(event) if isinstance(event, str) else read_event(event)
    except ValueError:
        return as_json(Denied(Refusal.EVENT_UNREADABLE))
    return as_json(trial(read, told, Laptop(file["device_zone"], file["personal_device"])).verdict)
