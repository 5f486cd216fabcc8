"""Policy in words: knobs, modes, bases, preconditions, confidence, states.

Closed lists only. A value without a word here is shown as it is written in the policy file, so that
a page never hides what it does not know.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Mark(NamedTuple):
    """A mode as it is drawn and as it is said."""

    glyph: str
    word: str
    meaning: str


MODES: Mapping[str, Mark] = {
    "allow": Mark("●", "allow", "may be captured as it is"),
    "redact": Mark("◐", "redact", "may be captured with its content removed"),
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


class Knob(NamedTuple):
    """The name of a knob, and how layers meet on it."""

    name: str
    meet: str


KNOBS: Mapping[str, Knob] = {
    "status": Knob("Status", "Approved only if every layer is."),
    "bases": Knob("Basis", "Only what every layer accepts remains."),
    "preconditions": Knob("Must be in place first", "Everything that any layer asks for."),
    "approver_roles": Knob("Must approve a change", "Everyone whom any layer names."),
    "notice_lead_days": Knob("Notice before more is captured", "The longest of all layers."),
    "notice_content": Knob("The notice must say", "Everything that any layer asks for."),
    "purposes": Knob("Purposes", "Only what every layer lists."),
    "apps": Knob("Apps", "Only what every layer lists."),
    "exclusions": Knob("Never captured", "Everything that any layer excludes."),
    "redactors": Knob("Removed from content", "Everything that any layer removes."),
    "hours": Knob("Hours", "Only the hours that every layer allows."),
    "off_hours": Knob("Outside these hours", "The strictest of all layers."),
    "personal_device": Knob("On a personal device", "The strictest of all layers."),
    "counterparty": Knob("What others write", "The strictest of all layers."),
    "screenshot_min_interval_s": Knob("Between two screenshots", "The longest of all layers."),
    "lease_ttl_s": Knob("Life of a lease", "The shortest of all layers."),
    "cohort_min": Knob("Smallest group asked about", "The largest of all layers."),
}
"""Knobs other than the signals, in the order of the region page."""

STATES: Mapping[str, str] = {
    "draft": "draft",
    "in_review": "waiting for approval",
    "approved": "approved",
    "scheduled": "approved, comes into force later",
    "in_force": "in force",
    "superseded": "replaced by a later one",
    "withdrawn": "withdrawn",
}

DIRECTIONS: Mapping[str, Mark] = {
    "narrows": Mark("▼", "narrows", "less is captured than before"),
    "widens": Mark("▲", "widens", "more may be captured than before"),
    "same": Mark("=", "changes nothing", "the same is captured as before"),
}


def duration_in_words(seconds: int) -> str:
    """Say a length of time in the largest unit that divides it: ``15 minutes``."""
    for unit, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % unit == 0:
            return counted(seconds // unit, name)
    return counted(seconds, "second")


def counted(number: int, noun: str) -> str:
    """Say ``1 day``, ``30 days``, ``1,204 entries``."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number:,} {plural}"


def listed(words: list[str], last: str = "and") -> str:
    """Join words as people do: ``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:  # noqa: PLR2004 - one word needs no comma
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
