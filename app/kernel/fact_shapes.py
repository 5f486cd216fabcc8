"""The shapes in which single values are written in an entry, and how each is read strictly (pure).

Which type has which shape, and how the shapes of a class's fields add up, is in
app/kernel/facts.py. Facts come from canonical bytes: text, whole numbers, flags, none, lists,
objects. Whatever does not have the expected shape is a ``ValueError``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any

from app.kernel.clock import instant, timestamp
from app.kernel.shapes import INSTANT, fits

Tables = dict[str, list[Any]]
"""Values that an entry holds once and names by their place, by the name of their table."""


@dataclass(frozen=True)
class Shape:
    """One way of writing: its tag, how a value becomes JSON, how JSON becomes the value."""

    tag: str
    write: Callable[[Any, Tables], Any]
    read: Callable[[Any, Tables], Any]


def require_object(value: object) -> Mapping[str, Any]:
    """Return an object of an entry.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, Mapping):
        msg = "is no object"
        raise ValueError(msg)  # noqa: TRY004 - one error for facts that cannot be read
    return value


def _require_list(value: object) -> list[Any]:
    if not isinstance(value, list):
        msg = "is no list"
        raise ValueError(msg)  # noqa: TRY004 - one error for facts that cannot be read
    return value


def _plain(kind: type, tag: str) -> Shape:
    def read(value: Any, _tables: Tables) -> Any:
        if type(value) is not kind:  # True is no number here
            msg = f"is no {tag}"
            raise ValueError(msg)
        return value

    return Shape(tag, lambda value, _tables: value, read)


def _read_instant(value: Any, _tables: Tables) -> datetime:
    if not fits(INSTANT, value):
        msg = "is no instant"
        raise ValueError(msg)
    return instant(value)


PLAIN: Mapping[Any, Shape] = {
    bool: _plain(bool, "flag"),
    int: _plain(int, "number"),
    str: _plain(str, "text"),
    datetime: Shape("instant", lambda at, _tables: timestamp(at), _read_instant),
}


def code(cls: type[StrEnum]) -> Shape:
    """A member of a closed list, by its value."""
    text = PLAIN[str]
    return Shape(
        f"code of {cls.__name__}",
        lambda member, _tables: member.value,
        lambda value, tables: cls(text.read(value, tables)),
    )


def one_of(texts: tuple[str, ...]) -> Shape:
    """One of a few texts."""

    def read(value: Any, _tables: Tables) -> Any:
        if not isinstance(value, str) or value not in texts:
            msg = f"is none of {', '.join(texts)}"
            raise ValueError(msg)
        return value

    return Shape(f"one of {', '.join(texts)}", lambda value, _tables: value, read)


def optional(inner: Shape) -> Shape:
    """A value or none."""
    return Shape(
        f"{inner.tag} or none",
        lambda value, tables: None if value is None else inner.write(value, tables),
        lambda value, tables: None if value is None else inner.read(value, tables),
    )


def listed(inner: Shape, kind: Callable[[Any], Any]) -> Shape:
    """Values in an order that means something."""
    return Shape(
        f"list of {inner.tag}",
        lambda values, tables: [inner.write(value, tables) for value in values],
        lambda items, tables: kind([inner.read(item, tables) for item in _require_list(items)]),
    )


def sorted_list(inner: Shape, kind: Callable[[Any], Any]) -> Shape:
    """Values of which order and repetition mean nothing: written sorted, each once."""
    plain = listed(inner, kind)

    def write(values: Any, tables: Tables) -> list[Any]:
        items = sorted(plain.write(values, tables))
        return [item for place, item in enumerate(items) if place == 0 or item != items[place - 1]]

    def read(items: Any, tables: Tables) -> Any:
        values = plain.read(items, tables)
        if any(item >= after for item, after in pairwise(items)):
            msg = "is not sorted, each once"
            raise ValueError(msg)
        return values

    return Shape(f"sorted {plain.tag}", write, read)


def mapped(inner: Shape) -> Shape:
    """Values by text."""
    return Shape(
        f"map of {inner.tag}",
        lambda values, tables: {key: inner.write(value, tables) for key, value in values.items()},
        lambda items, tables: {
            key: inner.read(item, tables) for key, item in require_object(items).items()
        },
    )


def row(cls: Callable[..., Any], shapes: tuple[Shape, ...]) -> Shape:
    """A named tuple: a list of its values, in the order of its fields."""

    def read(items: Any, tables: Tables) -> Any:
        if len(_require_list(items)) != len(shapes):
            msg = f"is no row of {len(shapes)}"
            raise ValueError(msg)
        return cls(*(shape.read(item, tables) for shape, item in zip(shapes, items, strict=True)))

    return Shape(
        f"row of {', '.join(shape.tag for shape in shapes)}",
        lambda values, tables: [
            shape.write(value, tables) for shape, value in zip(shapes, values, strict=True)
        ],
        read,
    )


def shared(inner: Shape, table: str) -> Shape:
    """The place of a value in a table of the entry, counted from 0."""

    def write(value: Any, tables: Tables) -> int:
        written, rows = inner.write(value, tables), tables[table]
        if written not in rows:
            rows.append(written)
        return rows.index(written)

    def read(place: Any, tables: Tables) -> Any:
        rows = tables[table]
        if type(place) is not int or not 0 <= place < len(rows):
            msg = f"is no place in {table}"
            raise ValueError(msg)
        return rows[place]

    return Shape(f"place in {table} of {inner.tag}", write, read)
