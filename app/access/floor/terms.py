"""The purpose floor: the closed list of what captured data may be used for (law 5 of the design).

Rules:
1. A purpose is allowed only if it is, character for character, a key of ``ALLOWED``.
2. Everything else is refused. Folding (case, width, accents, zero-width, lookalikes, spelling with
   digits, spacing, other languages) serves one end: to call a refused purpose by its name, so that
   an attempt at performance evaluation is in the log as such and not as a spelling mistake.
3. Nothing here is read from a file, a row or a setting. A change is a change of this program and
   gets a new ``FLOOR_VERSION``.

Source of the keys and of the prohibited roots: docs/law.md, Purposes; W3C DPV 2.3; GDPR Art.
5(1)(b); AI Act Art. 5(1)(f) and Annex III no. 4.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from app.access.floor.aliases import NAMED_ANYWHERE, NAMED_EXACTLY
from app.access.floor.lookalikes import fold

FLOOR_VERSION = 1


class Function(StrEnum):
    """What a consumer is for, in the company. Closed; declared once at registration."""

    TRAINING = "training"
    STORAGE = "storage"
    HR = "hr"
    SECURITY = "security"
    RIGHTS = "rights"
    AUDIT = "audit"


SEPARATED = frozenset({"hr", "management"})
"""Functions that are refused whatever purpose they declare: separation by who, not only by why."""


@dataclass(frozen=True)
class Terms:
    """What the law attaches to one allowed purpose (docs/law.md, Purposes).

    Attributes:
        consent: the persons' standing must suffice, during capture and now; the policies in force
            must allow the purpose and the signals.
        content: typed text and pictures may be read.
        signals: signals may be read at all; without, the purpose is served by metadata.
        machine_only: the question may not be asked on behalf of anybody.
        own: exactly one person is asked about, and the question is asked on behalf of this person.
        dual_control: a second person must have agreed, which this version cannot record; refused.
    """

    consent: bool = True
    content: bool = True
    signals: bool = True
    machine_only: bool = False
    own: bool = False
    dual_control: bool = False


TERMS: Mapping[str, Terms] = MappingProxyType(
    {
        "ai_training.computer_use": Terms(),
        "ai_training.evaluation": Terms(),
        "safeguard.redaction": Terms(machine_only=True),
        "capture.operations": Terms(content=False),
        "store.security": Terms(dual_control=True),
        "rights.fulfilment": Terms(consent=False, own=True),
        "audit.compliance": Terms(consent=False, signals=False),
    }
)

ALLOWED = frozenset(TERMS)
"""The purposes that can be permitted. A person's yes, a policy, a role can only take from these."""

BREAK_GLASS = frozenset({"legal.order"})
"""Lawful with a named order and two approvers; this version offers no such way in: refused."""

PROHIBITED = frozenset(
    {
        "performance_evaluation",
        "hr",
        "hr.scoring",
        "hr.discipline",
        "hr.workforce_planning",
        "ai.emotion_inference",
        "ai.employment_high_risk",
        "commercial",
    }
)
"""Roots; each is refused with all its descendants, under any name."""


@dataclass(frozen=True)
class PurposesAdoption:
    """``policy.purposes_adopted``: the digest of a purpose file, and what it says, sorted."""

    policy: str
    allowed: tuple[str, ...]
    prohibited: tuple[str, ...]


class Outcome(StrEnum):
    """What the floor says of a purpose."""

    ALLOWED = "allowed"
    PROHIBITED = "prohibited"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class FloorVerdict:
    """What the floor says of one purpose.

    ``key`` is the allowed key, the prohibited root, the break-glass key, or None. It is always a
    code of this file, never the text that was asked, so the log may hold it.
    """

    outcome: Outcome
    key: str | None


_UNKNOWN = FloorVerdict(Outcome.UNKNOWN, None)
_LONGEST = 200


def verdict(purpose: object) -> FloorVerdict:
    """Judge a purpose. Total: any value has a verdict, and only an exact key is allowed.

    >>> verdict("ai_training.computer_use").outcome
    <Outcome.ALLOWED: 'allowed'>
    >>> verdict("Leistungsbeurteilung").key
    'performance_evaluation'
    """
    if type(purpose) is not str:
        return _UNKNOWN
    if purpose in ALLOWED:
        return FloorVerdict(Outcome.ALLOWED, purpose)
    if purpose in BREAK_GLASS:
        return FloorVerdict(Outcome.UNKNOWN, purpose)
    root = _prohibited_root(purpose[:_LONGEST])
    return FloorVerdict(Outcome.PROHIBITED, root) if root else _UNKNOWN


def _prohibited_root(text: str) -> str | None:
    path = _path(text)
    squashed = path.replace(".", "")
    for prefix, root in _PATHS:
        if f"{path}.".startswith(f"{prefix}."):
            return root
    for whole in (squashed, _squash(re.split(r"[#:/]", text)[-1])):  # also the term of an IRI
        if whole in _EXACTLY:
            return _EXACTLY[whole]
    for needle, root in _ANYWHERE:
        if needle in squashed:
            return root
    words = frozenset(path.split("."))
    return next((root for word, root in _WORDS if word in words), None)


def _path(text: str) -> str:
    return ".".join(re.findall(r"[^\W_]+", fold(text)))


def _squash(text: str) -> str:
    return _path(text).replace(".", "")


_PATHS = tuple((_path(root), root) for root in sorted(PROHIBITED, key=len, reverse=True))
_EXACTLY = {_squash(alias): root for root, names in NAMED_EXACTLY.items() for alias in names}
_ANYWHERE = tuple(
    sorted(
        ((_squash(alias), root) for root, names in NAMED_ANYWHERE.items() for alias in names),
        key=lambda pair: (-len(pair[0]), pair[0]),  # the longest name is the most telling
    )
)
# A word that alone shows the root wherever it is between separators: hr.x, x.hr, x-hr-y.
_WORDS = tuple((fold(word), root) for word, root in (("hr", "hr"), ("commercial", "commercial")))
