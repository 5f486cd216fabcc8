"""One page: a template, what it says, and what every page needs (who is asking, where they may go).

Templates escape everything (autoescape without exception) and know every name they use: a missing
one is an error, not an empty place.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.api.deps import get_services
from app.kernel.clock import timestamp
from app.web.shell.door import Visitor, visitor_of
from app.web.words import text
from app.web.words.error_words import fault_in_words, problem_in_words

_HERE = Path(__file__).parents[1]
STATIC = _HERE / "static"


class Section(NamedTuple):
    """A part of the product, as the header names it."""

    name: str
    href: str
    current: bool


def page(
    request: Request, template: str, *, status: int = 200, lang: str = "en", **context: Any
) -> HTMLResponse:
    """Render a template for whoever is asking.

    Args:
        request: the request; its visitor, if signed in, was left there by the door.
        template: file in ``templates``.
        status: HTTP status.
        lang: language of the page's main text (BCP 47).
        **context: what the template says.
    """
    return HTMLResponse(fragment(request, template, lang=lang, **context), status)


def fragment(request: Request, template: str, **context: Any) -> str:
    """Render a template, or a part of a page that is asked for again, to text."""
    visitor = visitor_of(request)
    shared = {
        "visitor": visitor,
        "lang": "en",
        "sections": tuple(_sections(request)),
        "csrf_field": lambda: _csrf_field(visitor),
        "may_read_log": _may(request, "log", "read"),
        "may_stop": _may(request, "capture", "stop"),
    }
    return environment().get_template(template).render(**(shared | context))


@cache
def environment() -> Environment:
    """The templates with their filters and words; made once, read only."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        asset=_asset,
        MODE_WORDS=text.MODE_WORDS,
        SIGNAL_WORDS=text.SIGNAL_WORDS,
        REMAINS=text.REMAINS,
        CONFIDENCE_WORDS=text.CONFIDENCE_WORDS,
        ACT_GLYPHS=text.ACT_GLYPHS,
    )
    made.filters.update(
        iso=timestamp,
        time_words=_time_words,
        shorten=text.shortened,
        listed=text.listed,
        counted=text.counted,
        lower_first=text.lower_first,
        upper_first=text.upper_first,
        problem_words=problem_in_words,
        fault_words=fault_in_words,
        signal_words=text.SIGNAL_WORDS.__getitem__,
        language_words=lambda code: text.LANGUAGES.get(code, code),
        purpose_words=lambda key: text.PURPOSE_PHRASES.get(key, key),
    )
    return made


@cache
def _asset(name: str) -> str:
    """The address of a static file, with the digest of its bytes so that it can be cached long."""
    mark = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={mark}"


def _time_words(at: datetime, style: str = "moment") -> str:
    """Write an instant in UTC for people: ``22 Nov 2026, 12:03 UTC``."""
    day = f"{at.day} {at:%b %Y}"
    match style:
        case "day":
            return f"{at.day} {at:%B %Y}"
        case "time":
            return f"{at:%H:%M} UTC"
        case "second":
            return f"{at:%H:%M:%S} UTC"
        case _:
            return f"{day}, {at:%H:%M} UTC"


def _csrf_field(visitor: Visitor | None) -> Markup:
    token = visitor.csrf if visitor is not None else ""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def _sections(request: Request) -> Iterator[Section]:
    """The parts of the product that the person may enter; own capture first."""
    if visitor_of(request) is None:
        return
    path = request.url.path
    yield Section("Your capture", "/me", path == "/me" or path.startswith("/me/"))
    if _may(request, "policy", "read"):
        yield Section("Regions", "/legal", path.startswith("/legal") and path != "/legal/stop")
    if _may(request, "log", "read"):
        yield Section("Log", "/auditor", path.startswith("/auditor"))
    elif _may(request, "alarm", "clear"):
        yield Section("Alarms", "/auditor/alarms", path.startswith("/auditor"))
    if _may(request, "capture", "stop"):
        yield Section("Stop capture", "/legal/stop", path == "/legal/stop")


def _may(request: Request, thing: str, action: str) -> bool:
    visitor = visitor_of(request)
    if visitor is None:
        return False
    return get_services(request).authority.may(visitor.person.roles, None, thing, action)
