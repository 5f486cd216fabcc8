"""Receipts: the signed record of one decision, to read, print, keep and check."""

import json

from fastapi import APIRouter
from starlette.responses import Response

from app.consent.offers import Offer
from app.consent.receipts import Receipt, receipt_terms
from app.kernel.errors import NotFound, Unavailable
from app.kernel.signing import signing_key_of
from app.kernel.tokens import KEY_USE, RECEIPT_TYPE, SUBMISSION_TYPE
from app.policy.catalogue.model import Catalogue
from app.web.employee.choices import choices
from app.web.employee.overview import current_notices, laptop_rows
from app.web.employee.past.used import purpose_label
from app.web.employee.receipt_rows import receipt_rows
from app.web.shell.visit import ReadVisit
from app.web.words.decision_words import decision_in_words

router = APIRouter(prefix="/me/receipts")

_SIGNED_HERE = frozenset({RECEIPT_TYPE, SUBMISSION_TYPE})
"""The tokens that a receipt's file holds; it carries their keys and no others."""


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
        "keys": {"keys": [key for key in services.jwks["keys"] if key[KEY_USE] in _SIGNED_HERE]},
        "log": vars(proof) if proof else None,
        "submission": services.log.submission_receipts(tx, (event,)).get(event),
    }
    return Response(
        json.dumps(document, indent=2, ensure_ascii=False),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{_file_name(receipt)}"'},
    )


@router.get("/{decision}")
def show(visit: ReadVisit, decision: str) -> Response:
    """One receipt on one printed page, and what the laptops made of it."""
    services, tx, person = visit.services, visit.tx, visit.person
    receipt = services.consent.receipt(tx, person.id, decision)
    situation = services.capture.situation(tx, person, visit.now)
    history = services.consent.history(tx, person.id)
    before = services.consent.stood_before(tx, person.id)
    return visit.page(
        "receipt.html",
        receipt=receipt,
        decision=receipt.decision,
        said=decision_in_words(receipt.decision, before.get(receipt.decision.id)),
        index=services.log.index_of(tx, receipt.event_id),
        is_latest=receipt.decision.seq == situation.standing.last,
        purposes=[purpose_label(services, key) for key in receipt.decision.purposes],
        agreed=receipt_terms(receipt.claims),
        apps=_app_names(services.policy.catalogue(tx), receipt.decision.apps),
        rows=receipt_rows(receipt.decision, _offer(visit, receipt), receipt.claims),
        file=_file_name(receipt),
        fingerprint=signing_key_of(receipt.token),
        situation=situation,
        laptops=laptop_rows(services, tx, situation, visit.now),
        as_of=visit.now,
        choices=choices(situation, history, current_notices(services), visit.now),
        settings=services.settings,
    )


def _file_name(receipt: Receipt) -> str:
    return f"habeas-receipt-{receipt.decision.id}.json"


def _offer(visit: ReadVisit, receipt: Receipt) -> Offer | None:
    """What the decision agreed to, as it was kept when it was shown; None where it is not so now.

    The page has the receipt's own text next to it, so that a line that is missing is seen.
    """
    if receipt.decision.shown_id is None:
        return None
    try:
        return visit.services.consent.offer_of(visit.tx, receipt.decision)[0]
    except (NotFound, Unavailable):
        return None


def _app_names(catalogue: Catalogue, apps: tuple[str, ...]) -> list[str]:
    known = catalogue.apps
    return sorted((known[app].name if app in known else app for app in apps), key=str.casefold)
