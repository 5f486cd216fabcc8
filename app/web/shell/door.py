"""Access to pages: who is asking, and whether it is really their page that sends the form.

Rules:
1. A session counts only while its person is active; person and roles are read anew each time. Who
   is disputed (app/directory/judging.py) comes in to read and to opt out, and holds no role.
2. Every request that can change something must come from a page of this site (Origin, or
   Sec-Fetch-Site where a browser sends no Origin) and carry the token of the session (``csrf``).
   Each of the two would do; together one mistake is not enough.
3. A link from another site may open a page and must change nothing: what a GET notes down (a
   notice shown, a code tried) it notes only for a step of the person's own.
4. No NUL and no lone surrogate passes: no text has one, and databases refuse them with an error.
5. No form names a field twice: which of the two answers was meant, nobody could say.
6. A form comes as browsers send one without files. No page takes a file, and in which lane a form
   is (app/api/lanes.py) is read from that kind only: another would opt out among those who wait.
7. Nobody signed in: a page to look at leads to sign-in and back; a form is refused and says so.
"""

import hmac
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, cast
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse

from app.api.admission import VISITOR
from app.api.deps import Now, ServicesDep, lane_of, require_once
from app.api.limits import Asker, require
from app.directory.model import Person
from app.directory.sessions import TOUCH, Session
from app.kernel.errors import (
    Fault,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from app.kernel.lanes import Lane
from app.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_SIGN_OUT = "/sign-out"
"""Never refused for volume: it ends what one is counted for."""

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in."""

    person: Person
    session: Session
    token: str

    @property
    def csrf(self) -> str:
        """The token that every form of this session carries."""
        return self.session.csrf


def visitor_of(request: Request) -> Visitor | None:
    """Who is asking, for the frame of a page; None before the door was passed."""
    return cast("Visitor | None", request.scope.get(VISITOR))


def is_own_step(request: Request) -> bool:
    """Say whether the person came by themselves: from a page of this site, or by typing (rule 3).

    A browser too old to tell (no Sec-Fetch-Site) is believed; SameSite=Lax cookies still apply.
    """
    return request.headers.get("sec-fetch-site") in {None, "same-origin", "none"}


def cookie_name(settings: Settings) -> str:
    """``__Host-`` binds the cookie to this very host and to https; loopback http cannot have it."""
    return "__Host-habeas" if settings.secure_cookies else "habeas"


def require_same_site(request: Request, settings: Settings) -> None:
    """Refuse a request that can change something and does not come from a page of this site.

    Raises:
        Forbidden: another origin, or none named at all.
    """
    origin = request.headers.get("origin")
    fetch_site = request.headers.get("sec-fetch-site")
    base = urlsplit(settings.base_url)
    ours = origin == f"{base.scheme}://{base.netloc}" if origin else fetch_site == "same-origin"
    if not ours or fetch_site not in {None, "same-origin"}:
        raise Forbidden(
            "this form was not sent from a page of Habeas",
            cure="Nothing was changed. Open the page here and send it again.",
        )


async def sent_csrf(request: Request) -> str:
    """The token of a form; async only because reading a form is. FastAPI keeps what is read.

    Raises:
        InvalidInput: a value of the path, the query or the form is no text (rule 4), or the form
            names a field twice (rule 5), or is of another kind (rule 6).
    """
    _require_urlencoded(request)
    _require_text({name: str(value) for name, value in request.path_params.items()}.items())
    _require_text(request.query_params.multi_items())
    if request.method in SAFE_METHODS:
        return ""
    form = await request.form()
    _require_text((name, value) for name, value in form.multi_items() if isinstance(value, str))
    require_once(name for name, _ in form.multi_items())
    token = form.get("csrf")
    return token if isinstance(token, str) else ""


def _require_urlencoded(request: Request) -> None:
    if request.headers.get("content-type", "").lower().lstrip().startswith("multipart/"):
        raise InvalidInput(
            "this form was sent in parts, as a form with files is, and no page here takes files",
            cure="Nothing was changed. Send it as application/x-www-form-urlencoded, as the page "
            "itself does.",
        )


def _require_text(fields: Iterable[tuple[str, str]]) -> None:
    for name, value in fields:
        if _NO_TEXT.search(value):
            label = _NO_TEXT.sub("", name)
            fault = Fault(
                label, "what was sent holds a character that no text has", "Type it anew."
            )
            raise InvalidInput(f"{label}: {fault.problem}", faults=(fault,), cure=fault.cure)


def signed_in(
    request: Request, services: ServicesDep, now: Now, csrf: Annotated[str, Depends(sent_csrf)]
) -> Visitor:
    """Return who is asking, after rules 1 and 2.

    Raises:
        Unauthenticated: nobody signed in.
        Forbidden: a form from elsewhere.
    """
    if request.method not in SAFE_METHODS:
        require_same_site(request, services.settings)
    visitor = find_visitor(request, services, now)
    if visitor is None:
        raise Unauthenticated(
            "you are not signed in, or were signed out meanwhile",
            cure="Nothing was changed. Sign in and do it again.",
        )
    if request.method not in SAFE_METHODS and not hmac.compare_digest(
        csrf.encode(), visitor.csrf.encode()
    ):
        raise Forbidden(
            "this form is from an earlier sign-in",
            cure="Nothing was changed. Open the page again and send it from there.",
        )
    return visitor


SignedIn = Annotated[Visitor, Depends(signed_in)]


def find_visitor(request: Request, services: ServicesDep, now: Now) -> Visitor | None:
    """Return who is asking, or None.

    Looks in a transaction of its own, closed before the handler opens one: a request holds one
    connection at a time. A page that asks again by itself (X-Refresh) is not somebody using it, so
    it does not prolong the session.

    Raises:
        TooMany: they ask too often.
    """
    token = request.cookies.get(cookie_name(services.settings), "")
    if not token:
        return None
    lane = lane_of(request)
    with services.database.read(lane) as tx:
        session = services.sessions.find(tx, token, now)
        if session is None:
            return None
        try:
            person = services.directory.person(tx, session.person_id)
        except NotFound:
            return None
    if not person.active:
        return None
    visitor = Visitor(person, session, token)
    request.scope[VISITOR] = visitor  # also for the page that tells them that they ask too often
    if request.url.path != _SIGN_OUT:
        require(request, Asker.PERSON, _counted_as(person, request.url.path))
    is_due = now - session.seen_at >= TOUCH and "x-refresh" not in request.headers
    if is_due and lane is not Lane.OUT:  # a no waits for nothing that it does not need
        # A session that is not prolonged now is prolonged by the next page.
        with suppress(Unavailable), services.database.write(lane) as tx:
            services.sessions.touch(tx, token, now)
    return visitor


def _counted_as(person: Person, path: str) -> str:
    """Receipts are counted by themselves: whoever asks too often sees that their no was taken."""
    return f"{person.id} receipts" if path.startswith("/me/receipts/") else person.id


def to_sign_in(request: Request) -> RedirectResponse:
    """Lead to sign-in, and afterwards back to the page that was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(asked, safe='/')}", 303)


def own_path(path: str) -> str:
    """Return a path of this site as given, and the front page for anything else.

    What a browser might read as another site is refused: a scheme, two slashes at the start, any
    backslash (browsers read it as a slash), any control character (browsers drop tabs and newlines
    before they parse).
    """
    if not path.startswith("/") or path.startswith("//"):
        return "/"
    return path if "\\" not in path and path.isprintable() else "/"
