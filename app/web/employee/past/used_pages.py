"""All that was asked for and all that was read of the log about oneself, page by page."""

from fastapi import APIRouter
from starlette.responses import Response

from app.kernel.errors import wrong_field
from app.kernel.shapes import INDEX, fits
from app.web.employee.past.used import reading_rows, use_rows
from app.web.shell.visit import ReadVisit

router = APIRouter(prefix="/me")

PAGE = 20
"""Rows of a page."""

OUTCOMES = {"": "all", "permit": "permitted", "deny": "refused"}


@router.get("/uses")
def uses(visit: ReadVisit, only: str = "", before: str = "") -> Response:
    """Who asked for one's data, permitted and refused, and what was read."""
    if only not in OUTCOMES:
        raise wrong_field("only", "this is not one of the choices", "Use the links of the page.")
    services, tx = visit.services, visit.tx
    rows = use_rows(
        services, tx, visit.person, visit.now,
        limit=PAGE + 1, before=_number(before), outcome=only or None,
    )  # fmt: skip
    counts = services.access.count_uses(tx, visit.person.id)
    return visit.page(
        "uses.html",
        rows=rows[:PAGE],
        older=rows[PAGE - 1].number if len(rows) > PAGE else None,
        only=only,
        outcomes=OUTCOMES,
        counts={"": sum(counts.values()), **counts},
        paged=bool(before),
    )


@router.get("/readings")
def readings(visit: ReadVisit, before: str = "") -> Response:
    """Who read entries of the log about oneself, and why."""
    rows = reading_rows(visit.services, visit.tx, visit.person, PAGE + 1, _number(before))
    return visit.page(
        "readings.html",
        rows=rows[:PAGE],
        older=rows[PAGE - 1].index if len(rows) > PAGE else None,
        paged=bool(before),
    )


def _number(before: str) -> int | None:
    """Read a place in a list.

    Raises:
        InvalidInput: it is none.
    """
    if not before:
        return None
    if not fits(INDEX, before):
        raise wrong_field("before", "a place in the list is a number", "Use the links of the page.")
    return int(before)
