"""Where an event is denied because something is not known: a table, found by judging (pure).

Rules:
1. The table is not written down, it is tried out: an event that is captured is judged again with
   one member unknown, under a policy that asks nothing about it and under one that does.
2. docs/events.md holds it, and a test compares them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from app.event.model import Place, Program, UiEvent, WindowKind
from app.event.rules import Circumstance, EventRules
from app.event.verdict import NOT_KNOWN, Denied, judge
from app.kernel.forms import AGENT_FORM
from app.kernel.vocabulary import FieldKind, Mode, Signal
from app.policy.agreement import Limits
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.document import document
from app.policy.knobs import (
    APPS,
    BASES,
    COUNTERPARTY,
    EXCLUSIONS,
    PURPOSES,
    REGISTRY,
    STATUS,
    TENANTS,
    mode_of,
)
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why

SIGNALS = REGISTRY.signals_in(AGENT_FORM)
"""Those that an agent of the oldest form is told of: to it any other is denied anyway."""
AT = datetime(2026, 11, 16, 10, tzinfo=UTC)
_BROWSER = App("browser", "Browser", "browser", Matchers(programs=("browser@Maker",)))
_CHAT = App("chat", "Chat", "project", Matchers(urls=("chat.example.com",)))
_PLACE = Place(
    program=Program("browser", "Maker", None),
    address="https://chat.example.com/room",
    frames=(),
    window=WindowKind.ORDINARY,
    title="Room",
    account="lane@example.com",
    field=FieldKind.NONE,
    counterparties=("US-CA",),
)


@dataclass(frozen=True)
class Asked:
    """Something that a policy can ask about, and what lets it ask.

    Attributes:
        when: in words, put after "denied".
    """

    when: str
    app: App = _CHAT
    exclusion: Matchers | None = None
    tenants: frozenset[str] = frozenset()


NOTHING = Asked("always")
OTHERS = Asked("where the app shows other people's words", replace(_CHAT, others="chat"))
ASKED = (
    NOTHING,
    Asked("if an exclusion has `private`", exclusion=Matchers(private=True)),
    Asked("if an exclusion has `fields`", exclusion=Matchers(fields=(FieldKind.PASSWORD,))),
    Asked(
        "if an exclusion has `titles` for the app, or for any",
        exclusion=Matchers(titles=("chat: *payroll*",)),
    ),
    Asked(
        "in an app with `private_accounts`, if its tenants ask for it",
        replace(_CHAT, private_accounts=True),
        tenants=frozenset({"chat: domain example.com"}),
    ),
    OTHERS,
)
"""From the most to the least often: the first under which an unknown is denied is told."""


@dataclass(frozen=True)
class UnknownRow:
    """What happens where one member is not known.

    Attributes:
        member: of an event, or of its program.
        said: how an event says so.
        when: where it is denied; empty: nowhere.
        reason: of the denial.
        signals: those that are denied.
    """

    member: str
    said: str
    when: str
    reason: str
    signals: tuple[Signal, ...]


MEMBERS: Mapping[str, tuple[str, Callable[[Place], Place]]] = {
    "program": ("`id` and `executable` null", lambda it: _with_program(it, id=None)),
    "program.signer": ("null", lambda it: _with_program(it, signer=None)),
    "address": ('`"unknown"`', lambda it: replace(it, address=NOT_KNOWN)),
    "frames": ("null", lambda it: replace(it, frames=None)),
    "window": ('`"unknown"`', lambda it: replace(it, window=WindowKind.UNKNOWN)),
    "field": ('`"unknown"`', lambda it: replace(it, field=FieldKind.UNKNOWN)),
    "title": ("null", lambda it: replace(it, title=None)),
    "account": ("null", lambda it: replace(it, account=None)),
    "counterparties": ("null", lambda it: replace(it, counterparties=None)),
}


def unknown_rows() -> Iterator[UnknownRow]:
    """Try out every member, and the windows of a picture.

    >>> [row.reason for row in unknown_rows() if row.member == "window"]
    ['window_unknown']
    """
    for member, (said, forget) in MEMBERS.items():
        yield _tried(member, said, partial(_forgotten, forget))
    yield _tried("pictured", "null", lambda event: replace(event, pictured=None))


def table() -> str:
    """The rows in Markdown, as docs/events.md has them.

    >>> table().splitlines()[0]
    '| member | not known | denied | signals | reason |'
    """
    lines = ["| member | not known | denied | signals | reason |", "|---|---|---|---|---|"]
    for row in unknown_rows():
        every = row.signals == SIGNALS
        signals = "all" if every else ", ".join(f"`{signal}`" for signal in row.signals)
        lines.append(f"| `{row.member}` | {row.said} | {row.when} | {signals} | `{row.reason}` |")
    return "\n".join(lines) + "\n"


def _tried(member: str, said: str, forget: Callable[[UiEvent], UiEvent]) -> UnknownRow:
    for asked in ASKED:
        rules = _rules(asked)
        denied = {
            signal: verdict
            for signal in SIGNALS
            if isinstance(verdict := judge(forget(_event(signal)), rules), Denied)
        }
        if denied:
            (reason,) = {str(verdict.reason) for verdict in denied.values()}
            return UnknownRow(member, said, asked.when, reason, tuple(denied))
    raise AssertionError(f"{member} is never asked about")


def _event(signal: Signal) -> UiEvent:
    return UiEvent(AT, signal, _PLACE, () if signal is Signal.SCREENSHOT else None)


def _forgotten(forget: Callable[[Place], Place], event: UiEvent) -> UiEvent:
    return replace(event, place=forget(event.place))


def _with_program(place: Place, **changes: None) -> Place:
    return replace(place, program=replace(place.program, **changes))


def _rules(asked: Asked) -> EventRules:
    """A policy that allows everything in one app, and asks one thing."""
    matters = asked.exclusion or Matchers(executables=("elsewhere",))
    catalogue = Catalogue(
        {"browser": _BROWSER, "chat": asked.app},
        {"place": Exclusion("place", "Place", "Why.", matters)},
    )
    said: dict[str, Any] = {
        STATUS.name: 1,
        BASES.name: frozenset({"consent"}),
        PURPOSES.name: frozenset({"ai_training.computer_use"}),
        APPS.name: frozenset(catalogue.apps),
        EXCLUSIONS.name: frozenset(catalogue.exclusions),
        COUNTERPARTY.name: Mode.ALLOW,
        TENANTS.name: asked.tenants,
        **{mode_of(signal).name: Mode.ALLOW for signal in SIGNALS},
    }
    claims = {name: Claim(value, Why("policy")) for name, value in said.items()}
    layer = Layer("policy", "company", "GLOBAL", "", claims, REGISTRY)
    told = document(Limits(compile_layers([layer]), catalogue), AGENT_FORM)
    here = {"US-CA": dict.fromkeys(Signal, "allow")}
    others = {"regions": here, "unknown": dict.fromkeys(Signal, "deny")}
    return EventRules.of(told, others, Circumstance((UTC,)))
