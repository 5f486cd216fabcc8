"""Every entry of a whole log: hashed into the tree, held against what should follow, replayed."""

from app.audit.entries.model import MAX_ENTRY_BYTES, read_leaf
from app.audit.export.archive import ENTRIES
from app.sdk.verify.evidence.lines import LeafLines
from app.sdk.verify.order.order import OrderCheck
from app.sdk.verify.replay.decisions import DecisionCheck
from app.sdk.verify.run import Depth, Run
from app.sdk.verify.tree.tree import TreeCheck, leaf_hashes

_TOLD_EVERY = 4_096


def read_entries(run: Run, tree: TreeCheck, order: OrderCheck, decisions: DecisionCheck) -> None:
    """Read ``entries.jsonl`` once, from beginning to end."""
    reader = _Reader(run, order, decisions)
    with run.evidence.stream(ENTRIES) as stream:
        lines = LeafLines(stream)
        for batch in lines.batches():
            first = tree.count
            tree.push(leaf_hashes(batch))
            reader.read(first, batch)
            if run.ask.progress and first % _TOLD_EVERY == 0:
                run.ask.progress(first, run.signed.size if run.signed else first)
        if lines.cut_off:
            last = tree.count - 1
            run.integrity.add(f"line {last} does not end where it should", last)
    if run.ask.progress:
        run.ask.progress(tree.count, tree.count)


class _Reader:
    """Reads the entries of a batch as deep as is asked."""

    def __init__(self, run: Run, order: OrderCheck, decisions: DecisionCheck) -> None:
        self._run = run
        self._order = order
        self._decisions = decisions

    def read(self, first: int, batch: list[bytes]) -> None:
        """Read the lines, each with its newline, from a position on."""
        if self._run.ask.depth is Depth.BYTES:
            longest = max(batch, key=len)
            if len(longest) - 1 > MAX_ENTRY_BYTES:
                position = first + batch.index(longest)
                self._refuse(position, f"it has more than {MAX_ENTRY_BYTES} bytes")
            return
        replay = self._run.ask.depth >= Depth.FACTS
        whole = enumerate(batch, first) if replay else self._order.follow(first, batch)
        for position, line in whole:
            try:
                leaf = read_leaf(line[:-1])
            except ValueError as error:
                self._refuse(position, str(error))
                self._order.unreadable()
                continue
            self._order.see(position, leaf)
            if replay:
                self._decisions.see(position, leaf)

    def _refuse(self, position: int, problem: str) -> None:
        self._run.integrity.add(f"entry {position} is not a leaf: {problem}", position)
