"""The auditor's pages: search the log, find somebody's pseudonym.

Rules:
1. Who reads the log stands in the log: each search is an entry, in the transaction that read. A
   search for a person is an entry about that person.
2. A person's pseudonym is given out against a reason only. The reason is kept, encrypted, under
   that person's own key; the entry says that somebody looked.
"""

from dataclasses import replace
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse

from app.api.deps import Now, ServicesDep, WriteTx
from app.audit.entries.model import Actor, Entry, Event, Kind
from app.audit.tree.checkpoint import parse_checkpoint, parse_note
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.canonical import Json
from app.kernel.errors import Fault
from app.web.auditor import activity as auditor_activity
from app.web.auditor import entry as auditor_entry
from app.web.auditor import export as auditor_export
from app.web.auditor import health as auditor_health
from app.web.auditor import rows as auditor_rows
from app.web.auditor.rows import Health
from app.web.auditor.search import SIDES, Search
from app.web.shell.door import SignedIn, Visitor
from app.web.shell.render import page
from app.web.words.log_words import OUTCOMES
from app.wiring import Services

router = APIRouter(prefix="/auditor")
for module in (auditor_activity, auditor_entry, auditor_export, auditor_health):
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
    region: Asked = "",
    since: Asked = "",
    until: Asked = "",
    before: Asked = "",
    after: Asked = "",
) -> HTMLResponse:
    """Entries that match, newest first, and the state of the log in one line."""
    services.authority.require(visitor.person.roles, None, "log", "read")
    search = Search(
        *(
            field.strip()
            for field in (
                kind, person, side, purpose, outcome, region, since, until, before, after,
            )
        )
    )  # fmt: skip
    faults = search.faults()
    if not faults and search.person and not _stands(services, tx, search.person):
        faults = (Fault("person", "Nobody stands in the log under this pseudonym."),)
    return _log_page(request, services, tx, visitor, now, search, faults)


def _stands(services: Services, tx: Tx, pseudonym: str) -> bool:
    """Whether somebody has this pseudonym, or entries still carry that of somebody erased."""
    sides = (Search(person=pseudonym, side=side) for side in SIDES)
    return pseudonym in services.log.people(tx, (pseudonym,)) or any(
        services.log.search(tx, one.wanted(1)) for one in sides
    )


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
    found = Page((), older=None, newer=None) if faults else _found(services, tx, search)
    shown, purposes = _health(services, tx, now), services.log.purposes(tx)
    if not faults:
        _record(services, tx, visitor, search, len(found.entries), now)
    return page(
        request,
        "auditor_log.html",
        status=422 if faults else 200,
        asked=search,
        chips=auditor_rows.chips(search),
        faults=faults,
        looked_up=looked_up or {"who": "", "reason": "", "pseudonym": ""},
        rows=auditor_rows.entry_rows(found.entries),
        older=found.older,
        newer=found.newer,
        health=shown,
        kinds=auditor_rows.kind_choices(),
        purposes=auditor_rows.purpose_choices(purposes),
        regions=auditor_rows.region_choices(services.policy.regions(tx, now), search.region),
        outcomes=OUTCOMES,
        sides=SIDES,
        may_export=services.authority.may(visitor.person.roles, None, "log", "export"),
    )


class Page(NamedTuple):
    """A page of the list, newest first; the indices from which the next ones go on, if any."""

    entries: tuple[Entry, ...]
    older: int | None
    newer: int | None


def _found(services: Services, tx: Tx, search: Search) -> Page:
    wanted = search.wanted(PAGE)
    entries = services.log.search(tx, wanted)
    if not entries:
        return Page((), older=None, newer=None)
    newest, oldest = entries[0].idx, entries[-1].idx
    one = replace(wanted, limit=1)
    is_older = services.log.search(tx, replace(one, before=oldest, after=None))
    is_newer = services.log.search(tx, replace(one, before=None, after=newest))
    return Page(entries, oldest if is_older else None, newest if is_newer else None)


def _record(
    services: Services, tx: Tx, visitor: Visitor, search: Search, count: int, now: Now
) -> None:
    facts: dict[str, Json] = {
        "kind": search.kind or None,
        "subject": search.person or None,
        "count": count,
    }
    # Under a name of their own: the entry about a search for a region is not of that region.
    if search.asked:
        facts["asked"] = search.asked
    event = Event(
        Kind.LOG_READ,
        Actor("person", visitor.person.id),
        facts,
        subjects=tuple(services.log.people(tx, (search.person,)).values()),
    )
    services.log.append(tx, event, now)


def _health(services: Services, tx: Tx, now: Now) -> Health:
    note = services.log.checkpoint(tx)
    checkpoint = parse_checkpoint(parse_note(note.encode()).text) if note else None
    last = services.log.entry(tx, checkpoint.size - 1) if checkpoint else None
    return auditor_rows.health(checkpoint, last, services.log.pending(tx), now)
