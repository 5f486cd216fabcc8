"""What the asker is told: the reasons of a decision, and with a permit the signed grant.

Rules:
1. A grant is signed, for one consumer, one purpose, one set of people, 60 seconds.
2. If the asker is at fault, the answer says nothing about the people asked about: whether they
   agreed, or are known, is not for a manager or for HR to learn by asking.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.access.decision.inquiry import Inquiry
from app.access.decision.model import CALLER_REASONS, GRANT_TTL_S, AccessDecision, AccessReason
from app.access.decision.sentences import SENTENCES
from app.access.floor.obligations import Obligations, obligations_of
from app.kernel.canonical import Json
from app.kernel.facts import encode
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import GRANT_TYPE


@dataclass(frozen=True)
class GrantSigner:
    """Signs grants in the name of one issuer."""

    signer: Signer = field(repr=False)
    issuer: str

    def sign(self, inquiry: Inquiry, decision: AccessDecision, grant_id: str, event_id: str) -> str:
        """The grant of a permit whose entry is ``event_id`` (compact JWS)."""
        question = inquiry.question
        asked = encode(question)
        issued = int(question.asked_at.timestamp())
        claims: dict[str, Json] = {
            "iss": self.issuer,
            "aud": inquiry.facts.caller.consumer,
            "jti": grant_id,
            "iat": issued,
            "exp": issued + GRANT_TTL_S,
            "purpose": str(question.purpose),
            "dataset": asked["dataset"],
            "signals": asked["signals"],
            "captured_from": asked["captured_from"],
            "captured_to": asked["captured_to"],
            "persons": [person.person for person in inquiry.facts.people],
            "event": event_id,
            "obligations": encode(_obligations(inquiry, decision)),
        }
        return sign_token(self.signer, GRANT_TYPE, claims)


def _obligations(inquiry: Inquiry, decision: AccessDecision) -> Obligations:
    return obligations_of(str(inquiry.question.purpose), decision.retain_days)


def told_reasons(decision: AccessDecision) -> tuple[AccessReason, ...]:
    """The reasons that the asker is told (rule 2)."""
    about_caller = tuple(reason for reason in decision.reasons if reason in CALLER_REASONS)
    return about_caller or decision.reasons


def explained(
    inquiry: Inquiry, decision: AccessDecision, *, purposes: str, event_id: str
) -> dict[str, Any]:
    """The context of a decision, permit or not; ``permitted`` says the rest of a permit.

    Args:
        inquiry: what was asked.
        decision: what was decided.
        purposes: digest of the purpose file in force.
        event_id: the decision's entry.
    """
    told = told_reasons(decision)
    at_fault = not CALLER_REASONS.isdisjoint(told)
    layers = {layer for person in inquiry.facts.people for layer in person.policy.layers}
    return {
        "reasons": [{"code": reason.value, "sentence": SENTENCES[reason]} for reason in told],
        "policy": [] if at_fault else sorted(layers),
        "purposes": purposes,
        "consent_index": None,
        "consent_event": None,
        "log_event": event_id,
        "grant": None,
        "obligations": None,
    }


def permitted(
    inquiry: Inquiry, decision: AccessDecision, grant: str, indexes: Mapping[str, int | None]
) -> dict[str, Any]:
    """What the context of a permit says on top.

    Args:
        inquiry: what was asked.
        decision: what was decided.
        grant: as ``GrantSigner`` signed it.
        indexes: the place in the log of each person's consent, by person id.
    """
    return {
        "grant": grant,
        "obligations": encode(_obligations(inquiry, decision)),
        "persons": dict(inquiry.people),
        "consent_index": _single_or_all(indexes),
        "consent_event": _single_or_all(inquiry.consents),
    }


def _single_or_all(values: Mapping[str, Any]) -> Any:
    """The value itself for one person; by person id for several."""
    return next(iter(values.values())) if len(values) == 1 else dict(values)
