"""One entry of the log: what it says, its very bytes, and the way from them to the signed root.

Rules:
1. Who looks at an entry stands in the log, and in the streams of those whom the entry names.
2. Personal detail beside an entry is opened against a reason only. The reading is an entry about
   the person whom the detail belongs to, and the reason is kept, encrypted, under their key.
"""

import base64
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from app.api.deps import Now, ServicesDep, WriteTx
from app.audit.entries.model import Actor, Entry, EntryFilter, Event, Kind
from app.audit.tree.checkpoint import parse_checkpoint, parse_note, parse_vkey
from app.db.engine import Tx
from app.kernel.errors import Fault
from app.web.auditor import entry_rows, tree_path
from app.web.auditor import rows as auditor_rows
from app.web.auditor.entry_rows import Detail, DetailState
from app.web.shell.door import SignedIn, Visitor
from app.web.shell.render import page
from app.wiring import Services

router = APIRouter()

Index = Annotated[int, Path(ge=0, lt=1 << 53)]


@router.get("/entries/{idx}")
def show_entry(
    request: Request, idx: Index, visitor: SignedIn, services: ServicesDep, tx: WriteTx, now: Now
) -> HTMLResponse:
    """The leaf with explanations, its places in the streams, and its proof drawn."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    entry = services.log.entry(tx, idx)
    answer = _entry_page(request, services, tx, entry, _detail(services, tx, entry))
    _record(services, tx, visitor, entry, now)
    return answer


@router.post("/entries/{idx}")
def read_detail(
    request: Request,
    idx: Index,
    visitor: SignedIn,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
    reason: Annotated[str, Form(max_length=2_000)] = "",
) -> HTMLResponse:
    """Open the personal detail of an entry against a reason."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    entry = services.log.entry(tx, idx)
    detail = _detail(services, tx, entry)
    if detail.state is not DetailState.KEPT:
        return _entry_page(request, services, tx, entry, detail)
    if not reason.strip():
        fault = Fault("reason", "Say why you read it: the reason becomes part of the log.")
        return _entry_page(request, services, tx, entry, detail, (fault,))
    opened = services.log.body(tx, entry.leaf["event"]) or {}
    event = Event(
        Kind.LOG_BODY_READ,
        Actor("person", visitor.person.id),
        {"kind": entry.leaf["kind"], "entry": idx},
        subjects=tuple(services.log.people(tx, (detail.owner,)).values()),
        body={"reason": reason.strip()},
    )
    services.log.append(tx, event, now)
    return _entry_page(
        request, services, tx, entry, detail._replace(fields=entry_rows.facts(opened))
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


def _entry_page(
    request: Request,
    services: Services,
    tx: Tx,
    entry: Entry,
    detail: Detail,
    faults: tuple[Fault, ...] = (),
) -> HTMLResponse:
    proof = services.log.proof(tx, entry.idx)
    walk = tree_path.steps(proof.index, proof.size, proof.leaf_hash, proof.path)
    checkpoint = parse_checkpoint(parse_note(proof.checkpoint.encode()).text)
    key = parse_vkey(services.integrator.vkey)
    return page(
        request,
        "auditor_entry.html",
        status=422 if faults else 200,
        row=auditor_rows.entry_row(entry),
        fields=entry_rows.fields(entry.leaf),
        streams=entry_rows.streams(entry.leaf, _next(services, tx, entry)),
        detail=detail,
        faults=faults,
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


def _next(services: Services, tx: Tx, entry: Entry) -> dict[str, int]:
    """The index of the next entry of each of the entry's streams, where there is one."""
    found = {}
    for stream in entry.leaf["streams"]:
        which, _, name = stream.partition(":")
        one = EntryFilter(**{which: name}, after=entry.idx, limit=1)
        following = services.log.search(tx, one)
        if following:
            found[stream] = following[0].idx
    return found


def _detail(services: Services, tx: Tx, entry: Entry) -> Detail:
    leaf = entry.leaf
    if leaf["commitment"] is None:
        return Detail(DetailState.NONE)
    # As it was sealed: for the only person it is about, else for the one who acted.
    owner = leaf["subjects"][0] if leaf["subjects"] else leaf["actor"]["id"]
    kept = services.log.has_body(tx, leaf["event"])
    return Detail(DetailState.KEPT if kept else DetailState.ERASED, owner)


def _record(services: Services, tx: Tx, visitor: Visitor, entry: Entry, now: Now) -> None:
    """Who reads the log stands in the log (rule 1)."""
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
