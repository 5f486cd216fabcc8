"""The fast way to read a leaf: everything of it but its facts, by comparing bytes.

Rules:
1. What is accepted here, ``read_leaf`` accepts with the same fields, provided that the facts are
   the canonical form of an object and the entry has the digest that it carries. Tests hold the two
   against each other.
2. What is not accepted here is not refused: the caller reads it with ``read_leaf``, which judges.

Most of a leaf is rigid, and most of what is not (actor, kind, purpose, people) comes again and
again: such a fragment is read strictly once and from then on known by its bytes. What differs in
every entry has a fixed width each and is checked for a whole batch at once, column by column.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar, cast

from app.audit.model import FORMS, stream_names
from app.kernel.canonical import parse_canonical
from app.kernel.clock import instant, timestamp

_MOST_FRAGMENTS = 50_000
"""How many fragments of one sort are remembered, so that memory does not grow with the log."""

# Canonical JSON sorts the fields, so a leaf has one layout. The facts run up to the last place
# where the rest fits; with an earlier one they would not be JSON (rule 1).
_LEAF = re.compile(
    rb'\x00\{"actor":(\{[^}]*\}),"commitment":(?:null|"hmac-sha256:[0-9a-f]{64}"),"event":"(.{36})","facts":\{.*\}'
    rb',"idx":([^,]*),"integrated_at":"(.{27})","kind":("[^"]*"),"occurred_at":"(.{27})"'
    rb',"purpose":([^,]*),"streams":\{([^}]*)\},"subjects":(\[[^\]]*\])'
    rb',"submission":"sha256:(.{64})","v":1\}',
    re.DOTALL,
)
_INSTANT = b"0000-00-00T00:00:00.000000Z"
_EVENT = b"00000000-0000-0000-0000-000000000000"
_TO_THE_HOUR = range(len("0000-00-00T00"))
_MINUTE, _SECOND = len("0000-00-00T00:"), len("0000-00-00T00:00:")
_HEX = b"0123456789abcdef"
_HEX_AS_0 = bytes.maketrans(_HEX, b"0" * len(_HEX))
_DIGITS_AS_0 = bytes.maketrans(b"0123456789", b"0" * 10)

Stream = TypeVar("Stream")
Sort = TypeVar("Sort")
Key = TypeVar("Key")
Value = TypeVar("Value")


class Envelopes(NamedTuple, Generic[Stream, Sort]):
    """What was read of a batch, column by column.

    Attributes:
        chains: what the kind is to the caller, and the streams of the entry in the order in which
            ``streams`` lists them.
        indices: decimal.
        streams: the content of the object ``streams``.
        events: the event's id.
        first_at, last_at: ``integrated_at`` of the first and the last; it never decreases.
    """

    chains: "list[tuple[Sort, tuple[Stream, ...]]]"
    indices: list[str]
    streams: list[str]
    events: tuple[bytes, ...]
    first_at: bytes
    last_at: bytes


class EnvelopeReader(Generic[Stream, Sort]):
    """Reads batches of lines; remembers the fragments that it has judged.

    Args:
        stream: gives what stands for the stream of a name.
        sort: gives what stands for a kind.
    """

    def __init__(self, stream: Callable[[str], Stream], sort: Callable[[str], Sort]) -> None:
        def chain(fragments: tuple[bytes, ...]) -> tuple[Sort, tuple[Stream, ...]]:
            named = zip(("actor", "kind", "purpose", "subjects"), fragments, strict=True)
            fields = {name: _value(name, text) for name, text in named}
            return sort(fields["kind"]), tuple(stream(name) for name in _names(fields))

        self._chains = _Judged(chain)
        self._hours = _Judged(_hour)

    def read(self, first: int, lines: Sequence[bytes]) -> Envelopes[Stream, Sort] | None:
        """Read lines (``0x00 || line``) of which the first has an index, the others the next.

        Lines that are too long for an entry come with a newline at their end (see lines.py).

        Returns:
            None where anything in them is not accepted.
        """
        found = cast("Iterable[re.Match[bytes]]", map(_LEAF.fullmatch, lines))
        try:
            columns = tuple(zip(*map(re.Match.groups, found), strict=True))
        except TypeError:  # one did not match
            return None
        actors, events, indices, integrated, kinds, occurred = columns[:6]
        purposes, streams, subjects, submissions = columns[6:]
        following = list(map(str, range(first, first + len(lines))))
        try:
            if (
                b",".join(indices).decode("ascii") != ",".join(following)
                or b"".join(events).translate(_HEX_AS_0) != _EVENT * len(lines)
                or b"".join(submissions).translate(None, _HEX)
                or not self._are_instants(integrated)
                or not self._are_instants(occurred)
                or sorted(integrated) != list(integrated)
            ):
                return None
            return Envelopes(
                list(
                    map(
                        self._chains.__getitem__,
                        zip(actors, kinds, purposes, subjects, strict=True),
                    )
                ),
                following,
                b"\n".join(streams).decode("ascii").split("\n"),
                events,
                integrated[0],
                integrated[-1],
            )
        except ValueError:
            return None

    def _are_instants(self, texts: Sequence[bytes]) -> bool:
        joined = b"".join(texts)
        if joined.translate(_DIGITS_AS_0) != _INSTANT * len(texts):
            return False
        width = len(_INSTANT)
        if (joined[_MINUTE::width] + joined[_SECOND::width]).translate(None, b"012345"):
            return False
        if all(joined[at::width] == joined[at : at + 1] * len(texts) for at in _TO_THE_HOUR):
            return self._hours[texts[0][: len(_TO_THE_HOUR)]]
        return all(self._hours[hour] for hour in {text[: len(_TO_THE_HOUR)] for text in texts})


class _Judged(dict[Key, Value]):
    """Values of fragments, each read strictly the first time.

    Raises:
        ValueError: a fragment is not of its form.
    """

    def __init__(self, read: Callable[[Key], Value]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: Key) -> Value:
        value = self._read(text)
        if len(self) >= _MOST_FRAGMENTS:
            self.clear()
        self[text] = value
        return value


@lru_cache(maxsize=_MOST_FRAGMENTS)
def _value(field: str, text: bytes) -> Any:
    value = parse_canonical(text)
    if not FORMS[field](value):
        raise ValueError(f"its field {field} is malformed")
    return value


def _names(fields: Mapping[str, Any]) -> list[str]:
    """The names of a leaf's streams, in the order of canonical JSON.

    Raises:
        ValueError: a name has no canonical form as a key.
    """
    names = sorted(stream_names(fields))
    if not all(name.isascii() for name in names):
        raise ValueError("a stream's name is not ASCII")
    return names


def _hour(text: bytes) -> bool:
    """Judge an instant cut off after its hour."""
    whole = f"{text.decode('ascii')}:00:00.000000Z"
    return timestamp(instant(whole)) == whole
