"""Verify an export or a proof of the log: no server, no database, no trust in who sent it.

Three verdicts, because they are three questions. Integrity: is this what was signed? Completeness:
is nothing left out? Policy: was any decision made that may never be made?
"""

from dataclasses import replace
from pathlib import Path

from app.audit.export.archive import BLOCK, CHECKPOINT
from app.audit.tree.proof_file import PROOF_HEADER
from app.kernel.errors import InvalidInput, NotFound
from app.sdk.verify.export import verify_export
from app.sdk.verify.keys import GivenKeys, given_keys
from app.sdk.verify.online import verify_log
from app.sdk.verify.report import FETCHED_LIMIT, Report, Verdict, as_json, render
from app.sdk.verify.run import Ask, Depth
from app.sdk.verify.tree.proof import verify_proof
from app.sdk.verify.tree.receipt import is_receipt, verify_receipt

__all__ = [
    "Ask",
    "Depth",
    "GivenKeys",
    "Report",
    "Verdict",
    "as_json",
    "given_keys",
    "is_address",
    "is_receipt_file",
    "render",
    "verify",
    "verify_asked",
]

_CURE = "Leave the option away, or verify a whole export."
_MARK = b"ustar"
"""In every header of a tar (POSIX.1-2024, pax, ustar Header Block)."""
_ASKED = {
    "since": "a kept checkpoint (--since)",
    "policy": "a witness policy (--policy)",
    "max_age": "the age of the checkpoint (--max-age)",
    "receipts": "a submission receipt (--receipt)",
    "keys": "the key set of receipts (--keys)",
}
"""What each question is called; see ``Ask``."""


def verify(path: Path, vkey: str | None = None, kept: Path | None = None) -> Report:
    """Verify a file with the log's key and one kept checkpoint; see ``verify_asked``.

    Raises:
        NotFound: there is no such file.
    """
    if kept is not None and not kept.exists():
        raise NotFound(f"there is no {kept}")
    since = () if kept is None else ((kept.name, kept.read_bytes()),)
    return verify_asked(path, Ask(vkey=vkey, since=since))


def verify_asked(target: Path | str, ask: Ask) -> Report:
    """Verify a file or a running log; never raises for what is in it.

    Args:
        target: an export (tar, or the folder it was unpacked into), a ``.tlog-proof``, a receipt
            (``.json``), or the http(s) address of a service.
        ask: the log's key, checkpoints kept from before, a witness policy, and how deep to look.
            Without a key, the key in the export is used, and the report says what that means.

    Raises:
        NotFound: there is no such file.
        InvalidInput: the address is neither https nor this machine, the file is nothing that could
            prove anything, or something is asked that cannot be answered from this target: nothing
            that was asked is left unanswered.
    """
    if ask.vkey is not None:
        ask = replace(ask, vkey=ask.vkey.strip())
    report = _verified(target, ask)
    if ask.address is None:
        return report
    key = "fetched" if report.key == "given" else report.key
    limits = (*report.limits, FETCHED_LIMIT.format(address=ask.address))
    return replace(report, key=key, limits=limits)


def _verified(target: Path | str, ask: Ask) -> Report:
    if is_address(target):
        _refuse(ask, "a running log", "receipts", "keys")
        return verify_log(str(target), ask)
    path = Path(target)
    if not path.exists():
        raise NotFound(f"there is no {path}")
    if path.is_file() and _is_proof(path):
        _refuse(ask, "a proof", "since", "max_age", "receipts", "keys")
        return verify_proof(path, ask.vkey, ask.policy)
    if is_receipt_file(path):
        _refuse(ask, "a receipt", "since", "policy", "max_age", "receipts")
        return verify_receipt(path, ask.vkey, ask.keys)
    if path.is_file() and not _is_archive(path):
        raise InvalidInput(
            f"{path.name} is no tar; other forms of the log, such as CSV, prove nothing",
            cure="Verify the tar that habeas audit export writes, a proof or a receipt.",
        )
    if ask.keys is not None and not ask.receipts:
        raise InvalidInput("the key set is for receipts, and none is given", cure=_CURE)
    if ask.depth is Depth.BYTES:
        _refuse(ask, "the bytes alone", "receipts")
    return verify_export(path, ask)


def _refuse(ask: Ask, target: str, *unanswered: str) -> None:
    for name in unanswered:
        if getattr(ask, name):
            question = _ASKED[name]
            raise InvalidInput(f"{question} cannot be checked from {target}", cure=_CURE)


def is_address(target: Path | str) -> bool:
    """Whether a target names a running log, not a file."""
    return isinstance(target, str) and target.startswith(("http://", "https://"))


def is_receipt_file(target: Path | str) -> bool:
    """Whether a target is the file of a person's receipt."""
    path = Path(target)
    return path.suffix == ".json" and path.is_file() and is_receipt(path)


def _is_proof(path: Path) -> bool:
    with path.open("rb") as file:
        begins = file.read(len(PROOF_HEADER)) == PROOF_HEADER.encode()
    return begins or path.suffix == ".tlog-proof"


def _is_archive(path: Path) -> bool:
    """Whether a file begins like an export: by the first part's name or by the tar's mark.

    Either will do: an export of which one byte was changed is judged, not sent back.
    """
    with path.open("rb") as file:
        block = file.read(BLOCK)
    return block.startswith(CHECKPOINT.encode()) or _MARK in block
