"""The published events with their verdicts: whoever judges them says the same.

``tests/vectors/guard/*.json`` are for whoever builds a guard: a policy document, a counterparty
document, the zones, and events as a recorder writes them.
"""

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.event import verdict
from app.event.reading import read_event
from app.event.schema import counterparties_schema, event_schema, policy_schema
from app.event.unknowns import UnknownRow, unknown_rows
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import FieldKind, Signal
from app.policy.knob_row import ModeCap
from app.policy.knobs import REGISTRY
from tests.event.test_schemas import NO_SUCH_DAY
from tests.event.validator import validator
from tests.vectors.judges import JUDGES, LEASES_BEGIN, UNREADABLE, JsonObject, Judge, read

FOLDER = Path(__file__).parent / "guard"
FILES = {file.stem: json.loads(file.read_bytes()) for file in sorted(FOLDER.glob("*.json"))}
CASES = [(name, case) for name, file in FILES.items() for case in file["cases"]]


def without(knob: str, value: object) -> Callable[[JsonObject], JsonObject]:
    return lambda file: {"document": {**file["document"], knob: value}}


LEFT_OUT: dict[str, Callable[[JsonObject], JsonObject]] = {
    "exclusions": without("exclusions", []),
    "own exclusions": without("own_exclusions", []),
    "tenants": without("tenants", []),
    "hours": without("hours", None),
    "off hours": without("off_hours", "allow"),
    "personal device": without("personal_device", "allow"),
    "counterparty": without("counterparty", "allow"),
    "purposes": without("purposes", ["ai_training.computer_use"]),
    "counterparty document": lambda _: {"counterparties": None},
    "zones at home": lambda _: {"zones": []},
    "the laptop's zone": lambda file: {"device_zone": (file["zones"] or ["UTC"])[0]},
    "whose laptop it is": lambda _: {"personal_device": False},
}
"""What a guard might not look at, and what it would go by then."""


def expected(file: JsonObject) -> dict[str, Any]:
    return {case["name"]: case["verdict"] for case in file["cases"]}


def has_a_lease(case: JsonObject) -> bool:
    seen = read(case["event"])
    return seen is None or seen.at >= LEASES_BEGIN


def said(judge: Judge, file: JsonObject, cases: list[JsonObject]) -> dict[str, Any]:
    return {case["name"]: judge(file, case["event"]) for case in cases}


def test_there_are_more_than_300_events_and_no_two_have_one_name() -> None:
    names = [(name, case["name"]) for name, case in CASES]
    assert len(names) > 300
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("judge", sorted(JUDGES.keys() - {"guard"}))
@pytest.mark.parametrize("name", FILES)
def test_every_judge_says_what_is_published(judge: str, name: str) -> None:
    file = FILES[name]
    assert said(JUDGES[judge], file, file["cases"]) == expected(file)


@pytest.mark.parametrize("name", FILES)
def test_the_guard_with_a_lease_says_what_is_published(name: str) -> None:
    file = FILES[name]
    cases = list(filter(has_a_lease, file["cases"]))
    assert said(JUDGES["guard"], file, cases) == expected({"cases": cases})


def test_the_guard_refuses_an_instant_that_no_lease_can_cover() -> None:
    ancient = [
        (file, case) for file in FILES.values() for case in file["cases"] if not has_a_lease(case)
    ]
    said_of = [JUDGES["guard"](file, case["event"]) for file, case in ancient]
    assert said_of == [{"denied": "event_outside_lease"}] * len(ancient)
    assert ancient


@pytest.mark.parametrize("part", LEFT_OUT)
def test_a_guard_that_leaves_a_part_of_the_documents_out_is_found(part: str) -> None:
    """Without the part some verdict changes."""
    assert any(
        said(JUDGES["rules"], {**file, **left}, file["cases"]) != expected(file)
        for file in FILES.values()
        for left in (LEFT_OUT[part](file),)
    )


# What the events are about


def test_every_refusal_of_the_verdict_occurs() -> None:
    source = inspect.getsource(verdict)
    named = {Refusal[name] for name in re.findall(r"Refusal\.([A-Z_]+)", source)}
    caps = {row.use.refusal for row in REGISTRY.knobs if isinstance(row.use, ModeCap)}
    occurring = {case["verdict"].get("denied") for _, case in CASES}
    assert len(named) > 10
    assert {str(one) for one in (*named, *caps, Refusal.EVENT_UNREADABLE)} <= occurring


def test_every_signal_and_every_field_word_occurs() -> None:
    events = [case["event"] for _, case in CASES if read(case["event"])]
    objects = [event for event in events if isinstance(event, dict)]
    assert {event["signal"] for event in objects} == set(Signal)
    assert {event["field"] for event in objects} >= set(FieldKind)


@pytest.mark.parametrize("row", list(unknown_rows()), ids=lambda row: row.member)
def test_every_row_of_the_table_of_unknowns_occurs(row: UnknownRow) -> None:
    unknown = UNKNOWN[row.member]
    reasons = [
        case["verdict"].get("denied")
        for _, case in CASES
        if isinstance(case["event"], dict) and read(case["event"]) and unknown(case["event"])
    ]
    assert row.reason in reasons


UNKNOWN: dict[str, Callable[[JsonObject], bool]] = {
    "program": lambda event: event["program"]["id"] is event["program"]["executable"] is None,
    "program.signer": lambda event: event["program"]["signer"] is None,
    "address": lambda event: event["address"] == "unknown",
    "window": lambda event: event["window"] == "unknown",
    "field": lambda event: event["field"] == "unknown",
    **{
        name: lambda event, name=name: event[name] is None  # type: ignore[misc]
        for name in ("frames", "title", "account", "counterparties")
    },
    "pictured": lambda event: event["signal"] == "screenshot" and event.get("pictured") is None,
}


# The schemas that are published


@pytest.mark.parametrize("name", FILES)
def test_documents_fit_their_schemas(name: str) -> None:
    assert validator(policy_schema())(FILES[name]["document"])
    others = FILES[name]["counterparties"]
    assert others is None or validator(counterparties_schema())(others)


def test_the_schema_takes_every_event_that_can_be_read() -> None:
    fits = validator(event_schema())
    for name, case in CASES:
        if read(case["event"]) is not None:
            assert fits(value_of(case["event"])), (name, case["name"])


def test_the_schema_refuses_every_event_that_cannot() -> None:
    """Days that do not exist are beyond a schema, and so is what is wrong with a text of JSON."""
    fits = validator(event_schema())
    unreadable = [case for _, case in CASES if case["verdict"] == UNREADABLE]
    objects = [case for case in unreadable if not isinstance(case["event"], str)]
    assert len(objects) > 100
    taken = [case["event"] for case in objects if fits(case["event"])]
    assert {fault_of(event) for event in taken} == {NO_SUCH_DAY}


def value_of(event: object) -> object:
    return json.loads(event) if isinstance(event, str) else event


def fault_of(event: object) -> str:
    with pytest.raises(ValueError, match="at") as fault:
        read_event(event)
    return str(fault.value)
