"""The shapes in which single values are written in an entry, and how each is read strictly (pure).

Which type has which shape, and how the shapes of a class's fields add up, is in
app/kernel/facts.py. Facts come from canonical bytes: text, whole numbers, flags, none, lists,
objects. Whatever does not have the expected shape is a ``ValueError``; a value to be written that
is not of its field's type is a ``TypeError``, for its facts could not be read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations, pairwise
from typing import Any

from app.kernel.clock import instant, timestamp
from app.kernel.shapes import INSTANT, fits


@dataclass
class Table:
    """Values that an entry holds once and names by their place; ``used``: how many were named."""

    rows: list[Any]
    used: int = 0


Tables = dict[str, Table]
"""The tables of an entry, by name."""


@dataclass(frozen=True)
class Shape:
    """One way of writing.

    Attributes:
        tag: its name.
        write: turns a value into JSON.
        read: turns JSON into the value.
        plain: the type of a value that is its own JSON.
        sortable: what is written has an order.
    """

    tag: str
    write: Callable[[Any, Tables], Any]
    read: Callable[[Any, Tables], Any]
    plain: type | None = None
    sortable: bool = False


def require_object(value: object) -> Mapping[str, Any]:
    """Return an object of an entry.

    Raises:
        ValueError: it is something else.
    """
    if type(value) is not dict and not isinstance(value, Mapping):
        msg = "is no object"
        raise ValueError(msg)
    return value


def _require_list(value: object) -> list[Any]:
    if not isinstance(value, list):
        msg = "is no list"
        raise ValueError(msg)  # noqa: TRY004 - one error for facts that cannot be read
    return value


def require_type(kind: type, value: object, tag: str) -> None:
    """Refuse to write what could not be read as the field's type.

    Raises:
        TypeError: it is of another type.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        msg = f"{type(value).__name__} is no {tag}"
        raise TypeError(msg)


def _plain(kind: type, tag: str) -> Shape:
    def write(value: Any, _tables: Tables) -> Any:
        require_type(kind, value, tag)
        return value

    def read(value: Any, _tables: Tables) -> Any:
        if type(value) is not kind:  # True is no number here
            msg = f"is no {tag}"
            raise ValueError(msg)
        return value

    return Shape(tag, write, read, plain=kind, sortable=True)


def _write_instant(value: Any, _tables: Tables) -> str:
    require_type(datetime, value, "instant")
    return timestamp(value)


def _read_instant(value: Any, _tables: Tables) -> datetime:
    if not fits(INSTANT, value):
        msg = "is no instant"
        raise ValueError(msg)
    return instant(value)


PLAIN: Mapping[Any, Shape] = {
    bool: _plain(bool, "flag"),
    int: _plain(int, "number"),
    str: _plain(str, "text"),
    datetime: Shape("instant", _write_instant, _read_instant, sortable=True),
}


def code(cls: type[StrEnum]) -> Shape:
    """A member of a closed list, by its value."""
    text, tag = PLAIN[str], f"code of {cls.__name__}"

    def write(member: Any, _tables: Tables) -> str:
        require_type(cls, member, tag)
        return str(member.value)

    return Shape(tag, write, lambda value, tables: cls(text.read(value, tables)), sortable=True)


def one_of(texts: tuple[str, ...]) -> Shape:
    """One of a few texts."""
    tag = f"one of {', '.join(texts)}"

    def write(value: Any, _tables: Tables) -> Any:
        require_type(str, value, tag)
        if value not in texts:
            msg = f"{value} is not {tag}"
            raise TypeError(msg)
        return value

    def read(value: Any, _tables: Tables) -> Any:
        if not isinstance(value, str) or value not in texts:
            msg = f"is none of {', '.join(texts)}"
            raise ValueError(msg)
        return value

    return Shape(tag, write, read, sortable=True)


def optional(inner: Shape) -> Shape:
    """A value or none."""
    write, read = inner.write, inner.read
    return Shape(
        f"{inner.tag} or none",
        lambda value, tables: None if value is None else write(value, tables),
        lambda value, tables: None if value is None else read(value, tables),
    )


def listed(inner: Shape, kind: type) -> Shape:
    """Values in an order that means something."""
    tag, read_item, plain = f"list of {inner.tag}", inner.read, {inner.plain}

    def write(values: Any, tables: Tables) -> list[Any]:
        require_type(kind, values, tag)
        return [inner.write(value, tables) for value in values]

    def read(items: Any, tables: Tables) -> Any:
        if plain.issuperset(map(type, _require_list(items))):
            return kind(items)
        return kind([read_item(item, tables) for item in items])

    return Shape(tag, write, read, sortable=inner.sortable)


def sorted_list(inner: Shape, kind: type) -> Shape:
    """Values of which order and repetition mean nothing: written sorted, each once."""
    if not inner.sortable:
        msg = f"{inner.tag} has no order to be written in"
        raise TypeError(msg)
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

    return Shape(f"sorted {plain.tag}", write, read, sortable=True)


def mapped(inner: Shape) -> Shape:
    """Values by text, written in the order in which they are read: that of the keys."""
    tag, read_item = f"map of {inner.tag}", inner.read

    def write(values: Any, tables: Tables) -> dict[str, Any]:
        require_type(Mapping, values, tag)
        for key in values:
            require_type(str, key, "text")
        return {key: inner.write(values[key], tables) for key in sorted(values)}

    def read(items: Any, tables: Tables) -> dict[str, Any]:
        return {key: read_item(item, tables) for key, item in require_object(items).items()}

    return Shape(tag, write, read)


def row(cls: type, shapes: tuple[Shape, ...]) -> Shape:
    """A named tuple: a list of its values, in the order of its fields."""
    tag = f"row of {', '.join(shape.tag for shape in shapes)}"

    def write(values: Any, tables: Tables) -> list[Any]:
        require_type(cls, values, tag)
        return [shape.write(value, tables) for shape, value in zip(shapes, values, strict=True)]

    def read(items: Any, tables: Tables) -> Any:
        if len(_require_list(items)) != len(shapes):
            msg = f"is no row of {len(shapes)}"
            raise ValueError(msg)
        return cls(*(shape.read(item, tables) for shape, item in zip(shapes, items, strict=True)))

    return Shape(tag, write, read, sortable=all(shape.sortable for shape in shapes))


def shared(inner: Shape, name: str) -> Shape:
    """The place of a value in a table of the entry, counted from 0, in order of first use."""

    def write(value: Any, tables: Tables) -> int:
        written, rows = inner.write(value, tables), tables[name].rows
        if written not in rows:
            rows.append(written)
        return rows.index(written)

    def read(place: Any, tables: Tables) -> Any:
        table = tables[name]
        if type(place) is not int or not 0 <= place < len(table.rows):
            msg = f"is no place in {name}"
            raise ValueError(msg)
        if place > table.used:
            msg = f"skips a row of {name}"
            raise ValueError(msg)
        table.used = max(table.used, place + 1)
        return table.rows[place]

    return Shape(f"place in {name} of {inner.tag}", write, read)


def table(inner: Shape) -> Shape:
    """What ``shared`` names by its place: each value once."""
    plain = listed(inner, list)

    def read(items: Any, tables: Tables) -> list[Any]:
        rows: list[Any] = plain.read(items, tables)
        if any(row == other for row, other in combinations(items, 2)):
            msg = "has a row twice"
            raise ValueError(msg)
        return rows

    return Shape(plain.tag, plain.write, read)


def require_used(tables: Tables) -> None:
    """Refuse a table that says more than the values do.

    Raises:
        ValueError: a row is not used; the message names the table.
    """
    for name, held in tables.items():
        if held.used != len(held.rows):
            msg = f"{name}: has a row that is not used"
            raise ValueError(msg)
