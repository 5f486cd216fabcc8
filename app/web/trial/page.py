"""The page on which a place is tried, for whoever tries it. Nothing of it is kept (app/web/trial).

The form is taken as it was sent: how long a text may be is told by whoever reads the event, so that
what was typed comes back, whatever it was.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request

from app.capture.trial import Told, Trial, trial
from app.db.engine import Tx
from app.event.verdict import NOT_KNOWN
from app.kernel.errors import Fault
from app.kernel.places import UNKNOWN_ZONE, zones_of
from app.policy.agreement import Limits
from app.policy.catalogue.model import BROWSER
from app.policy.knobs import mode_of
from app.policy.law.layer import Why
from app.policy.service import PolicyService
from app.web.shell.visit import Visit
from app.web.trial.examples import examples
from app.web.trial.form import TypedPlace, described, laptop_of
from app.web.trial.rows import TrialGround, TrialWords, outcome
from app.web.trial.words import (
    EXAMPLE_WORDS,
    FIELD_WORDS,
    HOME_ZONE,
    TRIAL_FIELDS,
    WINDOW_WORDS,
    ZONE_NOT_KNOWN,
)
from app.web.words.region_words import Names
from app.web.words.text import GROUP_WORDS, SIGNAL_WORDS


async def _typed_place(request: Request) -> TypedPlace:
    return TypedPlace.of(await request.form())


Typed = Annotated[TypedPlace, Depends(_typed_place)]
"""What the form of a trial carries."""


@dataclass(frozen=True)
class Grounds:
    """What an event is tried on, and what the words about it are taken from."""

    told: Told
    limits: Limits
    names: Names


@dataclass(frozen=True)
class TrialShown:
    """What a page shows of a trial.

    Attributes:
        typed: the form as it was typed, or as an example fills it in.
        event: that was tried, in JSON; empty: none was.
        outcome: what came out; None: nothing was tried, or something is wrong.
    """

    typed: TypedPlace
    event: str
    outcome: TrialWords | None
    faults: tuple[Fault, ...]


def blank(grounds: Grounds, typed: TypedPlace) -> TrialShown:
    """The form before anything was tried: filled in as the first example is."""
    first = next(iter(examples(grounds.told.document)), None)
    filled = _filled(typed, first.typed) if first is not None else typed
    return TrialShown(filled, "", None, ())


def tried(visit: Visit, grounds: Grounds, typed: TypedPlace) -> TrialShown:
    """Try what was typed, or an example."""
    chosen = {one.id: one.typed for one in examples(grounds.told.document)}.get(typed.example)
    if chosen is not None:
        typed = _filled(typed, chosen)
    found = described(typed, grounds.told, visit.now)
    event = json.dumps(found.value, indent=1, ensure_ascii=False) if found.value else ""
    if found.event is None:
        return TrialShown(typed, event, None, found.faults)
    done = trial(found.event, grounds.told, laptop_of(typed, grounds.told))
    others = deciders(visit.services.policy, visit.tx, grounds.told, done, visit.now)
    ground = TrialGround(grounds.limits, grounds.names, others)
    return TrialShown(typed, event, outcome(done, ground), ())


def deciders(
    policy: PolicyService, tx: Tx, told: Told, done: Trial, now: datetime
) -> Mapping[str, tuple[Why, ...]]:
    """Who decided what may be kept of the signal in each region of the other side.

    Args:
        policy: asked for the rules of the regions.
        tx: a reading transaction is enough.
        told: says which regions are described.
        done: says which regions are so strict.
        now: the instant.
    """
    knob, rows = mode_of(done.event.signal).name, (told.counterparties or {}).get("regions", {})
    return {
        region: policy.in_force(tx, (region,), now).compiled.why.get(knob, ())
        for region in done.regions
        if region is not None and region in rows
    }


def choices(grounds: Grounds) -> dict[str, Any]:
    """What can be chosen in the form."""
    document = grounds.told.document
    return {
        "labels": TRIAL_FIELDS,
        "signals": SIGNAL_WORDS,
        "apps": _apps(document),
        "programs": sorted(
            {text for app in document["apps"] for text in app["match"]["programs"]},
            key=str.casefold,
        ),
        "windows": WINDOW_WORDS,
        "fields": FIELD_WORDS,
        "zones": _zones(grounds),
        "examples": {one.id: EXAMPLE_WORDS[one.id] for one in examples(document)},
    }


def _filled(typed: TypedPlace, example: TypedPlace) -> TypedPlace:
    """An example in the region and on the laptop that were chosen."""
    return replace(
        example,
        region=typed.region,
        place=typed.place,
        personal=typed.personal,
        zone=typed.zone,
        at=typed.at,
    )


def _zones(grounds: Grounds) -> dict[str, str]:
    """The zones that a laptop can be in, the home's first, then those of the other regions."""
    others = sorted({zone for region in grounds.names for zone in zones_of(region)})
    named = dict.fromkeys(zone for zone in (*grounds.told.zones, *others) if zone != UNKNOWN_ZONE)
    return {"": HOME_ZONE, NOT_KNOWN: ZONE_NOT_KNOWN, **{zone: zone for zone in named}}


def _apps(document: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Id and name of each listed app that is no browser, by group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for app in sorted(document["apps"], key=lambda app: str(app["name"]).casefold()):
        if app["group"] != BROWSER:
            group = GROUP_WORDS.get(app["group"], app["group"])
            groups.setdefault(group, []).append((app["id"], app["name"]))
    return dict(sorted(groups.items()))
