"""The reconciler's bookmark: how far it has come, kept over a start.

Rules:
1. It is sealed under a key that is not in the database, and names the log, its size and the nodes
   of its tree. It is used only where the database's log goes on from just that tree; that log in
   turn must go on from what the lock store holds, or the process does not start.
2. A bookmark that is missing, changed, of another log, of a log before a restore, of rows before
   they were sealed again, or further than the database, is none: all is compared from entry 0.
3. An earlier bookmark of this log is true of what it says, and only leaves more to compare.
4. It is kept only when what was found before it is an alarm: a crash loses no difference.
"""

import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.audit.tree.merkle import CompactRange
from app.db.ring import SealKey, SealRing
from app.kernel.keys import create_once
from app.reconcile.reached import ComparedSoFar

FORM = 1
"""Number of what a bookmark holds; a program that compares otherwise has another."""


def keep(file: Path, bookmark: ComparedSoFar, ring: SealRing, origin: str) -> None:
    """Write a bookmark, whole or not at all; none without a key."""
    key = _key(ring)
    if key is None:
        return
    state = {
        "form": FORM,
        "origin": origin,
        "generation": ring.generation,
        "size": bookmark.tree.size,
        "frontier": [node.hex() for node in bookmark.tree.frontier],
        "counts": bookmark.counts,
    }
    content = json.dumps(state, sort_keys=True).encode()
    draft = file.with_suffix(f".{secrets.token_hex(8)}.draft")  # two containers may share a folder
    create_once(draft, _seal(key, content) + b"\n" + content)
    draft.replace(file)


def kept(file: Path, ring: SealRing, origin: str) -> ComparedSoFar | None:
    """The bookmark in a file; None where it is missing or not ours (rule 2)."""
    key = _key(ring)
    try:
        seal, _, content = file.read_bytes().partition(b"\n")
        if key is None or not hmac.compare_digest(seal, _seal(key, content)):
            return None
        return _read(json.loads(content), ring, origin)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(state: Mapping[str, Any], ring: SealRing, origin: str) -> ComparedSoFar | None:
    if (state["form"], state["origin"], state["generation"]) != (FORM, origin, ring.generation):
        return None
    nodes = tuple(bytes.fromhex(node) for node in state["frontier"])
    return ComparedSoFar(CompactRange(state["size"], nodes), state["counts"])


def _key(ring: SealRing) -> SealKey | None:
    return ring.key if ring.derive is None else ring.derive(1)


def _seal(key: SealKey, content: bytes) -> bytes:
    return key.mac(b"reconciled\n" + content).hex().encode()
