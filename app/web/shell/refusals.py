"""Errors as pages: a sentence, and the way forward. The table of statuses is app/api/problems.py.

A page that keeps what was typed (a form with faults) is made by its own handler; here arrives what
no handler could mend.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from app.api.deps import get_services
from app.api.problems import problem_response, retry_after, status_of
from app.api.server.hosts import UNKNOWN_HOST
from app.kernel.errors import HabeasError, TooMany, Unauthenticated
from app.web.shell.door import SAFE_METHODS, to_sign_in
from app.web.shell.render import page
from app.web.words.error_words import problem_in_words

Handler = Callable[[Request, Any], Response | Awaitable[Response]]

TITLES = {
    400: "That could not be read",
    401: "You are signed out",
    403: "This is not yours to do",
    404: "There is no such page",
    405: "There is no such page",
    408: "That took too long",
    409: "Something changed meanwhile",
    413: "That is too large",
    422: "Something needs another look",
    429: "That was too often",
    503: "Habeas cannot answer right now",
}

CURES = {
    404: "Check the address, or start again from the front page.",
    503: "Nothing was changed. Try again in a moment. Laptops that cannot reach Habeas stop "
    "capturing when their lease ends.",
}


def install(app: FastAPI) -> None:
    """Put pages for people in front of the problem documents for machines."""
    for kind in (HabeasError, RequestValidationError, HTTPException, Exception):
        machines = app.exception_handlers[kind]
        app.add_exception_handler(kind, _people_first(machines))


def _people_first(machines: Handler) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        answer = machines(request, error)
        if not isinstance(answer, Response):
            answer = await answer
        if not wants_page(request):
            return answer
        return as_page(request, error, answer.status_code)

    return handle


def wants_page(request: Request) -> bool:
    """Say whether a person is looking: a page failed, or a browser took a wrong address."""
    endpoint = request.scope.get("endpoint")
    if endpoint is not None:
        return str(endpoint.__module__).startswith(("app.web", "app.demo"))
    return "text/html" in request.headers.get("accept", "")


def refusal(scope: Scope, error: HabeasError) -> Response:
    """The answer to a request that no handler is to see: a page for a person, else a problem."""
    request = Request(scope)
    if wants_page(request):
        return as_page(request, error, status_of(error))
    return problem_response(error)


def as_page(request: Request, error: Exception, status: int) -> Response:
    """Write an error for a person; one fault is told once, several are listed."""
    if isinstance(error, Unauthenticated) and request.method in SAFE_METHODS:
        return to_sign_in(request)
    known = error if isinstance(error, HabeasError) else None
    faults = known.faults if known else ()
    cures = [known.cure if known else "", faults[0].cure if len(faults) == 1 else ""]
    answer = page(
        request,
        "error.html",
        status=status,
        title=_title(request, status, known),
        problem=problem_in_words(known) if known else "",
        cure=next(filter(None, cures), CURES.get(status, "Nothing was changed.")),
        faults=faults if len(faults) > 1 else (),
        signed_out=isinstance(error, Unauthenticated),
        front=get_services(request).settings.base_url if _is_elsewhere(known) else "/",
        opt_out=isinstance(error, TooMany),
    )
    if known is not None:
        answer.headers.update(retry_after(known))
    return answer


def _is_elsewhere(error: HabeasError | None) -> bool:
    """Whether the page was asked under another name, so that its front page is not here."""
    return error is not None and error.kind == UNKNOWN_HOST


def _title(request: Request, status: int, error: HabeasError | None) -> str:
    """What went wrong; a form that names what is not there was sent from a page that is."""
    if _is_elsewhere(error):
        return "This is not the address of Habeas"
    if status == HTTPStatus.NOT_FOUND and request.method not in SAFE_METHODS:
        return "That was not found"
    return TITLES.get(status, "Something went wrong here")
