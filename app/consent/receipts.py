"""Receipts: what a person keeps of a decision.

A receipt is a JWS of type ``habeas-receipt+jwt``. Its claims carry the field names of ISO/IEC TS
27560:2023 as the W3C guide "consent-27560" gives them, with the status IRIs of DPV 2.3. TS 27560
knows consent only; for the two states it lacks: acknowledged is a notice that was used, and a pause
is a withdrawal with an end, after which, or after resuming, the state before it holds again.

Rules:
1. A receipt stays with its person: it names them and their employer. No entry of the log holds it,
   and it is erased with the person's decisions.
2. ``schema_version`` says which claims there are. Receipts of form 1 (release 0.1) name nobody and
   say no modes; their days stand apart from their signals. They are read for ever.
3. What a receipt says of signals, days and modes is what the offer says that was agreed to.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.consent.model import OPENING, Act, Decision, opening_act
from app.consent.offers import Offer
from app.directory.model import Person
from app.kernel.canonical import Json
from app.kernel.clock import timestamp
from app.kernel.facts import encode
from app.kernel.signing import unb64u

FIRST_SCHEMA, SCHEMA_VERSION = "habeas-receipt/1", "habeas-receipt/2"
"""The forms of a receipt's claims, the one that is written last (rule 2)."""

_DPV = "https://w3id.org/dpv#"

EVENT_STATES: Mapping[Act, str] = {
    Act.GIVEN: _DPV + "ConsentGiven",
    Act.ACKNOWLEDGED: _DPV + "NoticeUsed",
    Act.REFUSED: _DPV + "ConsentRefused",
    Act.WITHDRAWN: _DPV + "ConsentWithdrawn",
    Act.PAUSED: _DPV + "ConsentWithdrawn",
    Act.REVOKED: _DPV + "ConsentRevoked",
}
"""Status IRIs by act; a resume has that of the act which it restores.

Revoked is by somebody else, withdrawn by the person (DPV 2.3).
"""

_PARTS = 3
"""Header, claims and signature of a signed token."""

_DAYS = re.compile(r"P([0-9]{1,5})D")
"""A retention period: days, as ISO 8601 writes a duration."""


@dataclass(frozen=True)
class SignalTerms:
    """What was agreed to about one signal.

    Attributes:
        signal: which.
        mode: ``redact`` or ``allow``; None where the offer or the receipt does not say it.
        days: how long it may be kept at most.
    """

    signal: str
    mode: str | None
    days: int


@dataclass(frozen=True)
class Receipt:
    """The signed record that a person keeps.

    Attributes:
        token: compact JWS of type ``habeas-receipt+jwt``.
        claims: what it says.
        event_id: the entry in the log.
        stands: the row of the decision is as it was sealed; else only token and claims are sure.
    """

    decision: Decision
    token: str
    claims: Mapping[str, Any]
    stands: bool = True

    @property
    def event_id(self) -> str:
        """The entry in the log that records the decision."""
        return self.decision.event_id


def receipt_claims(
    decision: Decision,
    person: Person,
    *,
    pseudonym: str,
    offer: Offer | None,
    previous: str | None,
    issuer: str,
    origin: str,
) -> dict[str, Json]:
    """Build the claims of a receipt of form 2 (rules 1 and 3).

    Args:
        decision: the decision.
        person: whose it is; named, with the employing entity as the controller.
        pseudonym: stands for the person, as in the log.
        offer: what was offered, for given, acknowledged and resumed.
        previous: id of the person's decision before.
        issuer: base URL of this instance.
        origin: the log's name.
    """
    notice = decision.notice
    return {
        "iss": issuer,
        "sub": pseudonym,
        "name": person.name,
        "iat": int(decision.decided_at.timestamp()),
        "schema_version": SCHEMA_VERSION,
        "record_id": decision.id,
        "previous_record_id": previous,
        "pii_principal_id": pseudonym,
        "pii_controllers": [
            {
                "party_name": person.entity_name,
                "party_type": "controller",
                "jurisdiction": person.entity_region,
            }
        ],
        "privacy_notice": None if notice is None else encode(notice),
        "language": None if notice is None else notice.language,
        **({"decision_content": list(decision.content)} if decision.content else {}),
        "purposes": list(decision.purposes),
        "lawful_basis": _lawful_basis(_says(decision.act, offer)),
        "pii_information": [term_claims(row) for row in offered_terms(offer)] if offer else [],
        "services": list(decision.apps),
        "jurisdiction": decision.region,
        "event_time": timestamp(decision.decided_at),
        "recorded_time": timestamp(decision.recorded_at),
        "event_type": "by_other" if decision.act is Act.REVOKED else "explicit",
        "event_state": EVENT_STATES[_says(decision.act, offer)],
        "act": decision.act.value,
        "sequence": decision.seq,
        "validity_duration": _validity(decision),
        "valid_until": _time(decision.valid_until or decision.until),
        "withdrawal_method": f"{issuer}/me",
        "offer": decision.offer_digest,
        "log": {"origin": origin, "event": decision.event_id},
    }


def offered_terms(offer: Offer) -> tuple[SignalTerms, ...]:
    """What an offer says of each signal, by name.

    >>> offer = Offer("DE", ("DE",), ("menu", "click"), (), (), {"menu": 30, "click": 7}, (), ())
    >>> [(row.signal, row.days) for row in offered_terms(offer)]
    [('click', 7), ('menu', 30)]
    """
    return tuple(
        SignalTerms(signal, offer.modes.get(signal), offer.retention_days[signal])
        for signal in sorted(set(offer.signals))
    )


def term_claims(row: SignalTerms) -> dict[str, Json]:
    """One row of ``pii_information``; an offer of release 0.1 says no mode, so neither does it.

    >>> term_claims(SignalTerms("click", "redact", 7))
    {'pii_type': 'click', 'mode': 'redact', 'retention_period': 'P7D'}
    """
    mode: dict[str, Json] = {} if row.mode is None else {"mode": row.mode}
    return {"pii_type": row.signal, **mode, "retention_period": f"P{row.days}D"}


def receipt_terms(claims: Mapping[str, Any]) -> tuple[SignalTerms, ...]:
    """What a receipt of either form says of each signal.

    >>> receipt_terms({"schema_version": "habeas-receipt/2", "pii_information": [
    ...     {"pii_type": "click", "mode": "redact", "retention_period": "P7D"}]})
    (SignalTerms(signal='click', mode='redact', days=7),)

    Args:
        claims: of a receipt whose signature holds.

    Raises:
        ValueError: another form, or what it says cannot be read.
    """
    rows = claims["pii_information"]
    match claims["schema_version"]:
        case schema if schema == FIRST_SCHEMA:
            kept = claims["retention_period"]
            return tuple(SignalTerms(row["pii_type"], None, kept[row["pii_type"]]) for row in rows)
        case schema if schema == SCHEMA_VERSION:
            return tuple(
                SignalTerms(row["pii_type"], row.get("mode"), _days(row["retention_period"]))
                for row in rows
            )
        case other:
            raise ValueError(f"this release does not read receipts of the form {other!r}")


def receipt_of(decision: Decision, token: str) -> Receipt:
    """Join a decision and its receipt as signed; the token is our own, from our own record.

    Raises:
        ValueError: the token is no receipt of this decision.
    """
    parts = token.split(".")
    claims = json.loads(unb64u(parts[1])) if len(parts) == _PARTS else None
    if not isinstance(claims, dict) or claims.get("record_id") != decision.id:
        raise ValueError("a row holds the receipt of another decision, or none")
    return Receipt(decision, token, claims)


def _says(act: Act, offer: Offer | None) -> Act:
    """The act whose state a decision restores, by what was offered for it; else its own."""
    restored = opening_act(offer.bases) if act is Act.RESUMED and offer else None
    return restored or act


def _days(period: object) -> int:
    match = _DAYS.fullmatch(period) if isinstance(period, str) else None
    if match is None:
        raise ValueError(f"{period!r} is no number of days")
    return int(match[1])


def _lawful_basis(act: Act) -> str | None:
    if act not in OPENING:
        return None
    return "consent" if act is Act.GIVEN else "acknowledgement"


def _validity(decision: Decision) -> str | None:
    """ISO 8601 duration in seconds from the decision to its own end; None: until a new act."""
    end = decision.valid_until or decision.until
    if end is None:
        return None
    return f"PT{(end - decision.decided_at) // timedelta(seconds=1)}S"


def _time(at: datetime | None) -> str | None:
    return timestamp(at) if at else None
