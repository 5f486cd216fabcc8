"""Verify one ``.tlog-proof`` file: one entry, in one log, under one key."""

from pathlib import Path
from typing import Literal

from app.audit.entries.model import read_leaf
from app.audit.tree.checkpoint import BadNote, Checkpoint, open_checkpoint, parse_vkey
from app.audit.tree.merkle import BadProof, leaf_hash, verify_inclusion
from app.audit.tree.proof_file import parse_tlog_proof
from app.audit.tree.quorum import evaluate, parse_policy
from app.sdk.verify.report import LIMITS, Findings, Report, Verdict

_MAX_PROOF_BYTES = 1 << 21


def verify_proof(path: Path, vkey: str | None, policy: bytes | None = None) -> Report:
    """Verify a proof; see ``app.sdk.verify.verify``."""
    integrity = Findings()
    index, signed = -1, None
    if vkey is None:
        integrity.add("a proof carries no key: give the log's")
    else:
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_PROOF_BYTES).decode("utf-8")
            index, signed, _ = check_proof(text, vkey)
            if policy is not None:
                note = parse_tlog_proof(text).checkpoint.encode()
                if not evaluate(parse_policy(policy), note, parse_vkey(vkey)).met:
                    integrity.add("not enough witnesses cosigned the checkpoint")
        except (BadNote, BadProof, ValueError) as error:
            integrity.add(str(error))
    verdicts = (
        integrity.verdict(
            f"Entry {index} is in the log that the checkpoint signs.",
            "Nothing is shown about the entry.",
        ),
        Verdict(None, "A proof shows that one entry is there, not what else is."),
        Verdict(None, "Verify an export to judge decisions."),
    )
    return report_on_one("proof", path.name, vkey, signed, verdicts, LIMITS)


def report_on_one(
    subject: Literal["proof", "receipt"],
    name: str,
    vkey: str | None,
    signed: Checkpoint | None,
    verdicts: tuple[Verdict, Verdict, Verdict],
    limits: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> Report:
    """Report on the file of a single entry; the verdicts are integrity, completeness, policy."""
    integrity, completeness, policy = verdicts
    return Report(
        subject=subject,
        name=name,
        key="missing" if vkey is None else "given",
        vkey=vkey,
        origin=signed.origin if signed else None,
        size=signed.size if signed else None,
        root=signed.root if signed else None,
        integrity=integrity,
        completeness=completeness,
        policy=policy,
        limits=limits,
        notes=notes,
    )


def check_proof(text: str, vkey: str) -> tuple[int, Checkpoint, bytes]:
    """Return index, checkpoint and entry of a proof that holds (c2sp.org/tlog-proof@v1).

    Raises:
        BadNote, BadProof, ValueError: it does not.
    """
    proof = parse_tlog_proof(text)
    signed = open_checkpoint(proof.checkpoint.encode(), parse_vkey(vkey))
    if proof.extra is None:
        raise BadNote("the proof does not carry the entry")
    verify_inclusion(proof.index, signed.size, leaf_hash(proof.extra), proof.path, signed.root)
    if read_leaf(proof.extra)["idx"] != proof.index:
        raise BadProof("the entry says another index")
    return proof.index, signed, proof.extra
