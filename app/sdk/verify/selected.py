"""Verify an export of a selection: each line is in the log, and none of a stretch is missing.

The rules are those of app/audit/reading/selection.py. The tree is rebuilt from the tiles of leaf
hashes, which are all there; the lines are then found in it at the index that each says.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.audit.entries.model import Kind, read_leaf
from app.audit.entries.named import named_documents
from app.audit.export.archive import ENTRIES, SELECTION
from app.audit.export.record import ExportRecord
from app.audit.reading.selection import Selection, selection_of
from app.audit.tree.merkle import HASH_BYTES
from app.audit.tree.tiles import TILE_WIDTH, cut, tile_at
from app.kernel.canonical import parse_canonical
from app.kernel.errors import InvalidInput
from app.kernel.facts import decode
from app.sdk.verify.evidence.lines import LeafLines
from app.sdk.verify.order.stretch import TIME_LIMIT, Stretch
from app.sdk.verify.parts import check_parts
from app.sdk.verify.report import Report, Verdict
from app.sdk.verify.run import Run
from app.sdk.verify.tree.earlier import check_remembered, check_since
from app.sdk.verify.tree.tree import leaf_hashes, nodes_of, rebuild

_MAX_SELECTION_BYTES = 65_535
UNPROVABLE = (
    "Nothing proves that no entry is left out: entries are numbered in the whole log, for each "
    "person and for each purpose, and in no other way."
)
_REFUSED = "Policy is judged on the whole log: a selection leaves out what decisions rest on."
"""The third verdict."""


def verify_selected(run: Run, name: str, entries_digest: Callable[[], str]) -> Report:
    """Verify an export that holds some of the entries; see ``app.sdk.verify.verify``.

    Raises:
        InvalidInput: receipts are asked about; what was promised may stand in the rest of the log.
    """
    if run.ask.receipts:
        raise InvalidInput(
            "a submission receipt (--receipt) cannot be checked from a selection",
            cure="Leave the option away, or verify a whole export.",
        )
    run.selection = _selection(run)
    tree = rebuild(run)
    lines = _Lines(run)
    for position, line in _numbered(run):
        lines.see(position, line)
    lines.finish()
    run.digests |= {**tree.tile_digests, ENTRIES: entries_digest()}
    check_parts(run, lines.documents)
    if run.signed is not None and run.key is not None and not run.integrity.count:
        node = nodes_of(run.evidence, run.signed.size)
        check_remembered(run, lines.earlier, node)
        check_since(run, node)
    return _report(run, name, lines)


def _selection(run: Run) -> Selection:
    data = run.evidence.read(SELECTION, _MAX_SELECTION_BYTES) or b""
    try:
        selection = selection_of(parse_canonical(data))
    except (ValueError, RecursionError) as error:
        run.integrity.add(f"{SELECTION} cannot be read: {error}")
        return Selection()
    return selection


def _numbered(run: Run) -> Iterator[tuple[int, bytes]]:
    position = 0
    with run.evidence.stream(ENTRIES) as stream:
        lines = LeafLines(stream)
        for batch in lines.batches():
            for line in batch:
                yield position, line
                position += 1
        if lines.cut_off:
            run.integrity.add("the last line does not end where it should")


class _Lines:
    """Takes the chosen lines in order.

    Attributes:
        documents: digest to the first entry that names the document.
        earlier: index, size and root wherever an entry says what the log was like.
        count: how many lines could be read.
    """

    def __init__(self, run: Run) -> None:
        assert run.selection is not None, "read before the lines are"
        self._run = run
        self._wanted = run.selection
        self.stretch = Stretch(run.selection, run.completeness)
        self._tile: tuple[int, list[bytes]] = (-1, [])
        self._newest = -1
        self._last: Mapping[str, Any] | None = None
        self.documents: dict[str, int] = {}
        self.earlier: list[tuple[int, Mapping[str, Any]]] = []
        self.count = 0

    def see(self, position: int, line: bytes) -> None:
        """Take the line at a position of the file, with its newline."""
        try:
            leaf = read_leaf(line[:-1])
        except ValueError as error:
            self._run.integrity.add(f"line {position} is not a leaf: {error}")
            return
        idx = leaf["idx"]
        if self._hash_at(idx) != leaf_hashes([line])[0]:
            self._run.integrity.add(f"line {position} is not entry {idx} of the log", idx)
        if idx <= self._newest:
            self._run.integrity.add(f"line {position} holds index {idx} out of order", idx)
        self._newest = max(self._newest, idx)
        self.count += 1
        if self._last is not None:
            self.stretch.see(self._last)
        self._last = leaf
        for digest in sorted(named_documents(leaf)):
            self.documents.setdefault(digest, idx)
        if leaf["kind"] == Kind.LOG_EXPORTED:
            self.earlier.append((idx, leaf["facts"]))

    def finish(self) -> None:
        """Judge the last line: the entry about this very export."""
        anchor = self._last
        if anchor is None or anchor["kind"] != Kind.LOG_EXPORTED:
            self._run.integrity.add("the last line is not the entry about this export")
            return
        try:
            anchored = decode(ExportRecord, anchor["facts"]).selection
        except ValueError:
            anchored = None
        if anchored != self._wanted or anchor["purpose"] != self._wanted.purpose:
            self._run.integrity.add(
                "the entry about this export speaks of another selection", anchor["idx"]
            )
        self.stretch.end(anchor)

    def _hash_at(self, idx: int) -> bytes | None:
        n, at = divmod(idx, TILE_WIDTH)
        if self._tile[0] != n:
            size = self._run.signed.size if self._run.signed else 0
            tile = tile_at(0, n, size)
            kept = tile and self._run.evidence.read(tile.path, TILE_WIDTH * HASH_BYTES)
            self._tile = (n, cut(kept or b""))
        hashes = self._tile[1]
        return hashes[at] if at < len(hashes) else None


def _report(run: Run, name: str, lines: _Lines) -> Report:
    size = run.signed.size if run.signed else None
    integrity = run.integrity.verdict(
        f"The {lines.count} entries are in the log of {size} that was signed; tiles, key, "
        f"documents and manifest fit.",
        run.integrity.counted,
    )
    completeness: Verdict = run.completeness.verdict(
        f"No entry is left out: {lines.stretch.sentence}", run.completeness.counted
    )
    if completeness.ok and run.selection is not None and run.selection.sequence is None:
        completeness = Verdict(None, UNPROVABLE)
    elif completeness.ok and not integrity.ok:
        completeness = Verdict(None, "Nothing can be said before integrity holds.")
    chosen = run.selection
    timed = (TIME_LIMIT,) if chosen is not None and (chosen.since or chosen.until) else ()
    return run.report(
        "selection",
        name,
        (integrity, completeness, Verdict(None, _REFUSED)),
        counts={"entries": lines.count},
        limits=(*run.limits, *timed),
    )
