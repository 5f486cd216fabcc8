"""Whom a checkpoint is believed from: the log's key, enough witnesses, and how long ago."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from app.audit.export.archive import KEY
from app.audit.tree.checkpoint import (
    BadNote,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_vkey,
)
from app.audit.tree.epoch import base_of
from app.audit.tree.quorum import BadPolicy, Policy, QuorumVerdict, evaluate, parse_policy
from app.kernel.clock import timestamp
from app.sdk.verify.report import (
    AGE_LIMIT,
    COLLUSION_LIMIT,
    UNWITNESSED_LIMIT,
    Findings,
)
from app.sdk.verify.run import Run

_MAX_KEY_BYTES = 4_096
_AHEAD = timedelta(minutes=5)
"""By how much a witness's clock may run ahead of ours."""


def read_key(run: Run, note: bytes) -> None:
    """Take the key that was given, else the key next to the checkpoint."""
    inside = (run.evidence.read(KEY, _MAX_KEY_BYTES) or b"").decode("utf-8", "replace")
    given = run.ask.vkey
    try:
        run.key = parse_vkey(inside.removesuffix("\n") if given is None else given)
    except BadNote as error:
        run.integrity.add(f"the key cannot be used: {error}")
        return
    run.key = key_of_epoch(run.key, _origin_said(note)) or run.key
    if inside != f"{run.key.vkey}\n":
        run.integrity.add(f"{KEY} is not the key that you gave")


def key_of_epoch(key: VerifierKey, origin: str | None) -> VerifierKey | None:
    """The same key under the name that the log has in another epoch; None of another log.

    After a restore the log goes on under ``<name>/e2``, signed with the same key.
    """
    if origin is None or base_of(origin) != base_of(key.name):
        return None
    return VerifierKey(origin, key.public)


def _origin_said(note: bytes) -> str | None:
    try:
        return parse_checkpoint(parse_note(note).text).origin
    except BadNote:
        return None


def read_checkpoint(run: Run, note: bytes) -> None:
    """Read the checkpoint and hold it against the key and the witness policy."""
    run.note = note
    try:
        # Read before it is believed: its size tells where a fault is.
        run.signed = parse_checkpoint(parse_note(note).text)
        if run.key is not None:
            run.signed = open_checkpoint(note, run.key)
    except BadNote as error:
        run.integrity.add(f"the checkpoint is not to be believed: {error}")
    _hold_against_policy(run)


def _hold_against_policy(run: Run) -> None:
    if run.ask.policy is None:
        run.limits.append(UNWITNESSED_LIMIT)
        if run.ask.max_age is not None:
            run.completeness.add("how old the checkpoint is cannot be known without a policy")
        return
    try:
        policy = parse_policy(run.ask.policy)
    except BadPolicy as error:
        run.integrity.add(f"the witness policy cannot be used: {error}")
        return
    if run.key is None:
        return
    try:
        judged = evaluate(policy, run.note, run.key)
    except BadNote as error:
        run.integrity.add(f"the checkpoint is not to be believed: {error}")
        return
    run.limits.append(COLLUSION_LIMIT)
    _quorum(run.integrity, policy, judged)
    run.notes += _who(judged.cosigned)
    _freshness(run, judged)


def _quorum(integrity: Findings, policy: Policy, judged: QuorumVerdict) -> None:
    if not judged.met:
        missing = ", ".join(
            sorted({witness.name for witness in policy.witnesses} - judged.cosigned.keys())
        )
        integrity.add(f"not enough witnesses cosigned the checkpoint; missing: {missing or 'none'}")


def _who(cosigned: Mapping[str, int]) -> list[str]:
    return [f"{name} cosigned at {_time(at)}." for name, at in sorted(cosigned.items())]


def _time(at: int) -> str:
    try:
        return timestamp(datetime.fromtimestamp(at, UTC))
    except (ValueError, OverflowError, OSError):
        return f"second {at} since 1970"


def _freshness(run: Run, judged: QuorumVerdict) -> None:
    max_age = run.ask.max_age
    if judged.fresh_at is None:
        run.limits.append(AGE_LIMIT)
        if max_age is not None:
            run.completeness.add("how old the checkpoint is cannot be known: no quorum signed it")
        return
    age = timedelta(seconds=run.ask.now.timestamp() - judged.fresh_at)
    if age < -_AHEAD:
        run.integrity.add("the witnesses' time lies in the future")
    elif max_age is not None and age > max_age:
        run.completeness.add(
            f"enough witnesses signed the checkpoint last at {_time(judged.fresh_at)}: that is "
            f"longer ago than you allow"
        )
    run.notes.append(f"Enough witnesses had seen this checkpoint at {_time(judged.fresh_at)}.")


def earlier_checkpoint(note: bytes, key: VerifierKey) -> Checkpoint:
    """Read a checkpoint that was kept, of this epoch of the log or one before.

    Raises:
        BadNote: it is not this log's.
    """
    before = key_of_epoch(key, _origin_said(note))
    return open_checkpoint(note, before or key)
