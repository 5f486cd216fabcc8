"""What is in force at an instant, from the rows that were recorded (pure).

Rules:
1. Of the floors of a region, the last one recorded whose first day has come holds. One that has
   expired holds as well, blocked.
2. The company policy recorded last has the last word. While the lead time of one that widens runs,
   the policies before it are met with it: what it narrows is narrowed at once, what it widens
   waits.
3. A lead time is the longest that the floors and the newest company policies of all regions in
   question ask for. It also runs for a region's first company policy; until then, capture waits.
4. Evidence is no knob: it opens. It counts if each of the policies that are met shows it, in the
   region that asks for it or below: nobody above shows that a region's works council agreed.
5. A policy that was to start later and was overtaken before its day never holds alone. While the
   lead time of the one that overtook it runs, it narrows from its day on: two people agreed to it.
6. A stop counts for the region and for every region below it; and from a little before it was
   made, because clocks differ, and one that is set back must not undo a stop.
7. Rows that cannot be believed open nothing: what their region says is disputed, for the region and
   for every region below it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from app.kernel.places import too_wide
from app.policy.catalogue.model import NO_CATALOGUE, Catalogue
from app.policy.difference import only_narrows
from app.policy.knob_shapes import NOT_APPROVED
from app.policy.knobs import APPS, NOTICE_LEAD_DAYS, PRECONDITIONS_ASKED, STATUS
from app.policy.lattice import meet_all
from app.policy.law.layer import (
    Claim,
    CompanyPolicy,
    Direction,
    Evidence,
    Floor,
    Layer,
    Why,
    chain,
    day_after,
)
from app.policy.model import Compiled, InForce

STOPPED = "stopped"
RESUME_PROPOSED = "resume_proposed"
RESUMED = "resumed"

SKEW = timedelta(minutes=5)
"""By how much clocks may differ."""

Compile = Callable[[tuple[Layer, ...], tuple[Layer, ...]], Compiled]


@dataclass(frozen=True)
class FloorRow:
    """A floor, and when we took it in."""

    id: int
    floor: Floor
    recorded_at: datetime


@dataclass(frozen=True)
class CompanyRow:
    """A published company policy.

    Attributes:
        valid_from: when it replaces the one before, at the earliest.
    """

    id: int
    region: str
    policy: CompanyPolicy
    change_id: str
    direction: Direction
    valid_from: datetime
    recorded_at: datetime

    @property
    def starts(self) -> datetime:
        """When it begins to narrow."""
        first_day = self.policy.valid_from
        return self.recorded_at if first_day is None else max(self.recorded_at, first_day)


@dataclass(frozen=True)
class StopRow:
    """One step about a stop: ``STOPPED``, ``RESUME_PROPOSED`` or ``RESUMED``."""

    id: int
    stop: str
    seq: int
    region: str
    step: str
    actor: str
    note: str
    at: datetime

    @property
    def counts_from(self) -> datetime:
        """When it is taken into account (rule 6)."""
        return self.at - SKEW if self.step == STOPPED else self.at


@dataclass(frozen=True)
class Met:
    """A company policy that counts now, and when it alone will."""

    row: CompanyRow
    alone_from: datetime


@dataclass(frozen=True)
class History:
    """Every row that bears on what is in force; oldest first.

    Attributes:
        seq: number of the last policy event.
        catalogue: the one that was adopted last.
        disputed: regions of which the rows do not stand; GLOBAL where no catalogue does.
        held: regions that count as stopped, because their stops and resumes do not stand.
    """

    floors: tuple[FloorRow, ...]
    company: tuple[CompanyRow, ...]
    stops: tuple[StopRow, ...]
    seq: int
    catalogue: Catalogue = NO_CATALOGUE
    disputed: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()

    def known(self, at: datetime) -> "History":
        """Only rows recorded by then; number and catalogue of the last event are the caller's."""
        return replace(
            self,
            floors=tuple(row for row in self.floors if row.recorded_at <= at),
            company=tuple(row for row in self.company if row.recorded_at <= at),
            stops=tuple(row for row in self.stops if row.at <= at),
        )

    def floors_at(self, at: datetime) -> dict[str, Floor]:
        """The floor of each region (rule 1)."""
        return {row.floor.region: row.floor for row in self.floors if row.floor.valid_from <= at}

    def company_of(self, region: str) -> tuple[CompanyRow, ...]:
        """What was published for exactly this region, oldest first."""
        return tuple(row for row in self.company if row.region == region)

    @property
    def apps_listed(self) -> frozenset[str]:
        """The apps that any floor or company policy names or named, by id."""
        layers = [row.floor.layer for row in self.floors]
        layers += [row.policy.layer for row in self.company]
        claims = (layer.knobs.get(APPS.name) for layer in layers)
        return frozenset().union(*(claim.value for claim in claims if claim is not None))  # type: ignore[arg-type]

    def stopped_at(self, at: datetime) -> frozenset[str]:
        """The regions that are stopped by themselves."""
        last = {row.region: row.step for row in self.stops if row.counts_from <= at}
        return self.held.union(region for region, step in last.items() if step != RESUMED)


def moments(history: History) -> tuple[datetime, ...]:
    """Every instant at which what is in force can change; between two of them nothing does.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    >>> stop = StopRow(1, "stop", 1, "DE", STOPPED, "ines", "", noon)
    >>> [str(at.time()) for at in moments(History((), (), (stop,), 1))]  # rule 6
    ['11:55:00']
    """
    layers = [row.floor.layer for row in history.floors]
    layers += [row.policy.layer for row in history.company]
    leads = {0, *(_lead_days(layer) for layer in layers)}
    instants: set[datetime | None] = {row.counts_from for row in history.stops}
    for floor_row in history.floors:
        instants |= {floor_row.floor.valid_from, floor_row.floor.valid_to}
    for row in history.company:
        instants |= {row.starts, row.valid_from, row.policy.valid_to}
        instants |= {row.recorded_at + timedelta(days=days) for days in leads}
        instants |= {day_after(item.valid_to) for item in row.policy.evidence}
    return tuple(sorted(at for at in instants if at is not None))


def _lead_days(layer: Layer) -> int:
    claim = layer.knobs.get(NOTICE_LEAD_DAYS.name)
    return claim.value if claim is not None and isinstance(claim.value, int) else 0


def met(rows: Iterable[CompanyRow], at: datetime, lead: timedelta) -> tuple[Met, ...]:
    """The policies of one region that count at an instant, oldest first (rules 2 and 5)."""
    counted: tuple[Met, ...] = ()
    started = [row for row in rows if row.starts <= at]
    for row in sorted(started, key=lambda row: (row.starts, row.id)):
        counted = _with(_after_leads(counted, row.starts), row, lead)
    return _after_leads(counted, at)


def _with(counted: tuple[Met, ...], row: CompanyRow, lead: timedelta) -> tuple[Met, ...]:
    later = tuple(item for item in counted if item.row.id > row.id)
    before = counted[: len(counted) - len(later)]
    if not later:
        alone_from = row.starts if _only_narrows(before, row) else _end_of_lead(row, lead)
        if before and row.direction != "widens":
            # What one person may publish does not make what waits for its lead time wait less.
            alone_from = max(alone_from, before[0].alone_from)
        return (*before, Met(row, alone_from))
    if not before:  # overtaken by one whose lead time is over, or whose lead time capture waits for
        return counted
    return (*before, Met(row, later[0].alone_from), *later)


def _after_leads(counted: tuple[Met, ...], at: datetime) -> tuple[Met, ...]:
    ended = [place for place, item in enumerate(counted) if item.alone_from <= at]
    return counted[ended[-1] :] if ended else counted


def _only_narrows(counted: tuple[Met, ...], row: CompanyRow) -> bool:
    before = [item.row.policy for item in counted]
    return row.direction != "widens" and only_narrows(before, row.policy, row.starts)


def _end_of_lead(row: CompanyRow, lead: timedelta) -> datetime:
    return max(row.starts, row.valid_from, row.recorded_at + lead)


def in_force(
    history: History, regions: tuple[str, ...], at: datetime, compile_: Compile
) -> InForce:
    """Compute what holds for somebody.

    >>> from datetime import UTC
    >>> from app.policy.lattice import compile_layers
    >>> nothing, at = History((), (), (), 0), datetime(2026, 11, 22, tzinfo=UTC)
    >>> in_force(nothing, ("DE",), at, compile_layers).unknown
    ('DE',)

    Args:
        history: as far as it was known.
        regions: the home region first; then place of work, establishment, counterparty.
        at: the instant.
        compile_: ``compile_layers``, or the same with a memory.
    """
    floors = history.floors_at(at)
    parents = {region: floor.parent for region, floor in floors.items()}
    chains = {region: chain(parents, region) for region in regions}
    every = tuple(dict.fromkeys(name for walked in chains.values() for name in walked or ()))
    company = _company(history, floors, every, at)
    layers = {
        name: (floors[name].at(at), *(item.row.policy.at(at) for item in company[name]))
        for name in every
    }
    home = regions[:1]
    compiled = compile_(_layers(home, chains, layers), _layers(regions[1:], chains, layers))
    return InForce(
        compiled=compiled,
        layers=tuple(layer for name in every for layer in layers[name]),
        unknown=tuple(region for region, walked in chains.items() if walked is None),
        too_wide=too_wide(regions, floors),
        company=any(company[name] for region in home for name in chains[region] or ()),
        evidence=_evidence(company, at),
        missing=_missing(chains, layers, company, at),
        stopped=tuple(sorted(history.stopped_at(at) & {*every, *regions, "GLOBAL"})),
        disputed=tuple(sorted(history.disputed & _reached(parents, regions))),
        lead_until=_lead_until(company, at),
        seq=history.seq,
        catalogue=history.catalogue,
    )


def _reached(parents: Mapping[str, str | None], regions: Iterable[str]) -> frozenset[str]:
    """The regions and all above them, as far as floors tell: also one whose floor was lost."""
    reached = {"GLOBAL"}
    for region in regions:
        at: str | None = region
        while at is not None and (at == "GLOBAL" or at not in reached):
            reached.add(at)
            at = parents.get(at)
    return frozenset(reached)


def _company(
    history: History, floors: Mapping[str, Floor], regions: tuple[str, ...], at: datetime
) -> dict[str, tuple[Met, ...]]:
    rows = {
        name: tuple(row for row in history.company_of(name) if row.recorded_at <= at)
        for name in regions
    }
    asking = [floors[name].layer for name in regions]
    asking += [published[-1].policy.layer for published in rows.values() if published]
    days = meet_all(asking).value(NOTICE_LEAD_DAYS.name) or 0
    assert isinstance(days, int)
    return {name: met(published, at, timedelta(days=days)) for name, published in rows.items()}


def _layers(
    regions: tuple[str, ...],
    chains: Mapping[str, tuple[str, ...] | None],
    layers: Mapping[str, tuple[Layer, ...]],
) -> tuple[Layer, ...]:
    taken: list[Layer] = []
    for region in regions:
        names = chains[region]
        if names is None:
            taken.append(_unknown(region))
        else:
            taken.extend(layer for name in names for layer in layers[name])
    return tuple(taken)


def _unknown(region: str) -> Layer:
    """Stands for a region that nobody described: it blocks."""
    why = Why(f"unknown/{region}", "there is no floor for this region")
    status = Claim(NOT_APPROVED, why)
    return Layer(f"unknown/{region}", "system", region, "", MappingProxyType({STATUS.name: status}))


def shown(policies: Iterable[CompanyPolicy], at: datetime) -> frozenset[str]:
    """The preconditions that each of the policies shows valid evidence for (rule 4).

    >>> from datetime import UTC
    >>> dpia = Evidence("dpia", "DPIA 7", "0" * 64, valid_to="2026-12-31")
    >>> layer = Layer("company/DE", "company", "DE", "", {})
    >>> policy = CompanyPolicy("DE", "", "", None, None, layer, (dpia,), b"")
    >>> [sorted(shown([policy], datetime(year, 7, 1, tzinfo=UTC))) for year in (2026, 2027)]
    [['dpia'], []]
    """
    kinds = [policy.evidenced(at) for policy in policies]
    return frozenset.intersection(*kinds) if kinds else frozenset()


def _evidence(company: Mapping[str, tuple[Met, ...]], at: datetime) -> tuple[Evidence, ...]:
    valid: set[Evidence] = set()
    for counted in company.values():
        policies = [item.row.policy for item in counted]
        kinds = shown(policies, at)
        valid.update(
            item
            for policy in policies
            for item in policy.evidence
            if item.kind in kinds and item.valid(at)
        )
    return tuple(sorted(valid, key=lambda item: (item.kind, item.reference, item.sha256)))


def _missing(
    chains: Mapping[str, tuple[str, ...] | None],
    layers: Mapping[str, tuple[Layer, ...]],
    company: Mapping[str, tuple[Met, ...]],
    at: datetime,
) -> tuple[str, ...]:
    missing: set[str] = set()
    for names in chains.values():
        met_below: set[str] = set()
        for name in names or ():  # upward: what a region asks for is shown there or below
            met_below |= shown((item.row.policy for item in company[name]), at)
            wanted = meet_all(layers[name]).value(PRECONDITIONS_ASKED.name) or frozenset()
            assert isinstance(wanted, frozenset)
            missing.update(str(kind) for kind in wanted - met_below)
    return tuple(sorted(missing))


def _lead_until(company: Mapping[str, tuple[Met, ...]], at: datetime) -> datetime | None:
    ends = [counted[0].alone_from for counted in company.values() if counted]
    return max((end for end in ends if end > at), default=None)
