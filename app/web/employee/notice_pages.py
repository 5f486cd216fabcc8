"""The notice, to read again at any time: the text that one's decision rests on, and today's.

Reading it here decides nothing and records nothing; both happen on the page of the decision.
"""

from collections.abc import Iterable

from fastapi import APIRouter
from starlette.responses import Response

from app.consent.model import Decision
from app.consent.offers import Shown
from app.web.employee.notice_text import as_html, ground_in_words, preferred_language
from app.web.shell.visit import ReadVisit, Visit
from app.web.words.text import LANGUAGES

router = APIRouter(prefix="/me/notice")


@router.get("")
def read_again(visit: ReadVisit, language: str = "") -> Response:
    """The notice of the last decision that rests on one; if there is none, the notice of today.

    With a language it is always the notice of today.
    """
    notices = visit.services.notices
    decision = rests_on_notice(visit.services.consent.history(visit.tx, visit.person.id))
    agreed = _as_shown(visit, decision)
    situation = visit.services.capture.situation(visit.tx, visit.person, visit.now)
    if agreed is None or language:
        chosen = language or preferred_language(visit.request, notices.languages)
        notice, offer = notices.text(chosen), situation.offer
    else:
        notice, offer = agreed.notice, agreed.offer
    compiled = situation.in_force.compiled
    return visit.page(
        "notice.html",
        ground=ground_in_words(compiled.bases, compiled.decision_content),
        notice=notice,
        text=as_html(notice, visit.person.entity_name, offer),
        languages={code: LANGUAGES.get(code, code) for code in notices.languages},
        decision=decision,
        agreed=None if agreed is None else agreed.notice,
        current=notice.digest in {notices.text(code).digest for code in notices.languages},
    )


def rests_on_notice(history: Iterable[Decision]) -> Decision | None:
    """The last decision that rests on a notice, whatever was decided after it.

    >>> rests_on_notice(()) is None
    True
    """
    resting = [decision for decision in history if decision.notice is not None]
    return max(resting, key=lambda decision: decision.seq, default=None)


def _as_shown(visit: Visit, decision: Decision | None) -> Shown | None:
    if decision is None or decision.shown_id is None:
        return None
    return visit.services.notices.shown(visit.tx, visit.person, decision.shown_id)
