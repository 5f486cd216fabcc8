"""What agents ask over HTTP: pairing, tokens, leases, policy documents, reports.

The token endpoint speaks OAuth (RFC 6749 §5, RFC 8628 §3.5): its errors are not problem documents.
Everything else does what the other endpoints do.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Header, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from app.agents.leases.terms import Poll
from app.agents.pairing.model import Token, TokenRefusal
from app.agents.pairing.sealed import MAX_SEALED
from app.agents.reports.model import AgentReport, Captured, ExcludedEvents
from app.api import limits
from app.api.deps import MachineRoom, Now, ReadTx, ServicesDep, WriteTx, require_once
from app.api.limits import Asker, CountedSource
from app.api.sources import UNKNOWN, source_of_request
from app.db.engine import Tx
from app.kernel.errors import Unauthenticated
from app.kernel.forms import MAX_LENGTH
from app.kernel.shapes import CODE, DIGEST, EXCLUSION, TOKEN_ID, whole
from app.kernel.tokens import LEASE_TYPE
from app.kernel.vocabulary import Signal
from app.wiring import Services

router = APIRouter(prefix="/v1/agent", tags=["agents"])

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_FORM_FIELD = 16_384
_NO_STORE = {"Cache-Control": "no-store"}
_FOR_EVER = "private, max-age=31536000, immutable"
_COUNT = 2**40
_WRONG = frozenset({"invalid_client", "invalid_grant"})
"""What is counted by source: guesses. An office's laptops may well ask for tokens at once."""
_SINGLE = frozenset({"place", "nonce", "forms"})
"""What a poll may name once."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublicKey(_Body):
    """An Ed25519 public key as a JSON Web Key (RFC 8037 §2); the private part is refused."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: Annotated[str, Field(min_length=43, max_length=43)]


class PairingRequest(_Body):
    """A device that wants to be paired: how its person will know it, and its key."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    jwk: PublicKey


class PairingAnswer(_Body):
    """RFC 8628 §3.2; ``client_id`` is the device's id, times are seconds."""

    client_id: str
    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class TokenAnswer(_Body):
    """RFC 6749 §5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a type of token
    expires_in: int


class TokenError(_Body):
    """RFC 6749 §5.2, RFC 8628 §3.5."""

    error: str
    error_description: str


EventCount = Annotated[int, Field(ge=1, le=_COUNT, strict=True)]


class CapturedRow(_Body):
    """How many events of a signal were captured in an app of the catalogue."""

    app: Annotated[str, Field(pattern=whole(CODE))]
    signal: Signal
    events: EventCount


class ReportRequest(_Body):
    """What an agent applied and did since its last report."""

    report: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    lease: Annotated[str, Field(pattern=whole(TOKEN_ID))] | None
    policy: Annotated[str, Field(pattern=whole(DIGEST))] | None
    allowed: Annotated[list[CapturedRow], Field(max_length=2_000)]
    refused: Annotated[dict[Annotated[str, Field(max_length=32)], EventCount], Field(max_length=64)]
    excluded: Annotated[
        dict[Annotated[str, Field(pattern=whole(EXCLUSION))], EventCount],
        Field(
            max_length=2_000,
            description="Of refused.excluded, events by the id of the exclusion that fitted first.",
        ),
    ] = {}


class ReportAnswer(_Body):
    """The report was taken; ``event`` is its entry's id in the log."""

    report: str
    event: str


_scheme = HTTPBearer(auto_error=False, description="A device's token, from /v1/agent/token.")


def _named_once(request: Request) -> None:
    """Refuse a parameter given twice: an agent means one value, and nobody can say which."""
    require_once(name for name, _ in request.query_params.multi_items() if name in _SINGLE)


def _bearer(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)],
) -> str:
    """Return the bearer token of the request (RFC 6750 §2.1)."""
    if credentials is None or not credentials.credentials:
        raise Unauthenticated(
            "a bearer token is missing", cure="Get one at /v1/agent/token with the device's key."
        )
    return credentials.credentials


Bearer = Annotated[str, Depends(_bearer)]


@router.post("/pairings", status_code=201, dependencies=[CountedSource])
def start_pairing(
    body: PairingRequest,
    request: Request,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
    response: Response,
) -> PairingAnswer:
    """Begin to pair a device: it gets a link and a code to show to its person.

    The link needs nothing here until the person opens it. The code gives way to later ones from the
    same source address.
    """
    source = source_of_request(request.scope)
    started = services.pairing.start(
        tx, body.name, body.jwk.model_dump(), now, "" if source == UNKNOWN else source
    )
    response.headers.update(_NO_STORE)
    page = f"{services.pairing.issuer}/me/devices/pair"
    return PairingAnswer(
        client_id=started.device_id,
        device_code=started.device_code,
        user_code=started.user_code,
        verification_uri=page,
        verification_uri_complete=f"{page}?request={started.request}",
        expires_in=started.expires_in,
        interval=started.interval,
    )


@router.post(
    "/token",
    response_model=TokenAnswer,
    responses={status: {"model": TokenError} for status in (400, 401, 429)},
)
def token(
    request: Request,
    services: ServicesDep,
    read: ReadTx,
    write: WriteTx,
    now: Now,
    grant_type: Annotated[str, Form(max_length=200)] = "",
    device_code: Annotated[str, Form(max_length=MAX_SEALED)] = "",
    client_assertion_type: Annotated[str, Form(max_length=200)] = "",
    client_assertion: Annotated[str, Form(max_length=MAX_FORM_FIELD)] = "",
) -> JSONResponse:
    """Give a token for a device's assertion; a device code is redeemed once, with the first.

    A device that asks for many tokens is told how long to wait (429, ``slow_down``, Retry-After).
    Parameters that are not known are ignored (RFC 6749 §3.2).
    """
    if client_assertion_type != ASSERTION_KIND or not client_assertion:
        return _token_answer(
            TokenRefusal("invalid_client", f"client_assertion_type must be {ASSERTION_KIND}")
        )
    if grant_type not in {"client_credentials", DEVICE_GRANT}:
        return _token_answer(
            TokenRefusal("unsupported_grant_type", f"use client_credentials or {DEVICE_GRANT}")
        )
    if grant_type == DEVICE_GRANT and not device_code:
        return _token_answer(TokenRefusal("invalid_request", "device_code is missing"))
    pairing, code = services.pairing, device_code if grant_type == DEVICE_GRANT else ""
    refusal = pairing.refusal(read, client_assertion, now, code)
    read.close()  # never wait for one connection while holding another
    if refusal is not None:  # the database's one writer is not for those who get nothing
        if refusal.error in _WRONG:
            limits.require(request, Asker.SOURCE, source_of_request(request.scope))
        return _token_answer(refusal)
    if code:
        return _token_answer(pairing.redeem(write, code, client_assertion, now))
    return _token_answer(pairing.token(write, client_assertion, now))


@router.get(
    "/lease",
    dependencies=[Depends(_named_once)],
    response_class=Response,
    responses={
        200: {"content": {f"application/{LEASE_TYPE}": {"schema": {"type": "string"}}}},
        304: {"description": "The lease you hold is still right."},
    },
)
def lease(
    request: Request,
    services: ServicesDep,
    read: ReadTx,
    write: WriteTx,
    now: Now,
    bearer: Bearer,
    if_none_match: Annotated[str, Header(max_length=1_000)] = "",
    place: Annotated[str | None, Query(max_length=6)] = None,
    nonce: Annotated[str | None, Query(max_length=128)] = None,
    forms: Annotated[str, Query(max_length=MAX_LENGTH)] = "1",
) -> Response:
    """The device's lease. Most polls are answered by reading; a changed lease is recorded first.

    A parameter given twice is a problem that names it. Unknown numbers in ``forms`` are ignored.
    While the log does not keep up, a lease that turns a laptop on is not given; every other is.
    """
    leases = services.leases
    holder = leases.holder(read, bearer, now)
    limits.require(request, Asker.DEVICE, holder.device.id)
    poll = Poll(if_none_match, place, nonce, forms)
    answer = leases.renewal(read, holder, now, poll)
    if answer is None:
        services.backlog.require_room(
            services.database, now, lambda: not leases.opens(read, holder, now, poll)
        )
        read.close()  # never wait for one connection while holding another
        answer = leases.lease(write, holder.device, now, poll)
    headers = {"ETag": answer.etag, "Cache-Control": "private, no-cache"}
    if answer.token is None:
        return Response(status_code=304, headers=headers)
    return Response(answer.token, 200, headers, media_type=f"application/{LEASE_TYPE}")


@router.get(
    "/policies/{digest}",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
def policy(
    request: Request,
    services: ServicesDep,
    tx: ReadTx,
    now: Now,
    bearer: Bearer,
    digest: Annotated[str, Path(pattern=whole(DIGEST))],
) -> Response:
    """A policy document: the canonical bytes that the digest names, the same for ever."""
    _device(request, services, tx, bearer, now)
    return _document(digest, services.policy.document(tx, digest))


@router.get(
    "/counterparties/{digest}",
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
def counterparties(
    request: Request,
    services: ServicesDep,
    tx: ReadTx,
    now: Now,
    bearer: Bearer,
    digest: Annotated[str, Path(pattern=whole(DIGEST))],
) -> Response:
    """What may be kept where another person's words are in view, by region: canonical bytes."""
    _device(request, services, tx, bearer, now)
    return _document(digest, services.policy.counterparty_document(tx, digest))


@router.post("/reports", dependencies=[MachineRoom])
def report(
    body: ReportRequest,
    request: Request,
    services: ServicesDep,
    read: ReadTx,
    write: WriteTx,
    now: Now,
    bearer: Bearer,
) -> ReportAnswer:
    """Take what an agent says it applied and did. The same report again is answered the same."""
    _device(request, services, read, bearer, now)
    read.close()  # never wait for one connection while holding another
    device = services.pairing.device_of(write, bearer, now)  # it may have been revoked since
    rows = tuple(Captured(row.app, row.signal, row.events) for row in body.allowed)
    places = tuple(ExcludedEvents(*row) for row in body.excluded.items())
    taken = AgentReport(body.report, body.lease, body.policy, rows, body.refused, places)
    return ReportAnswer(report=body.report, event=services.reports.take(write, device, taken, now))


def _device(request: Request, services: Services, tx: Tx, bearer: str, now: datetime) -> None:
    """Return if a device that asks is known, and does not ask too often.

    Raises:
        Unauthenticated: it is not known.
        TooMany: it asks too often.
    """
    device = services.pairing.device_of(tx, bearer, now)
    limits.require(request, Asker.DEVICE, device.id)


def _document(digest: str, body: bytes) -> Response:
    """Answer with bytes that are the same for ever."""
    headers = {"ETag": f'"{digest}"', "Cache-Control": _FOR_EVER}
    return Response(body, 200, headers, media_type="application/json")


def _token_answer(given: Token | TokenRefusal) -> JSONResponse:
    """Write a token or a refusal as OAuth does."""
    headers = {**_NO_STORE, "Pragma": "no-cache"}
    if isinstance(given, Token):
        body: dict[str, Any] = TokenAnswer(
            access_token=given.value, expires_in=given.expires_in
        ).model_dump()
        return JSONResponse(body, 200, headers)
    unknown = given.error == "invalid_client"
    if unknown:
        headers["WWW-Authenticate"] = 'Bearer realm="habeas"'
    if given.retry_after_s:
        headers["Retry-After"] = str(given.retry_after_s)
    status = 401 if unknown else 429 if given.retry_after_s else 400
    error = TokenError(error=given.error, error_description=given.description)
    return JSONResponse(error.model_dump(), status, headers)
