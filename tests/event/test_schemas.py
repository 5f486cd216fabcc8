"""The published schemas take exactly what our own readers take."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.schema import SCHEMAS, SchemaMaker
from app.event.reading import read_event
from app.event.schema import counterparties_schema, event_schema
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.vocabulary import FieldKind, Mode, Signal
from app.policy.counterparties import SINCE, Counterparties, counterparty_document
from app.policy.knobs import REGISTRY
from tests import typed
from tests.event.events import EVENTS, JSON_VALUES, a_place, a_screenshot, an_event, broken_events
from tests.policy.next_form import GAZE, NEXT

ROOT = Path(__file__).parents[2]
FILES = {"event": "event.schema.json", "counterparties": "counterparties.schema.json"}
"""Where each schema is committed, under openapi/."""
Takes = Callable[[object], bool]
NO_SUCH_DAY = "at: is no day of the calendar; write a day that exists"


def validator(schema: dict[str, Any]) -> Takes:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema).is_valid


@pytest.fixture(scope="module")
def event_fits() -> Takes:
    return validator(event_schema())


@pytest.fixture(scope="module")
def counterparties_fit() -> Takes:
    return validator(counterparties_schema())


def is_read(value: object) -> bool:
    """Whether our reader takes a value; days that do not exist are beyond a schema."""
    try:
        read_event(value)
    except ValueError as error:
        return str(error) == NO_SUCH_DAY
    return True


@given(value=EVENTS)
def test_a_whole_event_fits_its_schema(event_fits: Takes, value: object) -> None:
    assert event_fits(value)


@given(value=broken_events() | JSON_VALUES)
def test_the_schema_of_an_event_takes_what_the_reader_takes_and_nothing_else(
    event_fits: Takes, value: object
) -> None:
    assert event_fits(value) is is_read(value)


AT_THE_EDGE = [
    an_event(counterparties=["DE\n"]),
    an_event(counterparties=["EU"]),
    an_event(at="2026-11-16T08:30:00Z\n"),
    an_event(at="2026-02-30T08:30:00Z"),
    an_event(title="x" * 8_192),
    an_event(title="x" * 8_193),
    an_event(title="😀" * 8_192),
    an_event(field=""),
    an_event(field="x" * 8_193),
    an_event(frames=["https://a.example/"] * 64),
    an_event(frames=["https://a.example/"] * 65),
    an_event(pictured=[]),
    an_event(pictured=None),
    an_event(signal="screenshot"),
    a_screenshot(a_place(), a_place(title=None)),
    a_screenshot(an_event()),
    a_screenshot(*[a_place()] * 65),
    {**a_screenshot(), "pictured": {}},
    {"signal": "screenshot"},
    {},
    [],
    None,
]


@pytest.mark.parametrize("value", AT_THE_EDGE, ids=range(len(AT_THE_EDGE)))
def test_schema_and_reader_agree_at_the_edges(event_fits: Takes, value: object) -> None:
    assert event_fits(value) is is_read(value)


REGIONS = st.sampled_from(["DE", "NO", "US-CA", "CA-QC"])
ROWS = st.fixed_dictionaries({signal: st.sampled_from(Mode) for signal in Signal})


@given(rows=st.dictionaries(REGIONS, ROWS))
def test_the_counterparty_document_that_is_written_fits_its_schema(
    counterparties_fit: Takes, rows: dict[str, dict[Signal, Mode]]
) -> None:
    assert counterparties_fit(a_counterparty_document(rows))


def a_counterparty_document(rows: dict[str, dict[Signal, Mode]]) -> dict[str, Any]:
    form = max(SINCE, REGISTRY.newest)
    return parse_canonical(canonical(counterparty_document(Counterparties(rows), form)))


BROKEN_COUNTERPARTIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another kind": lambda whole: whole.update(kind="policy"),
    "an older form": lambda whole: whole.update(v=1),
    "a region above countries": lambda whole: whole["regions"].update(EU=whole["unknown"]),
    "a region that is none": lambda whole: whole["regions"].update(Germany=whole["unknown"]),
    "a member more": lambda whole: whole.update(until="2027"),
    "a signal less": lambda whole: whole["regions"]["DE"].pop("click"),
    "a signal more": lambda whole: whole["regions"]["DE"].update(gaze="deny"),
    "a mode that is none": lambda whole: whole["unknown"].update(click="DENY"),
    "no row for nobody knows where": lambda whole: whole.pop("unknown"),
}


@pytest.mark.parametrize("fault", BROKEN_COUNTERPARTIES)
def test_a_counterparty_document_does_not_fit_with(counterparties_fit: Takes, fault: str) -> None:
    document = a_counterparty_document({"DE": dict.fromkeys(Signal, Mode.REDACT)})
    assert counterparties_fit(document)
    BROKEN_COUNTERPARTIES[fault](document)
    assert not counterparties_fit(document)


def test_a_new_signal_changes_the_schema_of_its_form_by_itself() -> None:
    row = counterparties_schema(NEXT)["$defs"]["row"]
    assert row["required"] == [*Signal, GAZE]


def test_the_schema_names_every_signal_and_every_field_word() -> None:
    schema = event_schema()
    assert schema["properties"]["signal"]["enum"] == list(Signal)
    assert schema["$defs"]["field"]["examples"] == list(FieldKind)


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_a_schema_is_printed_as_it_is_committed(name: str, schema: SchemaMaker) -> None:
    printed = typed.habeas("schema", name, settings={}).stdout
    assert json.loads(printed) == schema()
    committed = (ROOT / "openapi" / FILES[name]).read_text(encoding="utf-8")
    assert committed == printed, "openapi/ is out of date: make openapi"


def test_a_schema_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = typed.habeas("schema", "lease", settings={})
    assert done.returncode == 2
    assert all(name in done.stderr for name in SCHEMAS)
