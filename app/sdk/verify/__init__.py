"""Verify an export or a proof of the log: no server, no database, no trust in who sent it.

Three verdicts, because they are three questions. Integrity: is this what was signed? Completeness:
is nothing left out? Policy: was any decision made that may never be made?
"""

from pathlib import Path

from app.audit.checkpoint import PROOF_HEADER
from app.kernel.errors import NotFound
from app.sdk.verify.export import verify_export
from app.sdk.verify.proof import verify_proof
from app.sdk.verify.receipt import is_receipt, verify_receipt
from app.sdk.verify.report import Report, Verdict, as_json, render

__all__ = ["Report", "Verdict", "as_json", "render", "verify"]


def verify(path: Path, vkey: str | None = None, kept: Path | None = None) -> Report:
    """Verify a file; never raises for what is in it.

    Args:
        path: an export (tar, or the folder it was unpacked into) a ``.tlog-proof``, or a
            receipt (``.json``).
        vkey: the log's key (``name+keyid+key``), got by another way than the file. Without it the
            key in the export is used, and the report says what that means.
        kept: a checkpoint of the same log kept from before; the export must continue it.

    Raises:
        NotFound: there is no such file.
    """
    for file in (path, kept):
        if file is not None and not file.exists():
            raise NotFound(f"there is no {file}")
    vkey = None if vkey is None else vkey.strip()
    if path.is_file() and _is_proof(path):
        return verify_proof(path, vkey)
    if path.is_file() and path.suffix == ".json" and is_receipt(path):
        return verify_receipt(path, vkey)
    return verify_export(path, vkey, None if kept is None else kept.read_bytes())


def _is_proof(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PROOF_HEADER)) == PROOF_HEADER.encode()
