"""Policy in words: knobs, modes, bases, preconditions, confidence, states.

Closed lists only. A value without a word here is shown as it is written in the policy file, so that
a page never hides what it does not know.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.consent.model import Act, Bases, opening_act
from app.kernel.vocabulary import Basis


class Mark(NamedTuple):
    """A mode as it is drawn and as it is written."""

    glyph: str
    word: str
    meaning: str


MODES: Mapping[str, Mark] = {
    "allow": Mark("●", "allow", "may be captured as it is"),
    "redact": Mark("◐", "redact", "may be captured in part"),
    "deny": Mark("○", "deny", "is not captured"),
    "blocked": Mark("✕", "blocked", "nothing can be captured in this region"),
}
"""The four marks of the regions table, strictest last."""

BASES: Mapping[str, str] = {
    "consent": "consent",
    "acknowledgement": "acknowledgement",
    "notice": "notice",
    "collective": "collective agreement",
    "permit": "authority's permit",
    "prohibited": "prohibited",
}

PRECONDITIONS: Mapping[str, str] = {
    "works_agreement": "works agreement",
    "dpia": "data protection impact assessment",
    "permit": "authority's permit",
    "consultation": "consultation",
    "risk_assessment": "risk assessment",
}

APPROVERS: Mapping[str, str] = {
    "legal": "a second person of legal",
    "works_council": "the works council",
    "dpo": "the data protection officer",
}

ROLES: Mapping[str, str] = {
    "legal": "legal",
    "works_council": "works council",
    "dpo": "data protection officer",
    "auditor": "auditor",
    "admin": "administrator",
}

CONFIDENCE: Mapping[str, str] = {
    "C": "read in the cited source",
    "C2": "read in a secondary summary only",
    "G": "general knowledge, not checked against a source",
}
"""How sure the shipped floor is of a rule. Your legal team confirms each one."""


KNOBS: Mapping[str, str] = {
    "status": "Status",
    "bases": "Basis",
    "preconditions": "Must be in place first",
    "approver_roles": "Must approve a change",
    "notice_lead_days": "Notice before more is captured",
    "notice_content": "The notice must say",
    "decision_content": "The decision must say, too",
    "purposes": "Purposes",
    "apps": "Apps",
    "tenants": "Accounts of the company",
    "exclusions": "Never captured",
    "own_exclusions": "The company's own exclusions",
    "redactors": "Removed from content",
    "hours": "Hours",
    "off_hours": "Outside these hours",
    "personal_device": "On a personal device",
    "counterparty": "What others write",
    "screenshot_min_interval_s": "Between two screenshots",
    "lease_ttl_s": "Life of a lease",
    "cohort_min": "Smallest group asked about",
}
"""The name of each knob other than the signals."""

STATES: Mapping[str, str] = {
    "draft": "draft",
    "in_review": "waiting for approval",
    "approved": "approved",
    "scheduled": "approved, comes into force later",
    "in_force": "in force",
    "superseded": "replaced by a later one",
    "withdrawn": "withdrawn",
}


def duration_in_words(seconds: int) -> str:
    """Say a length of time in the largest unit that divides it: ``15 minutes``."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % unit == 0:
            return counted(seconds // unit, name)
    return counted(seconds, "second")


def counted(number: int, noun: str) -> str:
    """Say ``1 day``, ``30 days``, ``1,204 entries``, ``9 hashes``."""
    return f"1 {noun}" if number == 1 else f"{number:,} {_plural(noun)}"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "sh", "ch", "x")) else f"{noun}s"


def grounds_in_words(words: Mapping[str, str], bases: Bases, content: Iterable[str]) -> str:
    """What makes capture lawful: one of the bases; or all that one decision has to say.

    >>> grounds_in_words(BASES, ["acknowledgement", "consent"], content=())
    'consent or acknowledgement'
    >>> grounds_in_words(BASES, ["acknowledgement", "consent"], content=["acknowledgement"])
    'consent and acknowledgement'

    Args:
        words: a base's name to its words, in the order of telling.
        bases: what the rules accept.
        content: what a decision has to say besides.
    """
    accepted, besides = {str(basis) for basis in bases}, set(content)
    both = bool(besides) and opening_act(accepted) is Act.GIVEN
    told = {Basis.CONSENT.value, *besides} if both else accepted
    return listed([said for basis, said in words.items() if basis in told], "and" if both else "or")


def listed(words: list[str], last: str = "and") -> str:
    """Join words as people do: ``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:  # noqa: PLR2004 - one word needs no comma
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
