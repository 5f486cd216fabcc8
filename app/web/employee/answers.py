"""The five answers of the employee's page as rows: what, where, why, how long, who used it. Pure.

Rules:
1. Rows show what holds for this person: the compiled policy within what they agreed to; before any
   agreement, what is offered.
2. Each value that a rule decided carries who decided it.
3. "Never" is said of a signal only where a floor bars it: the law, or Habeas itself. What the
   company leaves out, or the person did not agree to, is not captured now.
4. "Never" is said of a place where a floor excludes it, and where agreeing binds it: an agreement
   holds every exclusion that was shown, so that only a new yes could open it. Those of release 0.1
   did not hold what the company excludes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from app.capture.extent import barring_knob
from app.capture.obstacles import UNPLACED, Obstacle
from app.capture.situation import Situation
from app.kernel.vocabulary import CONTENT_SIGNALS, Mode, Signal
from app.policy import knobs
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.knob_row import Knob, ModeCap, When
from app.policy.knob_shapes import Modes, Number, Week, most
from app.policy.law.layer import Why
from app.policy.model import Compiled
from app.policy.own_exclusions import PREFIX, OwnExclusion, as_exclusions
from app.web.words.knob_words import (
    knob_in_words,
    number_in_words,
    value_in_words,
    week_in_words,
)
from app.web.words.policy_words import counted, grounds_in_words, listed
from app.web.words.region_words import Decider, Names
from app.web.words.region_words import reasons as deciders
from app.web.words.text import BASIS_WORDS, GROUP_WORDS, SIGNAL_WORDS, lower_first


@dataclass(frozen=True)
class SignalAnswer:
    """One signal: whether and how it is captured here, how long it is kept, who decided both.

    Attributes:
        mode: ``allow``, ``redact``, ``deny``.
        never: it is denied by a floor (rule 3).
    """

    id: str
    name: str
    mode: str
    never: bool
    days: int
    note: str
    reasons: tuple[Decider, ...]
    kept_reasons: tuple[Decider, ...]


@dataclass(frozen=True)
class AppGroup:
    """Apps of one kind."""

    name: str
    apps: tuple[App, ...]


@dataclass(frozen=True)
class Never:
    """A place that is not captured, and who says so; ``never``: as rule 4 says.

    Attributes:
        match: how it is recognised; empty where the catalogue does not describe it.
    """

    id: str
    name: str
    why: str
    reasons: tuple[Decider, ...]
    never: bool
    match: Matchers


@dataclass(frozen=True)
class Limit:
    """A further limit: its knob, its name, its value in words, who decided it."""

    knob: str
    name: str
    value: str
    reasons: tuple[Decider, ...]


@dataclass(frozen=True)
class KeptRow:
    """Signals that are kept for the same time by the same layers."""

    days: str
    signals: str
    reasons: tuple[Decider, ...]


@dataclass(frozen=True)
class Answers:
    """What, where, why and how long, for one person."""

    signals: tuple[SignalAnswer, ...]
    groups: tuple[AppGroup, ...]
    tenants: frozenset[str]
    tenants_reasons: tuple[Decider, ...]
    apps_reasons: tuple[Decider, ...]
    never: tuple[Never, ...]
    limits: tuple[Limit, ...]
    removed: tuple[str, ...]
    purposes: tuple[str, ...]
    purposes_reasons: tuple[Decider, ...]
    grounds: str
    basis_reasons: tuple[Decider, ...]
    kept: tuple[KeptRow, ...]
    lease_minutes: int
    unplaced: bool


def answers(situation: Situation, names: Names) -> Answers:
    """Put a situation into rows."""
    compiled, catalogue = situation.limits.compiled, situation.limits.catalogue
    signals = _signals(situation, names)
    # Where it is not known whose law holds, nobody can say what would make it lawful.
    unplaced = not UNPLACED.isdisjoint(situation.obstacles)
    return Answers(
        signals=signals,
        groups=_groups(situation.extent.apps, catalogue),
        tenants=compiled[knobs.TENANTS],
        tenants_reasons=reasons(compiled.why.get(knobs.TENANTS.name, ()), names),
        apps_reasons=reasons(compiled.why.get("apps", ()), names),
        never=_never(compiled, names, catalogue, bound=_bound_by(situation)),
        limits=_limits(compiled, names),
        removed=_removed(compiled),
        purposes=situation.extent.purposes,
        purposes_reasons=reasons(compiled.why.get("purposes", ()), names),
        grounds="" if unplaced else _grounds(compiled),
        basis_reasons=() if unplaced else _asking(compiled, names),
        kept=_kept(signals),
        lease_minutes=compiled[knobs.LEASE_TTL_S] // 60,
        unplaced=unplaced,
    )


def _grounds(compiled: Compiled) -> str:
    return grounds_in_words(BASIS_WORDS, compiled.bases, compiled.decision_content)


def _asking(compiled: Compiled, names: Names) -> tuple[Decider, ...]:
    """Who says what makes it lawful: who decided the bases, and what a yes has to say besides."""
    whys = compiled.why.get(knobs.BASES.name, ())
    if compiled.decision_content:
        whys += compiled.why.get(knobs.DECISION_CONTENT.name, ())
    return reasons(dict.fromkeys(whys), names)


def _signals(situation: Situation, names: Names) -> tuple[SignalAnswer, ...]:
    """The signals, most captured first."""
    rows = [_signal(signal, situation, names) for signal in Signal]
    order = ("allow", "redact", "deny")
    return tuple(sorted(rows, key=lambda row: order.index(row.mode)))


def _signal(signal: Signal, situation: Situation, names: Names) -> SignalAnswer:
    compiled, offered = situation.limits.compiled, situation.open.compiled
    rule = compiled.signals[signal]
    mode = Mode.DENY if situation.barred else rule.mode
    # Widened after the person decided: not captured, because they did not agree to it.
    outside = (
        not situation.barred and mode is Mode.DENY and offered.signals[signal].mode is not Mode.DENY
    )
    captured = mode is not Mode.DENY
    knob = f"signals.{signal}"
    off = situation.barred and rule.mode is not Mode.DENY
    decider = barring_knob(compiled) if off else f"{knob}.mode"
    deciding: Iterable[Why] = compiled.why.get(decider, ())
    if off and Obstacle.PLACE_TOO_WIDE in situation.obstacles:
        deciding = ()  # no rule bars it: it is not known which rules hold
    return SignalAnswer(
        id=signal.value,
        name=SIGNAL_WORDS[signal.value],
        mode=mode.word,
        never=not captured and not outside and _floored(deciding),
        days=rule.retention_days if captured else 0,
        note="You did not agree to this." if outside else "",
        reasons=() if outside else reasons(deciding, names),
        kept_reasons=reasons(compiled.why.get(f"{knob}.retention_days", ()), names)
        if captured
        else (),
    )


def _kept(rows: tuple[SignalAnswer, ...]) -> tuple[KeptRow, ...]:
    """Signals by how long they are kept, the longest first."""
    kept: dict[tuple[int, tuple[Decider, ...]], list[str]] = {}
    for row in rows:
        if row.mode != "deny":
            kept.setdefault((row.days, row.kept_reasons), []).append(row.name)
    ordered = sorted(kept.items(), key=lambda item: -item[0][0])
    return tuple(
        KeptRow(counted(days, "day"), listed([names[0], *map(lower_first, names[1:])]), why)
        for (days, why), names in ordered
    )


def _removed(compiled: Compiled) -> tuple[str, ...]:
    """What is removed from content, where a signal that is captured can hold some."""
    captured = {name for name, rule in compiled.signals.items() if rule.mode is not Mode.DENY}
    asked: frozenset[str] = compiled[knobs.REDACTORS_ASKED]
    return tuple(sorted(asked)) if captured & CONTENT_SIGNALS else ()


def _groups(apps: Iterable[str], catalogue: Catalogue) -> tuple[AppGroup, ...]:
    """Apps by kind; an app that the catalogue does not know is never captured and not listed."""
    known = [catalogue.apps[name] for name in apps if name in catalogue.apps]
    known.sort(key=lambda app: (GROUP_WORDS.get(app.group, app.group), app.name.casefold()))
    return tuple(
        AppGroup(GROUP_WORDS.get(group, group), tuple(members))
        for group, members in groupby(known, key=lambda app: app.group)
    )


def _bound_by(situation: Situation) -> bool:
    """Whether what was agreed to, or is offered, holds every exclusion that it shows (rule 4)."""
    return situation.agreement is None or situation.agreement.complete


def _never(
    compiled: Compiled, names: Names, catalogue: Catalogue, *, bound: bool
) -> tuple[Never, ...]:
    rows = []
    for knob, item in _excluded(compiled, catalogue):
        whys = compiled.why.get(knob, ())
        by, never = reasons(whys, names), bound or _floored(whys)
        rows.append(Never(item.id, item.name, item.why, by, never=never, match=item.match))
    return tuple(sorted(rows, key=lambda place: place.name.casefold()))


def _excluded(compiled: Compiled, catalogue: Catalogue) -> Iterator[tuple[str, Exclusion]]:
    """What the catalogue excludes, and what the company excludes by itself, each with its knob."""
    for name in compiled[knobs.EXCLUSIONS]:
        unknown = Exclusion(name, name, "", Matchers())
        yield f"{knobs.EXCLUSIONS.name}.{name}", catalogue.exclusions.get(name, unknown)
    own: frozenset[OwnExclusion] = compiled[knobs.OWN_EXCLUSIONS]
    for item in as_exclusions(own):
        yield f"{knobs.OWN_EXCLUSIONS.name}.{item.id.removeprefix(PREFIX)}", item


def _floored(whys: Iterable[Why]) -> bool:
    """Whether a floor is among those who decided."""
    return any(why.layer.startswith("floor/") for why in whys)


_MODE_SENTENCES: Mapping[Mode, str] = {
    Mode.DENY: "not captured",
    Mode.REDACT: "captured in part at most",
    Mode.ALLOW: "captured as listed above",
}
_NEVER = "never captured"
_WHERE_THEY_ARE = "; less, or nothing, where the rules of the region where they are ask for it"


_ELSEWHERE = frozenset(
    row.name
    for row in (
        knobs.APPS,
        knobs.TENANTS,
        knobs.EXCLUSIONS,
        knobs.OWN_EXCLUSIONS,
        knobs.PURPOSES,
        knobs.REDACTORS_ASKED,
    )
)
"""What the other answers tell: where, where never, why, and which content is removed."""

_NAMES: Mapping[str, str] = {knobs.COUNTERPARTY.name: "Where others' words are in view"}
"""Names that differ from those on the pages of legal."""


def _limits(compiled: Compiled, names: Names) -> tuple[Limit, ...]:
    """What narrows capture further: every knob that agents keep to and that binds here."""
    return tuple(
        Limit(
            row.name,
            _NAMES.get(row.name) or knob_in_words(row.name),
            _bound(row, compiled[row], compiled.why.get(row.name, ())),
            reasons(compiled.why.get(row.name, ()), names),
        )
        for row in compiled.registry.knobs
        if row.agent is not None and row.name not in _ELSEWHERE and _binds(row, compiled)
    )


def _binds(row: Knob[Any], compiled: Compiled) -> bool:
    """Whether a knob has something to say of what is captured."""
    if isinstance(row.use, ModeCap):  # told also where it allows what is listed above
        return row.use.when is not When.OFF_HOURS or compiled[knobs.HOURS] is not None
    captured = (name for name, rule in compiled.signals.items() if rule.mode is not Mode.DENY)
    return row.limits(compiled[row]) and any(row.governs(signal) for signal in captured)


def _bound(row: Knob[Any], value: Any, whys: Iterable[Why]) -> str:
    """A limit in words: a number is the least or the most that it allows."""
    match row.shape:
        case Modes() if value is Mode.DENY and _floored(whys):
            return _NEVER
        case Modes() if row == knobs.COUNTERPARTY and value is not Mode.DENY:
            return _MODE_SENTENCES[value] + _WHERE_THEY_ARE
        case Modes():
            return _MODE_SENTENCES[value]
        case Number(unit=unit):
            return f"at {'least' if row.meet is most else 'most'} {number_in_words(value, unit)}"
        case Week():
            return week_in_words(value)
        case _:
            return value_in_words(row.name, value)


def reasons(whys: Iterable[Why], names: Names) -> tuple[Decider, ...]:
    """Who decided, with the plain word for a layer before the product's own."""
    return tuple(_plain(reason) for reason in deciders(whys, names))


def _plain(reason: Decider) -> Decider:
    if reason.kind != "floor":
        return reason
    if reason.code != "GLOBAL":
        return reason._replace(kind="law (floor)")
    # Our own rule quotes no source, so a mark of how well the source was read says nothing.
    own = reason.citation.removeprefix("Habeas floor").lstrip(";: ")
    return reason._replace(kind="floor of Habeas", citation=own, confidence="")
