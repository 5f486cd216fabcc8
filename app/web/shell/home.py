"""The front page: what Habeas is, for somebody who is not signed in."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from app.api.deps import Now, ServicesDep
from app.web.shell.door import find_visitor
from app.web.shell.render import page

router = APIRouter()


@router.get("/")
def landing(request: Request, services: ServicesDep, now: Now) -> Response:
    """Say what this is; somebody signed in goes to their own page."""
    if find_visitor(request, services, now) is not None:
        return RedirectResponse("/me", 303)
    return page(request, "landing.html", demo=services.settings.demo)
