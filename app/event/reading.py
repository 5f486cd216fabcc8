"""An event as JSON, read strictly: nothing is guessed, nothing is left out (pure).

Rules:
1. An event has every member of ``MEMBERS`` and no other; so have a place and a program. Only a
   screenshot may have ``pictured``. What is not known is said, by null or ``unknown``.
2. A text has 1 to ``MAX_TEXT`` characters (a title may be empty) that UTF-8 can write. It is taken
   letter for letter: nothing is stripped, folded or decoded.
3. A field word that is not on the list is ``unknown``. A signal, a window or a region that is not
   one is a fault.
4. An instant is RFC 3339 with an offset, of the years that a calendar has in every zone. The offset
   carries no meaning.
5. A fault names the member and what to write. It never repeats a value: values may be private.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from app.event.model import Place, Program, UiEvent, WindowKind
from app.kernel.shapes import PARENTS, REGION, fits
from app.kernel.vocabulary import FieldKind, Signal

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)

MAX_TEXT = 8_192
"""Characters of one text."""
MAX_ITEMS = 64
"""Items of one list: frames, counterparties, windows of a picture."""
MAX_JSON = 1_048_576
"""Bytes (or characters, of a text that is decoded already) of one event as JSON."""
MAX_FRACTION = 9
"""Digits of a fraction of a second; beyond microseconds they are dropped."""

AT = re.compile(
    r"(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    rf"(\.[0-9]{{1,{MAX_FRACTION}}})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
"""How an instant is written (RFC 3339 §5.6, in capital letters and without leap seconds)."""

PROGRAM_MEMBERS = ("id", "signer", "executable")
PLACE_MEMBERS = (
    "program",
    "address",
    "frames",
    "window",
    "title",
    "account",
    "field",
    "counterparties",
)
MEMBERS = ("at", "signal", *PLACE_MEMBERS)
PICTURED = "pictured"

_TEXT = f"a text of 1 to {MAX_TEXT} characters"
_OR_NULL = "or null where it is not known"
_FIELD_WORDS = frozenset(FieldKind)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NAME = 40
"""Characters of an unknown member's name that a fault repeats."""


def read_event_text(text: str | bytes) -> UiEvent:
    """Read an event from JSON text.

    >>> read_event_text(b'{"at": "2026-11-16T08:30:00Z", "at": "2026-11-16T08:31:00Z"}')
    Traceback (most recent call last):
    ValueError: the event: has the member 'at' twice; write it once

    Args:
        text: RFC 8259; bytes are UTF-8 without a byte order mark.

    Raises:
        ValueError: it is no JSON, names a member twice, or is no event; the message says where.
    """
    if len(text) > MAX_JSON:
        raise _fault("", "is too long", f"write at most {MAX_JSON} bytes")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = _JSON.decode(decoded)
    except UnicodeDecodeError:
        raise _fault("", "is not UTF-8", "write JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"is no JSON in line {error.lineno}, column {error.colno}"
        raise _fault("", where, "write one JSON object") from None
    except RecursionError:
        raise _fault("", "is nested too deeply", "write one JSON object") from None
    return read_event(value)


def read_event(value: object) -> UiEvent:
    """Read an event from what ``json`` reads: dicts, lists, texts, null.

    >>> place = {"program": {"id": "com.tinyspeck.slackmacgap", "signer": "BQR82RBBHL",
    ...     "executable": None}, "address": None, "frames": [], "window": "ordinary",
    ...     "title": "general", "account": None, "field": "Password", "counterparties": []}
    >>> event = read_event({"at": "2026-11-16T08:30:00-08:00", "signal": "click", **place})
    >>> event.at.isoformat(), event.place.program.signer, event.place.field.value
    ('2026-11-16T16:30:00+00:00', 'BQR82RBBHL', 'unknown')

    Raises:
        ValueError: a member is missing, unknown or wrong; the message names it and what to write.
    """
    members = _members(value, "", MEMBERS, optional=(PICTURED,))
    if PICTURED in members and members["signal"] != Signal.SCREENSHOT:
        raise _fault(PICTURED, "is of screenshots only", "leave it out")
    return UiEvent(
        at=_instant(members["at"], "at"),
        signal=_chosen(members["signal"], "signal", Signal),
        place=_place(members, ""),
        pictured=_list(members.get(PICTURED), PICTURED, _window),
    )


def _place(members: Mapping[str, Any], path: str) -> Place:
    return Place(
        program=_program(members["program"], f"{path}program"),
        address=_text(members["address"], f"{path}address"),
        frames=_list(members["frames"], f"{path}frames", _present_text),
        window=_chosen(members["window"], f"{path}window", WindowKind),
        title=_text(members["title"], f"{path}title", shortest=0),
        account=_text(members["account"], f"{path}account"),
        field=_field(members["field"], f"{path}field"),
        counterparties=_list(members["counterparties"], f"{path}counterparties", _region),
    )


def _window(value: object, path: str) -> Place:
    return _place(_members(value, f"{path}.", PLACE_MEMBERS), f"{path}.")


def _program(value: object, path: str) -> Program:
    members = _members(value, f"{path}.", PROGRAM_MEMBERS)
    return Program(**{name: _text(members[name], f"{path}.{name}") for name in PROGRAM_MEMBERS})


def _members(
    value: object, path: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The members of an object that has all of them and no other (rule 1)."""
    if not isinstance(value, dict):
        whole = path.removesuffix(".")
        raise _fault(whole, f"is {_kind(value)}", f"write an object of {', '.join(required)}")
    known = (*required, *optional)
    for name in value:
        if name not in known:
            problem = f"has the member {_short(name)}, which is not known here"
            raise _fault(path.removesuffix("."), problem, f"known are {', '.join(known)}")
    for name in required:
        if name not in value:
            raise _fault(f"{path}{name}", "is missing", "write it, or say that it is not known")
    return value


def _list(value: object, path: str, read: Callable[[object, str], T]) -> tuple[T, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise _fault(path, f"is {_kind(value)}", f"write a list, {_OR_NULL}")
    if len(value) > MAX_ITEMS:
        raise _fault(path, f"has {len(value)} items", f"write at most {MAX_ITEMS}, {_OR_NULL}")
    return tuple(read(item, f"{path}[{place}]") for place, item in enumerate(value))


def _text(value: object, path: str, *, shortest: int = 1) -> str | None:
    if value is None:
        return None
    return _present_text(value, path, shortest=shortest, cure=f"{_TEXT}, {_OR_NULL}")


def _present_text(value: object, path: str, *, shortest: int = 1, cure: str = _TEXT) -> str:
    if not isinstance(value, str):
        raise _fault(path, f"is {_kind(value)}", f"write {cure}")
    if not shortest <= len(value) <= MAX_TEXT:
        raise _fault(path, f"has {len(value)} characters", f"write {cure}")
    if not value.isascii() and _SURROGATE.search(value):
        raise _fault(path, "has half of a surrogate pair", "write whole characters")
    return value


def _instant(value: object, path: str) -> datetime:
    if not fits(AT, value):
        raise _fault(path, "is no instant with an offset", "write it as 2026-11-16T08:30:00-08:00")
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError:  # the 31st of a month that has 30 days
        raise _fault(path, "is no day of the calendar", "write a day that exists") from None


def _chosen(value: object, path: str, words: type[W]) -> W:
    try:
        return words(value) if isinstance(value, str) else words("")
    except ValueError:
        cure = f"write one of {', '.join(words)}"
        raise _fault(path, "is no word of the list", cure) from None


def _field(value: object, path: str) -> FieldKind:
    word = _present_text(value, path, cure=f"{_TEXT}: a field word, or unknown")
    return FieldKind(word) if word in _FIELD_WORDS else FieldKind.UNKNOWN


def _region(value: object, path: str) -> str:
    if not isinstance(value, str) or value in PARENTS or not fits(REGION, value):
        cure = "write a code such as DE or US-CA, or null for the whole list where it is not known"
        raise _fault(path, "is no country or part of one", cure)
    return value


def _short(name: object) -> str:
    """A member's name for a fault: it may be anything, as long as nobody has looked at it."""
    if not isinstance(name, str):
        return f"that is {_kind(name)}"
    return ascii(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    names |= {int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), "no JSON value")


def _fault(path: str, problem: str, cure: str) -> ValueError:
    return ValueError(f"{path or 'the event'}: {problem}; {cure}")


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _fault("", f"has the member {_short(name)} twice", "write it once")
        members[name] = value
    return members


def _number(_digits: str) -> int:
    """Stand for any number, however long, and for NaN: no member of an event is one."""
    return 0


_JSON = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=_number, parse_float=_number, parse_constant=_number
)
