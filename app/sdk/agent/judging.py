"""What the guard judges with code of its own: places, and that there is a purpose at all.

Rules:
1. Each knob that the guard judges by itself (``Judged``) has its function here, in the order of
   judgement: exclusions come first, because they win over everything.
2. A document with such a knob that has no function here is refused: it would be a rule that nobody
   keeps to.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from app.kernel.refusals import Refusal
from app.policy.catalogue.matching import match_app, match_exclusion
from app.policy.knobs import APPS, EXCLUSIONS, HOURS, PURPOSES
from app.sdk.agent.event import UiEvent

Judge: TypeAlias = Callable[[UiEvent, Mapping[str, Any]], Refusal | None]


def _excluded(event: UiEvent, document: Mapping[str, Any]) -> Refusal | None:
    return None if match_exclusion(event, document) is None else Refusal.EXCLUDED


def _unlisted(event: UiEvent, document: Mapping[str, Any]) -> Refusal | None:
    return Refusal.APP_UNLISTED if match_app(event, document) is None else None


def _purposeless(_event: UiEvent, document: Mapping[str, Any]) -> Refusal | None:
    return None if document[PURPOSES.name] else Refusal.SIGNAL_DENIED


def _by_mode(_event: UiEvent, _document: Mapping[str, Any]) -> Refusal | None:
    """Hours refuse nothing by themselves: outside them, the mode ``off_hours`` binds."""
    return None


JUDGES: Mapping[str, Judge] = MappingProxyType(
    {
        EXCLUSIONS.name: _excluded,
        APPS.name: _unlisted,
        PURPOSES.name: _purposeless,
        HOURS.name: _by_mode,
    }
)
"""The function of each knob by name, in the order in which they are asked."""
