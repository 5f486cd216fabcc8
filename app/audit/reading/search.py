"""What somebody looks for in the log: the fields of a search, and what is wrong with them (pure).

Rules:
1. Days are days in UTC and both ends belong to the search: what was typed is what is counted, for
   every reader on every clock.
2. One object is the question in every use: the filter that is read by, the selection that is
   exported, and the facts of the entry about the reading. They cannot differ.
3. A search becomes an entry, and an entry is for ever: only codes and pseudonyms pass.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.audit.entries.model import EntryFilter, Kind
from app.audit.reading.selection import Selection
from app.kernel.canonical import Json
from app.kernel.errors import Fault
from app.kernel.shapes import DAY, INDEX, PSEUDONYM, PURPOSE, REGION, fits

KIND_GROUPS: Mapping[str, tuple[str, ...]] = {
    "consent": ("consent", "notice"),
    "capture": ("lease", "agent", "device"),
    "access": ("access",),
    "policy": ("policy", "rules"),
    "people": ("directory", "door", "session", "subject"),
    "log": ("log", "keys", "alarm", "seals", "roles"),
}
"""Kinds by what a reader looks for: the first parts of the kinds of each group."""

SIDES = ("about", "by")
"""Which part a person plays in the entries that are looked for."""

OUTCOMES = ("permit", "deny", "on", "off")

NOBODY = Fault("person", "Nobody stands in the log under this pseudonym.")
"""What is wrong with a well-formed pseudonym that no entry carries."""

_FURTHER = ("purpose", "outcome", "region", "since", "until")
"""Fields that the entry about a search repeats in addition to kind and person."""

_KINDS = frozenset(kind.value for kind in Kind) | KIND_GROUPS.keys()


def group_of(kind: str) -> str:
    """The group that a kind belongs to; ``log`` for a kind that no group names."""
    first = kind.partition(".")[0]
    return next((code for code, firsts in KIND_GROUPS.items() if first in firsts), "log")


def kinds_of(group: str) -> tuple[str, ...]:
    """The kinds of a group."""
    return tuple(kind.value for kind in Kind if group_of(kind.value) == group)


@dataclass(frozen=True)
class Search:
    """The fields of a search; an empty field asks for nothing.

    Attributes:
        kind: a kind, or a group of kinds.
        person: a pseudonym; ``side`` says whether the entries are about or by that person.
        since: first day, ``2026-11-22``; until: last day, the same day for one day only.
        before: only smaller indices; after: only larger indices, the page next to it. At most one.
    """

    kind: str = ""
    person: str = ""
    side: str = "about"
    purpose: str = ""
    outcome: str = ""
    region: str = ""
    since: str = ""
    until: str = ""
    before: str = ""
    after: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything is asked for beyond a place in the list."""
        return any((self.kind, self.person, *self.further.values()))

    @property
    def further(self) -> dict[str, str]:
        """The fields other than kind and person that are given."""
        given = {name: value for name in _FURTHER if (value := vars(self)[name])}
        # An entry about a search that names no side is about a search for "about".
        return given | ({"side": self.side} if self._acts else {})

    @property
    def _acts(self) -> bool:
        """Whether the entries are to be by the person, not about them."""
        return bool(self.person) and self.side == "by"

    def facts(self, count: int, **also: str) -> dict[str, Json]:
        """What the entry about a reading of this search says.

        Args:
            count: how many entries were shown or counted.
            **also: what else was asked, such as ``as="export"``.
        """
        facts: dict[str, Json] = {
            "kind": self.kind or None,
            "subject": self.person or None,
            "count": count,
        }
        # Under a name of their own: the entry about a search for a region is not of that region.
        if asked := self.further | also:
            facts["asked"] = {**asked}
        return facts

    def faults(self) -> tuple[Fault, ...]:
        """What to mend before anything can be looked up (rule 3)."""
        return (
            *self._choice_faults(), *self._form_faults(), *self._time_faults(),
            *self._place_faults(),
        )  # fmt: skip

    def export_faults(self) -> tuple[Fault, ...]:
        """What to mend before an export: also what a selection cannot choose by."""
        return (*self.faults(), *self._unchosen_faults())

    def _choice_faults(self) -> Iterator[Fault]:
        for name, value, known in (
            ("kind", self.kind, _KINDS),
            ("side", self.side, SIDES),
            ("outcome", self.outcome, OUTCOMES),
        ):
            if value and value not in known:
                yield Fault(name, "This is not one of the choices.", "Use the list.")

    def _form_faults(self) -> Iterator[Fault]:
        for name, value, form, problem, cure in (
            ("purpose", self.purpose, PURPOSE, "A purpose is a code.", "Use the list."),
            ("region", self.region, REGION, "A region is a code: DE, US-CA.", "Use the list."),
            (
                "person",
                self.person,
                PSEUDONYM,
                "A person stands in the log under a pseudonym: p_ and 32 characters.",
                "Find it below by name, with a reason.",
            ),
        ):
            if value and not fits(form, value):
                yield Fault(name, problem, cure)

    def _time_faults(self) -> Iterator[Fault]:
        for name, value, which in (
            ("since", self.since, "The first day"),
            ("until", self.until, "The last day"),
        ):
            if value and read_day(value) is None:
                yield Fault(name, f"{which} is a day: 2026-11-22.", "Leave it empty for no bound.")
        first, last = read_day(self.since), read_day(self.until)
        if first and last and last < first:
            yield Fault("until", "The last day lies before the first.", "Swap them.")

    def _place_faults(self) -> Iterator[Fault]:
        for name, value in (("before", self.before), ("after", self.after)):
            if value and not fits(INDEX, value):
                yield Fault(name, "An index is a number.", "Leave it empty for the newest.")

    def _unchosen_faults(self) -> Iterator[Fault]:
        if self._acts:
            yield Fault("person", "An export holds the entries about a person, not those by them.")
        if self.outcome:
            cure = "Choose without it; each exported entry says its outcome."
            yield Fault("outcome", "An export does not choose by outcome.", cure)

    def wanted(self, limit: int) -> EntryFilter:
        """The filter of a search without faults."""
        is_group = self.kind in KIND_GROUPS
        return EntryFilter(
            kind=None if is_group else self.kind or None,
            kinds=kinds_of(self.kind) if is_group else (),
            subject=None if self._acts else self.person or None,
            actor=f"person:{self.person}" if self._acts else None,
            purpose=self.purpose or None,
            outcome=self.outcome or None,
            region=self.region or None,
            since=starts(self.since),
            until=ends(self.until),
            before=int(self.before) if self.before else None,
            after=int(self.after) if self.after else None,
            limit=limit,
        )

    def selection(self) -> Selection:
        """What an export of the same entries chooses, where ``export_faults`` finds nothing."""
        kinds = kinds_of(self.kind) if self.kind in KIND_GROUPS else {self.kind} - {""}
        return Selection(
            since=starts(self.since),
            until=ends(self.until),
            kinds=tuple(sorted(kinds)),
            person=self.person or None,
            purpose=self.purpose or None,
            region=self.region or None,
        )


def read_day(text: str) -> date | None:
    """A day as the form writes it; None for anything else."""
    if not fits(DAY, text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def starts(text: str) -> datetime | None:
    """The first instant of a day, in UTC; None without one."""
    day = read_day(text)
    return None if day is None else datetime.combine(day, time(), UTC)


def ends(text: str) -> datetime | None:
    """The first instant after a day, in UTC; None without one, or where the calendar ends."""
    start = starts(text)
    if start is None or start.date() == date.max:
        return None
    return start + timedelta(days=1)
