"""What is written to an entry derives from the fields, reads back to the same, and only grows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.canonical import canonical, parse_canonical
from app.kernel.facts import decode, decode_part, encode, fact, require_only, shapes_of
from app.kernel.vocabulary import Basis


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Count(NamedTuple):
    app: str
    events: int


@dataclass(frozen=True)
class Rules:
    days: Mapping[str, int | None]
    bases: frozenset[Basis]


@dataclass(frozen=True)
class Member:
    name: str
    rules: Rules = field(metadata=fact("rule", shared="rules"))
    scope: Rules | None = field(metadata=fact(shared="scopes"))


@dataclass(frozen=True)
class Asker:
    kind: Colour = field(metadata=fact("asker"))
    since: datetime | None


@dataclass(frozen=True)
class Everything:
    """One field of every shape."""

    flag: bool
    count: int
    text: str
    at: datetime
    colour: Colour
    colours: frozenset[Colour]
    numbers: frozenset[int]
    names: tuple[str, ...]
    places: tuple[str, ...] = field(metadata=fact("places_in_question", unordered=True))
    counts: tuple[Count, ...] = field(metadata=fact(unordered=True))
    days: Mapping[str, int]
    perhaps: str | None
    own: Rules
    asker: Asker = field(metadata=fact(inline=True))
    people: tuple[Member, ...]
    id: str = field(metadata=fact(apart=True))
    side: Literal["on", "off"]
    note: str | None = field(default=None, metadata=fact(appended=True))
    form: int = field(default=1, metadata=fact(sparse=True))


TEXT = st.text("ab é\U0001f600", max_size=3)
INSTANTS = st.datetimes(timezones=st.just(UTC))
RULES = st.builds(
    Rules,
    days=st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(-9, 2**53 - 1)),
    bases=st.frozensets(st.sampled_from(Basis)),
)


def sorted_tuples(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))


VALUES = st.builds(
    Everything,
    flag=st.booleans(),
    count=st.integers(-(2**53) + 1, 2**53 - 1),
    text=TEXT,
    at=INSTANTS,
    colour=st.sampled_from(Colour),
    colours=st.frozensets(st.sampled_from(Colour)),
    numbers=st.frozensets(st.integers(0, 20)),
    names=st.lists(TEXT, max_size=3).map(tuple),
    places=sorted_tuples(TEXT),
    counts=sorted_tuples(st.builds(Count, TEXT, st.integers(0, 3))),
    days=st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)),
    perhaps=st.none() | TEXT,
    own=RULES,
    asker=st.builds(Asker, st.sampled_from(Colour), st.none() | INSTANTS),
    people=st.lists(st.builds(Member, TEXT, RULES, st.none() | RULES), max_size=3).map(tuple),
    id=st.just("e-1"),
    side=st.sampled_from(["on", "off"]),
    note=st.none() | TEXT,
    form=st.integers(0, 3),
)


def through_the_log(value: Any) -> dict[str, Any]:
    """The facts as a reader of the log gets them: through canonical bytes."""
    return parse_canonical(canonical(encode(value)))  # type: ignore[no-any-return]


@given(VALUES)
def test_what_was_written_reads_back_to_the_same(value: Everything) -> None:
    assert decode(Everything, through_the_log(value), id="e-1") == value


@given(VALUES, VALUES)
def test_two_values_have_the_same_bytes_only_if_they_are_the_same(
    one: Everything, other: Everything
) -> None:
    assert (canonical(encode(one)) == canonical(encode(other))) is (one == other)


@given(VALUES, st.data())
def test_a_value_of_which_one_field_differs_has_other_bytes(
    one: Everything, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([item.name for item in fields(Everything)]))
    other = data.draw(VALUES)
    changed = Everything(**{**one.__dict__, name: getattr(other, name)})
    assert (canonical(encode(one)) == canonical(encode(changed))) is (one == changed)


WRITTEN = [item.name for item in fields(Everything) if item.name != "id"]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    TEXT,
    INSTANTS,
    st.sampled_from(Colour),
    st.lists(TEXT | st.booleans(), max_size=2),
    st.lists(TEXT | st.booleans(), max_size=2).map(tuple),
    st.frozensets(st.sampled_from([1, True, "a", Colour.RED]), max_size=2),
    st.dictionaries(
        st.sampled_from("ab") | st.integers(0, 1), st.booleans() | st.integers(0, 1), max_size=2
    ),
    st.builds(Asker, st.just("red"), st.just(1)),
    st.tuples(st.builds(Member, TEXT, st.none(), st.none())),
    st.tuples(st.tuples(TEXT, st.integers(0, 1))),
    st.tuples(st.builds(Count, TEXT, st.booleans())),
)


@given(VALUES, st.sampled_from(WRITTEN), ANYTHING)
def test_a_value_of_another_type_is_refused_or_reads_back(
    value: Everything, name: str, other: Any
) -> None:
    """An entry that was written and cannot be read would be unreadable for ever."""
    changed = Everything(**{**value.__dict__, name: other})
    try:
        facts = through_the_log(changed)
    except TypeError:
        facts = {}
    assert not facts or encode(decode(Everything, facts, id="e-1")) == facts


PLAIN = Everything(
    flag=True,
    count=1,
    text="a",
    at=datetime(2026, 11, 16, 10, tzinfo=timezone(timedelta(hours=1))),
    colour=Colour.RED,
    colours=frozenset(Colour),
    numbers=frozenset({10, 9}),
    names=("b", "a"),
    places=("US", "DE", "US"),
    counts=(Count("b", 1), Count("a", 2)),
    days={"click": 30},
    perhaps=None,
    own=Rules({}, frozenset()),
    asker=Asker(Colour.BLUE, None),
    people=(
        Member("one", Rules({"a": None}, frozenset({Basis.NOTICE, Basis.CONSENT})), None),
        Member("two", Rules({"a": None}, frozenset({Basis.CONSENT, Basis.NOTICE})), None),
        Member("three", Rules({}, frozenset()), Rules({}, frozenset())),
    ),
    id="e-1",
    side="on",
    form=2,
)


def test_each_shape_is_written_as_entries_have_it() -> None:
    """Instants in UTC, sets sorted, what several share written once, aliases by their alias."""
    assert encode(PLAIN) == {
        "flag": True,
        "count": 1,
        "text": "a",
        "at": "2026-11-16T09:00:00.000000Z",
        "colour": "red",
        "colours": ["blue", "red"],
        "numbers": [9, 10],
        "names": ["b", "a"],
        "places_in_question": ["DE", "US"],
        "counts": [["a", 2], ["b", 1]],
        "days": {"click": 30},
        "perhaps": None,
        "own": {"days": {}, "bases": []},
        "asker": "blue",
        "since": None,
        "people": [
            {"name": "one", "rule": 0, "scope": None},
            {"name": "two", "rule": 0, "scope": None},
            {"name": "three", "rule": 1, "scope": 0},
        ],
        "rules": [
            {"days": {"a": None}, "bases": ["consent", "notice"]},
            {"days": {}, "bases": []},
        ],
        "scopes": [{"days": {}, "bases": []}],
        "side": "on",
        "note": None,
        "form": 2,
    }


def test_an_entry_from_before_a_field_was_appended_is_read_as_the_default() -> None:
    facts = through_the_log(PLAIN)
    del facts["note"]
    assert decode(Everything, facts, id="e-1").note is None


def test_a_sparse_field_is_written_only_where_it_is_not_the_default() -> None:
    facts = through_the_log(replace(PLAIN, form=1))
    assert "form" not in facts
    assert decode(Everything, facts, id="e-1").form == 1
    assert "form: number, sparse, appended" in shapes_of(Everything)


WRONG: Mapping[str, tuple[str, Any, str]] = {
    "a number for a flag": ("flag", 1, "flag: is no flag"),
    "a flag for a number": ("count", True, "count: is no number"),
    "a number in quotes": ("count", "1", "count: is no number"),
    "a list for a text": ("text", ["a"], "text: is no text"),
    "none for a text": ("text", None, "text: is no text"),
    "an instant with an offset": ("at", "2026-11-16T10:00:00+01:00", "at: is no instant"),
    "a day that is none": ("at", "2026-02-30T09:00:00.000000Z", "at: day is out of range"),
    "a code on no list": ("colour", "green", "colour: 'green' is not a valid Colour"),
    "a number for a code": ("colour", 7, "colour: is no text"),
    "a set in another order": ("numbers", [10, 9], "numbers: is not sorted"),
    "a member of a bag twice": ("places_in_question", ["DE", "DE"], "is not sorted, each once"),
    "a member of a set twice": ("numbers", [9, 9], "numbers: is not sorted, each once"),
    "a text for a list": ("names", "ab", "names: is no list"),
    "a bag in another order": ("places_in_question", ["US", "DE"], "places_in_question: is not s"),
    "a row that is too short": ("counts", [["a"]], "counts: is no row of 2"),
    "a text for a row": ("counts", ["ab"], "counts: is no list"),
    "a list for a map": ("days", [], "days: is no object"),
    "a text in a map of numbers": ("days", {"a": "1"}, "days: is no number"),
    "an object with one fact more": ("own", {"days": {}, "bases": [], "more": 1}, "own: more: is"),
    "an object with one fact less": ("own", {"days": {}}, "own: bases: is missing"),
    "an inlined code on no list": ("asker", "green", "asker: 'green'"),
    "a place behind the table": ("people", [{"name": "", "rule": 2, "scope": None}], "no place in"),
    "a place before the table": (
        "people",
        [{"name": "", "rule": -1, "scope": None}],
        "no place in",
    ),
    "a flag for a place": ("people", [{"name": "", "rule": True, "scope": None}], "no place in"),
    "a text that is none of a few": ("side", "up", "side: is none of on, off"),
    "a list for one of a few texts": ("side", ["on"], "side: is none of on, off"),
    "a default that is left out elsewhere": ("form", 1, "form: is written, though"),
    "a table that is none": ("rules", {}, "rules: is no list"),
    "a fact on no list": ("more", 1, "more: is no fact"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_written_otherwise_is_refused_and_the_field_is_named(case: str) -> None:
    name, value, problem = WRONG[case]
    with pytest.raises(ValueError, match=problem):
        decode(Everything, {**through_the_log(PLAIN), name: value}, id="e-1")


UNWRITTEN: Mapping[str, tuple[str, Any, str]] = {
    "a flag for a number": ("count", True, "^count: bool is no number"),
    "a number with a point": ("count", 1.5, "^count: float is no number"),
    "a number for a flag": ("flag", 1, "^flag: int is no flag"),
    "none for a text": ("text", None, "^text: NoneType is no text"),
    "a text for an instant": ("at", "2026-11-16T09:00:00.000000Z", "^at: str is no instant"),
    "a text for a code": ("colour", "red", "^colour: str is no code of Colour"),
    "a text for a list": ("names", "ab", "^names: str is no list of text"),
    "a flag in a set of numbers": ("numbers", frozenset({True}), "^numbers: bool is no number"),
    "a number as a key": ("days", {1: 1}, "^days: int is no text"),
    "a plain tuple for a row": ("counts", (("a", 1),), "^counts: tuple is no row of text"),
    "a text that is none of a few": ("side", "up", "^side: up is not one of on, off"),
    "a flag for a default": ("form", True, "^form: bool is no number"),
    "another class": ("own", Asker(Colour.RED, None), "^own: Asker is no Rules"),
    "a text inside a nested object": ("own", Rules({}, "ab"), "^own: bases: str is no list"),  # type: ignore[arg-type]
    "a text inside an inlined class": ("asker", Asker("red", None), "^asker: str is no code"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", UNWRITTEN)
def test_a_value_that_could_not_be_read_is_not_written_and_the_field_is_named(case: str) -> None:
    name, value, problem = UNWRITTEN[case]
    with pytest.raises(TypeError, match=problem):
        encode(Everything(**{**PLAIN.__dict__, name: value}))


@pytest.mark.parametrize("name", sorted(through_the_log(PLAIN).keys() - {"note", "form"}))
def test_a_fact_that_is_missing_is_named(name: str) -> None:
    facts = through_the_log(PLAIN)
    del facts[name]
    with pytest.raises(ValueError, match=f"^{name}: is missing"):
        decode(Everything, facts, id="e-1")


@pytest.mark.parametrize("facts", [None, [], "facts", 1])
def test_facts_are_an_object(facts: object) -> None:
    with pytest.raises(ValueError, match="is no object"):
        decode(Rules, facts)


def test_a_part_is_read_from_among_other_facts() -> None:
    facts = {"asker": "red", "since": None, "device": "d_1"}
    assert decode_part(Asker, facts) == Asker(Colour.RED, None)
    with pytest.raises(ValueError, match="device: is no fact"):
        require_only(facts, Asker)
    require_only(facts, Asker, also=("device",))


def test_each_fact_names_the_shape_it_is_written_in() -> None:
    assert shapes_of(Everything)[:3] == ("flag: flag", "count: number", "text: text")
    assert "colours: sorted list of code of Colour" in shapes_of(Everything)
    assert "asker: code of Colour" in shapes_of(Everything)
    assert "note: text or none, appended" in shapes_of(Everything)


@dataclass(frozen=True)
class Measured:
    weight: float


@dataclass(frozen=True)
class Ambiguous:
    value: int | str


@dataclass(frozen=True)
class Careless:
    late: int = field(metadata=fact(appended=True))


@dataclass(frozen=True)
class CarelesslySparse:
    form: int = field(metadata=fact(sparse=True))


@dataclass(frozen=True)
class Numbered:
    days: Mapping[int, int]


@pytest.mark.parametrize(
    ("cls", "problem"),
    [
        (Measured, "float has no written shape"),
        (Ambiguous, "could be read as several types"),
        (CarelesslySparse, "is sparse and has no default"),
        (Careless, "was appended and has no default"),
        (Numbered, "has no written shape"),
        (Colour, "is no dataclass"),
    ],
)
def test_a_class_that_cannot_be_written_is_a_mistake_of_the_program(
    cls: type, problem: str
) -> None:
    with pytest.raises(TypeError, match=problem):
        shapes_of(cls)
