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
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar, cast

from app.audit.entries.model import FORMS, stream_names
from app.kernel.canonical import parse_canonical
from app.kernel.clock import instant, timestamp

_MOST_FRAGMENTS = 50_000
"""How many fragments of one sort are remembered, so that memory does not grow with the log."""

# Canonical JSON sorts the fields, so a leaf has one layout. The facts run up to the last place
# where the rest fits; with an earlier one they would not be JSON (rule 1).
_LEAF = re.compile(
    rb'\{"actor":(\{[^}]*+\}),"commitment":(?:null|"hmac-sha256:[0-9a-f]{64}"),"event":"(.{36})","facts":\{.*\}'
    rb',"idx":([^,]*+)(.{54})("[^"]*+")(.{55})([^,]*+),"streams":\{([^}]*+)\},"subjects":(\[[^\]]*+\])'
    rb',"submission":"sha256:(.{64})","v":1\}\n',
    re.DOTALL,
)
# The instants are taken with the names around them: comparing a column costs less than matching.
_INTEGRATED = b',"integrated_at":"0000-00-00T00:00:00.000000Z","kind":'
_OCCURRED = b',"occurred_at":"0000-00-00T00:00:00.000000Z","purpose":'
_EVENT = b"00000000-0000-0000-0000-000000000000"
_HOUR_CHARS, _INSTANT_CHARS = len("0000-00-00T00"), len("0000-00-00T00:00:00.000000Z")
_HEX = b"0123456789abcdef"
_HEX_AS_0 = bytes.maketrans(_HEX, b"0" * len(_HEX))
_DIGITS_AS_0 = bytes.maketrans(b"0123456789", b"0" * 10)

Chain = TypeVar("Chain")
Key = TypeVar("Key")
Value = TypeVar("Value")


class Envelopes(NamedTuple, Generic[Chain]):
    """What was read of a batch, column by column.

    Attributes:
        chains: what the streams of each entry are to the caller.
        indices: decimal.
        kinds: as JSON.
        streams: the content of the object ``streams``.
        events: the event's id.
        first_at, last_at: ``integrated_at`` of the first and the last; it never decreases.
    """

    chains: list[Chain]
    indices: list[str]
    kinds: Sequence[bytes]
    streams: Sequence[bytes]
    events: Sequence[bytes]
    first_at: bytes
    last_at: bytes


class EnvelopeReader(Generic[Chain]):
    """Reads batches of lines; remembers the fragments that it has judged.

    Args:
        chain: gives what stands for the streams of these names, in the order in which ``streams``
            lists them.
    """

    def __init__(self, chain: Callable[[Sequence[str]], Chain]) -> None:
        def read(fragments: tuple[bytes, ...]) -> Chain:
            named = zip(("actor", "kind", "purpose", "subjects"), fragments, strict=True)
            return chain(_names({name: _value(name, text) for name, text in named}))

        self._chains = _Judged(read)
        self._hours = _Judged(_hour)

    def read(self, first: int, lines: Sequence[bytes]) -> Envelopes[Chain] | None:
        """Read lines of which the first has an index, the others the next.

        Each has its newline; one that is too long for an entry has two (see lines.py).

        Returns:
            None where anything in them is not accepted.
        """
        matches = cast("Sequence[re.Match[bytes]]", list(map(_LEAF.fullmatch, lines)))
        if None in matches:
            return None
        columns = tuple(zip(*map(re.Match.groups, matches), strict=True))
        actors, events, indices, integrated, kinds, occurred = columns[:6]
        purposes, streams, subjects, submissions = columns[6:]
        following = list(map(str, range(first, first + len(lines))))
        try:
            if (
                b",".join(indices) != ",".join(following).encode()
                or b"".join(events).translate(_HEX_AS_0) != _EVENT * len(lines)
                or b"".join(submissions).translate(None, _HEX)
                or not self._are_instants(integrated, _INTEGRATED)
                or not self._are_instants(occurred, _OCCURRED)
                or sorted(integrated) != list(integrated)
            ):
                return None
            keys = zip(actors, kinds, purposes, subjects, strict=True)
            chains = list(map(self._chains.__getitem__, keys))
        except ValueError:
            return None
        return Envelopes(
            chains,
            following,
            kinds,
            streams,
            events,
            first_at=_instant_in(integrated[0], _INTEGRATED),
            last_at=_instant_in(integrated[-1], _INTEGRATED),
        )

    def _are_instants(self, texts: Sequence[bytes], form: bytes) -> bool:
        joined, width, start = b"".join(texts), len(form), form.index(b"0")
        if joined.translate(_DIGITS_AS_0) != form * len(texts):
            return False
        minute, second = start + _HOUR_CHARS + 1, start + _HOUR_CHARS + 4
        if (joined[minute::width] + joined[second::width]).translate(None, b"012345"):
            return False
        to_the_hour = slice(start, start + _HOUR_CHARS)
        same = all(
            joined[at::width] == joined[at : at + 1] * len(texts)
            for at in range(to_the_hour.start, to_the_hour.stop)
        )
        return all(self._hours[text[to_the_hour]] for text in (texts[:1] if same else texts))


def _instant_in(text: bytes, form: bytes) -> bytes:
    start = form.index(b"0")
    return text[start : start + _INSTANT_CHARS]


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
