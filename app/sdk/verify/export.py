"""Verify an export: every byte of it is looked at, nothing of it is believed unseen."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from app.audit.export.archive import CHECKPOINT, ENTRIES, SELECTION
from app.audit.tree.checkpoint import MAX_NOTE_BYTES
from app.audit.tree.merkle import CompactRange
from app.sdk.verify.entries import read_entries
from app.sdk.verify.evidence.evidence import EvidenceParts, from_folder, from_tar
from app.sdk.verify.order.erasures import check_erasures
from app.sdk.verify.order.order import OrderCheck
from app.sdk.verify.order.promised import Promises
from app.sdk.verify.order.reseals import check_reseals
from app.sdk.verify.order.restores import check_restores
from app.sdk.verify.parts import check_parts
from app.sdk.verify.replay.decisions import DecisionCheck
from app.sdk.verify.report import (
    BYTES_LIMIT,
    ORDER_LIMIT,
    Report,
    Verdict,
)
from app.sdk.verify.run import Ask, Depth, Run
from app.sdk.verify.selected import verify_selected
from app.sdk.verify.tree.earlier import check_remembered, check_since
from app.sdk.verify.tree.tree import TreeCheck, nodes_of
from app.sdk.verify.tree.trust import read_checkpoint, read_key

_SMALL = 1 << 18
"""Bytes of a part whose digest is made sooner than a thread is started."""
_DEPTH_LIMITS = {Depth.BYTES: (BYTES_LIMIT,), Depth.ORDER: (ORDER_LIMIT,)}


def verify_export(path: Path, ask: Ask) -> Report:
    """Verify an export; see ``app.sdk.verify.verify``."""
    with from_folder(path) if path.is_dir() else from_tar(path) as evidence:
        run = Run(ask, evidence)
        for fault in evidence.faults:
            run.integrity.add(fault)
        note = evidence.read(CHECKPOINT, MAX_NOTE_BYTES + 1) or b""
        read_key(run, note)
        read_checkpoint(run, note)
        verify_rest = verify_selected if SELECTION in evidence.parts else _verify_whole
        with _digest_of_entries(evidence) as digest:
            return verify_rest(run, path.name, digest)


@contextmanager
def _digest_of_entries(evidence: EvidenceParts) -> Iterator[Callable[[], str]]:
    """What gives the digest of the entries, usually the largest part by far."""
    part = evidence.parts.get(ENTRIES)
    if part is None or part.size < _SMALL:
        yield partial(evidence.digest, ENTRIES)
        return
    # Made while the lines are hashed: while it works on a piece it needs no interpreter.
    with ThreadPoolExecutor(1) as aside:
        yield aside.submit(evidence.digest, ENTRIES).result


def _verify_whole(run: Run, name: str, entries_digest: Callable[[], str]) -> Report:
    promises = Promises(run.ask, run.completeness)
    order = OrderCheck(run.origin, run.completeness, promises)
    decisions = DecisionCheck(
        run.document if run.ask.depth is Depth.REPLAY else None, run.ask.rules
    )
    tree = TreeCheck(run.evidence, run.signed.size if run.signed else None, run.integrity)
    read_entries(run, tree, order, decisions)
    _check_root(run, tree.finish())
    order.finish()
    if order.erased:
        who = "1 person was" if order.erased == 1 else f"{order.erased} people were"
        run.notes.append(f"{who} erased: of their details only commitments are left.")
    decisions.finish()
    run.digests |= {**tree.tile_digests, ENTRIES: entries_digest()}
    deep = run.ask.depth > Depth.BYTES
    check_parts(run, order.documents if deep else None)
    if run.signed is not None and run.key is not None and not run.integrity.count:
        node = nodes_of(run.evidence, run.signed.size)
        if deep:
            check_restores(run, order.restores, node)
            check_reseals(run, order.agreed, node)
            check_remembered(run, order.earlier, node)
            if run.ask.depth is not Depth.REPLAY:
                check_erasures(run, order.agreed)
        # Whoever reads no entries knows of no restore; one that does not hold excuses nothing.
        check_since(run, node, order.restores if deep and not run.completeness.count else ())
        if deep:
            run.notes += promises.finish(run.signed.origin, order.last_at, order.restores)
    return _report(run, name, order, decisions)


def _check_root(run: Run, tree: CompactRange) -> None:
    if run.signed is None:
        return
    size = run.signed.size
    if tree.size < size:
        problem = f"entries {tree.size} to {size - 1} are missing"
        run.completeness.add(problem, tree.size)
        run.integrity.add(problem, tree.size)
    elif tree.size > size:
        problem = f"entries from {size} on are more than the checkpoint signs"
        run.completeness.add(problem, size)
        run.integrity.add(problem, size)
    elif tree.root != run.signed.root:
        run.integrity.add("the entries do not hash to the root that the checkpoint signs")


def _report(run: Run, name: str, order: OrderCheck, decisions: DecisionCheck) -> Report:
    size = run.signed.size if run.signed else None
    integrity = run.integrity.verdict(
        f"The {size} entries hash to the signed root; tiles, key, documents and manifest fit.",
        run.integrity.counted,
    )
    depth = run.ask.depth
    replayed = depth >= Depth.FACTS
    whole = integrity.ok is True
    unread = Verdict(None, "Without replay no decision was looked at.")
    return run.report(
        "export",
        name,
        (
            integrity,
            _completeness(run, size or 0, whole=whole),
            decisions.verdict(whole=whole) if replayed else unread,
        ),
        counts={**order.counts, **decisions.counts} if replayed else order.counts,
        limits=(*_DEPTH_LIMITS.get(depth, decisions.limits), *run.limits),
        notes=decisions.notices,
        unreplayed=decisions.unreplayed if replayed else None,
    )


def _completeness(run: Run, size: int, *, whole: bool) -> Verdict:
    count = len(run.ask.since)
    kept = "the kept checkpoint" if count == 1 else f"the {count} kept checkpoints"
    since = f", and continue {kept}" if count else ""
    verdict = run.completeness.verdict(
        f"Indices 0 to {size - 1} and every stream follow without a gap{since}.",
        run.completeness.counted,
    )
    if not verdict.ok:
        return verdict
    if not whole:
        sentence = "No gap among what could be read; it counts only once integrity holds."
        return run.completeness.verdict(sentence, "")
    if run.ask.depth is Depth.BYTES:
        sentence = "The entries were not read" + (f"; they continue {kept}." if count else ".")
        return Verdict(True if count else None, sentence)
    return verdict
