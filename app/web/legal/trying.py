"""Legal tries a place: would it be captured of somebody who lives in a region, and why not?"""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from app.kernel.errors import Fault
from app.kernel.places import too_wide, why_no_place
from app.web.shell.visit import ReadVisit, Visit, needs
from app.web.trial.form import TypedPlace
from app.web.trial.page import Grounds, TrialShown, Typed, blank, choices, tried
from app.web.words.region_words import Names, names_of

router = APIRouter()


@router.get("/try", dependencies=[needs("policy", "read")])
def show_form(visit: ReadVisit, region: str = "") -> HTMLResponse:
    """The form, filled in with an example; ``region``: where somebody lives."""
    return _page(visit, TypedPlace(region=region))


@router.post("/try", dependencies=[needs("policy", "read")])
def try_place(visit: ReadVisit, typed: Typed) -> HTMLResponse:
    """What a guard would say; nothing of it is kept."""
    return _page(visit, typed, sent=True)


def _page(visit: Visit, typed: TypedPlace, *, sent: bool = False) -> HTMLResponse:
    policy, tx = visit.services.policy, visit.tx
    names = names_of(policy.regions(tx, visit.now))
    homes = _homes(names)
    faults = _misplaced(typed, names) if sent else ()
    if typed.region not in homes and not faults:
        typed = replace(typed, region=next(iter(homes), ""))
    home = typed.region if not faults else next(iter(homes), "")
    place = typed.place if not faults else ""
    told, limits = visit.services.capture.told_in(tx, home, place or None, visit.now)
    grounds = Grounds(told, limits, names)
    if faults:
        shown = TrialShown(typed, "", None, faults)
    else:
        shown = tried(visit, grounds, typed) if sent else blank(grounds, typed)
    return visit.page(
        "legal_try.html",
        status=422 if shown.faults else 200,
        shown=shown,
        homes=homes,
        places={"": "At home", **homes},
        choices=choices(grounds),
    )


def _homes(names: Names) -> dict[str, str]:
    """The regions with rules in which people live, by name."""
    wide = too_wide(names, names.keys())
    homes = {code: name for code, name in names.items() if code not in wide}
    return dict(sorted(homes.items(), key=lambda home: home[1].casefold()))


def _misplaced(typed: TypedPlace, floors: Names) -> tuple[Fault, ...]:
    """What was sent and is no place; only somebody who writes forms by hand can send it."""
    wrong = {
        field: why_no_place(code, floors.keys())
        for field, code in (("region", typed.region), ("place", typed.place))
        if code
    }
    return tuple(
        Fault(field, f"{why.problem[:1].upper()}{why.problem[1:]}.", why.cure)
        for field, why in wrong.items()
        if why is not None
    )
