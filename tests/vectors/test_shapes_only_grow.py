"""What is written to entries and documents only grows: each class is held against a list.

``entries/shapes.json`` names the facts of each class with their shapes, as they were signed first.
A field that is added is appended to both, marked as appended; nothing else may change. To write
the list for a new class: ``python -m tests.vectors.test_shapes_only_grow``.

Which classes are written is not left to memory: at its end each run of the tests, of few or of
all, asks ``unlisted`` for what it wrote or read (tests/conftest.py).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_type_hints

import pytest

from app.access.decision.model import (
    AccessDecision,
    Caller,
    Consumer,
    Facts,
    PersonFacts,
    PolicyFacts,
    Question,
    ScopeFacts,
)
from app.access.decision.record import AccessRecord
from app.access.floor.obligations import Obligations
from app.agents.leases.record import LeaseRegions
from app.agents.leases.terms import LeaseSeq
from app.agents.reports.model import AgentReport
from app.audit.reading.selection import Selection
from app.consent.model import Decision
from app.consent.offers import NoticeName, Offer
from app.directory.doorkeeper import RefusalCount
from app.kernel.fact_forms import used_classes
from app.kernel.facts import encode, shapes_of
from app.keys.record import KeyTerm
from app.policy.catalogue.model import App, Exclusion, Matchers
from app.policy.law.layer import Evidence, Why
from tests.vectors.records import WHOLE

FILE = Path(__file__).parent / "entries" / "shapes.json"

WRITTEN = {
    "access.decided": (AccessRecord, Question, Facts, AccessDecision),
    **{kind.value: (cls,) for kind, cls in WHOLE.items()},
    "access.consumer_registered": (Consumer,),
    "keys.adopted, keys": (KeyTerm,),
    "door.refused, refusals": (RefusalCount,),
    "access.decided, people": (PersonFacts,),
    "access.decided, policies": (PolicyFacts,),
    "access.decided, scopes": (ScopeFacts,),
    "lease.changed, regions": (LeaseRegions,),
    "lease.changed, seq": (LeaseSeq,),
    "log.exported, selection": (Selection,),
    "consent": (Decision,),
    "consent, notice": (NoticeName,),
    "offer": (Offer,),
    "offer, why": (Why,),
    "catalogue, apps": (App,),
    "catalogue, exclusions": (Exclusion,),
    "catalogue, match": (Matchers,),
    "evidence": (Evidence,),
    "report": (AgentReport,),
    "grant": (Obligations,),
}
"""What is written, and by the fields of which classes."""


def shapes() -> dict[str, list[str]]:
    return {
        name: [shape for cls in classes for shape in shapes_of(cls)]
        for name, classes in WRITTEN.items()
    }


def unlisted(classes: Iterable[type]) -> set[str]:
    """Those of our classes that are on no list, neither by name nor inlined in one that is."""
    listed = {cls for group in WRITTEN.values() for cls in group}
    inlined = {
        get_type_hints(cls)[item.name]
        for cls in listed
        for item in fields(cls)
        if "fact" in item.metadata and item.metadata["fact"].inline
    }
    ours = {cls for cls in classes if cls.__module__.startswith("app.")}
    return {cls.__name__ for cls in ours - listed - inlined}


def changed(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """What was renamed, dropped, retyped, or added without a mark."""
    lost = [f"{name}: {shape}" for name, old in before.items() for shape in old]
    kept = {f"{name}: {shape}" for name, new in after.items() for shape in new}
    added = kept - set(lost)
    return [shape for shape in lost if shape not in kept] + sorted(
        shape for shape in added if not shape.endswith(", appended")
    )


def signed() -> dict[str, list[str]]:
    return json.loads(FILE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_every_class_writes_what_it_wrote_when_it_was_first_signed() -> None:
    assert shapes().keys() == signed().keys()
    assert changed(signed(), shapes()) == []


@dataclass(frozen=True)
class Noticed:
    """Written by a test."""


@dataclass(frozen=True)
class Invented:
    """As if a module of ours had it."""


def test_a_class_that_is_written_is_noticed() -> None:
    encode(Noticed())
    assert Noticed in used_classes()


def test_a_class_of_ours_on_no_list_is_named() -> None:
    Invented.__module__ = "app.invented"
    assert unlisted((Invented, Noticed, Question, Caller)) == {"Invented"}


CHANGES = {
    "a field renamed": (["a: text"], ["b: text"], ["x: a: text", "x: b: text"]),
    "a field dropped": (["a: text", "b: flag"], ["a: text"], ["x: b: flag"]),
    "a number made a text": (["a: number"], ["a: text"], ["x: a: number", "x: a: text"]),
    "a field added without a mark": (["a: text"], ["a: text", "b: flag"], ["x: b: flag"]),
    "a field appended": (["a: text"], ["a: text", "b: flag, appended"], []),
    "nothing": (["a: text"], ["a: text"], []),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_of_what_was_signed_is_named(case: str) -> None:
    before, after, found = CHANGES[case]
    assert changed({"x": before}, {"x": after}) == found


if __name__ == "__main__":
    FILE.write_text(json.dumps(shapes(), indent=1) + "\n", encoding="utf-8")
