"""Which entries an export holds: by time, kind, person, purpose, region; and how that is checked.

Pure. A filtered export is the whole tree of hashes with some of the lines. Each line can be proved
to be in the log; whether any line is missing can be proved where the chosen entries are a stretch
of a sequence that the log itself numbers.

What an export of a selection holds
    ``selection.json``: ``Selection.canonical``. ``entries.jsonl``: the lines in the order of the
    index; the last is the ``log.exported`` entry of this very export, the *anchor*, whether or not
    it matches. Nothing after the anchor is spoken about. Its facts hold the selection
    (``facts.selection``, equal to the content of ``selection.json``), so a file cannot be passed
    off as the answer to another question. With a person it carries that person as subject, with a
    purpose it carries that purpose: it is then itself the newest entry of that stream.

The sequence
    ``Selection.sequence`` names it: ``index`` (no person, no purpose), ``subject:<pseudonym>`` or
    ``purpose:<purpose>``; None where the lines are no stretch of one (by kind, by region, by person
    and purpose together). The place of a leaf in it (``place_in``) is its number and the index of
    the entry before: for ``index`` (idx, idx - 1), for a stream what the leaf says in ``streams``.

What a verifier checks, for every selection
    1. Each line is a leaf whose hash is in the tiles at its ``idx``; the indices increase.
    2. The last line is the anchor: ``log.exported``, the same selection, the person as its subject
       and the purpose, if any, its own. For an erased person the anchor has no subject (rule 5).
    3. Every other line matches (``Selection.matches``), but for at most one neighbour on either
       side of a time in a sequence (rule 4).
    4. Documents are those that the lines name.
What a verifier checks where there is a sequence (completeness)
    1. Each member follows the member before: its number is one more, and it names that index.
    2. The first member has nothing before it (number 1 of a stream, idx 0), or it is the left
       neighbour: ``since`` is given and it was integrated before ``since``.
    3. The last member that follows without a gap is the anchor, or it is the right neighbour:
       ``until`` is given and it was integrated at or after ``until``. After a right neighbour only
       the anchor may come, with a gap.
    4. No neighbour without its bound; without a sequence no neighbours at all.
    5. A person who was erased can have no newer entry: the stream may end with ``subject.erased``,
       and the anchor is then not part of it.
Where there is no sequence, nothing proves completeness and the verdict says so. A time rests on
``integrated_at`` never decreasing, which only the whole log shows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from app.audit.entries.model import Kind, regions_of
from app.kernel.canonical import Json, canonical
from app.kernel.clock import instant, timestamp
from app.kernel.errors import Fault, InvalidInput
from app.kernel.facts import decode, encode
from app.kernel.shapes import DAY, PSEUDONYM, PURPOSE, REGION

VERSION = 1
INDEX = "index"
"""The sequence of the whole log."""

_KINDS = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True)
class Selection:
    """What is wanted; every field given must match, an empty field asks for nothing.

    Attributes:
        since: integrated at or after this.
        until: integrated before this.
        kinds: kinds of entries, sorted.
        person: a pseudonym; the entries *about* this person.
        purpose: the purpose asked for.
        region: a region; ``US`` takes ``US-NY`` in.
        v: the form in which a selection is written.
    """

    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[str, ...] = ()
    person: str | None = None
    purpose: str | None = None
    region: str | None = None
    v: int = VERSION

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self == WHOLE

    @property
    def sequence(self) -> str | None:
        """The numbered sequence of which the chosen entries are a stretch; None without one."""
        if self.kinds or self.region or (self.person and self.purpose):
            return None
        if self.person:
            return f"subject:{self.person}"
        return f"purpose:{self.purpose}" if self.purpose else INDEX

    @property
    def facts(self) -> dict[str, Json]:
        """The selection as codes: in ``selection.json`` and in the facts of ``log.exported``."""
        return encode(self)

    @property
    def canonical(self) -> bytes:
        """The bytes of ``selection.json``."""
        return canonical(self.facts)

    def matches(self, leaf: Mapping[str, Any]) -> bool:
        """Whether an entry is wanted; neighbours and anchor are not asked about here."""
        return (
            self.is_in_time(leaf)
            and (not self.kinds or leaf["kind"] in self.kinds)
            and (self.person is None or self.person in leaf["subjects"])
            and (self.purpose is None or self.purpose == leaf["purpose"])
            and (self.region is None or self.region in regions_of(leaf))
        )

    def is_in_time(self, leaf: Mapping[str, Any]) -> bool:
        """Whether an entry was integrated within the time wanted."""
        return not self.is_before(leaf) and not self.is_after(leaf)

    def is_before(self, leaf: Mapping[str, Any]) -> bool:
        """Whether an entry was integrated before ``since``."""
        return self.since is not None and instant(leaf["integrated_at"]) < self.since

    def is_after(self, leaf: Mapping[str, Any]) -> bool:
        """Whether an entry was integrated at or after ``until``."""
        return self.until is not None and instant(leaf["integrated_at"]) >= self.until


WHOLE = Selection()
"""The whole log."""


def place_in(sequence: str, leaf: Mapping[str, Any]) -> tuple[int, int | None] | None:
    """Number of an entry in a sequence and the index of the entry before; None if it is not in it.

    The index counts from 0, streams from 1.

    >>> leaf = {"idx": 9, "streams": {"purpose:audit.compliance": [2, 4]}}
    >>> place_in(INDEX, leaf), place_in("purpose:audit.compliance", leaf)
    ((9, 8), (2, 4))
    """
    if sequence == INDEX:
        return leaf["idx"], (leaf["idx"] - 1 if leaf["idx"] else None)
    place = leaf["streams"].get(sequence)
    return None if place is None else (place[0], place[1])


def read_selection(
    *,
    since: str = "",
    until: str = "",
    kinds: Iterable[str] = (),
    person: str = "",
    purpose: str = "",
    region: str = "",
) -> Selection:
    """Read what somebody typed; empty texts ask for nothing.

    >>> read_selection(since="2026-11-16", kinds=["consent.given"]).kinds
    ('consent.given',)
    >>> read_selection(region="Germany")
    Traceback (most recent call last):
    app.kernel.errors.InvalidInput: the selection cannot be used

    Args:
        since: ``2026-11-16`` (midnight in UTC) or an RFC 3339 instant with its offset.
        until: the same; the instant itself is not included.
        kinds: each a kind.
        person: a pseudonym, ``p_`` and 32 hex digits.
        purpose: a purpose's key.
        region: ``DE``, ``US-NY``.

    Raises:
        InvalidInput: with a fault for each wrong field, named as the argument is.
    """
    faults: list[Fault] = []
    start, end = _time("since", since, faults), _time("until", until, faults)
    if start is not None and end is not None and start >= end:
        faults.append(Fault("until", "It is not after since", "Name a later time."))
    wanted = tuple(sorted({kind.strip() for kind in kinds} - {""}))
    if set(wanted) - _KINDS:
        faults.append(
            Fault(
                "kinds", "A kind is not one of the log's", "Name kinds such as consent.withdrawn."
            )
        )
    for name, text, form, cure in (
        ("person", person, PSEUDONYM, "Name the pseudonym: p_ and 32 hex digits."),
        ("purpose", purpose, PURPOSE, "Name its key, such as ai_training.computer_use."),
        ("region", region, REGION, "Name a code such as DE or US-NY."),
    ):
        if text.strip() and not form.fullmatch(text.strip()):
            faults.append(Fault(name, f"This is no {name}", cure))
    if faults:
        raise InvalidInput("the selection cannot be used", faults=tuple(faults))
    return Selection(
        start, end, wanted, person.strip() or None, purpose.strip() or None, region.strip() or None
    )


def selection_of(facts: object) -> Selection:
    """Read a selection back from ``facts`` (of ``selection.json``, of ``log.exported``), strictly.

    >>> wanted = read_selection(region="US-NY")
    >>> selection_of(wanted.facts) == wanted
    True

    Raises:
        ValueError: it is not exactly what ``Selection.facts`` writes.
    """
    selection = decode(Selection, facts)
    try:
        typed = read_selection(
            since=timestamp(selection.since) if selection.since else "",
            until=timestamp(selection.until) if selection.until else "",
            kinds=selection.kinds,
            person=selection.person or "",
            purpose=selection.purpose or "",
            region=selection.region or "",
        )
    except InvalidInput as error:
        msg = f"{error.faults[0].field}: is malformed"
        raise ValueError(msg) from error
    if typed != selection:
        msg = "it is not in the form in which a selection is written"
        raise ValueError(msg)
    return selection


def _time(name: str, text: str, faults: list[Fault]) -> datetime | None:
    typed = text.strip()
    if not typed:
        return None
    try:
        if DAY.fullmatch(typed):
            return datetime.combine(date.fromisoformat(typed), time(), UTC)
        return instant(typed)
    except ValueError:
        cure = "Write 2026-11-16, or an instant with its offset: 2026-11-16T09:00:00Z."
        faults.append(Fault(name, "This is no time", cure))
        return None
