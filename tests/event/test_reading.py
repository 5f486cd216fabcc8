"""An event is read strictly: whatever is not exactly an event is a fault that names its member."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.event.model import UiEvent, WindowKind
from app.event.reading import MAX_ITEMS, MAX_JSON, MAX_TEXT, read_event, read_event_text
from app.kernel.vocabulary import FieldKind, Signal
from tests.event.events import (
    EVENTS,
    JSON_VALUES,
    a_place,
    a_screenshot,
    an_event,
    broken_events,
)

FAULT = re.compile(r"(the event|[a-z_]+(\[\d+\])?(\.[a-z_]+(\[\d+\])?)*): .+; .+")
"""Member, problem, what to write."""


def fault(value: object) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is what is looked at
        read_event(value)
    assert FAULT.fullmatch(str(caught.value)), str(caught.value)
    return str(caught.value)


def fault_of_text(text: str | bytes) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - as above
        read_event_text(text)
    assert FAULT.fullmatch(str(caught.value)), str(caught.value)
    return str(caught.value)


def test_an_event_says_when_which_signal_and_where() -> None:
    event = read_event(an_event())
    assert event.at == datetime(2026, 11, 16, 16, 30, 0, 125_000, tzinfo=UTC)
    assert event.signal is Signal.CLICK
    assert event.place.program.signer == "EQHXZ8M8AV"
    assert event.place.window is WindowKind.ORDINARY
    assert event.place.field is FieldKind.NONE
    assert event.place.frames == () == event.place.counterparties
    assert event.pictured is None


def test_an_offset_carries_no_meaning() -> None:
    here, there = "2026-11-16T08:30:00-08:00", "2026-11-16T16:30:00Z"
    assert read_event(an_event(at=here)) == read_event(an_event(at=there))


def test_what_is_not_known_is_told_apart_from_what_is_not_there() -> None:
    unknown = read_event(an_event(frames=None, counterparties=None, title=None)).place
    empty = read_event(an_event(frames=[], counterparties=[], title="")).place
    assert (unknown.frames, unknown.counterparties, unknown.title) == (None, None, None)
    assert (empty.frames, empty.counterparties, empty.title) == ((), (), "")


def test_a_picture_of_one_window_alone_says_so_and_without_a_list_is_not_known() -> None:
    assert read_event(a_screenshot()).pictured == ()
    assert read_event(an_event(signal="screenshot")).pictured is None
    assert read_event(an_event(signal="screenshot", pictured=None)).pictured is None


def test_every_window_of_a_picture_is_a_place() -> None:
    event = read_event(a_screenshot(a_place(address=None), a_place(field="secret")))
    assert event.pictured is not None
    assert [window.field for window in event.pictured] == [FieldKind.NONE, FieldKind.SECRET]


@pytest.mark.parametrize("word", FieldKind)
def test_a_field_word_of_the_list_is_itself(word: FieldKind) -> None:
    assert read_event(an_event(field=str(word))).place.field is word


@pytest.mark.parametrize(
    "word",
    [
        "current-password\n",
        "Password",
        "PASSWORD",
        " none",
        "none ",
        "none\n",
        "non\u0435",
        "pin",
        "\0",
    ],
)
def test_a_field_word_outside_the_list_is_unknown_and_never_mended(word: str) -> None:
    assert read_event(an_event(field=word)).place.field is FieldKind.UNKNOWN


MEMBERS = ["at", "signal", *a_place()]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_that_is_left_out_is_a_fault_that_names_it(member: str) -> None:
    event = an_event()
    del event[member]
    assert fault(event).startswith(f"{member}: is missing;")


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("value", [True, 0, 1.5, float("nan"), {"a": 1}, 10**400, ["", 7]])
def test_a_member_of_another_type_is_a_fault_that_names_it(member: str, value: object) -> None:
    assert fault(an_event(**{member: value})).startswith(member)


@pytest.mark.parametrize("member", ["id", "signer", "executable"])
def test_a_program_has_exactly_its_three_members(member: str) -> None:
    program = dict(a_place()["program"])
    del program[member]
    assert fault(an_event(program=program)).startswith(f"program.{member}: is missing;")
    more = {**a_place()["program"], "path": "/usr/bin/code"}
    assert fault(an_event(program=more)).startswith("program: has the member 'path'")


@pytest.mark.parametrize("name", ["private", "url", "app", "time", "At", "", "\ud800", 5, None])
def test_a_member_that_is_not_known_is_a_fault(name: object) -> None:
    assert fault({**an_event(), name: None}).startswith("the event: has the member ")


@pytest.mark.parametrize("member", ["address", "account", "field", "program.id"])
@pytest.mark.parametrize("text", ["", "x" * (MAX_TEXT + 1), "\ud800", "a\udfffb"])
def test_a_text_is_neither_empty_nor_endless_nor_half_a_character(member: str, text: str) -> None:
    program = {**a_place()["program"], "id": text}
    change = {"program": program} if member == "program.id" else {member: text}
    assert fault(an_event(**change)).startswith(f"{member}: has ")


def test_the_longest_text_and_an_empty_title_are_taken() -> None:
    event = read_event(an_event(title="", account="ü" * MAX_TEXT))
    assert event.place.account == "ü" * MAX_TEXT
    assert fault(an_event(title="x" * (MAX_TEXT + 1))).startswith("title: has 8193 characters;")


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-16T08:30:00",  # no offset
        "2026-11-16 08:30:00Z",
        "2026-11-16T08:30Z",
        "20261116T083000Z",
        "2026-W47-1T08:30:00Z",
        "2026-11-16t08:30:00z",
        "2026-11-16T08:30:00.Z",
        "2026-11-16T08:30:00,5Z",
        "2026-11-16T08:30:00+0800",
        "2026-11-16T08:30:00+24:00",
        "2026-11-16T24:00:00Z",
        "2026-06-30T23:59:60Z",  # a leap second
        "2026-02-29T08:30:00Z",
        "2026-11-31T08:30:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "٢٠٢٦-11-16T08:30:00Z",
        "2026-11-16T08:30:00Z\n",
        "",
        None,
        1_794_000_000,
        True,
    ],
)
def test_an_instant_is_rfc_3339_with_an_offset_of_a_usual_year(at: object) -> None:
    assert fault(an_event(at=at)).startswith("at: ")


@pytest.mark.parametrize("at", ["1900-01-01T00:00:00+23:59", "2999-12-31T23:59:59-23:59"])
def test_an_instant_at_the_edge_can_be_told_in_every_zone(at: str) -> None:
    assert read_event(an_event(at=at)).at.tzinfo is UTC


@pytest.mark.parametrize("signal", ["Click", "click ", "gaze", "", None, 3, ["click"], {}])
def test_a_signal_is_a_word_of_the_list(signal: object) -> None:
    assert fault(an_event(signal=signal)).startswith("signal: is no word of the list; write one of")


@pytest.mark.parametrize("window", ["Private", "incognito", "", None, False, []])
def test_a_window_is_a_word_of_the_list(window: object) -> None:
    assert fault(an_event(window=window)).startswith("window: is no word of the list;")


@pytest.mark.parametrize("region", ["EU", "EEA", "GLOBAL", "de", "Germany", "DE\n", "", None, 49])
def test_a_counterparty_is_in_a_country_or_in_a_part_of_one(region: object) -> None:
    assert fault(an_event(counterparties=["DE", region])).startswith("counterparties[1]: is no ")


@pytest.mark.parametrize("signal", [signal for signal in Signal if signal != "screenshot"])
@pytest.mark.parametrize("pictured", [[], None])
def test_only_a_screenshot_shows_windows(signal: Signal, pictured: object) -> None:
    said = fault(an_event(signal=str(signal), pictured=pictured))
    assert said == "pictured: is of screenshots only; leave it out"


@pytest.mark.parametrize("member", ["frames", "counterparties", "pictured"])
def test_lists_are_bounded(member: str) -> None:
    item = {"frames": "https://example.com/", "counterparties": "DE", "pictured": a_place()}[member]
    read_event(a_screenshot(**{member: [item] * MAX_ITEMS}))
    too_many = {**a_screenshot(), member: [item] * (MAX_ITEMS + 1)}
    assert fault(too_many).startswith(f"{member}: has 65 items;")
    assert fault({**a_screenshot(), member: "DE"}).startswith(f"{member}: is a text;")
    assert fault({**a_screenshot(), member: (item,)}).startswith(f"{member}: is no JSON value;")


def test_a_fault_within_a_picture_names_the_window() -> None:
    wrong = a_place(program={"id": 5, "signer": None, "executable": None})
    assert fault(a_screenshot(a_place(), wrong)).startswith("pictured[1].program.id: is a number;")
    assert fault(a_screenshot(an_event())).startswith("pictured[0]: has the member 'at'")
    assert fault(a_screenshot(None)).startswith("pictured[0]: is null;")


SECRET = "the merger with Example Corp"
"""What is on the screen of the person."""


@pytest.mark.parametrize("member", MEMBERS)
def test_a_fault_never_repeats_what_was_on_the_screen(member: str) -> None:
    for value in (SECRET, [SECRET, 5], {SECRET: 5}, SECRET * 1000):
        try:
            read = read_event(an_event(**{member: value}))
        except ValueError as error:
            said = str(error).replace(f"has the member {SECRET!r}", "")
            assert SECRET not in said
            assert len(said) < 400
        else:
            assert member in {"address", "title", "account", "field", "frames"}
            assert read is not None


def test_neither_title_nor_account_is_shown_by_whoever_prints_an_event() -> None:
    event = read_event(a_screenshot(a_place(title=SECRET, account=SECRET), title=SECRET))
    assert SECRET not in repr(event)


# As text


def test_text_and_bytes_say_the_same() -> None:
    text = json.dumps(an_event(title="Übersicht"), ensure_ascii=False)
    assert read_event_text(text) == read_event_text(text.encode()) == read_event(json.loads(text))


def test_a_member_given_twice_is_a_fault_at_any_depth() -> None:
    text = json.dumps(an_event())
    twice = text.replace('"window":', '"window": "private", "window":')
    assert fault_of_text(twice).startswith("the event: has the member 'window' twice;")
    inside = text.replace('"signer":', '"signer": null, "signer":')
    assert fault_of_text(inside).startswith("the event: has the member 'signer' twice;")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000, "-0.0"])
def test_a_number_is_a_fault_however_large_it_is(number: str) -> None:
    text = json.dumps(an_event(account="#")).replace('"#"', number)
    assert fault_of_text(text).startswith("account: is a number;")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"event"',
        "5",
        "{} {}",
        "\ufeff{}",
        '{"at": "\n"}',
        "{'at': 1}",
        "[" * 100_000,
        '{"at":' * 100_000,
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        " " * (MAX_JSON + 1),
        b"[" * (MAX_JSON + 1),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_json_object_is_a_fault(text: str | bytes) -> None:
    assert fault_of_text(text).startswith("the event: ")


def test_a_text_of_a_megabyte_is_not_looked_at() -> None:
    event = json.dumps(an_event())
    assert read_event_text(event + " " * (MAX_JSON - len(event))) == read_event(an_event())
    assert fault_of_text(event + " " * (MAX_JSON - len(event) + 1)).startswith("the event: is too")


def test_half_a_surrogate_pair_in_an_escape_is_a_fault() -> None:
    text = json.dumps(an_event(title="#")).replace("#", r"\ud83d")
    assert fault_of_text(text).startswith("title: has half of a surrogate pair;")
    whole = json.dumps(an_event(title="#")).replace("#", r"\ud83d\ude00")
    assert read_event_text(whole).place.title == "😀"


def test_a_fault_of_the_text_keeps_none_of_it() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole of it is looked at
        read_event_text(f'{{"title": "{SECRET}", ')
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


# Laws


@given(EVENTS)
def test_a_whole_event_is_read_and_says_what_stands_there(value: dict[str, Any]) -> None:
    event = read_event(value)
    assert event.place.title == value["title"]
    assert event.place.account == value["account"]
    assert event.at == datetime.fromisoformat(value["at"])
    assert read_event_text(json.dumps(value)) == event


@given(JSON_VALUES | broken_events())
def test_any_value_is_an_event_or_a_fault(value: Any) -> None:
    try:
        assert isinstance(read_event(value), UiEvent)
    except ValueError as error:
        assert FAULT.fullmatch(str(error)), error  # noqa: PT017 - most values are no event


@given(st.text(max_size=40) | st.binary(max_size=40) | broken_events().map(json.dumps))
def test_any_text_is_an_event_or_a_fault(text: str | bytes) -> None:
    try:
        assert isinstance(read_event_text(text), UiEvent)
    except ValueError as error:
        assert FAULT.fullmatch(str(error)), error  # noqa: PT017 - as above
