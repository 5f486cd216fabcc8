"""One entry of the log: what it says, its very bytes, and the way from them to the signed root.

Who looks at an entry stands in the log, and in the streams of those whom the entry names; personal
detail next to it is opened against a reason only (app/audit/reading/desk.py).
"""

import base64
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from app.audit.reading.shown import OpenedEntry
from app.audit.tree.checkpoint import parse_checkpoint, parse_note, parse_vkey
from app.kernel.errors import Fault, InvalidInput
from app.web.auditor.asked import Reason
from app.web.auditor.rows import entry as entry_rows
from app.web.auditor.rows import listing, tree_path
from app.web.shell.visit import Visit, WriteVisit, needs

router = APIRouter()

Index = Annotated[int, Path(ge=0, lt=1 << 53)]


@router.get("/entries/{idx}", dependencies=[needs("log", "read")])
def show_entry(visit: WriteVisit, idx: Index) -> HTMLResponse:
    """The leaf with explanations, its places in the streams, and its proof drawn."""
    opened = visit.services.desk.open(visit.tx, visit.person, idx, visit.now)
    return _entry_page(visit, opened)


@router.post("/entries/{idx}", dependencies=[needs("log", "read")])
def read_detail(visit: WriteVisit, idx: Index, reason: Reason = "") -> HTMLResponse:
    """Open the personal detail of an entry against a reason."""
    desk = visit.services.desk
    try:
        opened = desk.read_detail(visit.tx, visit.person, idx, reason, visit.now)
    except InvalidInput as error:
        # The entry itself is shown again, and that is a reading of it.
        opened = desk.open(visit.tx, visit.person, idx, visit.now)
        return _entry_page(visit, opened, error.faults)
    return _entry_page(visit, opened)


@router.get("/entries/{idx}/proof", dependencies=[needs("log", "read")])
def download_proof(visit: WriteVisit, idx: Index) -> Response:
    """The entry and its proof as one file that anybody can check (C2SP tlog-proof)."""
    text = visit.services.desk.proof(visit.tx, visit.person, idx, visit.now)
    disposition = f'attachment; filename="habeas-entry-{idx}.tlog-proof"'
    return PlainTextResponse(text, headers={"Content-Disposition": disposition})


def _entry_page(visit: Visit, opened: OpenedEntry, faults: tuple[Fault, ...] = ()) -> HTMLResponse:
    entry, proof = opened.entry, opened.proof
    walk = tree_path.steps(proof.index, proof.size, proof.leaf_hash, proof.path)
    checkpoint = parse_checkpoint(parse_note(proof.checkpoint.encode()).text)
    vkey = visit.services.integrator.vkey
    return visit.page(
        "auditor_entry.html",
        status=422 if faults else 200,
        row=listing.entry_row(entry),
        fields=entry_rows.fields(entry.leaf),
        streams=entry_rows.streams(entry.leaf, opened.following),
        detail=entry_rows.detail(opened),
        faults=faults,
        raw=entry.raw.decode("utf-8"),
        raw_base64=_b64(entry.raw),
        leaf_hash=proof.leaf_hash.hex(),
        walk=walk,
        drawing=tree_path.draw(proof.index, proof.leaf_hash, walk),
        path_base64=" ".join(_b64(sibling) for sibling in proof.path),
        key_base64=_b64(parse_vkey(vkey).public),
        vkey=vkey,
        checkpoint=checkpoint,
        root=checkpoint.root.hex(),
        note=proof.checkpoint,
        newest=proof.size - 1,
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
