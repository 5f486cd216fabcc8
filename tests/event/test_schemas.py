"""The schema of events takes exactly what our own reader takes; every schema is published."""

import json
from pathlib import Path

import pytest
from hypothesis import given

from app.cli.schema import SCHEMAS, SchemaMaker
from app.event.reading import read_event
from app.event.schema import event_schema
from app.kernel.vocabulary import FieldKind, Signal
from tests import typed
from tests.event.events import EVENTS, JSON_VALUES, a_place, a_screenshot, an_event, broken_events
from tests.event.validator import Takes, validator

ROOT = Path(__file__).parents[2]
FILES = {
    "event": "event.schema.json",
    "policy": "policy-document.schema.json",
    "counterparties": "counterparties.schema.json",
}
"""Where each schema is committed, under openapi/."""
NO_SUCH_DAY = "at: is no day of the calendar; write a day that exists"


@pytest.fixture(scope="module")
def event_fits() -> Takes:
    return validator(event_schema())


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
