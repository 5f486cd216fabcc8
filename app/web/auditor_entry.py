"""One entry of the log: what it says, its very bytes, and the way from them to the signed root."""

import base64
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from app.api.deps import Now, ServicesDep, WriteTx
from app.audit.checkpoint import parse_checkpoint, parse_note, parse_vkey
from app.audit.model import Actor, Entry, Event, Kind
from app.db.engine import Tx
from app.web import auditor_rows, tree_path
from app.web.door import SignedIn, Visitor
from app.web.render import page
from app.wiring import Services

router = APIRouter()

Index = Annotated[int, Path(ge=0, lt=1 << 53)]


@router.get("/entries/{idx}")
def show_entry(
    request: Request, idx: Index, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> HTMLResponse:
    """The leaf with explanations, and its proof drawn."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    entry = services.log.entry(tx, idx)
    proof = services.log.proof(tx, idx)
    _record(services, tx, visitor, entry, now)
    walk = tree_path.steps(proof.index, proof.size, proof.leaf_hash, proof.path)
    checkpoint = parse_checkpoint(parse_note(proof.checkpoint.encode()).text)
    key = parse_vkey(services.integrator.vkey)
    return page(
        request,
        "auditor_entry.html",
        row=auditor_rows.entry_row(entry),
        fields=auditor_rows.fields(entry.leaf),
        raw=entry.raw.decode("utf-8"),
        raw_base64=_b64(entry.raw),
        leaf_hash=proof.leaf_hash.hex(),
        walk=walk,
        drawing=tree_path.draw(proof.index, proof.leaf_hash, walk),
        path_base64=" ".join(_b64(one) for one in proof.path),
        key_base64=_b64(key.public),
        vkey=services.integrator.vkey,
        checkpoint=checkpoint,
        root=checkpoint.root.hex(),
        note=proof.checkpoint,
        newest=proof.size - 1,
    )


@router.get("/entries/{idx}/proof")
def download_proof(
    idx: Index, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> Response:
    """The entry and its proof as one file that anybody can check (C2SP tlog-proof)."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    entry = services.log.entry(tx, idx)
    text = services.log.tlog_proof(tx, idx)
    _record(services, tx, visitor, entry, now)
    return PlainTextResponse(
        text,
        headers={"Content-Disposition": f'attachment; filename="habeas-entry-{idx}.tlog-proof"'},
    )


def _record(services: Services, tx: Tx, visitor: Visitor, entry: Entry, now: Now) -> None:
    """Who reads the log stands in the log, and in the streams of those whom the entry names."""
    named = [*entry.leaf["subjects"]]
    if entry.leaf["actor"]["kind"] == "person":
        named.append(entry.leaf["actor"]["id"])
    event = Event(
        Kind.LOG_READ,
        Actor("person", visitor.person.id),
        {"kind": entry.leaf["kind"], "subject": None, "count": 1},
        subjects=tuple(services.log.people(tx, named).values()),
    )
    services.log.append(tx, event, now)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
