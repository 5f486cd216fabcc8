"""Verify an export: every byte of it is looked at, nothing of it is believed unseen."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from app.audit import archive
from app.audit.archive import CHECKPOINT, ENTRIES, KEY, MANIFEST
from app.audit.checkpoint import (
    MAX_NOTE_BYTES,
    BadNote,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_vkey,
)
from app.audit.merkle import CompactRange, leaf_hash, root_at
from app.audit.model import MAX_ENTRY_BYTES, read_leaf
from app.audit.tiles import parse_tile_path, tile_at
from app.sdk.verify.decisions import DecisionCheck
from app.sdk.verify.evidence import Evidence, from_folder, from_tar
from app.sdk.verify.order import OrderCheck
from app.sdk.verify.report import KEY_LIMIT, LIMITS, UNKEPT_LIMIT, Findings, Report
from app.sdk.verify.tree import TreeCheck, nodes_of

_MAX_KEY_BYTES = 4_096
_MAX_MANIFEST_BYTES = 1 << 26


@dataclass
class _Verification:
    """One run: the evidence, what is known of the log, and what was found."""

    evidence: Evidence
    integrity: Findings = field(default_factory=Findings)
    completeness: Findings = field(default_factory=Findings)
    decisions: DecisionCheck = field(default_factory=DecisionCheck)
    key: VerifierKey | None = None
    signed: Checkpoint | None = None
    """What the checkpoint says; verified unless integrity has findings."""
    entries_digest: str = ""


def verify_export(path: Path, vkey: str | None, kept: bytes | None) -> Report:
    """Verify an export; see ``app.sdk.verify.verify``."""
    evidence = from_folder(path) if path.is_dir() else from_tar(path)
    run = _Verification(evidence)
    for fault in evidence.faults:
        run.integrity.add(fault)
    _read_key(run, vkey)
    _read_checkpoint(run)
    order = OrderCheck(run.signed.origin if run.signed else None, run.completeness)
    tree = _read_entries(run, order)
    _check_root(run, tree)
    _check_parts(run, order)
    _check_earlier(run, order, kept)
    return _report(run, path.name, "export" if vkey is None else "given", kept)


def _read_key(run: _Verification, vkey: str | None) -> None:
    inside = (run.evidence.read(KEY, _MAX_KEY_BYTES) or b"").decode("utf-8", "replace")
    try:
        run.key = parse_vkey(inside.removesuffix("\n") if vkey is None else vkey)
    except BadNote as error:
        run.integrity.add(f"the key cannot be used: {error}")
        return
    if inside != f"{run.key.vkey}\n":
        run.integrity.add(f"{KEY} is not the key that you gave")


def _read_checkpoint(run: _Verification) -> None:
    note = run.evidence.read(CHECKPOINT, MAX_NOTE_BYTES + 1) or b""
    try:
        # Read before it is believed: its size tells where a fault lies.
        run.signed = parse_checkpoint(parse_note(note).text)
        if run.key is not None:
            run.signed = open_checkpoint(note, run.key)
    except BadNote as error:
        run.integrity.add(f"the checkpoint is not to be believed: {error}")


def _read_entries(run: _Verification, order: OrderCheck) -> CompactRange:
    tree = TreeCheck(run.evidence, run.signed.size if run.signed else None, run.integrity)
    digest = hashlib.sha256()
    for position, line in enumerate(_lines(run.evidence)):
        digest.update(line)
        raw = line.removesuffix(b"\n")
        if raw == line:
            run.integrity.add(f"line {position} does not end where it should", position)
        tree.push(leaf_hash(raw))
        try:
            leaf = read_leaf(raw)
        except ValueError as error:
            run.integrity.add(f"entry {position} is not a leaf: {error}", position)
            order.unreadable()
            continue
        order.see(position, leaf)
        run.decisions.see(position, leaf)
    run.entries_digest = digest.hexdigest()
    return tree.finish()


def _lines(evidence: Evidence) -> Iterator[bytes]:
    with evidence.stream(ENTRIES) as stream:
        while line := stream.readline(MAX_ENTRY_BYTES + 2):
            yield line


def _check_root(run: _Verification, tree: CompactRange) -> None:
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


def _check_parts(run: _Verification, order: OrderCheck) -> None:
    """Every part is known, is what its name says, and is what the manifest says."""
    files: dict[str, str] = {}
    for name in run.evidence.parts:
        if name == MANIFEST:
            continue
        files[name] = run.entries_digest if name == ENTRIES else run.evidence.digest(name)
        if archive.is_policy_path(name):
            if archive.policy_path(files[name]) != name:
                run.integrity.add(f"{name} does not have the digest that is its name")
        elif not _belongs(name, run.signed):
            run.integrity.add(f"{name} is no part of this export")
    manifest = run.evidence.read(MANIFEST, _MAX_MANIFEST_BYTES)
    if run.signed is not None and manifest != archive.manifest(run.signed, files):
        run.integrity.add(f"{MANIFEST} does not describe this export")
    _check_documents(run, order, files)


def _check_documents(run: _Verification, order: OrderCheck, files: Mapping[str, str]) -> None:
    """What entries name is there, and nothing else is."""
    for digest, position in order.documents.items():
        if archive.policy_path(digest) not in files:
            run.completeness.add(
                f"entry {position} names the document {digest}: it is not here", position
            )
    named = {archive.policy_path(digest) for digest in order.documents}
    for name in files:
        if archive.is_policy_path(name) and name not in named:
            run.integrity.add(f"{name} is a document that no entry names")


def _belongs(name: str, signed: Checkpoint | None) -> bool:
    if name in {CHECKPOINT, ENTRIES, KEY}:
        return True
    tile = parse_tile_path(name)
    return tile is not None and (signed is None or tile_at(tile.level, tile.n, signed.size) == tile)


def _check_earlier(run: _Verification, order: OrderCheck, kept: bytes | None) -> None:
    """What was known of the log before is its beginning (RFC 6962 §2.1.2, on the whole tree)."""
    if run.signed is None or run.key is None or run.integrity.count:
        return
    node = nodes_of(run.evidence, run.signed.size)
    for position, size, root in order.earlier:
        fits = isinstance(size, int) and 0 <= size <= position
        if not fits or root_at(size, node).hex() != root:
            run.completeness.add(
                f"entry {position} says the log had {size} entries and root {root}: it had not",
                position,
            )
    if kept is None:
        return
    try:
        before = open_checkpoint(kept, run.key)
    except BadNote as error:
        run.completeness.add(f"the kept checkpoint is not this log's: {error}")
        return
    if before.size > run.signed.size:
        run.completeness.add(
            f"the log had {before.size} entries when the kept checkpoint was signed, now fewer",
            run.signed.size,
        )
    elif root_at(before.size, node) != before.root:
        run.completeness.add(
            f"the first {before.size} entries are not those of the kept checkpoint"
        )


def _report(
    run: _Verification, name: str, key: Literal["given", "export"], kept: bytes | None
) -> Report:
    size = run.signed.size if run.signed else None
    integrity = run.integrity.verdict(
        f"The {size} entries hash to the signed root; tiles, key, documents and manifest fit.",
        f"{run.integrity.count} findings.",
    )
    since = "" if kept is None else ", and continue the kept checkpoint"
    completeness = run.completeness.verdict(
        f"Indices 0 to {(size or 0) - 1} and every stream follow without a gap{since}.",
        f"{run.completeness.count} findings.",
    )
    limits = LIMITS + (() if kept else (UNKEPT_LIMIT,)) + ((KEY_LIMIT,) if key == "export" else ())
    if not integrity.ok and completeness.ok:
        completeness = run.completeness.verdict(
            "No gap among what could be read; it counts only once integrity holds.", ""
        )
    return Report(
        subject="export",
        name=name,
        key=key,
        vkey=run.key.vkey if run.key else None,
        origin=run.signed.origin if run.signed else None,
        size=size,
        root=run.signed.root if run.signed else None,
        integrity=integrity,
        completeness=completeness,
        policy=run.decisions.verdict(whole=integrity.ok is True),
        counts={
            "decisions": run.decisions.decisions,
            "permits": run.decisions.permits,
            "prohibited": run.decisions.prohibited,
        },
        limits=limits,
    )
