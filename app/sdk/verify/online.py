"""Verify a running log from outside: its checkpoint, its witnesses, and every tile up to the root.

Nothing is needed but its address and key. What is read is hashes; entries are for auditors, and are
verified from an export.

Rules:
1. The address is https, or this very machine. No redirect is followed.
2. Answers have a largest size and a last moment (app/sdk/wire.py), and there is a last moment for
   all of them together.
3. A server may answer the same question in two ways. So a tile is read once, and that a kept
   checkpoint is continued is shown by a consistency proof, which binds whatever was answered.
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from app.audit.export.archive import CHECKPOINT, KEY
from app.audit.tree.checkpoint import MAX_NOTE_BYTES, BadNote
from app.audit.tree.merkle import BadProof, consistency_path, verify_consistency
from app.audit.witnesses.client import is_safe_address
from app.kernel.errors import InvalidInput
from app.sdk.verify.evidence.evidence import EvidenceParts
from app.sdk.verify.report import Report, Verdict
from app.sdk.verify.run import Ask, Run
from app.sdk.verify.tree.tree import nodes_of, rebuild
from app.sdk.verify.tree.trust import earlier_checkpoint, read_checkpoint, read_key
from app.sdk.wire import Answer, BadAnswer, Silence, Wire

DEADLINE_S = 600.0
MAX_SIZE = 1 << 24
"""A larger log is not read tile by tile over the network."""
_FOUND = 200
_TILE_BYTES = 8_192
_HASHES_LIMIT = (
    "Entries were not read: what they say, and whether their streams are whole, an export shows."
)
_PENDING_NOTE = (
    "The log serves no checkpoint that its own witness policy accepts; this is the newest."
)


class _Unanswered(Exception):
    """There is no more time, or the other side does not answer as a log does."""


@dataclass(frozen=True)
class _Remote(EvidenceParts):
    """The parts of an export, read from a running log."""

    wire: Wire = field(default_factory=lambda: Wire(""))
    ends: float = 0.0

    def get(self, path: str, cap: int) -> Answer:
        if time.monotonic() > self.ends:
            raise _Unanswered(f"the log did not answer everything within {DEADLINE_S:.0f} s")
        try:
            return self.wire.exchange("GET", f"/log/{path}", cap=cap)
        except (BadAnswer, Silence) as error:
            raise _Unanswered(f"the log does not answer as it should: {error}") from error

    def read(self, name: str, limit: int) -> bytes | None:
        answer = self.get("key" if name == KEY else name, max(limit, _TILE_BYTES))
        return answer.body[:limit] if answer.status == _FOUND else None

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        yield io.BytesIO(self.read(name, _TILE_BYTES) or b"")


def verify_log(url: str, ask: Ask, wire: Wire | None = None) -> Report:
    """Verify the log of a running service.

    Args:
        url: the service's address, with or without ``/log``.
        ask: what is asked; receipts and depth do not matter here.
        wire: for tests.

    Raises:
        InvalidInput: the address is not safe (rule 1).
    """
    base = url.rstrip("/").removesuffix("/log")
    if not is_safe_address(base):
        raise InvalidInput(
            f"{url} is neither https nor this machine", cure="Give the log's https address."
        )
    remote = _Remote({}, (), None, wire or Wire(base), time.monotonic() + DEADLINE_S)
    run = Run(ask, remote)
    try:
        _verify(run, remote)
    except _Unanswered as error:
        run.integrity.add(str(error))
    return _report(run, base)


def _verify(run: Run, remote: _Remote) -> None:
    note = remote.get(CHECKPOINT, MAX_NOTE_BYTES)
    if note.status != _FOUND:
        note = remote.get(f"{CHECKPOINT}.pending", MAX_NOTE_BYTES)
        run.notes.append(_PENDING_NOTE)
    run.note = note.body
    read_key(run, note.body)
    read_checkpoint(run, note.body)
    if run.signed is None or run.key is None or run.integrity.count:
        return
    if run.signed.size > MAX_SIZE:
        run.notes.append(f"A log of {run.signed.size} entries is not read tile by tile.")
    else:
        rebuild(run)
    _check_since(run, remote)


def _check_since(run: Run, remote: _Remote) -> None:
    """Rule 3."""
    assert run.signed is not None
    assert run.key is not None

    node = nodes_of(remote, run.signed.size)
    for name, kept in run.ask.since:
        try:
            before = earlier_checkpoint(kept, run.key)
            if before.size > run.signed.size:
                raise BadProof(f"it had {before.size} entries then, now {run.signed.size}")
            if before.size:
                path = consistency_path(before.size, run.signed.size, node)
                verify_consistency(before.size, run.signed.size, before.root, run.signed.root, path)
        except (BadNote, ValueError) as error:
            run.completeness.add(f"the log does not continue the kept checkpoint {name!r}: {error}")


def _report(run: Run, base: str) -> Report:
    size = run.signed.size if run.signed else None
    integrity = run.integrity.verdict(
        f"The tiles of {size} entries hash to the signed root.",
        run.integrity.counted,
    )
    completeness = run.completeness.verdict(
        "The log continues the kept checkpoints and is as fresh as you ask.",
        run.completeness.counted,
    )
    if completeness.ok and not (integrity.ok and (run.ask.since or run.ask.max_age)):
        completeness = Verdict(None, "Give checkpoints that you kept, or verify an export.")
    policy = Verdict(None, "Verify an export to judge decisions.")
    verdicts = (integrity, completeness, policy)
    return run.report("log", base, verdicts, limits=(_HASHES_LIMIT, *run.limits))
