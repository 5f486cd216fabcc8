"""The stop switch: capture off in a region or everywhere; and the way back, which takes two people.

The switch is a page of its own with a box to tick: it is one step away from every page of legal and
nobody presses it by accident.
"""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.kernel.errors import Fault
from app.policy.changes.model import RegionView, Stop
from app.web.legal import drafts
from app.web.legal import region_table as legal_rows
from app.web.shell import people_names
from app.web.shell.visit import ReadVisit, Visit, WriteVisit, needs
from app.web.words.policy_words import listed
from app.web.words.region_words import names_of

router = APIRouter()

Reason = Annotated[str, Form(max_length=drafts.MAX_NOTE)]


@router.get("/stop", dependencies=[needs("policy", "read")])
def show_stops(visit: ReadVisit, region: str = "") -> HTMLResponse:
    """The switch, and every stop that holds now."""
    return _stop_page(visit, {"region": region, "reason": ""})


@router.post("/stop", dependencies=[needs("capture", "stop")])
def stop(
    visit: WriteVisit,
    region: Annotated[str, Form(max_length=20)] = "",
    reason: Reason = "",
    sure: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Stop capture, if the form says where, why, and that it is meant."""
    faults = _faults(region, reason.strip(), sure)
    if faults:
        return _stop_page(visit.to_read(), {"region": region, "reason": reason}, faults)
    stops, said = visit.services.policy.stops, (visit.person, region, reason.strip(), visit.now)
    stopped = stops.stopped(visit.reader, *said)
    visit.reader.close()  # never wait for one connection while holding another
    if not stopped:
        stops.stop(visit.tx, *said)
    return RedirectResponse("/legal/stop#stops", 303)


@router.post(
    "/resume/{region}/propose", dependencies=[needs("capture", "propose_resume", in_region=True)]
)
def propose_resume(visit: WriteVisit, region: str) -> Response:
    """Propose to resume; another person decides."""
    visit.services.policy.stops.propose_resume(visit.tx, visit.person, region, visit.now)
    return RedirectResponse("/legal/stop#stops", 303)


@router.post(
    "/resume/{region}/approve", dependencies=[needs("capture", "approve_resume", in_region=True)]
)
def approve_resume(visit: WriteVisit, region: str) -> Response:
    """Agree to what another person proposed."""
    visit.services.policy.stops.approve_resume(visit.tx, visit.person, region, visit.now)
    return RedirectResponse("/legal/stop#stops", 303)


def _faults(region: str, reason: str, sure: str) -> tuple[Fault, ...]:
    faults = []
    if not region:
        faults.append(Fault("region", "Choose where capture stops."))
    if not reason:
        faults.append(Fault("reason", "Say why, in a sentence."))
    if sure != "yes":
        faults.append(Fault("sure", "Tick the box: nothing was stopped yet."))
    return tuple(faults)


def _stop_page(visit: Visit, typed: dict[str, str], faults: tuple[Fault, ...] = ()) -> HTMLResponse:
    services, tx = visit.services, visit.tx
    stops, views = services.policy.stops.holding(tx), services.policy.regions(tx, visit.now)
    names = names_of(views)
    ids = {stop.stopped_by for stop in stops} | {s.proposed_by for s in stops if s.proposed_by}
    return visit.page(
        "legal_stop.html",
        status=422 if faults else 200,
        headline=_headline([names.get(region, region) for region in _stopped(stops, views)]),
        typed=typed,
        faults=faults,
        choices=legal_rows.where_may_stop(views, visit.person.roles, services.authority),
        stops=[(stop, _next_act(visit, stop)) for stop in stops],
        names=names,
        people=people_names.named(services, tx, ids),
    )


def _stopped(stops: tuple[Stop, ...], views: tuple[RegionView, ...]) -> list[str]:
    """The regions that are stopped by themselves, or count as stopped."""
    counted = {view.region for view in views if view.region in view.in_force.stopped}
    return sorted({stop.region for stop in stops} | counted)


def _headline(places: list[str]) -> str:
    return f"Capture is stopped: {listed(places)}." if places else "Nothing is stopped."


def _next_act(visit: Visit, stop: Stop) -> tuple[str, str]:
    """What this visitor can do about a stop, and if nothing, why not."""
    region = stop.region
    if stop.disputed:
        return "", (
            "The record of stops here does not agree with the log: somebody may have changed the "
            "database. Nobody can resume before two people have cleared the alarm."
        )
    if stop.proposed_by is None:
        if visit.may("capture", "propose_resume", region):
            return "propose", ""
        return "", f"Resuming is proposed by legal@{region} and approved by a second person."
    if stop.proposed_by == visit.person.id:
        return "", "You proposed to resume. Somebody else has to approve it."
    if visit.may("capture", "approve_resume", region):
        return "approve", ""
    return "", f"Resuming waits for the approval of a second person of legal@{region}."
