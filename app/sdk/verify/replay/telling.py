"""Where two accounts of the same facts differ, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any

from app.access.decision.model import ScopeFacts
from app.consent.model import Standing
from app.kernel.clock import timestamp
from app.sdk.verify.folded.people import People, Somebody

Words = Mapping[str, str]
"""Name of a fact to the words that stand before its value."""

CIRCUMSTANCES: Words = {
    "person_active": "that the person works here is",
    "device_active": "that the device is not revoked is",
    "unknown": "the regions without a floor are",
    "blocked": "that capture is blocked is",
    "company": "that a company policy is in force is",
    "stopped": "the regions under a stop are",
    "missing": "the preconditions without evidence are",
    "lead_until": "the end of the lead time is",
    "bases": "the bases are",
    "state": "the standing is",
    "region_changed": "that the region changed is",
    "too_wide": "the places that do not say whose law holds are",
    "lacking": "what the decision lacks here is",
}

CALLER: Words = {
    "purposes": "the purposes of the consumer are",
    "functions": "the functions of the consumer are",
    "kind": "the caller is",
    "person": "the person on whose behalf is asked is",
    "person_functions": "the functions of the person on whose behalf is asked are",
    "person_left": "that the person on whose behalf is asked has left is",
}

PERSON: Words = {
    "line": "the line of superiors{who} is",
    "standing": "the standing{who} is",
    "decision": "the decision{who} that counts is",
    "suffices_now": "that the standing{who} suffices now is",
    "suffices_at_capture": "that the standing{who} sufficed all through the capture is",
    "scope": "what was agreed to{who} is",
    "left": "that the person has left{who} is",
    "region": "the home region{who} is",
    "lacking": "what the decision{who} lacks is",
}

POLICY: Words = {
    "layers": "the layers in force{who} are",
    "capture_layers": "the layers in force{who} during the capture are",
    "bases": "the bases{who} are",
    "signals": "the signals allowed{who}, with their days, are",
    "purposes": "the purposes allowed{who} are",
    "cohort_min": "the smallest group{who} is",
    "unknown": "that a region{who} has no floor is",
    "blocked": "that capture{who} is blocked is",
    "company": "that a company policy{who} is in force is",
    "missing": "the preconditions without evidence{who} are",
    "lead_time": "that a lead time{who} was running is",
    "stopped": "that capture{who} was stopped is",
    "too_wide": "that the home or place of work{who} does not say whose law holds is",
    "decision_content": "what a decision{who} has to say besides is",
}


def differences(
    words: Words,
    recorded: Any,
    known: Any,
    sources: Mapping[str, int | None],
    otherwise: int,
    who: str = "",
) -> Iterator[str]:
    """Yield each fact in which two values of one class differ.

    Args:
        words: the facts that are compared.
        recorded: what the entry says.
        known: what the log says.
        sources: index of the entry that says so, by fact; None where none does.
        otherwise: the index for facts not named there.
        who: whom it is about, with a preposition.
    """
    if recorded == known:
        return
    for fact in fields(known):
        if fact.name not in words:
            continue
        value, other = getattr(recorded, fact.name), getattr(known, fact.name)
        if value != other:
            source = sources.get(fact.name, otherwise)
            by = "the log" if source is None or source < 0 else f"entry {source}"
            phrase = words[fact.name].format(who=who)
            also = "they are" if phrase.endswith("are") else "it is"
            yield f"says {phrase} {in_words(value)}; by {by} {also} {in_words(other)}"


def in_words(value: object) -> str:
    """A fact as a reader sees it."""
    match value:
        case None:
            text = "none"
        case bool():
            text = "true" if value else "false"
        case Enum():
            text = str(value.value)
        case datetime():
            text = timestamp(value)
        case ScopeFacts():
            days = () if value.retention is None else (in_words(value.retention),)
            text = "; ".join((in_words(value.signals), in_words(value.purposes), *days))
        case Mapping():
            text = ", ".join(f"{name} {in_words(member)}" for name, member in sorted(value.items()))
        case frozenset():
            text = ", ".join(sorted(in_words(member) for member in value))
        case tuple() | list():
            text = ", ".join(in_words(member) for member in value)
        case _:
            text = str(value)
    return text or "none"


def sources_of(somebody: Somebody, standing: Standing) -> dict[str, int | None]:
    """Which entry says what is known of a person, by the name of the fact."""
    decided = None if standing.decision is None else int(standing.decision.event_id)
    names = ("standing", "state", "decision", "scope", "suffices_now", "suffices_at_capture")
    directory = ("person_active", "region_changed", "left", "line", "region")
    return {**dict.fromkeys(names, decided), **dict.fromkeys(directory, somebody.position)}


def lost(people: People, standing: Standing) -> Iterator[str]:
    """Yield that something rests on a decision which a restore calls into question."""
    restored = people.lost(standing)
    if restored is not None and standing.decision is not None:
        yield (
            f"rests on entry {standing.decision.event_id}, which the restore of entry "
            f"{restored} calls into question and nobody revoked"
        )


def compared(in_entry: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """Yield each field in which an entry says something else than is known."""
    for name, value in known.items():
        if in_entry[name] != value:
            yield f"says {name} {_shown(in_entry[name])}; by the log it is {_shown(value)}"


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
