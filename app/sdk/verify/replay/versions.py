"""Which rules hold from entry to entry, and which stretches of the log cannot be replayed.

Rules:
1. A stretch begins with the first entry or a ``rules.adopted`` and ends before the next. It is
   replayed by its own version of the rules; by no other where that version is not carried.
2. What is folded is the same under every version, but that rules 1 ask nobody about a catalogue
   (``folded.law``). So in a stretch that is not replayed, entries are taken and held against those
   before them as everywhere; only leases and access decisions are not decided again.
3. Whatever is not replayed is reported, with the release that can (``notices``); it never counts as
   well decided.
4. A lease in a form that this verifier does not know is not decided again; nothing else rests on
   its form. So a new form needs no new version of the rules.
5. Which versions follow each other is for releases to choose. A version that leaves others out, or
   goes back, is remarked on and no fault.
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
        replayed: this verifier carries them, so what is decided is decided again.
        first, last: indices.
        decided: decisions and leases in it.
    """

    version: int
    release: str
    replayed: bool
    first: int
    last: int
    decided: int = 0

    @property
    def sentence(self) -> str:
        """Which entries are not replayed, why, and what can."""
        many = "decision or lease is" if self.decided == 1 else "decisions and leases are"
        return (
            f"Entries {self.first} to {self.last} follow rules {self.version}, which this release "
            f"does not carry: {self.decided} {many} not replayed there. Release {self.release} can."
        )


class Versions:
    """Takes entries in order; says by which rules each is judged."""

    def __init__(self, carried: Mapping[int, Rules]) -> None:
        self._carried = carried
        self._remarks: list[str] = []
        self._newer: list[int] = []
        self._stretches = [self._begun(FIRST_VERSION, FIRST_RELEASE, 0)]

    @property
    def now(self) -> Rules | None:
        """The rules that the present entry follows; None where it is not replayed."""
        stretch = self._stretches[-1]
        return self._carried[stretch.version] if stretch.replayed else None

    @property
    def version(self) -> int:
        """The number of the rules that the present entry follows, carried or not."""
        return self._stretches[-1].version

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
        self._remark(position, version)
        if leaf["actor"] != {"kind": "system", "id": "habeas"} or leaf["subjects"]:
            yield "adopts rules in somebody's name"
        self._stretches.append(self._begun(version, adoption.release, position))

    def decided(self) -> None:
        """Count a decision or a lease of the present stretch."""
        self._stretches[-1].decided += 1

    def of_newer_form(self, position: int) -> None:
        """Note that an entry is a lease in a form that is not known (rule 4)."""
        self._newer.append(position)

    @property
    def undecided(self) -> int:
        """How many decisions and leases were not decided again."""
        return len(self._newer) + sum(stretch.decided for stretch in self.unreplayed)

    @property
    def unreplayed(self) -> tuple[RuledStretch, ...]:
        """The stretches in which nothing was decided again."""
        return tuple(stretch for stretch in self._stretches if not stretch.replayed)

    @property
    def notices(self) -> tuple[str, ...]:
        """What was not replayed, as sentences."""
        stretches = tuple(stretch.sentence for stretch in self.unreplayed)
        if not self._newer:
            return stretches
        many = "1 lease is" if len(self._newer) == 1 else f"{len(self._newer)} leases are"
        why = "in a form that this release does not know, the first"
        return (*stretches, f"{many} not replayed: {why} in entry {self._newer[0]}.")

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is unusual about the versions, as sentences (rule 5)."""
        return tuple(self._remarks)

    def _remark(self, position: int, version: int) -> None:
        before, known = self._stretches[-1].version, max(self._known)
        if version > known + 1:
            self._remarks.append(
                f"Entry {position} adopts rules {version}; the highest known before are {known}."
            )
        elif FIRST_VERSION <= version < before:
            self._remarks.append(f"Entry {position} goes back from rules {before} to {version}.")

    @property
    def _known(self) -> set[int]:
        """Versions that this verifier carries, or that the log adopted so far."""
        return {*self._carried, *(stretch.version for stretch in self._stretches)}

    def _begun(self, version: int, release: str, position: int) -> RuledStretch:
        return RuledStretch(
            version=version,
            release=release,
            replayed=version in self._carried,
            first=position,
            last=position,
        )
