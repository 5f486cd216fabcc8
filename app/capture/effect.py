"""What a company policy changes for the people it concerns (pure).

Rules:
1. A policy concerns everybody who has its region, or one below it, as home, place of work or
   establishment. The same rules hold for people with the same regions: they are one group.
2. From a start on, what holds with the policy is compared with what holds without it, all else
   being as it is decided. What something else changes is not told as the policy's.
3. Obstacles come first: where nothing can be captured either way, no value matters.
4. A value counts only where it can matter: the retention of a signal that is denied does not, nor
   does what governs denied signals only, nor what holds outside hours where no hours are named.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

from app.capture.obstacles import Obstacle
from app.capture.situation import obstacles_in
from app.directory.model import Headcount
from app.kernel.vocabulary import Mode
from app.policy.catalogue.model import Catalogue
from app.policy.knob_shapes import OwnExclusions
from app.policy.knobs import HOURS, OFF_HOURS, REGISTRY, STATUS, mode_of, retention_of
from app.policy.lattice import changes_in, compile_layers
from app.policy.law.layer import CompanyPolicy, Direction, Layer, Why
from app.policy.model import Compiled, InForce, KnobChange
from app.policy.prospect import published
from app.policy.timeline import History, in_force, moments


class Consequence(StrEnum):
    """What a policy does to what can be captured of a group, at an instant."""

    SAME = "same"
    OFF = "off"
    OPENS = "opens"
    CLOSES = "closes"
    WIDENS = "widens"
    NARROWS = "narrows"
    MIXED = "mixed"


MORE = frozenset({Consequence.OPENS, Consequence.WIDENS, Consequence.MIXED})
LESS = frozenset({Consequence.CLOSES, Consequence.NARROWS, Consequence.MIXED})


def ways_of(change: KnobChange) -> tuple[Direction, ...]:
    """Which ways a change goes; a set that gains members and loses others goes both.

    It goes ``same`` where nothing but the wording differs.

    >>> ways_of(KnobChange("apps", ["figma"], ["jira"], "widens"))
    ('widens', 'narrows')
    """
    return ("widens", "narrows") if _exchanges(change) else (change.direction,)


def _exchanges(change: KnobChange) -> bool:
    """Whether something is gained and something else lost."""
    before, after = (
        value if isinstance(value, list) else [] for value in (change.before, change.after)
    )
    row = REGISTRY.rows.get(change.knob)
    if row is not None and isinstance(row.shape, OwnExclusions):
        old, new = row.shape.read(before), row.shape.read(after)
        return not (row.no_looser(old, new) or row.no_looser(new, old))
    return bool(set(before) - set(after) and set(after) - set(before))


@dataclass(frozen=True)
class Comparison:
    """What holds for a group from an instant on, without a policy and with it.

    Attributes:
        kept_off: what prevents capture without the policy; empty if it can run.
        keeps_off: the same with the policy.
        changes: the values that matter and differ; empty unless capture can run both ways.
    """

    at: datetime
    without: InForce
    under: InForce
    kept_off: tuple[Obstacle, ...]
    keeps_off: tuple[Obstacle, ...]
    changes: tuple[KnobChange, ...]

    @property
    def consequence(self) -> Consequence:
        """What the policy does here (rules 3 and 4)."""
        if self.kept_off:
            return Consequence.OFF if self.keeps_off else Consequence.OPENS
        if self.keeps_off:
            return Consequence.CLOSES
        ways = {way for change in self.changes for way in ways_of(change)} - {"same"}
        if len(ways) > 1:
            return Consequence.MIXED
        return Consequence(ways.pop()) if ways else Consequence.SAME

    @cached_property
    def told(self) -> tuple[object, ...]:
        """What there is to tell: where it is equal, nothing new has to be told."""
        way = self.consequence
        if way not in MORE | LESS:
            return ()
        detail: object = self.changes
        if way is Consequence.OPENS:
            detail = mattering(self.under.compiled)
        elif way is Consequence.CLOSES:
            detail = self.keeps_off
        return way, detail


@dataclass(frozen=True)
class HeldBack:
    """A knob that the text changes while what holds does not follow, or not all the way.

    Attributes:
        before: what the region's policies said so far; None: nothing.
        after: what the text says.
        value: what holds with the policy, as files write it.
        moves: whether what holds changes at all.
        whys: who holds it there.
    """

    knob: str
    before: Any
    after: Any
    value: Any
    moves: bool
    whys: tuple[Why, ...]


@dataclass(frozen=True)
class GroupEffect:
    """What a policy changes for people with the same regions.

    Attributes:
        stages: from its start on, whenever something else is to be told; never empty.
        settled: once the policy alone holds, after every lead time.
    """

    group: Headcount
    stages: tuple[Comparison, ...]
    settled: Comparison

    @property
    def consequences(self) -> frozenset[Consequence]:
        """Everything that the policy does, at one time or another."""
        return frozenset(stage.consequence for stage in self.stages)

    @property
    def more(self) -> bool:
        """Whether more can be captured at some time."""
        return not MORE.isdisjoint(self.consequences)

    @property
    def less(self) -> bool:
        """Whether less can be captured at some time."""
        return not LESS.isdisjoint(self.consequences)

    @property
    def widened(self) -> frozenset[str]:
        """The knobs that become wider at some time, where capture can run without the policy."""
        changes = (change for stage in self.stages for change in stage.changes)
        return frozenset(change.knob for change in changes if "widens" in ways_of(change))

    def held_back(self, text: Iterable[KnobChange]) -> tuple[HeldBack, ...]:
        """Where what holds does not follow the text; where capture is off nothing is named.

        A knob that the text names for the first time, as it holds anyway, is no change.

        Args:
            text: how the text differs from the policies of the region before.
        """
        if self.settled.keeps_off:
            return ()
        moved = self._moved
        told = (self._held(change, moves=change.knob in moved) for change in text)
        return tuple(one for one in told if one is not None)

    @property
    def _moved(self) -> frozenset[str]:
        """The knobs whose value differs at some time, those of an opening too."""
        changes = [change for stage in self.stages for change in stage.changes]
        for stage in self.stages:
            if stage.consequence is Consequence.OPENS:
                changes += _differing(stage.without.compiled, stage.under.compiled)
        return frozenset(change.knob for change in changes)

    def _held(self, change: KnobChange, *, moves: bool) -> HeldBack | None:
        compiled = self.settled.under.compiled
        row = compiled.registry.rows.get(change.knob)
        if row is None:  # evidence and the last day: they open and close, and hold nothing back
            return None
        holder = _holder(change.knob, compiled)
        value = row.readable(compiled.values[change.knob] if holder == change.knob else 0)
        follows = moves and (isinstance(value, list) or value == change.after)
        if follows or (change.before is None and value == change.after):
            return None
        whys = compiled.why.get(holder, ())
        return HeldBack(change.knob, change.before, change.after, value, moves, whys)


@dataclass(frozen=True)
class PolicyEffect:
    """What a policy changes for everybody it concerns.

    Attributes:
        since: the instant from which it is compared.
        starts: when the policy replaces the one before, at the earliest.
        groups: everybody concerned, largest group first; where nobody is, the region by itself.
    """

    since: datetime
    starts: datetime
    groups: tuple[GroupEffect, ...]

    @property
    def begins(self) -> datetime | None:
        """The first instant at which something differs for anybody; None if nothing ever does."""
        every = (stage for effect in self.groups for stage in effect.stages)
        return min((stage.at for stage in every if stage.consequence in MORE | LESS), default=None)

    @property
    def people(self) -> int:
        """How many people it concerns."""
        return sum(effect.group.people for effect in self.groups)


def effect_if_published(
    history: History,
    policy: CompanyPolicy,
    names: tuple[str, ...],
    people: Iterable[Headcount],
    now: datetime,
    catalogue: Catalogue,
) -> PolicyEffect:
    """What a policy would change if it were published now and nothing else after it.

    Args:
        history: everything that was published so far.
        policy: the policy.
        names: its region and those above it.
        people: everybody, by their regions.
        now: the present instant.
        catalogue: where apps and exclusions are described.
    """
    under, starts = published(history, policy, names, now)
    return _effect(history, under, policy.region, people, now, starts, catalogue)


def effect_of_published(
    history: History, change_id: str, people: Iterable[Headcount], catalogue: Catalogue
) -> PolicyEffect:
    """What a published change does, as far as was decided when it was published.

    Raises:
        StopIteration: it was not published.
    """
    row = next(row for row in history.company if row.change_id == change_id)
    known = history.known(row.recorded_at)
    under = replace(known, company=tuple(one for one in known.company if one.id <= row.id))
    without = replace(under, company=tuple(one for one in under.company if one.id != row.id))
    since, starts = row.recorded_at, row.valid_from
    return _effect(without, under, row.region, people, since, starts, catalogue)


def mattering(compiled: Compiled) -> Mapping[str, Any]:
    """The values of knobs, those that cannot matter left out or as if nothing was named (rule 4).

    >>> sorted(mattering(compile_layers([])))[:2]
    ['app...
    """
    values = dict(compiled.values)
    denied = {signal for signal, rule in compiled.signals.items() if rule.mode is Mode.DENY}
    for signal in denied:
        values[retention_of(signal).name] = 0
    for row in compiled.registry.knobs:
        governed = None if row.agent is None else row.agent.governs
        if governed is not None and governed <= denied:
            del values[row.name]
    if values[HOURS.name] is None or values[OFF_HOURS.name] is Mode.ALLOW:
        values |= {HOURS.name: None, OFF_HOURS.name: Mode.ALLOW}
    return values


def _effect(
    without: History,
    under: History,
    region: str,
    people: Iterable[Headcount],
    since: datetime,
    starts: datetime,
    catalogue: Catalogue,
) -> PolicyEffect:
    comparer = _Comparer(without, under, since, starts, catalogue)
    concerned = [group for group in people if region in _related(under, group.regions)]
    groups = concerned or [Headcount(region, region, region, 0)]
    return PolicyEffect(since, starts, tuple(comparer.effect_on(group) for group in groups))


_Layers: TypeAlias = tuple[Layer, ...]


@dataclass(frozen=True)
class _Comparer:
    """Compares two histories for one group after another; each set of layers is met once."""

    without: History
    under: History
    since: datetime
    starts: datetime
    catalogue: Catalogue
    compiled: dict[object, Compiled] = field(default_factory=dict)

    def effect_on(self, group: Headcount) -> GroupEffect:
        names = _related(self.under, group.regions)
        before, after = _only(self.without, names), _only(self.under, names)
        later = {at for past in (before, after) for at in moments(past) if at > self.since}
        compared = [self._at(at, before, after, group) for at in (self.since, *sorted(later))]
        settled = [
            one for one in compared if one.at >= self.starts and one.under.lead_until is None
        ]
        return GroupEffect(group, tuple(_news(compared)), (settled or compared[-1:])[0])

    def _at(self, at: datetime, before: History, after: History, group: Headcount) -> Comparison:
        without = in_force(before, group.regions, at, self._compile)
        under = in_force(after, group.regions, at, self._compile)
        kept_off, keeps_off = (_off(one, group, self.catalogue) for one in (without, under))
        changes = () if kept_off or keeps_off else _differing(without.compiled, under.compiled)
        return Comparison(at, without, under, kept_off, keeps_off, changes)

    def _compile(self, home: _Layers, others: _Layers) -> Compiled:
        key = tuple(
            tuple((layer.id, layer.digest, layer.knobs.get(STATUS.name)) for layer in layers)
            for layers in (home, others)
        )
        if key not in self.compiled:
            self.compiled[key] = compile_layers(home, others)
        return self.compiled[key]


def _off(holding: InForce, group: Headcount, catalogue: Catalogue) -> tuple[Obstacle, ...]:
    """Everything that prevents capture of the group, whoever its people are."""
    off = obstacles_in(holding, catalogue)
    # A region by itself is asked about as a region, not as where somebody is.
    if not group.people or not set(group.places) & set(holding.too_wide):
        return off
    return (Obstacle.PLACE_TOO_WIDE, *off)


def _differing(before: Compiled, after: Compiled) -> tuple[KnobChange, ...]:
    old, new = mattering(before), mattering(after)
    both = old.keys() & new.keys()
    changes = changes_in(after.registry, old.get, new.get)
    return tuple(change for change in changes if change.knob in both)


def _news(compared: Iterable[Comparison]) -> Iterator[Comparison]:
    last: Comparison | None = None
    for one in compared:
        if last is None or one.told != last.told:
            yield one
            last = one


def _holder(knob: str, compiled: Compiled) -> str:
    """The knob whose layers decide: a denied signal is not kept, so there it is the mode."""
    for signal, rule in compiled.signals.items():
        if rule.mode is Mode.DENY and knob == retention_of(signal).name:
            return mode_of(signal).name
    return knob


def _related(history: History, regions: tuple[str, ...]) -> frozenset[str]:
    """The regions and all above them, by every floor that was ever taken in."""
    parents: dict[str, set[str]] = {}
    for row in history.floors:
        if row.floor.parent is not None:
            parents.setdefault(row.floor.region, set()).add(row.floor.parent)
    names, new = set(regions), set(regions)
    while new:
        new = {above for name in new for above in parents.get(name, ())} - names
        names |= new
    return frozenset(names)


def _only(history: History, names: frozenset[str]) -> History:
    """What can matter to the named regions: fewer instants to look at, the same answers.

    Every floor matters: it may say that a region above it is no place.
    """
    return replace(
        history,
        company=tuple(row for row in history.company if row.region in names),
        stops=tuple(row for row in history.stops if row.region in names | {"GLOBAL"}),
    )
