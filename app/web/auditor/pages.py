"""The auditor's pages: search the log, find somebody's pseudonym.

The desk asks whether the visitor may, and records each reading (app/audit/reading/desk.py). What is
wrong with a form is shown next to it, and then nothing was read and nothing recorded; that nobody
has a pseudonym is an answer, and recorded.
"""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse

from app.audit.reading.search import Search
from app.audit.reading.shown import EntryPage
from app.directory.model import Person
from app.kernel.errors import Fault, InvalidInput
from app.web.auditor import activity as auditor_activity
from app.web.auditor import alarms as auditor_alarms
from app.web.auditor import entry as auditor_entry
from app.web.auditor import export as auditor_export
from app.web.auditor import health as auditor_health
from app.web.auditor import keys as auditor_keys
from app.web.auditor.asked import AskedSearch, Reason
from app.web.auditor.rows import listing
from app.web.auditor.rows.search import SIDES, query
from app.web.shell.visit import Visit, WriteVisit, needs
from app.web.words.log_words import OUTCOMES

router = APIRouter(prefix="/auditor")
for module in (
    auditor_activity,
    auditor_alarms,
    auditor_entry,
    auditor_export,
    auditor_health,
    auditor_keys,
):
    router.include_router(module.router)

PAGE = 50
"""Entries on one page."""

EMPTY = {"who": "", "reason": "", "pseudonym": ""}


@router.get("", dependencies=[needs("log", "read")])
def search_log(visit: WriteVisit, search: AskedSearch) -> HTMLResponse:
    """Entries that match, newest first, and the state of the log in one line."""
    return _log_page(visit, search, EMPTY)


@router.post("/people", dependencies=[needs("log", "read")])
def look_up_person(
    visit: WriteVisit, who: Annotated[str, Form(max_length=500)] = "", reason: Reason = ""
) -> HTMLResponse:
    """Give the pseudonym of a person found by name, e-mail or id, and record who asked and why."""
    typed = {"who": who, "reason": reason, "pseudonym": ""}
    person, faults = _meant(visit, who.strip())
    if not reason.strip():
        faults += (Fault("reason", "Say why you look: the reason becomes part of the log."),)
    if person is None or faults:
        return _log_page(visit, Search(), typed, faults)
    desk = visit.services.desk
    typed["pseudonym"] = desk.look_up(visit.tx, visit.person, person.id, reason, visit.now)
    return _log_page(visit, Search(), typed)


def _meant(visit: Visit, who: str) -> tuple[Person | None, tuple[Fault, ...]]:
    """The person meant, or what to mend."""
    if not who:
        return None, (Fault("who", "Name the person: full name, e-mail or id."),)
    people = [
        person for person in visit.services.directory.people(visit.tx) if _is_meant(person, who)
    ]
    if not people:
        return None, (Fault("who", "Nobody has exactly this name, e-mail or id."),)
    if len(people) > 1:
        fault = Fault("who", "Several people have this name.", "Use the e-mail or the id.")
        return None, (fault,)
    return people[0], ()


def _is_meant(person: Person, who: str) -> bool:
    return who.casefold() in {person.id.casefold(), person.email.casefold(), person.name.casefold()}


def _log_page(
    visit: Visit, search: Search, typed: dict[str, str], faults: tuple[Fault, ...] = ()
) -> HTMLResponse:
    services, tx = visit.services, visit.tx
    # First: the entry about this reading is not one of those that wait.
    summary = services.desk.public_summary(tx)
    entries = EntryPage()
    if not faults:
        try:
            entries = services.desk.search(tx, visit.person, search, PAGE, visit.now)
        except InvalidInput as error:
            faults = error.faults
    return visit.page(
        "auditor_log.html",
        status=422 if faults else 200,
        asked=search,
        query=query,
        chips=listing.chips(search),
        faults=faults,
        looked_up=typed,
        rows=listing.entry_rows(entries.entries),
        older=entries.older,
        newer=entries.newer,
        health=listing.health(summary, visit.now),
        kinds=listing.kind_choices(),
        purposes=listing.purpose_choices(services.desk.public_purposes(tx)),
        regions=listing.region_choices(services.policy.regions(tx, visit.now), search.region),
        outcomes=OUTCOMES,
        sides=SIDES,
        may_export=visit.may("log", "export"),
    )
