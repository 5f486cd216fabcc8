"""The one table from the domain's errors to HTTP (RFC 9457), and the handlers that use it."""

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from app.kernel.errors import (
    Conflict,
    Fault,
    Forbidden,
    HabeasError,
    InvalidInput,
    NotFound,
    TooLarge,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
    Unreadable,
)

logger = logging.getLogger("habeas")

TYPE_BASE = "urn:habeas:problem:"

STATUS: Mapping[type[HabeasError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unreadable: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: HabeasError) -> HTTPStatus:
    """The status of an error; an unknown kind is an empty 500."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem(error: HabeasError) -> dict[str, Any]:
    """The problem document of an error (RFC 9457 §3)."""
    status = status_of(error)
    document: dict[str, Any] = {
        "type": TYPE_BASE + error.kind,
        "title": status.phrase,
        "status": int(status),
        "detail": error.problem,
    }
    if error.faults:
        document["errors"] = [
            {"field": fault.field, "problem": fault.problem, "cure": fault.cure}
            for fault in error.faults
        ]
    if error.cure:
        document["cure"] = error.cure
    return document


def problem_response(error: HabeasError) -> JSONResponse:
    """The answer to a machine."""
    status = status_of(error)
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="habeas"'
    headers |= retry_after(error)
    return JSONResponse(problem(error), status, headers, media_type="application/problem+json")


def refusal_to_machines(_scope: Scope, error: HabeasError) -> Response:
    """The answer to a request that no handler is to see, where only machines ask."""
    return problem_response(error)


def retry_after(error: HabeasError) -> dict[str, str]:
    """When to come back (RFC 9110 §10.2.3), for whoever is sent away; with jitter.

    Without it callers who were refused together would return together.
    """
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.retry_after_s + secrets.randbelow(3))}
    if isinstance(error, Unavailable):
        return {"Retry-After": str(1 + secrets.randbelow(3))}
    return {}


def from_validation(error: RequestValidationError) -> InvalidInput:
    """Say FastAPI's findings in the domain's words: the field, what is wrong, how to mend it."""
    findings = error.errors()
    if any(finding["type"] == "json_invalid" for finding in findings):
        return Unreadable(
            "the body is not JSON", cure="Send one JSON object, as application/json, in UTF-8."
        )
    faults = tuple(
        Fault(
            field=".".join(str(part) for part in finding["loc"]) or "body",
            problem=str(finding["msg"]),
            cure=_CURES.get(finding["type"], "Send the field as the API description gives it."),
        )
        for finding in findings
    )
    return InvalidInput(f"{faults[0].field}: {faults[0].problem}", faults=faults)


def from_http(error: HTTPException) -> HabeasError:
    """Turn the framework's own refusals (404 of the router, 405, 413) into ours."""
    kinds: dict[int, type[HabeasError]] = {
        400: Unreadable,
        401: Unauthenticated,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        413: TooLarge,
    }
    kind = kinds.get(error.status_code, HabeasError)
    return kind(str(error.detail))


def install(app: FastAPI) -> None:
    """Answer every error with a problem document. app/web puts pages for people in front."""

    @app.exception_handler(HabeasError)
    async def _domain(_request: Request, error: HabeasError) -> Response:
        return problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> Response:
        return problem_response(from_validation(error))

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        ours = from_http(error)
        if status_of(ours) != HTTPStatus.INTERNAL_SERVER_ERROR:
            return problem_response(ours)
        status = HTTPStatus(error.status_code)
        body = {
            "type": TYPE_BASE + status.phrase.lower().replace(" ", "-"),
            "title": status.phrase,
            "status": int(status),
            "detail": str(error.detail),
        }
        return JSONResponse(body, status, error.headers, media_type="application/problem+json")

    @app.exception_handler(Exception)
    async def _unknown(request: Request, error: Exception) -> Response:
        logger.error("unexpected error at %s", request.url.path, exc_info=error)
        return problem_response(HabeasError("something went wrong here; nothing was changed"))


_CURES = {
    "missing": "Add the field.",
    "extra_forbidden": "Remove the field: it is not known here.",
    "string_too_long": "Shorten the text.",
}
