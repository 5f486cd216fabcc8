"""HTML for people: the same services and the same errors as for machines, as pages."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.sessions import SessionMiddleware

from app.web.auditor import bundles as log_bundles
from app.web.auditor import pages as auditor
from app.web.employee import laptop_pages, notice_pages, receipt_pages, try_pages
from app.web.employee import pages as employee
from app.web.employee.past import captured_pages, used_pages
from app.web.legal import pages as legal
from app.web.shell import home, refusals, render, signin
from app.web.shell.headers import SecurityHeaders, page_headers
from app.web.shell.signin import SignIn
from app.wiring import Services

HANDSHAKE_S = 600
"""How long a sign-in may take, seconds."""

PAGES = APIRouter(include_in_schema=False)
"""The routes for people: compiled once. An application that includes them compiles its own."""
_OWN = (home, signin, employee, notice_pages, receipt_pages, laptop_pages, try_pages)
_PAST = (captured_pages, used_pages)
for _module in (*_OWN, *_PAST, legal, auditor, log_bundles):
    PAGES.include_router(_module.router)


def install(app: FastAPI, services: Services, secret: str) -> None:
    """Add the pages to an application.

    Call after the machines' error handlers are in place: the pages' handlers stand before them and
    pass on what a machine asked for.

    Args:
        app: the application; ``app.state.services`` is set.
        services: the same services.
        secret: signs the cookie that carries state, nonce and PKCE verifier through one sign-in;
            the session itself is a row (app/directory/sessions.py).
    """
    settings = services.settings
    app.state.sign_in = SignIn(settings)
    app.router.routes.extend(PAGES.routes)
    app.mount("/static", StaticFiles(directory=Path(render.STATIC)), name="static")
    refusals.install(app)
    app.add_middleware(
        SessionMiddleware,
        secret_key=secret,
        session_cookie="__Host-habeas-handshake" if settings.secure_cookies else "habeas-handshake",
        max_age=HANDSHAKE_S,
        same_site="lax",
        https_only=settings.secure_cookies,
    )
    app.add_middleware(SecurityHeaders, headers=page_headers(settings))
