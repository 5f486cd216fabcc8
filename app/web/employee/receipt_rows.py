"""What a receipt's page says, line by line, to be held against the signed text (pure).

The page is written from the decision as it is recorded and from the offer as it is kept; the
browser reads the signed text itself (static/receipt.js) and writes it with the same rules. Who is
named is not on record with a decision, so these two lines are the receipt's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.consent.model import Decision
from app.consent.offers import Offer
from app.consent.receipts import FIRST_SCHEMA, offered_terms, term_claims
from app.kernel.canonical import Json
from app.kernel.clock import timestamp

_SIGNAL = ("pii_type", "mode", "retention_period")


@dataclass(frozen=True)
class ReceiptRow:
    """One line: its name, the claim that says the same, and what the page says.

    Attributes:
        claim: names joined by dots, ``privacy_notice.digest``; a number counts in a list.
        shown: as ``said`` writes it.
    """

    label: str
    claim: str
    shown: str


def receipt_rows(
    decision: Decision, offer: Offer | None, claims: Mapping[str, Any]
) -> tuple[ReceiptRow, ...]:
    """The lines of a receipt's page.

    Args:
        decision: as it is recorded.
        offer: what was agreed to, as it is kept; None where the decision agrees to nothing.
        claims: of the receipt; they say whom it names, and in which form it is written.
    """
    first = claims["schema_version"] == FIRST_SCHEMA
    named = () if first else (("Name", "name", claims["name"]),)
    employer = claims["pii_controllers"][0]["party_name"]
    end = decision.valid_until or decision.until
    lines: tuple[tuple[str, str, Json], ...] = (
        *named,
        ("Employer", "pii_controllers.0.party_name", employer),
        ("Decision", "act", decision.act.value),
        ("It also says", "decision_content", list(decision.content)),
        ("Number", "sequence", decision.seq),
        ("When", "event_time", timestamp(decision.decided_at)),
        ("Recorded", "recorded_time", timestamp(decision.recorded_at)),
        ("Ends", "valid_until", timestamp(end) if end else None),
        ("Region", "jurisdiction", decision.region),
        *_agreed(decision, offer, first=first),
        ("Apps", "services", list(decision.apps)),
        ("Purposes", "purposes", list(decision.purposes)),
        *_notice(decision),
        ("Offer", "offer", decision.offer_digest),
        ("Event in the log", "log.event", decision.event_id),
        ("Receipt id", "record_id", decision.id),
    )
    return tuple(ReceiptRow(label, claim, said(value)) for label, claim, value in lines)


def said(value: Json) -> str:
    """Write a value of a claim in one line, as static/receipt.js does.

    >>> said(["tracker", "editor"]), said(None), said([])
    ('tracker, editor', 'none', 'none')
    >>> said([{"pii_type": "click", "mode": "redact", "retention_period": "P7D"}])
    'click redact P7D'
    >>> said({"menu": 30, "click": 7})
    'click 7, menu 30'
    """
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, Mapping):
        if "pii_type" in value:
            return " ".join(said(value[name]) for name in _SIGNAL if name in value)
        return ", ".join(f"{name} {said(value[name])}" for name in sorted(value))
    if isinstance(value, list | tuple):
        return ", ".join(said(item) for item in value)
    return str(value)


def _agreed(
    decision: Decision, offer: Offer | None, *, first: bool
) -> tuple[tuple[str, str, Json], ...]:
    if not first:
        rows: Json = [term_claims(row) for row in offered_terms(offer)] if offer else []
        return (("Signals", "pii_information", rows),)
    named: Json = [{"pii_type": signal} for signal in decision.signals]
    days: Json = dict(offer.retention_days) if offer else {}
    return (("Signals", "pii_information", named), ("Days", "retention_period", days))


def _notice(decision: Decision) -> tuple[tuple[str, str, Json], ...]:
    notice = decision.notice
    if notice is None:
        return (("Notice", "privacy_notice", None),)
    return (
        ("Notice", "privacy_notice.id", notice.id),
        ("Notice, version", "privacy_notice.version", notice.version),
        ("Notice, language", "privacy_notice.language", notice.language),
        ("Notice, digest", "privacy_notice.digest", notice.digest),
    )
