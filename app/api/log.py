"""What the log shows to machines without asking who they are: hashes and signatures, no content.

Next to the resources of C2SP tlog-tiles under ``/log`` (checkpoint, tiles of hashes) these are
proofs ready made, the witness policy, and the state of the witnesses. Bundles of entries are for
auditors: app/web/auditor/bundles.py.
"""

import base64
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from app.api.deps import ReadTx, ServicesDep
from app.audit.entries import cosigned
from app.audit.reading import proofs, serving
from app.kernel.errors import NotFound

router = APIRouter(prefix="/log", tags=["log"])

Index = Annotated[int, Path(ge=0, lt=1 << 53)]
Size = Annotated[int, Path(ge=1, lt=1 << 53)]

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
# It changes with every entry; a cache may spare us bursts, no more.
_MOMENT = {"Cache-Control": "max-age=1"}


@router.get("/checkpoint", summary="The newest checkpoint", response_class=PlainTextResponse)
def get_checkpoint(services: ServicesDep, tx: ReadTx) -> Response:
    """The log's name, size and root, signed (C2SP tlog-checkpoint), with all cosignatures.

    The newest that enough witnesses cosigned; where no witness is needed, the newest.
    """
    note = services.log.witnessed_checkpoint(tx)
    if note is None:
        raise NotFound(
            "no checkpoint of this log satisfies the witness policy yet",
            cure="The newest one, without the quorum, is at /log/checkpoint.pending.",
        )
    return PlainTextResponse(note, headers=_MOMENT)


@router.get(
    "/checkpoint.pending",
    summary="The newest checkpoint, cosigned or not",
    response_class=PlainTextResponse,
)
def get_pending_checkpoint(services: ServicesDep, tx: ReadTx) -> Response:
    """The newest checkpoint with the cosignatures that there are; they may not be enough."""
    note = services.log.checkpoint(tx)
    if note is None:
        raise NotFound("the log has no checkpoint yet")
    return PlainTextResponse(note, headers=_MOMENT)


@router.get("/tile/{level:int}/{rest:path}", summary="A tile of hashes", response_class=Response)
def get_tile(request: Request, tx: ReadTx, level: int, rest: str) -> Response:
    """The hashes of ``tile/<L>/<N>[.p/<W>]`` (C2SP tlog-tiles), partial for published sizes."""
    path = f"tile/{level}/{rest}"
    # One spelling only: 00 is no level, and %30 is no zero.
    if request.scope["raw_path"].partition(b"?")[0] != f"/log/{path}".encode():
        raise NotFound("the published log has no such tile")
    hashes = serving.hash_tile(tx, path)
    return Response(hashes, media_type="application/octet-stream", headers=FOR_EVER)


@router.get(
    "/proof/inclusion/{index}",
    summary="That an entry is in the log",
    response_class=PlainTextResponse,
)
def get_inclusion_proof(
    tx: ReadTx, index: Index, size: Annotated[int | None, Query(ge=1, lt=1 << 53)] = None
) -> Response:
    """The hashes and the checkpoint (C2SP tlog-proof); what the entry says is not in it.

    Against the checkpoint of ``size`` where one is named, else the served one, or the newest for an
    entry that is younger.
    """
    return PlainTextResponse(proofs.hashes_only(tx, index, size), headers=_MOMENT)


class Consistency(BaseModel):
    """That the first ``old`` entries are unchanged in the tree of ``new``: hashes in base64."""

    old: int
    new: int
    proof: list[str]


@router.get("/proof/consistency/{old}/{new}", summary="That the log only grew")
def get_consistency_proof(response: Response, tx: ReadTx, old: Size, new: Size) -> Consistency:
    """The consistency proof of RFC 6962 §2.1.2 between two published sizes of the tree."""
    path = proofs.consistency(tx, old, new)
    response.headers.update(FOR_EVER)
    return Consistency(
        old=old, new=new, proof=[base64.b64encode(digest).decode("ascii") for digest in path]
    )


@router.get("/policy", summary="The witness policy", response_class=PlainTextResponse)
def get_policy(tx: ReadTx) -> Response:
    """Which witnesses must have cosigned (C2SP tlog-policy), as the log adopted it."""
    policy = cosigned.policy_in_force(tx)
    if policy is None:
        raise NotFound("this log has no witness policy")
    return Response(policy, media_type="text/plain; charset=utf-8", headers=_MOMENT)


class WitnessAnswer(BaseModel):
    """One witness; ``problem`` is a code, with a sentence, and null while all is well."""

    name: str
    vkey: str
    last_size: int | None
    last_at: datetime | None
    problem: str | None
    sentence: str | None
    since: datetime | None


class AlarmAnswer(BaseModel):
    """A statement of a witness that an honest log never gets."""

    witness: str
    what: str
    size: int
    said: str
    raised_at: datetime


class WitnessesAnswer(BaseModel):
    """How the witnesses stand: sizes of the newest checkpoint and of the newest with a quorum."""

    has_policy: bool
    needs_quorum: bool
    met: bool
    size: int | None
    quorum_size: int | None
    quorum_at: datetime | None
    witnesses: list[WitnessAnswer]
    alarms: list[AlarmAnswer]


@router.get("/witnesses", summary="How the witnesses stand")
def get_witnesses(services: ServicesDep, response: Response, tx: ReadTx) -> WitnessesAnswer:
    """Who cosigned what last, whether the quorum is met, and every alarm; no addresses."""
    state = services.witnesses.state(tx)
    response.headers.update(_MOMENT)
    return WitnessesAnswer(
        has_policy=state.has_policy,
        needs_quorum=state.needs_quorum,
        met=state.met,
        size=state.size,
        quorum_size=state.quorum_size,
        quorum_at=state.quorum_at,
        witnesses=[
            WitnessAnswer(
                name=witness.name,
                vkey=witness.vkey,
                last_size=witness.last_size,
                last_at=witness.last_at,
                problem=witness.problem and witness.problem.code,
                sentence=witness.problem and witness.problem.sentence,
                since=witness.problem and witness.problem.since,
            )
            for witness in state.witnesses
        ],
        alarms=[AlarmAnswer(**vars(alarm)) for alarm in state.alarms],
    )


@router.get("/key", summary="The log's public key", response_class=PlainTextResponse)
def get_key(services: ServicesDep) -> Response:
    """The verifier key (C2SP signed-note) that ``habeas verify --key`` takes."""
    return PlainTextResponse(services.integrator.vkey + "\n")


class EntryPlace(BaseModel):
    """Where an entry stands: its index, in a log of this size."""

    index: int
    size: int


@router.get("/events/{event_id}", summary="The place of an entry")
def get_place(services: ServicesDep, tx: ReadTx, event_id: UUID) -> EntryPlace:
    """The index of an event, for whoever holds its random id, as on a receipt.

    A new event has none for a moment, until the integrator has numbered it: 404, ask again.
    """
    index = services.log.index_of(tx, str(event_id))
    if index is None:
        raise NotFound("the log has no entry of this id yet")
    return EntryPlace(index=index, size=services.log.size(tx))
