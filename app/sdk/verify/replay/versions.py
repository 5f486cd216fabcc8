"""Which rules hold from entry to entry, and which stretches of the log cannot be replayed.

Rules:
1. A stretch begins with the first entry or a ``rules.adopted`` and ends before the next. It is
   replayed by its own version of the rules; by no other where that version is not carried.
2. In a stretch that is not replayed, entries are still taken for what they say, because later
   stretches rest on them; nothing that they decided is judged. Where one cannot be taken, no later
   stretch can be replayed either.
3. Whatever is not replayed is reported, with the release that can (``notices``); it never counts as
   well decided.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.access.decision.rules import FIRST_RELEASE, FIRST_VERSION, Rules
from app.audit.entries.records import RulesAdoption
from app.kernel.facts import decode


@dataclass
class RuledStretch:
    """Entries that follow one version of the rules.

    Attributes:
        release: the release that adopted that version, as its entry states.
        first, last: indices; None until an entry was seen.
        decided: decisions and leases in it.
        broken: index of an entry of an earlier stretch that could not be taken (rule 2).
    """

    version: int
    release: str
    carried: bool
    first: int
    last: int
    decided: int = 0
    broken: int | None = None

    @property
    def replayed(self) -> bool:
        """Whether what is decided in it is decided again."""
        return self.carried and self.broken is None

    @property
    def sentence(self) -> str:
        """Which entries are not replayed, why, and what can."""
        where = f"Entries {self.first} to {self.last}"
        many = "decision or lease is" if self.decided == 1 else "decisions and leases are"
        what = f"{self.decided} {many} not replayed there."
        if self.carried:
            return f"{where} rest on entry {self.broken}, which cannot be read here: {what}"
        return (
            f"{where} follow rules {self.version}, which this release does not carry: {what} "
            f"Release {self.release} can."
        )


class Versions:
    """Takes entries in order; says by which rules each is judged."""

    def __init__(self, carried: Mapping[int, Rules]) -> None:
        self._carried = carried
        self._broken: int | None = None
        self._stretches = [self._begun(FIRST_VERSION, FIRST_RELEASE, 0)]

    @property
    def now(self) -> Rules | None:
        """The rules that the present entry follows; None where it is not replayed."""
        stretch = self._stretches[-1]
        return self._carried[stretch.version] if stretch.replayed else None

    def see(self, position: int) -> None:
        """Note that an entry belongs to the present stretch."""
        self._stretches[-1].last = position

    def adopted(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``rules.adopted``; yield what is wrong with it."""
        adoption = decode(RulesAdoption, leaf["facts"])
        version = adoption.version
        if version < FIRST_VERSION:
            yield f"adopts rules {version!r}, which is no version"
            version = 0
        elif version == self._stretches[-1].version:
            yield f"adopts rules {version}, which hold already"
        if leaf["actor"] != {"kind": "system", "id": "habeas"} or leaf["subjects"]:
            yield "adopts rules in somebody's name"
        self._stretches.append(self._begun(version, adoption.release, position))

    def decided(self) -> None:
        """Count a decision or a lease of the present stretch."""
        self._stretches[-1].decided += 1

    def lost(self, position: int) -> None:
        """Note that an entry of a stretch that is not replayed could not be taken (rule 2)."""
        if self._broken is None:
            self._broken = position

    @property
    def unreplayed(self) -> tuple[RuledStretch, ...]:
        """The stretches in which nothing was decided again."""
        return tuple(stretch for stretch in self._stretches if not stretch.replayed)

    @property
    def notices(self) -> tuple[str, ...]:
        """What was not replayed, as sentences."""
        return tuple(stretch.sentence for stretch in self.unreplayed)

    def _begun(self, version: int, release: str, position: int) -> RuledStretch:
        return RuledStretch(
            version=version,
            release=release,
            carried=version in self._carried,
            first=position,
            last=position,
            broken=self._broken,
        )
