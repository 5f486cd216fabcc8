"""What somebody looks for in the log, as the form of the page carries it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlencode

from app.audit.model import EntryFilter, Kind
from app.kernel.errors import Fault
from app.web.log_words import OUTCOMES

SIDES: Mapping[str, str] = {"about": "about them", "by": "by them"}
"""Which part a person plays in the entries that are looked for."""

_PSEUDONYM = re.compile(r"p_[0-9a-f]{32}")
_INDEX = re.compile(r"[0-9]{1,15}")
_PURPOSE = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_KINDS = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True)
class Search:
    """The fields of the search form; an empty one asks for nothing."""

    kind: str = ""
    person: str = ""
    side: str = "about"
    purpose: str = ""
    outcome: str = ""
    before: str = ""

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
        if self.purpose and not _PURPOSE.fullmatch(self.purpose):
            found.append(Fault("purpose", "A purpose is a code.", "Use the list."))
        if self.person and not _PSEUDONYM.fullmatch(self.person):
            found.append(
                Fault(
                    "person",
                    "A person stands in the log under a pseudonym: p_ and 32 characters.",
                    "Find it below by name, with a reason.",
                )
            )
        if self.before and not _INDEX.fullmatch(self.before):
            found.append(Fault("before", "An index is a number.", "Leave it empty for the newest."))
        return tuple(found)

    def wanted(self, limit: int) -> EntryFilter:
        """The filter of a search without faults."""
        acts = self.side == "by"
        return EntryFilter(
            kind=self.kind or None,
            subject=None if acts else self.person or None,
            actor=f"person:{self.person}" if acts and self.person else None,
            purpose=self.purpose or None,
            outcome=self.outcome or None,
            before=int(self.before) if self.before else None,
            limit=limit,
        )

    def query(self, before: int | None = None) -> str:
        """The same search from another index on, or from the newest entry, as a query string."""
        turned = replace(self, before="" if before is None else str(before))
        fields = {name: value for name, value in asdict(turned).items() if value}
        if fields.get("side") == "about":
            del fields["side"]
        return urlencode(fields)
