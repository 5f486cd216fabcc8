"""Every key that this instance holds or publishes: its state, its age, what to do next.

Nothing on it is secret, and no entry is read for it, so looking at it makes none.
"""

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from app.web.shell.visit import ReadVisit, needs
from app.web.words import key_words

router = APIRouter()


@router.get("/keys", dependencies=[needs("log", "read")])
def show_keys(visit: ReadVisit) -> HTMLResponse:
    """The key set in force, and a row for each key."""
    listing, now = visit.services.listed_keys(visit.tx, visit.now), visit.now
    return visit.page(
        "auditor_keys.html",
        headline=key_words.headline(listing, now),
        held=listing.key_set,
        keys=listing.keys,
        due=listing.due(now),
        words=key_words,
        now=now,
        may_export=visit.may("log", "export"),
    )
