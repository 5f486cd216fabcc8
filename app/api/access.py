"""The access decision as OpenID AuthZEN Authorization API 1.0, and the closing of its grants.

Deny is an answer (200, ``decision: false``); 4xx says that the question could not be read. AuthZEN
lets a 400 carry a message; ours is a problem document (RFC 9457) whose ``detail`` is that message.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.access.decision.inquiry import EvaluationRequest
from app.access.decision.model import CAPTURED_DATA, Consumer
from app.access.decision.record import MAX_PERSONS
from app.access.floor.obligations import Obligations
from app.api import limits
from app.api.deps import LaneDep, MachineRoom, Now, ServicesDep, WriteTx
from app.api.limits import Asker
from app.kernel.clock import instant
from app.kernel.errors import Fault, Unauthenticated, Unreadable
from app.kernel.shapes import CODE, DIGEST, whole
from app.kernel.vocabulary import Signal

router = APIRouter(tags=["access"])


def _instant(value: object) -> object:
    """RFC 3339 with an offset, or null; a bare number of seconds is refused as ambiguous."""
    if value is None:
        return None
    if not isinstance(value, str):
        msg = "not an RFC 3339 instant such as 2026-11-22T09:30:00Z"
        raise ValueError(msg)  # noqa: TRY004 - the validator's own kind of error
    return instant(value)


class _Read(BaseModel):
    """Strict about types, indifferent to unknown fields (AuthZEN 1.0 §5)."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


Model = TypeVar("Model", bound=BaseModel)
_Name = Annotated[str, Field(min_length=1, max_length=256)]
_Instant = Annotated[datetime | None, BeforeValidator(_instant)]


class Subject(_Read):
    """Who asks: the ``consumer`` itself, or the ``person`` on whose behalf it asks."""

    type: _Name
    id: _Name
    properties: dict[str, Any] | None = None


class Action(_Read):
    """What is to be done; for captured data ``read``."""

    name: _Name
    properties: dict[str, Any] | None = None


class Resource(_Read):
    """What it is to be done to; for ``captured_data`` the id is the dataset."""

    type: _Name
    id: _Name
    properties: dict[str, Any] | None = None


class Evaluation(_Read):
    """One question."""

    subject: Subject
    action: Action
    resource: Resource
    context: dict[str, Any] | None = None


class CapturedData(_Read):
    """The properties of a resource of type ``captured_data``."""

    persons: Annotated[list[_Name], Field(max_length=MAX_PERSONS)] | None = None
    signals: Annotated[list[str], Field(max_length=64)] | None = None
    captured_from: _Instant = None
    captured_to: _Instant = None


class ReasonTold(BaseModel):
    """Why it is refused: a stable code, and a sentence for people."""

    code: str
    sentence: str


class AnswerContext(BaseModel):
    """What explains the decision.

    ``consent_index`` and ``consent_event`` are the value for one person, or by person id for
    several; an index is null until the log has given the entry its place.
    """

    reasons: list[ReasonTold]
    policy: list[str]
    purposes: str
    consent_index: int | dict[str, int | None] | None
    consent_event: str | dict[str, str | None] | None
    log_event: str
    grant: str | None
    obligations: Obligations | None
    persons: dict[str, str] | None = None


class UseSaid(_Read):
    """What a consumer did with a grant."""

    outcome: Literal["used", "unused"]
    rows: Annotated[int, Field(ge=0, lt=2**53)] = 0
    result: Annotated[str, Field(pattern=whole(DIGEST))] | None = None


class UseTaken(BaseModel):
    """The same, as it was taken, with its entry of the log."""

    grant: str
    outcome: str
    rows: int
    result: str | None
    log_event: str


class Decided(BaseModel):
    """The answer (AuthZEN 1.0 §6.2)."""

    decision: bool
    context: AnswerContext


_ENTITY = {
    "type": "object",
    "required": ["type", "id"],
    "properties": {
        "type": {"type": "string", "minLength": 1, "maxLength": 256},
        "id": {"type": "string", "minLength": 1, "maxLength": 256},
        "properties": {"type": ["object", "null"]},
    },
}
# Written out, because the body is read by hand: a bad body is 400 here, FastAPI would say 422.
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["subject", "action", "resource"],
    "properties": {
        "subject": _ENTITY,
        "action": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 256}},
        },
        "resource": _ENTITY,
        "context": {
            "type": ["object", "null"],
            "properties": {"purpose": {"description": "A key of the closed list of purposes."}},
        },
    },
    "example": {
        "subject": {"type": "consumer", "id": "training-pipeline"},
        "action": {"name": "read"},
        "resource": {
            "type": "captured_data",
            "id": "ui-events",
            "properties": {
                "persons": ["E-1000"],
                "signals": ["click", "menu"],
                "captured_from": "2026-11-16T09:00:00Z",
                "captured_to": "2026-11-16T10:00:00Z",
            },
        },
        "context": {"purpose": "ai_training.computer_use"},
    },
}


_USE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["outcome"],
    "properties": {
        "outcome": {"type": "string", "enum": ["used", "unused"]},
        "rows": {"type": "integer", "minimum": 0, "description": "How many rows were read."},
        "result": {
            "type": ["string", "null"],
            "pattern": "^sha256:[0-9a-f]{64}$",
            "description": "Digest of what was read.",
        },
    },
    "example": {"outcome": "used", "rows": 1200},
}


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Unreadable(
            "the body is not declared as JSON", cure="Send Content-Type: application/json."
        )
    return await request.body()


def _bearer(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated(
            "the request carries no secret of a consumer",
            cure="Send Authorization: Bearer with the secret shown at registration.",
        )
    return secret.strip()


_Bearer = Annotated[str, Depends(_bearer)]
_Body = Annotated[bytes, Depends(_body)]


def _consumer(
    request: Request, bearer: _Bearer, _whole: _Body, services: ServicesDep, lane: LaneDep
) -> Consumer:
    # No transaction is open while a slow client still sends, and none that writes before it is
    # known who asks: SQLite has one writer, which a withdrawal must never wait for.
    with services.database.read(lane) as tx:
        consumer = services.consumers.authenticate(tx, bearer, services.clock.now())
    limits.require(request, Asker.CONSUMER, consumer.id)
    return consumer


@router.post(
    "/access/v1/evaluation",
    dependencies=[MachineRoom],
    responses={
        400: {"description": "The question cannot be read; the field and the cure are named."},
        401: {"description": "No consumer's secret, or an unknown one."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _SCHEMA}},
        }
    },
)
def evaluate(
    consumer: Annotated[Consumer, Depends(_consumer)],
    body: _Body,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
) -> Decided:
    """Say whether a consumer may read captured data, for a purpose, now.

    Captured data is a resource of type ``captured_data`` with the dataset as its id and
    ``properties`` ``{persons, signals, captured_from, captured_to}``; the purpose is
    ``context.purpose``. Every answer is an entry of the log.
    """
    answer = services.access.evaluate(tx, consumer, read_request(body), now)
    return Decided.model_validate({"decision": answer.decision, "context": answer.context})


@router.post(
    "/access/v1/grants/{grant}/use",
    responses={
        400: {"description": "The report cannot be read; the field and the cure are named."},
        401: {"description": "No consumer's secret, or an unknown one."},
        404: {"description": "There is no such grant, or it is another consumer's."},
        409: {"description": "It was closed with another report, or the time for it has passed."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _USE_SCHEMA}},
        }
    },
)
def close_grant(
    grant: Annotated[str, Path(max_length=64)],
    consumer: Annotated[Consumer, Depends(_consumer)],
    body: _Body,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
) -> UseTaken:
    """Say what was done with a grant, once, within 24 hours of the decision.

    The same report again is answered the same. Every report is an entry of the log; a grant that
    nobody closed is counted by whoever verifies it.
    """
    report = _parsed(lambda: UseSaid.model_validate(_json(body)), "")
    closed = services.access.use(
        tx, consumer, grant, report.outcome, now, rows=report.rows, result=report.result
    )
    return UseTaken(
        grant=closed.grant,
        outcome=closed.outcome,
        rows=closed.rows,
        result=closed.result,
        log_event=closed.event_id,
    )


def read_request(body: bytes) -> EvaluationRequest:
    """Read an evaluation request.

    Raises:
        Unreadable: not the JSON object that AuthZEN asks for; names each field and its cure.
    """
    asked = _parsed(lambda: Evaluation.model_validate(_json(body)), "")
    captured = asked.resource.type == CAPTURED_DATA
    given = (asked.resource.properties or {}) if captured else {}
    data = _parsed(lambda: CapturedData.model_validate(given), "resource.properties.")
    if captured and not CODE.fullmatch(asked.resource.id):
        raise _wrong("resource.id", "not a dataset", "Use 1 to 64 of a-z, 0-9, dot, hyphen, _.")
    for signal in data.signals or []:
        if signal not in set(Signal):
            known = ", ".join(Signal)
            raise _wrong("resource.properties.signals", f"{signal!r} is no signal", f"Of {known}.")
    return EvaluationRequest(
        subject_type=asked.subject.type,
        subject_id=asked.subject.id,
        action=asked.action.name,
        resource_type=asked.resource.type,
        resource_id=asked.resource.id,
        persons=tuple(data.persons or ()),
        signals=tuple(data.signals or ()),
        captured_from=data.captured_from,
        captured_to=data.captured_to,
        purpose=(asked.context or {}).get("purpose"),
    )


def _json(body: bytes) -> object:
    try:
        # The standard reader, so that depth and surrogates fail here, as one kind of error.
        value = json.loads(body.decode("utf-8"))
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            "the body is not JSON", cure="Send one JSON object, as application/json, in UTF-8."
        ) from error
    if any("\0" in text for text in _texts(value)):
        raise Unreadable("a text contains the character U+0000", cure="Leave it out.")
    return value


def _texts(value: object) -> Iterator[str]:
    """Every text of a JSON value, names of fields included."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting += [*part, *part.values()]
        elif isinstance(part, list):
            waiting += part


def _parsed(read: Callable[[], Model], prefix: str) -> Model:
    try:
        return read()
    except ValidationError as error:
        faults = tuple(
            Fault(
                prefix + (".".join(map(str, finding["loc"])) or "body"),
                str(finding["msg"]),
                "Add it." if finding["type"] == "missing" else "Send it as the API describes it.",
            )
            for finding in error.errors(include_url=False, include_input=False)
        )
        raise Unreadable(f"{faults[0].field}: {faults[0].problem}", faults=faults) from error


def _wrong(field: str, problem: str, cure: str) -> Unreadable:
    return Unreadable(f"{field}: {problem}", faults=(Fault(field, problem, cure),), cure=cure)
