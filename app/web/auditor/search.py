"""What somebody looks for in the log, as the form of the page carries it.

Days are days in UTC and both ends belong to the search: what the form says is what is counted, for
every reader on every clock.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from app.audit.entries.model import EntryFilter, Kind
from app.audit.reading.selection import Selection
from app.kernel.errors import Fault
from app.kernel.shapes import DAY, INDEX, PSEUDONYM, PURPOSE, REGION
from app.web.words.log_words import GROUPS, OUTCOMES, kinds_of

SIDES: Mapping[str, str] = {"about": "about them", "by": "by them"}
"""Which part a person plays in the entries that are looked for."""

ASKED = ("purpose", "outcome", "region", "since", "until")
"""Fields that the entry about a search repeats beside kind and person."""

_KINDS = frozenset(kind.value for kind in Kind) | GROUPS.keys()


@dataclass(frozen=True)
class Search:
    """The fields of the search form; an empty one asks for nothing.

    Attributes:
        kind: a kind, or a group of kinds (app/web/words/log_words.py).
        person: a pseudonym; ``side`` says whether the entries are about or by that person.
        since: first day, ``2026-11-22``; until: last day, the same day for one day only.
        before: only smaller indices; after: only larger ones, the page next to it. At most one.
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
        return any((self.kind, self.person, *self.asked.values()))

    @property
    def asked(self) -> dict[str, str]:
        """The further fields that are given, for the entry about the search."""
        return {name: value for name in ASKED if (value := getattr(self, name))}

    def faults(self) -> tuple[Fault, ...]:
        """What to mend before anything can be looked up.

        A search becomes an entry, and an entry is for ever: only codes and pseudonyms pass.
        """
        found = []
        for name, value, known in (
            ("kind", self.kind, _KINDS),
            ("side", self.side, SIDES),
            ("outcome", self.outcome, OUTCOMES),
        ):
            if value and value not in known:
                found.append(Fault(name, "This is not one of the choices.", "Use the list."))
        if self.purpose and not PURPOSE.fullmatch(self.purpose):
            found.append(Fault("purpose", "A purpose is a code.", "Use the list."))
        if self.region and not REGION.fullmatch(self.region):
            found.append(Fault("region", "A region is a code: DE, US-CA.", "Use the list."))
        if self.person and not PSEUDONYM.fullmatch(self.person):
            found.append(
                Fault(
                    "person",
                    "A person stands in the log under a pseudonym: p_ and 32 characters.",
                    "Find it below by name, with a reason.",
                )
            )
        return (*found, *self._time_faults(), *self._place_faults())

    def _time_faults(self) -> tuple[Fault, ...]:
        found = [
            Fault(name, f"{which} is a day: 2026-11-22.", "Leave it empty for no bound.")
            for name, value, which in (
                ("since", self.since, "The first day"),
                ("until", self.until, "The last day"),
            )
            if value and read_day(value) is None
        ]
        first, last = read_day(self.since), read_day(self.until)
        if first and last and last < first:
            found.append(Fault("until", "The last day lies before the first.", "Swap them."))
        return tuple(found)

    def _place_faults(self) -> tuple[Fault, ...]:
        return tuple(
            Fault(name, "An index is a number.", "Leave it empty for the newest.")
            for name, value in (("before", self.before), ("after", self.after))
            if value and not INDEX.fullmatch(value)
        )

    def wanted(self, limit: int) -> EntryFilter:
        """The filter of a search without faults."""
        acts = self.side == "by"
        return EntryFilter(
            kind=None if self.kind in GROUPS else self.kind or None,
            kinds=kinds_of(self.kind) if self.kind in GROUPS else (),
            subject=None if acts else self.person or None,
            actor=f"person:{self.person}" if acts and self.person else None,
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
        """What an export of the same entries chooses; side and outcome it does not know."""
        group = self.kind in GROUPS
        return Selection(
            since=starts(self.since),
            until=ends(self.until),
            kinds=tuple(sorted(kinds_of(self.kind))) if group else tuple({self.kind} - {""}),
            person=self.person or None,
            purpose=self.purpose or None,
            region=self.region or None,
        )

    def query(self, *, before: int | None = None, after: int | None = None) -> str:
        """The same search from another index on, or from the newest entry, as a query string."""
        turned = replace(self, before=_written(before), after=_written(after))
        fields = {name: value for name, value in asdict(turned).items() if value}
        if fields.get("side") == "about":
            del fields["side"]
        return urlencode(fields)


def read_day(text: str) -> date | None:
    """A day as the form writes it; None for anything else."""
    if not DAY.fullmatch(text):
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


def _written(index: int | None) -> str:
    return "" if index is None else str(index)
