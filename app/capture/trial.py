"""What a guard would say to an event that nobody recorded (pure).

Rules:
1. It is judged by the function that the guard calls, with the very documents that an agent would
   get. Nothing is decided here, and nothing is kept.
2. Where a lease would say off, its first reason is the verdict, as on the laptop. What the
   documents say is told next to it: it holds as soon as capture is on.
3. Two things only a laptop knows, and they are not tried: whether its lease covers the time of the
   event, and how long ago it kept another event (``screenshot_interval``).
4. Who is to be named for a verdict is found by judging again: a knob is named if the verdict is the
   same where it alone stands, an exclusion that asks about something unknown likewise.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.capture.directive import reasons_of
from app.capture.situation import obstacles_in
from app.event.model import Place, UiEvent, WindowKind
from app.event.recognition import ExclusionIndex
from app.event.rules import Circumstance, EventRules
from app.event.verdict import NOT_KNOWN, Allowed, Denied, judge
from app.kernel.clock import zones_named
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import FieldKind, Mode, Reason, Signal
from app.policy.agreement import Limits
from app.policy.knobs import (
    APPS,
    EXCLUSIONS,
    HOURS,
    OFF_HOURS,
    OWN_EXCLUSIONS,
    PERSONAL_DEVICE,
    PURPOSES,
    REGISTRY,
    TENANTS,
    KnobRegistry,
    mode_of,
)
from app.policy.model import InForce
from app.policy.own_exclusions import PREFIX

NOBODY_ELSE: Mapping[str, Any] = {"regions": {}, "unknown": {}}
"""A counterparty document that allows nothing where other people are."""
OTHER_SIDE = "counterparties"
"""Stands among the names of knobs for the document about the other side."""

_BY_REFUSAL: Mapping[Reason | Refusal, tuple[str, ...]] = {
    Refusal.PROGRAM_UNKNOWN: (APPS.name,),
    Refusal.APP_UNLISTED: (APPS.name,),
    Refusal.TENANT_UNKNOWN: (TENANTS.name,),
    Refusal.TENANT_OTHER: (TENANTS.name,),
    Reason.OFF_HOURS: (OFF_HOURS.name, HOURS.name),
    Reason.PERSONAL_DEVICE: (PERSONAL_DEVICE.name,),
}
"""The knobs behind a refusal that can have no others."""
_ASKED = frozenset({Refusal.WINDOW_UNKNOWN, Refusal.FIELD_UNKNOWN, Refusal.TITLE_UNKNOWN})
"""Refusals of what is not known and an exclusion asks about."""


@dataclass(frozen=True)
class Told:
    """What an agent is told.

    Attributes:
        document: the policy document, of a form that has signed programs.
        counterparties: the document about the other side; None allows nothing there.
        zones: names of the time zones at home, in which hours are judged besides the laptop's own.
        off: why the lease says off; empty: it says on.
        registry: the knobs that there are.
    """

    document: Mapping[str, Any]
    counterparties: Mapping[str, Any] | None
    zones: tuple[str, ...]
    off: tuple[Reason, ...] = ()
    registry: KnobRegistry = REGISTRY


@dataclass(frozen=True)
class Laptop:
    """The laptop that the event is tried on.

    Attributes:
        zone: the name of its time zone; None: not known.
        personal: it is the person's own.
    """

    zone: str | None
    personal: bool = False


@dataclass(frozen=True)
class Trial:
    """What was tried, and what came out.

    Attributes:
        said: what the documents say of the event.
        off: why the lease says off, as in ``Told``.
        knobs: who is to be named for it, as ``Compiled.why`` names them, and ``OTHER_SIDE``; empty
            where nothing narrows it.
        regions: of the other side, those whose rules are so strict; None: nobody knows where.
        window: of a picture, which window was refused, from 1; 0 is the event's own.
        unknown: members of that window, or of the event, that are not known.
        days: how long it would be kept.
    """

    event: UiEvent
    said: Allowed | Denied
    off: tuple[Reason, ...]
    knobs: tuple[str, ...]
    regions: tuple[str | None, ...]
    window: int
    unknown: tuple[str, ...]
    days: int

    @property
    def verdict(self) -> Allowed | Denied:
        """What a guard says now (rule 2)."""
        return Denied(self.off[0]) if self.off else self.said


def off_in(limits: Limits, in_force: InForce) -> tuple[Reason, ...]:
    """Why a lease would say off to anybody under these rules, whatever they decided.

    >>> from datetime import UTC, datetime
    >>> from app.policy.catalogue.model import Catalogue
    >>> from app.policy.lattice import compile_layers
    >>> from app.policy.timeline import History, in_force
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> nothing = in_force(History((), (), (), 0), ("DE",), at, compile_layers)
    >>> [reason.value for reason in off_in(Limits(nothing.compiled, Catalogue({}, {})), nothing)]
    ['region_unknown', 'policy_missing']
    """
    return reasons_of(obstacles_in(in_force, limits.catalogue))


def rules_of(told: Told, laptop: Laptop) -> EventRules:
    """What events are judged by on a laptop that is told so."""
    zones = zones_named(told.zones)
    own = zones_named([laptop.zone]) if laptop.zone is not None else (None,)
    circumstance = Circumstance((*own, *zones), laptop.personal)
    others = NOBODY_ELSE if told.counterparties is None else told.counterparties
    return EventRules.of(told.document, others, circumstance, told.registry)


def trial(event: UiEvent, told: Told, laptop: Laptop) -> Trial:
    """Try an event.

    Args:
        event: read strictly (``event.reading``).
        told: documents that were read strictly, or written by this service.
        laptop: on which it happens.
    """
    rules = rules_of(told, laptop)
    said = judge(event, rules)
    window = _window(event, rules, said)
    knobs = tuple(_knobs(event, told, rules, said))
    return Trial(
        event=event,
        said=said,
        off=told.off,
        knobs=knobs,
        regions=_regions(event, rules, said) if OTHER_SIDE in knobs else (),
        window=window,
        unknown=tuple(_unknown(event, window)),
        days=_days(event, told) if isinstance(said, Allowed) else 0,
    )


def _days(event: UiEvent, told: Told) -> int:
    """How many days a captured event is kept."""
    rule: Mapping[str, int] = told.document["signals"][str(event.signal)]
    return rule["retention_days"]


def as_json(verdict: Allowed | Denied) -> dict[str, Any]:
    """A verdict as the published examples write it.

    >>> as_json(Denied(Refusal.EXCLUDED, "banking"))
    {'denied': 'excluded', 'exclusion': 'banking'}
    """
    if isinstance(verdict, Allowed):
        return {"allowed": {"mode": verdict.mode.word, "app": verdict.app}}
    excluded = {} if verdict.exclusion is None else {"exclusion": verdict.exclusion}
    return {"denied": str(verdict.reason), **excluded}


# Who is to be named


def _knobs(event: UiEvent, told: Told, rules: EventRules, said: Allowed | Denied) -> Iterator[str]:
    if isinstance(said, Denied) and said.exclusion is not None:
        yield _named(said.exclusion)
    elif isinstance(said, Denied) and said.reason in _ASKED:
        yield from _asking(event, told, rules, said)
    elif isinstance(said, Denied) and said.reason is Refusal.SIGNAL_DENIED:
        yield mode_of(event.signal).name if told.document[PURPOSES.name] else PURPOSES.name
    elif isinstance(said, Denied) and said.reason in _BY_REFUSAL:
        yield from _BY_REFUSAL[said.reason]
    elif not isinstance(said, Denied) or said.reason is Refusal.COUNTERPARTY:
        yield from (name for name, alone in _alone(event, rules) if _same(event, alone, said))


def _named(exclusion: str) -> str:
    """The name under which it is told who asks for an exclusion."""
    if exclusion.startswith(PREFIX):
        return f"{OWN_EXCLUSIONS.name}.{exclusion.removeprefix(PREFIX)}"
    return f"{EXCLUSIONS.name}.{exclusion}"


def _asking(event: UiEvent, told: Told, rules: EventRules, said: Denied) -> Iterator[str]:
    """The exclusions that ask about what is not known: each of them alone is enough."""
    for item in (*told.document[EXCLUSIONS.name], *told.document[OWN_EXCLUSIONS.name]):
        alone = replace(rules, exclusions=ExclusionIndex.of([item]))
        if judge(event, alone) == said:
            yield _named(item["id"])


def _alone(event: UiEvent, rules: EventRules) -> Iterator[tuple[str, EventRules]]:
    """The rules with one thing left of all that limits the mode: each in turn."""
    row, nowhere = rules.signals[event.signal], _allowing(event, rules)
    free = replace(row, mode=Mode.ALLOW, caps=())
    tried = {mode_of(event.signal).name: (replace(row, caps=()), nowhere)}
    for cap in row.caps:
        tried[str(cap.when)] = (replace(free, caps=(cap,)), nowhere)
    tried[OTHER_SIDE] = (free, rules.counterparties)
    for name, (left, others) in tried.items():
        signals = {**rules.signals, event.signal: left}
        yield name, replace(rules, signals=signals, counterparties=others)


def _allowing(event: UiEvent, rules: EventRules) -> Mapping[str, Mapping[str, Mode]]:
    """Rules for the other side that allow everything, wherever it is."""
    places = (event.place, *(event.pictured or ()))
    named = {region for place in places for region in place.counterparties or ()}
    every: Mapping[str, Mode] = dict.fromkeys(Signal, Mode.ALLOW)
    return dict.fromkeys({*named, *rules.counterparties}, every)


def _same(event: UiEvent, rules: EventRules, said: Allowed | Denied) -> bool:
    """Whether rules say the same of an event; that all of it may be kept needs nobody's name."""
    again = judge(event, rules)
    if isinstance(said, Allowed):
        return isinstance(again, Allowed) and again.mode is said.mode is not Mode.ALLOW
    return again == said


def _regions(event: UiEvent, rules: EventRules, said: Allowed | Denied) -> tuple[str | None, ...]:
    """The regions of the other side whose rules are as strict as what came out."""
    mode = said.mode if isinstance(said, Allowed) else Mode.DENY
    named: dict[str | None, None] = {}
    for place in (event.place, *(event.pictured or ())):
        regions: tuple[str | None, ...] = (
            (None,) if place.counterparties is None else place.counterparties
        )
        for region in regions:
            if rules.among(None if region is None else (region,), event.signal) is mode:
                named[region] = None
    return tuple(named)


# What of it, and what is not known


def _window(event: UiEvent, rules: EventRules, said: Allowed | Denied) -> int:
    """The first window with which the picture is refused so; 0 where its own is enough.

    Every picture with more windows is refused so, too: the first refusal is named.
    """
    windows = event.pictured
    if isinstance(said, Allowed) or not windows:
        return 0

    def refused(count: int) -> bool:
        return judge(replace(event, pictured=windows[:count]), rules) == said

    return bisect_left(range(len(windows)), True, key=refused)


def _unknown(event: UiEvent, window: int) -> Iterator[str]:
    place = event.pictured[window - 1] if event.pictured and window else event.place
    told = _unknown_of(place)
    yield from (member for member, unknown in told.items() if unknown)
    if event.signal is Signal.SCREENSHOT and event.pictured is None:
        yield "pictured"


def _unknown_of(place: Place) -> Mapping[str, bool]:
    program = place.program
    return {
        "program": program.id is None and program.executable is None,
        "program.signer": program.signer is None,
        "address": place.address == NOT_KNOWN,
        "frames": place.frames is None,
        "window": place.window is WindowKind.UNKNOWN,
        "title": place.title is None,
        "account": place.account is None,
        "field": place.field is FieldKind.UNKNOWN,
        "counterparties": place.counterparties is None,
    }
