"""The decision that the facts of an entry lead to."""

from collections.abc import Mapping
from typing import Any

from app.access.decision.decide import decide
from app.access.decision.model import AccessDecision
from app.access.decision.record import facts_from_entry


def recompute(facts: Mapping[str, Any]) -> AccessDecision:
    """Decide again from an entry."""
    return decide(*facts_from_entry(facts))
