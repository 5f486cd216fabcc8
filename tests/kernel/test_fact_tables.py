"""No fact is lost: names that collide are refused, and a table says nothing that is not used."""

from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import Any, NamedTuple

import pytest

from app.kernel.facts import decode, encode, fact, require_only, shapes_of


@dataclass(frozen=True)
class Rules:
    days: int


@dataclass(frozen=True)
class Member:
    name: str
    rules: Rules = field(metadata=fact("rule", shared="rules"))


class Labelled(NamedTuple):
    label: str
    member: Member


@dataclass(frozen=True)
class Team:
    """Whose members share rules, wherever they are."""

    leads: tuple[Member, ...]
    others: tuple[Member, ...] | None = None
    by_name: Mapping[str, Member] = field(default_factory=dict)
    rows: tuple[Labelled, ...] = ()


def member(days: int) -> Member:
    return Member(f"m{days}", Rules(days))


TEAM = Team(
    leads=(member(1), member(2)),
    others=(member(1), member(3)),
    by_name={"b": member(5), "a": member(4)},
    rows=(Labelled("x", member(6)),),
)


def test_rules_are_shared_however_deep_the_members_are() -> None:
    facts = encode(TEAM)
    assert facts["rules"] == [{"days": days} for days in (1, 2, 3, 4, 5, 6)]
    assert decode(Team, facts) == TEAM


def test_members_that_may_be_none_need_the_table_all_the_same() -> None:
    assert encode(Team((), None))["rules"] == []
    assert decode(Team, encode(Team((), None))) == Team((), None)


def rows(*days: int) -> list[dict[str, int]]:
    return [{"days": number} for number in days]


def places(*numbers: int) -> list[dict[str, Any]]:
    return [{"name": "", "rule": number} for number in numbers]


WRONG = {
    "a row that is not used": (places(0), rows(1, 2), "^rules: has a row that is not used"),
    "a row twice": (places(0, 1), rows(1, 1), "^rules: has a row twice"),
    "rows out of order": (places(1, 0), rows(1, 2), "^leads: rule: skips a row of rules"),
    "a table inside a member": (
        [{"name": "", "rule": 0, "rules": []}],
        rows(1),
        "^leads: rules: is no fact",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_table_that_is_not_as_it_would_be_written_is_refused(case: str) -> None:
    leads, table, problem = WRONG[case]
    facts = {**encode(Team((), None)), "leads": leads, "rules": table}
    with pytest.raises(ValueError, match=problem):
        decode(Team, facts)


@dataclass(frozen=True)
class Left:
    x: int


@dataclass(frozen=True)
class Right:
    x: str


def made(*names: tuple[str, Any, Mapping[str, Any]]) -> type:
    """A class with these fields: name, type, how it is written."""
    return make_dataclass(
        "Made",
        [(name, kind, field(default=None, metadata=how)) for name, kind, how in names],
        frozen=True,
    )


INLINE = fact(inline=True)
SHARED = fact(shared="table")
PLAIN = fact()

REFUSED = {
    "two inlined classes with one field": (
        (("a", Left, INLINE), ("b", Right, INLINE)),
        "Made writes two facts as x",
    ),
    "an inlined field like a field": (
        (("a", Left, INLINE), ("x", int, PLAIN)),
        "writes two facts as x",
    ),
    "two fields under one name": (
        (("a", int, fact("y")), ("b", int, fact("y"))),
        "writes two facts as y",
    ),
    "a table named as a field": (
        (("table", int, PLAIN), ("b", Left, SHARED)),
        "writes two facts as table",
    ),
    "a table named as a field of another class": (
        (("rules", int, PLAIN), ("b", Member, PLAIN)),
        "writes two facts as rules",
    ),
    "one table of two types": (
        (("a", Left, SHARED), ("b", Right, SHARED)),
        "the table table has rows of two types",
    ),
    "a field appended to a table": (
        (("a", Left, fact(shared="table", appended=True)),),
        "Made.a has a table, which entries without",
    ),
    "appended members that share": (
        (("a", tuple[Member, ...], fact(appended=True)),),
        "Made.a has a table, which entries without",
    ),
    "members that share and are left out": (
        (("a", tuple[Member, ...] | None, fact(sparse=True)),),
        "Made.a has a table, which entries without",
    ),
    "an inlined class that was appended": (
        (("a", Left, fact(inline=True, appended=True)),),
        "Made.a is inlined, and nothing else",
    ),
    "an inlined class under a name": (
        (("a", Left, fact("y", inline=True)),),
        "Made.a is inlined, and nothing else",
    ),
    "an inlined class that may be none": ((("a", Left | None, INLINE),), "is no dataclass"),
    "a shared value without order": (
        (("a", tuple[str, ...], fact(shared="table", unordered=True)),),
        "Made.a is written by its place",
    ),
    "a shared value that shares": ((("a", Member, SHARED),), "Made.a shares what shares itself"),
    "a set of objects": ((("a", frozenset[Left], PLAIN),), "object has no order"),
    "a bag of what may be none": (
        (("a", tuple[int | None, ...], fact(unordered=True)),),
        "number or none has no order",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_class_of_which_facts_would_be_lost_or_unreadable_is_refused(case: str) -> None:
    names, problem = REFUSED[case]
    with pytest.raises(TypeError, match=problem):
        shapes_of(made(*names))


def test_two_fields_may_share_one_table_of_one_type() -> None:
    both = made(("a", Left, SHARED), ("b", Left | None, SHARED))
    assert encode(both(Left(1), Left(1))) == {"a": 0, "b": 0, "table": [{"x": 1}]}


def test_two_classes_in_one_entry_have_no_fact_of_one_name() -> None:
    with pytest.raises(TypeError, match="Left with Right writes two facts as x"):
        require_only({"x": 1}, Left, Right)
