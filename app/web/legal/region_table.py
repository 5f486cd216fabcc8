"""The regions as legal reads them: rows, cells, sentences. Pure: views in, words out.

Rules:
1. A page shows what the compiled policy says, never a second computation of it.
2. Every value that a layer decided comes with the layers that decided it.
3. What holds nowhere yet is not dressed up: a region without a company policy captures nothing,
   however much its floor would allow, and the row says so.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.capture.extent import barring_knob
from app.capture.obstacles import Obstacle
from app.capture.situation import barred, obstacles_in
from app.kernel.authority import Authority, Role
from app.kernel.vocabulary import Mode, Signal
from app.policy.catalogue.model import Catalogue
from app.policy.changes.model import RegionView
from app.policy.law.layer import Layer
from app.policy.model import InForce
from app.web.words.policy_words import (
    BASES,
    MODES,
    PRECONDITIONS,
    Mark,
    counted,
    grounds_in_words,
    listed,
)
from app.web.words.region_words import Decider, Names, in_tree_order, named, names_of, reasons
from app.web.words.text import SIGNAL_WORDS


@dataclass(frozen=True)
class ObstacleRow:
    """Why nothing can be captured in a region at present."""

    obstacle: Obstacle
    sentence: str

    @property
    def brief(self) -> str:
        """The sentence where the region is named next to it already."""
        return "stopped" if self.obstacle is Obstacle.STOPPED else self.sentence


_MANY = 3
"""As many regions do not fit below one mark; the link leads to all of them."""


@dataclass(frozen=True)
class Cell:
    """One signal in one region: the mark, and who put it there; how long it is kept, and why."""

    signal: str
    name: str
    mode: str
    mark: Mark
    days: int
    reasons: tuple[Decider, ...]
    kept_reasons: tuple[Decider, ...]

    @property
    def decided_by(self) -> str:
        """Codes of the regions that narrow it, the widest first: ``EU DE``, ``GLOBAL +2``.

        Where everything is allowed nobody narrowed it, and nobody is named.
        """
        codes = list(dict.fromkeys(reason.code for reason in self.reasons))
        if self.mode == "allow":
            return ""
        return " ".join(codes) if len(codes) < _MANY else f"{codes[0]} +{len(codes) - 1}"

    @property
    def sentence(self) -> str:
        """The cell for somebody who does not see it."""
        kept = f", kept {counted(self.days, 'day')}" if self.mode in {"allow", "redact"} else ""
        places = listed(list(dict.fromkeys(reason.place for reason in self.reasons)))
        return f"{self.name}: {self.mark.word}{kept}{f', decided by {places}' if places else ''}"


@dataclass(frozen=True)
class RegionRow:
    """A row of the regions table; ``depth`` is the number of regions above."""

    code: str
    name: str
    depth: int
    cells: tuple[Cell, ...]
    kept: str
    basis: str
    missing: tuple[str, ...]
    policy: str
    obstacles: tuple[ObstacleRow, ...]
    stopped: bool
    place: bool


def region_rows(views: Iterable[RegionView], catalogue: Catalogue) -> tuple[RegionRow, ...]:
    """The rows of the regions table."""
    ordered = in_tree_order(views)
    names = names_of(view for _, view in ordered)
    return tuple(_region_row(view, depth, names, catalogue) for depth, view in ordered)


def _region_row(view: RegionView, depth: int, names: Names, catalogue: Catalogue) -> RegionRow:
    return RegionRow(
        code=view.region,
        name=view.floor.name,
        depth=depth,
        cells=cells(view.in_force, names),
        kept=kept_in_words(view.in_force),
        basis=basis_in_words(view.in_force),
        missing=tuple(PRECONDITIONS.get(kind, kind) for kind in view.in_force.missing),
        policy=policy_in_words(view, names),
        obstacles=obstacle_rows(view.in_force, names, catalogue),
        stopped=bool(view.in_force.stopped),
        place=view.region not in view.in_force.too_wide,
    )


def cells(in_force: InForce, names: Names) -> tuple[Cell, ...]:
    """The signals under a compiled policy."""
    compiled = in_force.compiled
    off = barred(in_force)
    rows = []
    for signal in Signal:
        rule = compiled.signals[signal]
        mode = "blocked" if off else rule.mode.word
        knob = barring_knob(compiled) if off else f"signals.{signal}.mode"
        rows.append(
            Cell(
                signal=signal.value,
                name=SIGNAL_WORDS[signal.value],
                mode=mode,
                mark=MODES[mode],
                days=rule.retention_days,
                reasons=reasons(compiled.why.get(knob, ()), names),
                kept_reasons=reasons(
                    compiled.why.get(f"signals.{signal}.retention_days", ()), names
                ),
            )
        )
    return tuple(rows)


def kept_in_words(in_force: InForce) -> str:
    """How long captured signals are kept at most: ``14 days``, ``14 to 90 days``; empty: none."""
    compiled = in_force.compiled
    days = {rule.retention_days for rule in compiled.signals.values() if rule.mode is not Mode.DENY}
    if barred(in_force) or not days:
        return ""
    if len(days) == 1:
        return counted(days.pop(), "day")
    return f"{min(days)} to {counted(max(days), 'day')}"


def basis_in_words(in_force: InForce) -> str:
    """What makes it lawful: ``consent or acknowledgement``; no basis left is a prohibition.

    Of a region above which a floor is missing nobody can say.
    """
    if in_force.unknown:
        return "not known"
    content = in_force.compiled.decision_content
    return grounds_in_words(BASES, in_force.bases, content) or "prohibited"


def policy_in_words(view: RegionView, names: Names) -> str:
    """Whether a company policy is published here, or above, or nowhere."""
    if view.policy is not None:
        return "scheduled" if view.scheduled is not None else "in force"
    above = [layer.region for layer in view.in_force.layers if layer.kind == "company"]
    nearest = next((region for region in view.chain if region in above), None)
    if nearest is not None:
        return f"from {names.get(nearest, nearest)}"
    return "none: capture off"


def obstacle_rows(in_force: InForce, names: Names, catalogue: Catalogue) -> tuple[ObstacleRow, ...]:
    """Everything that keeps capture off here, in the order of telling; empty if it can run."""
    return tuple(
        ObstacleRow(obstacle, _SENTENCES[obstacle](in_force, names))
        for obstacle in obstacles_in(in_force, catalogue)
    )


def stopped_in_words(in_force: InForce, names: Names) -> str:
    """Where capture is stopped."""
    places = listed([names.get(region, region) for region in in_force.stopped])
    return f"capture is stopped for {places}"


def blocked_in_words(in_force: InForce, names: Names) -> str:
    """What blocks a region: layers that are not approved, or that no basis is left."""
    against = [_closed(layer, names) for layer in in_force.layers if layer.forbids]
    if not in_force.bases or not against:
        against.append("no basis for capture is left")
    return listed(against)


def _closed(layer: Layer, names: Names) -> str:
    what = "company policy" if layer.kind == "company" else layer.kind
    verb = "has expired" if layer.expired else "is not approved"
    return f"the {what} for {named(layer.region, names)} {verb}"


def _lacking(in_force: InForce, _names: Names) -> str:
    lacking = listed([PRECONDITIONS.get(kind, kind) for kind in in_force.missing])
    return f"valid evidence is missing: {lacking}"


def _insufficient(in_force: InForce, _names: Names) -> str:
    verb = "is" if len(in_force.bases) == 1 else "are"
    return f"only {basis_in_words(in_force)} {verb} left, and that is never enough by itself"


def disputed_in_words(in_force: InForce, names: Names) -> str:
    """Why nothing can be captured where rows cannot be believed."""
    where = listed([named(region, names) for region in in_force.disputed])
    return f"the record of the rules of {where} does not agree with the log: see the alarm"


_SENTENCES: Mapping[Obstacle, Callable[[InForce, Names], str]] = {
    Obstacle.RECORD_DISPUTED: disputed_in_words,
    Obstacle.REGION_UNKNOWN: lambda _in_force, _names: "a region above it has no floor",
    Obstacle.REGION_BLOCKED: blocked_in_words,
    Obstacle.BASIS_INSUFFICIENT: _insufficient,
    Obstacle.POLICY_MISSING: lambda _in_force, _names: "no company policy is in force",
    Obstacle.STOPPED: stopped_in_words,
    Obstacle.PRECONDITION_MISSING: _lacking,
    Obstacle.LEAD_TIME: lambda _in_force, _names: "a lead time has to pass first",
    Obstacle.NOTHING_ALLOWED: lambda _in_force, _names: "no signal, app or purpose is left",
}


def overview(rows: Iterable[RegionRow]) -> tuple[str, tuple[str, ...]]:
    """The regions page as one sentence, and what keeps capture off where it is off.

    A region that is no place, because others stand on it, is nobody's and is not counted.
    """
    places = [row for row in rows if row.place]
    on = [row for row in places if not row.obstacles]
    off: dict[str, list[str]] = {}
    for row in places:
        for obstacle in row.obstacles[:1]:
            off.setdefault(obstacle.brief, []).append(row.name)
    details = tuple(f"{listed(places)}: {sentence}." for sentence, places in off.items())
    if not on:
        return "Nothing can be captured in any region.", details
    return f"Capture can run in {len(on)} of {counted(len(places), 'region')}.", details


def where_may_stop(
    views: Iterable[RegionView], roles: tuple[Role, ...], authority: Authority
) -> tuple[tuple[str, str], ...]:
    """Regions that somebody may stop: code and indented name, in tree order, everywhere first."""
    return tuple(
        (view.region, "\u2003" * depth + view.floor.name)
        for depth, view in in_tree_order(views)
        if any(authority.may(roles, name, "capture", "stop") for name in view.chain)
    )
