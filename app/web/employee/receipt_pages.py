"""Receipts: the signed record of one decision, to read, print, keep and check."""

import json
from collections.abc import Mapping

from fastapi import APIRouter
from starlette.responses import Response

from app.kernel.tokens import RECEIPT_TYPE
from app.web.employee.choices import choices
from app.web.employee.overview import current_notices, laptop_rows, purpose_label
from app.web.shell.visit import ReadVisit
from app.web.words.text import SIGNAL_WORDS, counted, lower_first
from app.wiring import Services

router = APIRouter(prefix="/me/receipts")


@router.get("/{decision}.json")
def download(visit: ReadVisit, decision: str) -> Response:
    """The receipt as a file: claims, the signed token, the log's promise, and its proof."""
    services, tx = visit.services, visit.tx
    receipt = services.consent.receipt(tx, visit.person.id, decision)
    event = receipt.event_id
    proof = services.desk.own_proof(tx, visit.person.id, event)
    document = {
        "type": RECEIPT_TYPE,
        "token": receipt.token,
        "claims": receipt.claims,
        "keys": services.jwks,
        "log": vars(proof) if proof else None,
        "submission": services.log.submission_receipts(tx, (event,)).get(event),
    }
    name = f"habeas-receipt-{receipt.decision.id}.json"
    return Response(
        json.dumps(document, indent=2, ensure_ascii=False),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/{decision}/place")
def show_place(visit: ReadVisit, decision: str) -> Response:
    """When it was recorded and as which entry: the part of the page that is asked for again."""
    receipt = visit.services.consent.receipt(visit.tx, visit.person.id, decision)
    index = visit.services.log.index_of(visit.tx, receipt.event_id)
    return visit.fragment("receipt_place.html", decision=receipt.decision, index=index)


@router.get("/{decision}")
def show(visit: ReadVisit, decision: str) -> Response:
    """One receipt on one printed page, and what the laptops made of it."""
    services, tx, person = visit.services, visit.tx, visit.person
    receipt = services.consent.receipt(tx, person.id, decision)
    situation = services.capture.situation(tx, person, visit.now)
    history = services.consent.history(tx, person.id)
    return visit.page(
        "receipt.html",
        receipt=receipt,
        decision=receipt.decision,
        index=services.log.index_of(tx, receipt.event_id),
        is_latest=history[-1].id == receipt.decision.id,
        purposes=[purpose_label(services, key) for key in receipt.decision.purposes],
        kept=_kept(receipt.claims["retention_period"]),
        apps=_app_names(services, receipt.decision.apps),
        situation=situation,
        laptops=laptop_rows(services, tx, situation, visit.now),
        choices=choices(situation, history, current_notices(services), visit.now),
        settings=services.settings,
    )


def _kept(days_by_signal: Mapping[str, int]) -> str:
    """``14 days``, or ``clicks 30 days, screenshots 14 days`` where signals differ."""
    if len(set(days_by_signal.values())) == 1:
        return counted(next(iter(days_by_signal.values())), "day")
    return ", ".join(
        f"{lower_first(SIGNAL_WORDS[signal])} {counted(days, 'day')}"
        for signal, days in days_by_signal.items()
    )


def _app_names(services: Services, apps: tuple[str, ...]) -> list[str]:
    known = services.policy.catalogue.apps
    return sorted((known[app].name if app in known else app for app in apps), key=str.casefold)
