"""The auditor's pages: search the log, find somebody's pseudonym.

Rules:
1. Who reads the log stands in the log: each search is an entry, in the transaction that read. A
   search for a person is an entry about that person.
2. A person's pseudonym is given out against a reason only. The reason is kept, encrypted, under
   that person's own key; the entry says that somebody looked.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse

from app.api.deps import Now, ServicesDep, WriteTx
from app.audit.checkpoint import parse_checkpoint, parse_note
from app.audit.model import Actor, Event, Kind
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.errors import Fault
from app.web import auditor_entry, auditor_export, auditor_rows
from app.web.auditor_rows import Health
from app.web.door import SignedIn, Visitor
from app.web.log_search import SIDES, Search
from app.web.log_words import OUTCOMES
from app.web.render import page
from app.web.text import PURPOSE_PHRASES
from app.wiring import Services

router = APIRouter(prefix="/auditor")
for module in (auditor_entry, auditor_export):
    router.include_router(module.router)

PAGE = 50
"""Entries on one page."""

Asked = Annotated[str, Query(max_length=200)]
Typed = Annotated[str, Form(max_length=500)]


@router.get("")
def search_log(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
    kind: Asked = "",
    person: Asked = "",
    side: Asked = "about",
    purpose: Asked = "",
    outcome: Asked = "",
    before: Asked = "",
) -> HTMLResponse:
    """Entries that match, newest first; the health of the log; how much there is of each kind."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    search = Search(
        kind.strip(), person.strip(), side.strip(), purpose.strip(), outcome.strip(), before.strip()
    )
    faults = search.faults()
    if not faults and search.person and not services.log.people(tx, (search.person,)):
        faults = (Fault("person", "Nobody stands in the log under this pseudonym."),)
    return _log_page(request, services, tx, visitor, now, search, faults)


@router.post("/people")
def look_up_person(
    request: Request,
    visitor: SignedIn,
    services: ServicesDep,
    tx: WriteTx,
    now: Now,
    who: Typed = "",
    reason: Annotated[str, Form(max_length=2_000)] = "",
) -> HTMLResponse:
    """Give the pseudonym of a person found by name, e-mail or id, and record who asked and why."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    found, faults = _resolve(services, tx, who.strip(), reason.strip())
    pseudonym = ""
    if found is not None:
        pseudonym = services.log.pseudonym(tx, found.id)
        event = Event(
            Kind.LOG_READ,
            Actor("person", visitor.person.id),
            {"kind": "pseudonym", "subject": pseudonym, "count": 1},
            subjects=(found.id,),
            body={"reason": reason.strip()},
        )
        services.log.append(tx, event, now)
    looked_up = {"who": who, "reason": reason, "pseudonym": pseudonym}
    return _log_page(request, services, tx, visitor, now, Search(), faults, looked_up)


def _resolve(
    services: Services, tx: Tx, who: str, reason: str
) -> tuple[Person | None, tuple[Fault, ...]]:
    """The one person meant, or what to mend."""
    faults = []
    people = [one for one in services.directory.people(tx) if _is_meant(one, who)] if who else []
    if not who:
        faults.append(Fault("who", "Name the person: full name, e-mail or id."))
    elif not people:
        faults.append(Fault("who", "Nobody has exactly this name, e-mail or id."))
    elif len(people) > 1:
        faults.append(Fault("who", "Several people have this name.", "Use the e-mail or the id."))
    if not reason:
        faults.append(Fault("reason", "Say why you look: the reason becomes part of the log."))
    return (None if faults else people[0]), tuple(faults)


def _is_meant(person: Person, who: str) -> bool:
    return who.casefold() in {person.id.casefold(), person.email.casefold(), person.name.casefold()}


def _log_page(
    request: Request,
    services: Services,
    tx: Tx,
    visitor: Visitor,
    now: Now,
    search: Search,
    faults: tuple[Fault, ...],
    looked_up: dict[str, str] | None = None,
) -> HTMLResponse:
    # One more than is shown, to know whether there is a next page.
    entries = () if faults else services.log.search(tx, search.wanted(PAGE + 1))
    counts, shown = services.log.counts_by_kind(tx), _health(services, tx, now)
    if not faults:
        event = Event(
            Kind.LOG_READ,
            Actor("person", visitor.person.id),
            {
                "kind": search.kind or None,
                "subject": search.person or None,
                "count": len(entries[:PAGE]),
            },
            subjects=tuple(services.log.people(tx, (search.person,)).values()),
        )
        services.log.append(tx, event, now)
    return page(
        request,
        "auditor_log.html",
        status=422 if faults else 200,
        asked=search,
        faults=faults,
        looked_up=looked_up or {"who": "", "reason": "", "pseudonym": ""},
        rows=auditor_rows.entry_rows(entries[:PAGE]),
        older=entries[PAGE - 1].idx if len(entries) > PAGE else None,
        health=shown,
        bars=auditor_rows.bars(counts),
        kinds=auditor_rows.kind_choices(),
        purposes=PURPOSE_PHRASES,
        outcomes=OUTCOMES,
        sides=SIDES,
        may_export=services.authority.may(visitor.person.roles, None, "log", "export"),
    )


def _health(services: Services, tx: Tx, now: Now) -> Health:
    note = services.log.checkpoint(tx)
    checkpoint = parse_checkpoint(parse_note(note.encode()).text) if note else None
    last = services.log.entry(tx, checkpoint.size - 1) if checkpoint else None
    return auditor_rows.health(checkpoint, last, services.log.pending(tx), now)
