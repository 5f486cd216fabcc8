"""One entry as its page shows it: fields, facts, streams, personal detail. Pure."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from app.audit.reading.shown import DetailState, OpenedEntry
from app.web.words.log_facts import FACTS
from app.web.words.log_words import ACTORS, FIELDS

_LINE = 96
"""A value this short stands on one line."""

_FIRST = ("outcome", "capture", "reasons")


class Field(NamedTuple):
    """A field of a leaf: its name, its value as it stands there, what it means.

    The field ``facts`` has fields of its own.
    """

    name: str
    value: str
    meaning: str
    facts: tuple["Field", ...] = ()


class Stream(NamedTuple):
    """An entry's place among the entries of one person, actor or purpose.

    Attributes:
        words: whose entries: ``About``, ``By``, ``Asked for``.
        name: the pseudonym, the actor's id, or the purpose; person: whether it is a pseudonym.
        number: this is the n-th, from 1.
        before: index of the entry before; after: of the next; None where there is none.
        query: the search that lists them all.
    """

    words: str
    name: str
    person: bool
    number: int
    before: int | None
    after: int | None
    query: str


class Detail(NamedTuple):
    """The personal detail of an entry; ``fields`` once it is opened."""

    state: DetailState
    owner: str = ""
    fields: tuple[Field, ...] = ()


def fields(leaf: Mapping[str, Any]) -> tuple[Field, ...]:
    """The leaf field by field, in the order in which a reader asks."""
    return tuple(
        Field(name, _value_text(leaf[name]), FIELDS[name], facts(leaf[name]))
        if name == "facts" and leaf[name]
        else Field(name, _value_text(leaf[name]), FIELDS[name])
        for name in FIELDS
        if name in leaf
    )


def facts(content: Mapping[str, Any]) -> tuple[Field, ...]:
    """The facts of an entry one by one: the outcome and its reasons first, then as they stand."""
    first = [name for name in _FIRST if name in content]
    rest = [name for name in content if name not in _FIRST]
    return tuple(
        Field(name, _value_text(content[name]), FACTS.get(name, "")) for name in first + rest
    )


def detail(opened: OpenedEntry) -> Detail:
    """What there is next to an entry, and what it says where it was read."""
    return Detail(opened.detail, opened.owner, facts(opened.body) if opened.body else ())


def streams(leaf: Mapping[str, Any], following: Mapping[str, int]) -> tuple[Stream, ...]:
    """Where the entry stands in each of its streams.

    Args:
        leaf: the entry's leaf.
        following: index of the next entry by stream, where there is one.
    """
    rows = []
    for stream, (number, before) in leaf["streams"].items():
        which, _, name = stream.partition(":")
        place = (number, before, following.get(stream))
        if which == "subject":
            rows.append(Stream("About", name, True, *place, f"person={name}"))
        elif which == "purpose":
            rows.append(Stream("Asked for", name, False, *place, f"purpose={name}"))
        else:
            kind, _, actor = name.partition(":")
            is_person = kind == "person"
            words = "By" if is_person else f"By {ACTORS.get(kind, kind).lower()}"
            query = f"person={actor}&side=by" if is_person else ""
            rows.append(Stream(words, actor, is_person, *place, query))
    return tuple(rows)


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    line = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(line) <= _LINE:
        return line
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
