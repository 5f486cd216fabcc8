"""The employee's pages: what is captured of me, and my choice.

A handler makes its domain calls in one transaction and renders. Nothing is decided here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from app.access.floor.purposes import PurposeText
from app.consent.choosing import NUMBERED, repeated
from app.consent.model import OPENING, Act, Standing, State, opening_act
from app.consent.notices import SHOWN_CHANGED
from app.kernel.errors import Conflict, Fault, InvalidInput, wrong_field
from app.web.employee.answers import Answers, Never, answers
from app.web.employee.decide_words import DecideWords, decide_words
from app.web.employee.notice_text import as_html, ground_in_words, preferred_language
from app.web.employee.overview import laptop_rows, overview, region_names
from app.web.employee.state.laptops import permissions
from app.web.employee.state.state_words import offered_acts, state_in_words
from app.web.employee.state.wider_words import wider_in_words
from app.web.shell.door import is_own_step
from app.web.shell.visit import ReadVisit, Visit, WriteVisit
from app.web.words.matcher_words import (
    WaysRow,
    accounts_in_words,
    app_ways_in_words,
    ways_in_words,
)
from app.web.words.text import LANGUAGES
from app.wiring import Services

router = APIRouter(prefix="/me")

_UNTIL_TOMORROW = 24 * 60
PAUSES = ((15, "15 minutes"), (30, "30 minutes"), (60, "1 hour"), (_UNTIL_TOMORROW, "a day"))
"""Pauses offered: minutes, and how they are written."""

_MOST_DIGITS = 9
"""Digits of the largest number that a form may carry."""


@router.get("")
def home(visit: ReadVisit) -> Response:
    """The state as a sentence, the choice, five answers, laptops, history."""
    return _home_page(visit)


def _home_page(visit: Visit, *, refused: Conflict | None = None) -> Response:
    services = visit.services
    view = overview(services, visit.tx, visit.person, visit.now)
    rows = answers(view.situation, view.names)
    return visit.page(
        "me.html",
        status=409 if refused else 200,
        refused=refused,
        view=view,
        answers=rows,
        accounts=_accounts(rows),
        purposes=_purposes(services, view.situation.extent.purposes),
        words=decide_words("en"),
        as_of=visit.now,
        pauses=_pauses(view.situation.standing, visit.now),
    )


@router.get("/decide")
def read_notice(visit: WriteVisit, language: str = "") -> Response:
    """The whole notice and exactly what is offered, then the two choices.

    That it was shown is recorded: so another site's link leads to the person's page first.
    """
    if not is_own_step(visit.request):
        return RedirectResponse("/me", 303)
    return _decide_page(visit, language)


@router.post("/decisions")
def decide(
    visit: WriteVisit,
    act: Annotated[str, Form()] = "",
    shown: Annotated[str, Form()] = "",
    minutes: Annotated[str, Form()] = "",
    seq: Annotated[str, Form()] = "",
) -> Response:
    """Take a decision; its receipt says what was recorded.

    ``seq`` is the number of the last decision when the choice was shown. Opting out does without.
    """
    services, chosen = visit.services, _act(act)
    until = _until(minutes, visit.now) if chosen is Act.PAUSED else None
    try:
        said = services.consent.said(visit.reader, visit.person, chosen, visit.now, until)
    except Conflict as refused:
        return _home_page(visit.to_read(), refused=refused)
    visit.reader.close()  # never wait for one connection while holding another
    if said is not None:
        return RedirectResponse(f"/me/receipts/{said.decision.id}", 303)
    offer = None
    if chosen in OPENING:
        offer = services.capture.situation(visit.tx, visit.person, visit.now).offer
    try:
        receipt = services.consent.decide(
            visit.tx,
            visit.person,
            chosen,
            visit.now,
            shown_id=shown or None,
            until=until,
            offer=offer,
            known=_number(seq) if chosen in NUMBERED else None,
        )
    except Conflict as refused:
        if refused.kind == SHOWN_CHANGED:
            return _decide_page(visit, "", changed=refused)
        return _home_page(visit.to_read(), refused=refused)
    return RedirectResponse(f"/me/receipts/{receipt.decision.id}", 303)


def _decide_page(visit: Visit, language: str, *, changed: Conflict | None = None) -> Response:
    notices = visit.services.notices
    situation = visit.services.capture.held(visit.tx, visit.person, visit.now)
    compiled = situation.in_force.compiled
    opening = next((act for act in offered_acts(situation) if act in OPENING), None)
    if situation.wider:
        opening = opening_act(compiled.bases)
    language = language or preferred_language(visit.request, notices.languages)
    shown = None
    if opening is not None:
        shown = notices.show(visit.tx, situation.person, situation.offer, language, visit.now)
    notice = shown.notice if shown else notices.text(language)
    words = decide_words(notice.language)
    names = region_names(visit.services, visit.tx, situation.in_force)
    rows = answers(situation.offered, words.named(names))
    held = permissions(laptop_rows(visit.services, visit.tx, situation, visit.now))
    return visit.page(
        "decide.html",
        status=409 if changed else 200,
        notice=notice,
        text=as_html(notice, visit.person.entity_name, situation.offer),
        languages={code: LANGUAGES.get(code, code) for code in notices.languages},
        shown=shown,
        opening=opening,
        ground=ground_in_words(compiled.bases, compiled.decision_content),
        agreed=situation.standing.stands,
        state=state_in_words(situation, names, held),
        words=words,
        names=words.named(names),
        answers=rows,
        apps=_apps(words, rows),
        never=_places(words, rows.never),
        purposes=[words.purposes.get(purpose, purpose) for purpose in rows.purposes],
        more=wider_in_words(situation, words),
        paused=situation.standing.state is State.PAUSED,
        changed=changed,
        known=visit.services.consent.last_number(visit.tx, visit.person.id),
    )


def _apps(words: DecideWords, rows: Answers) -> list[WaysRow]:
    """The apps with how each is recognised, and in which accounts it counts."""
    apps = [app for group in rows.groups for app in group.apps]
    return [
        WaysRow(
            app.name,
            (
                *app_ways_in_words(app, words.matchers),
                *accounts_in_words(app, rows.tenants, words.matchers),
            ),
        )
        for app in apps
    ]


def _accounts(rows: Answers) -> list[WaysRow]:
    """In which accounts those apps count that private people use, too."""
    apps = (app for group in rows.groups for app in group.apps if app.private_accounts)
    return [WaysRow(app.name, accounts_in_words(app, rows.tenants)) for app in apps]


def _places(words: DecideWords, places: Iterable[Never]) -> list[WaysRow]:
    rows = [
        WaysRow(words.place(place.id, place.name), ways_in_words(place.match, words.matchers))
        for place in places
    ]
    return sorted(rows, key=lambda row: row.name.casefold())


def _purposes(services: Services, keys: Iterable[str]) -> dict[str, list[PurposeText]]:
    """Purposes in words: the training that it is for, and the upkeep around it."""
    texts = [services.access.purposes.described(key) for key in keys]
    return {
        "training": [text for text in texts if text.key.startswith("ai_training.")],
        "upkeep": [text for text in texts if not text.key.startswith("ai_training.")],
    }


def _act(name: str) -> Act:
    try:
        return Act(name)
    except ValueError as error:
        fault = Fault("act", "this is not one of the choices", "Use the buttons of the page.")
        raise InvalidInput("this is not one of the choices", faults=(fault,)) from error


def _number(seq: str) -> int:
    """Read the number of the last decision, as the form carries it."""
    if not (seq.isascii() and seq.isdigit() and len(seq) <= _MOST_DIGITS):
        cure = "Open your page again and use its buttons."
        raise wrong_field("seq", "the number of your last decision is missing", cure)
    return int(seq)


def _pauses(standing: Standing, now: datetime) -> tuple[tuple[int, str], ...]:
    """The pauses that would change something."""
    return tuple(
        (minutes, words)
        for minutes, words in PAUSES
        if repeated(standing, Act.PAUSED, now + timedelta(minutes=minutes)) is None
    )


def _until(minutes: str, now: datetime) -> datetime:
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) <= 5):  # noqa: PLR2004 - 7 days
        fault = Fault(
            "minutes", "a pause needs a number of minutes", "Use the buttons of the page."
        )
        raise InvalidInput("a pause needs a number of minutes", faults=(fault,))
    return now + timedelta(minutes=int(minutes))
