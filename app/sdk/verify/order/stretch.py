"""Whether the lines of a selection are a stretch of a numbered sequence without a gap.

The rules, and their numbers below, are those of app/audit/reading/selection.py, "completeness".
"""

from collections.abc import Mapping
from typing import Any

from app.audit.entries.model import Kind
from app.audit.reading.selection import INDEX, Selection, place_in
from app.sdk.verify.report import Findings

TIME_LIMIT = (
    "That nothing within the time is missing rests on the log's rule that the time of integration "
    "never decreases; only the whole log shows that it was kept."
)


class Stretch:
    """Takes the lines of a selection in order; the last, the anchor, by ``end``."""

    def __init__(self, wanted: Selection, completeness: Findings) -> None:
        self._wanted = wanted
        self._sequence = wanted.sequence
        self._completeness = completeness
        self._before: tuple[int, int] | None = None
        """Number in the sequence and index of the member before."""
        self._right: int | None = None
        self._is_erased = False

    @property
    def sentence(self) -> str:
        """What a stretch without a gap shows."""
        what = "indices" if self._sequence == INDEX else f"numbers of {self._sequence}"
        end = "the end of the time" if self._right is not None else "the entry about this export"
        return f"the {what} follow without a gap up to {end}."

    def see(self, leaf: Mapping[str, Any]) -> None:
        """Take a line that is not the last."""
        idx, is_first = leaf["idx"], self._before is None
        if self._right is not None:
            self._add(f"entry {idx} stands after the one that ends the time", idx)
        place = None if self._sequence is None else place_in(self._sequence, leaf)
        if place is not None:
            self._follow(leaf, place)
        if self._wanted.matches(leaf):
            self._is_erased = leaf["kind"] == Kind.SUBJECT_ERASED
        elif place is not None and self._wanted.is_after(leaf):
            self._right = idx  # rule 3
        elif place is None or not (is_first and self._wanted.is_before(leaf)):
            self._add(f"entry {idx} was not asked for", idx)

    def end(self, anchor: Mapping[str, Any]) -> None:
        """Take the last line: up to it the stretch must reach."""
        if self._sequence is None or self._right is not None:
            return
        place = place_in(self._sequence, anchor)
        if place is not None:
            self._follow(anchor, place)
        elif not self._is_erased:  # rule 5
            self._add(f"entry {anchor['idx']} should be the newest of {self._sequence}")

    def _follow(self, leaf: Mapping[str, Any], place: tuple[int, int | None]) -> None:
        """Rules 1 and 2."""
        number, before = place
        idx = leaf["idx"]
        if self._before is None:
            if before is not None and not self._wanted.is_before(leaf):
                self._add(f"entry {idx} has entry {before} before it: it is not here", before)
        elif (number - 1, before) != self._before:
            gap = self._before[1]
            self._add(f"entry {idx} does not follow entry {gap} in {self._sequence}", gap + 1)
        self._before = (number, idx)

    def _add(self, problem: str, idx: int | None = None) -> None:
        self._completeness.add(problem, idx)
