"""Rows of policy as far as they can be believed (SQL only).

Rules:
1. Rows about one thing are a chain: ``floor:R``, ``policy:R``, ``stop:R``, each with their numbers
   in ``policy_event``; ``change:ID`` is a change with its steps; ``catalogue`` are the catalogues
   that were adopted. A published policy stands only if its change does.
2. A region of which a chain does not stand is disputed: nothing is captured there. So what its rows
   say can be left out; what stays narrows (``company``, ``stops``).
3. Whoever may write rows may write anything: what cannot be read is left out and never an error.
   That it is there is seen all the same, because its seal does not fit.
4. A stop holds without a seal, a resume does not; and a region whose stops do not stand counts as
   stopped.
5. Of the catalogue the last good row counts if no adoption that the log knows is missing. If one
   is, nothing is recognised anywhere.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row, select

from app.db import seals
from app.db.engine import Tx
from app.db.readable import readable
from app.db.ring import Dispute, Flaw
from app.db.seals import SealedTable
from app.kernel.shapes import EVENT_ID, REGION, fits
from app.policy.catalogue.model import NO_CATALOGUE, Catalogue
from app.policy.kept import documents_of, read_or_note
from app.policy.knobs import REGISTRY, KnobRegistry
from app.policy.law.layer import CompanyPolicy, Floor
from app.policy.tables import (
    CHANGE,
    COMPANY,
    EVENT,
    FLOOR,
    STEP,
    STOP,
    change_table,
    company_table,
    document_table,
    event_table,
    floor_table,
    step_table,
    stop_table,
)
from app.policy.timeline import STOPPED, CompanyRow, FloorRow, History, StopRow

T = TypeVar("T")
Rows = Sequence[Row[Any]]

CATALOGUE_CHAIN = "catalogue"
WAITING_CHAIN = "catalogue:waiting"
"""The steps of catalogues on their way."""
_ABOUT = {"floor": "floor", "published": "policy", "stopped": "stop", "resumed": "stop"}
"""Of which chain a number in ``policy_event`` is, by its kind; a catalogue's is of its own."""
_OF_REGIONS = ("floor", "policy", "stop")
KINDS = ("catalogue", "change", *_OF_REGIONS)
"""The kinds of chains that bear on what is in force."""


@dataclass(frozen=True)
class Chains:
    """The rows of policy by chain, and which chains do not stand.

    Attributes:
        counts: how many rows there are of each.
        bad: those that do not stand.
        alarmed: those with an open alarm.
        broken: the log could not be believed.
    """

    counts: Mapping[str, int]
    bad: frozenset[str]
    alarmed: frozenset[str]
    broken: bool

    def still(self, tx: Tx) -> bool:
        """Whether the log and the alarms say nothing about them that they did not say before."""
        ring = tx.seals
        if self.alarmed != _alarmed(tx) or self.broken != (ring.broken is not None):
            return False
        return not any(
            ring.behind(chain, self.counts.get(chain, 0), tx.folded)
            for chain in known_chains(tx, "catalogue", *_OF_REGIONS).union(self.counts)
            if chain == CATALOGUE_CHAIN or chain not in self.bad | {WAITING_CHAIN}
        )

    def regions(self, *kinds: str) -> frozenset[str]:
        """The regions of which a chain of these kinds does not stand."""
        split = (chain.partition(":") for chain in self.bad)
        return frozenset(region for kind, _, region in split if kind in kinds)


@dataclass
class _Judge:
    """Takes in rows by chain, then says which chains stand."""

    tx: Tx
    parts: dict[str, list[tuple[SealedTable, Rows]]] = field(default_factory=dict)

    def take(self, sealed: SealedTable, rows: Rows, chain_of: Callable[[Row[Any]], str]) -> None:
        """Take the rows of one table; their seals are read at once and not chain by chain."""
        seals.first_bad(self.tx, sealed, rows)
        by_chain: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in rows:
            by_chain[chain_of(row)].append(row)
        for chain, of_chain in by_chain.items():
            self.parts.setdefault(chain, []).append((sealed, of_chain))

    def chains(self, known: Iterable[str]) -> Chains:
        """Judge each chain of which there are rows, and those that the log or an alarm knows."""
        counts = {chain: sum(len(rows) for _, rows in parts) for chain, parts in self.parts.items()}
        every = {**counts, **{chain: 0 for chain in known if chain not in counts}}
        bad = frozenset(chain for chain in every if not self._stands(chain))
        return Chains(every, bad, _alarmed(self.tx), self.tx.seals.broken is not None)

    def _stands(self, chain: str) -> bool:
        parts = self.parts.get(chain, [(EVENT, ())])
        position = sum(len(rows) for _, rows in parts)
        judged = [seals.stands(self.tx, chain, sealed, rows, position) for sealed, rows in parts]
        return all(judged)


def chain_of_region(kind: str, region: object) -> str:
    """The chain of a region's rows; of a region that is none, a chain that no entry knows.

    >>> chain_of_region("stop", "DE"), chain_of_region("stop", "nowhere at all")
    ('stop:DE', 'stop')
    """
    return f"{kind}:{region}" if fits(REGION, region) else kind


def chain_of_change(change_id: object) -> str:
    """The chain of a change and its steps."""
    return f"change:{change_id}" if fits(EVENT_ID, change_id) else "change"


def chain_of_event(row: Row[Any]) -> str:
    """The chain of a number in ``policy_event``."""
    if row.kind == "catalogue":
        return CATALOGUE_CHAIN
    return chain_of_region(_ABOUT.get(row.kind, "policy"), row.region)


def history(
    tx: Tx, seq: int, registry: KnobRegistry = REGISTRY, at: datetime | None = None
) -> History:
    """Read every row that bears on what is in force.

    Args:
        tx: the transaction.
        seq: number of the last policy event.
        registry: the knobs that there are.
        at: which catalogue; the rows are all there, as ``History.known`` wants them.
    """
    return judged(tx, seq, registry, at)[0]


def judged(
    tx: Tx, seq: int, registry: KnobRegistry = REGISTRY, at: datetime | None = None
) -> tuple[History, Chains]:
    """The same, with the chains that it rests on."""
    read = _EveryRow.of(tx)
    chains = read.chains(tx)
    holds, numbered = catalogue_in_force(tx, read.events, at), read.good_events(tx)
    texts = _Texts(tx, documents_of(tx, {row.digest for row in (*read.floors, *read.company)}))
    floors, company = _floors(read, texts, registry), _company(read, texts, registry, chains)
    disputed = chains.regions("floor", "policy", "stop") | read.of_changes(chains) | texts.lost
    if holds is None:
        disputed |= {"GLOBAL"}
    return History(
        floors=floors,
        company=company,
        stops=believed_stops(tx, read.stops, chains.bad),
        seq=seq if seq in numbered else max(numbered, default=0),
        catalogue=holds or NO_CATALOGUE,
        disputed=frozenset(disputed),
        held=chains.regions("stop"),
    ), chains


@dataclass(frozen=True)
class _EveryRow:
    """Every row, as it is."""

    events: Rows
    floors: Rows
    company: Rows
    stops: Rows
    changes: Rows
    steps: Rows

    @classmethod
    def of(cls, tx: Tx) -> "_EveryRow":
        published = select(company_table.c.change_id)
        return cls(
            events=tx.execute(select(event_table).order_by(event_table.c.id)).all(),
            floors=tx.execute(select(floor_table).order_by(floor_table.c.id)).all(),
            company=tx.execute(select(company_table).order_by(company_table.c.id)).all(),
            stops=tx.execute(select(stop_table).order_by(stop_table.c.id)).all(),
            changes=tx.execute(select(change_table).where(change_table.c.id.in_(published))).all(),
            steps=tx.execute(select(step_table).where(step_table.c.change_id.in_(published))).all(),
        )

    def chains(self, tx: Tx) -> Chains:
        judge = _Judge(tx)
        judge.take(EVENT, self.events, chain_of_event)
        judge.take(FLOOR, self.floors, lambda row: chain_of_region("floor", row.region))
        judge.take(COMPANY, self.company, lambda row: chain_of_region("policy", row.region))
        judge.take(STOP, self.stops, lambda row: chain_of_region("stop", row.region))
        judge.take(CHANGE, self.changes, lambda row: chain_of_change(row.id))
        judge.take(STEP, self.steps, lambda row: chain_of_change(row.change_id))
        chains = judge.chains(known_chains(tx, *_OF_REGIONS))
        adopted = [row for row in self.events if row.kind == "catalogue"]
        sound = len(seals.fitting(tx, EVENT, adopted))
        return replace(chains, counts={**chains.counts, CATALOGUE_CHAIN: sound})

    def good_events(self, tx: Tx) -> frozenset[int]:
        """The numbers of events whose seal fits."""
        return frozenset(row.id for row in seals.fitting(tx, EVENT, self.events))

    def of_changes(self, chains: Chains) -> frozenset[str]:
        """The regions of published policies whose change does not stand or is not there."""
        return frozenset(
            row.region
            for row in self.company
            if fits(REGION, row.region)
            and (
                chain_of_change(row.change_id) in chains.bad
                or chain_of_change(row.change_id) not in chains.counts
            )
        )


def _alarmed(tx: Tx) -> frozenset[str]:
    """The chains of policy with an open alarm."""
    return frozenset(chain for chain in tx.seals.alarmed if chain.partition(":")[0] in KINDS)


def known_chains(tx: Tx, *kinds: str) -> frozenset[str]:
    """The chains of these kinds that the log recorded rows of, or that have an open alarm."""
    names = (*tuple(tx.seals.positions), *tx.seals.alarmed)
    return frozenset(name for name in names if name.partition(":")[0] in kinds)


def catalogue_rows(tx: Tx, events: Rows | None = None) -> tuple[Row[Any], ...] | None:
    """The adoptions of catalogues, oldest first; None if one that the log knows is missing.

    Notes the dispute where the chain does not stand.
    """
    if events is None:
        events = tx.execute(
            select(event_table).where(event_table.c.kind == "catalogue").order_by(event_table.c.id)
        ).all()
    rows = [row for row in events if row.kind == "catalogue"]
    sound = seals.fitting(tx, EVENT, rows)
    seals.stands(tx, CATALOGUE_CHAIN, EVENT, rows, len(rows))
    missing = tx.seals.behind(CATALOGUE_CHAIN, len(sound), tx.folded)
    return None if missing or (rows and not sound) else tuple(sound)


def catalogue_in_force(
    tx: Tx, events: Rows | None = None, at: datetime | None = None
) -> Catalogue | None:
    """The catalogue that was adopted last, or last by an instant (rule 5).

    Returns:
        An empty one before any was adopted; None if it cannot be told.
    """
    rows = catalogue_rows(tx, events)
    if rows is None:
        return None
    by_then = [row for row in rows if at is None or row.at <= at]
    if not by_then:
        return NO_CATALOGUE
    name = by_then[-1].digest
    body = documents_of(tx, {name}).get(name)
    if body is None:
        seals.note(tx, Dispute(CATALOGUE_CHAIN, Flaw.SHAPE, document_table.name))
        return None
    return read_or_note(tx, CATALOGUE_CHAIN, Catalogue.read, body)


@dataclass
class _Texts:
    """Reads the documents that rows name.

    Attributes:
        lost: the regions of rows whose document is not there or cannot be read.
    """

    tx: Tx
    bodies: Mapping[str, bytes]
    lost: set[str] = field(default_factory=set)

    def read(self, kind: str, row: Row[Any], reading: Callable[[bytes], T]) -> T | None:
        chain, body = chain_of_region(kind, row.region), self.bodies.get(row.digest)
        if body is None:
            seals.note(self.tx, Dispute(chain, Flaw.SHAPE, document_table.name))
        text = None if body is None else read_or_note(self.tx, chain, reading, body)
        if text is None and fits(REGION, row.region):
            self.lost.add(row.region)
        return text


def _floors(read: _EveryRow, texts: _Texts, registry: KnobRegistry) -> tuple[FloorRow, ...]:
    floors = []
    for row in seals.fitting(texts.tx, FLOOR, read.floors):
        floor = texts.read("floor", row, lambda body: Floor.read(body, registry))
        if floor is not None:
            floors.append(FloorRow(row.id, floor, row.recorded_at))
    return tuple(floors)


def _company(
    read: _EveryRow, texts: _Texts, registry: KnobRegistry, chains: Chains
) -> tuple[CompanyRow, ...]:
    """Published policies; one without a seal goes on narrowing as its change was approved."""
    sealed = {row.id for row in seals.fitting(texts.tx, COMPANY, read.company)}
    approved = {
        (row.id, row.region, row.digest)
        for row in read.changes
        if chain_of_change(row.id) not in chains.bad
    }
    rows = []
    for row in read.company:
        told = (row.change_id, row.region, row.digest) in approved and readable(company_table, row)
        if not told and row.id not in sealed:
            continue
        policy = texts.read("policy", row, lambda body: CompanyPolicy.read(body, registry))
        if policy is not None:
            rows.append(_company_row(row, policy))
    return tuple(rows)


def _company_row(row: Row[Any], policy: CompanyPolicy) -> CompanyRow:
    return CompanyRow(
        id=row.id,
        region=row.region,
        policy=policy,
        change_id=row.change_id,
        direction=row.direction,
        valid_from=row.valid_from,
        recorded_at=row.recorded_at,
    )


def believed_stops(tx: Tx, rows: Rows, bad: frozenset[str]) -> tuple[StopRow, ...]:
    """The steps about stops that count, in order (rule 4)."""
    counted, sealed = [], {row.id for row in seals.fitting(tx, STOP, rows)}
    for row in rows:
        if not readable(stop_table, row):
            continue
        stands = chain_of_region("stop", row.region) not in bad
        if stands or row.step == STOPPED or row.id in sealed:
            counted.append(
                StopRow(
                    row.id, row.stop, row.seq, row.region, row.step, row.actor, row.note, row.at
                )
            )
    return tuple(counted)


@dataclass(frozen=True)
class StopSteps:
    """The steps about stops that count, in order, and the regions whose stops do not stand."""

    steps: tuple[StopRow, ...]
    disputed: frozenset[str]


def stops(tx: Tx) -> StopSteps:
    """Read what was done about stops (rule 4)."""
    rows = tx.execute(select(stop_table).order_by(stop_table.c.id)).all()
    numbered = event_table.c.kind.in_([kind for kind, of in _ABOUT.items() if of == "stop"])
    judge = _Judge(tx)
    judge.take(EVENT, tx.execute(select(event_table).where(numbered)).all(), chain_of_event)
    judge.take(STOP, rows, lambda row: chain_of_region("stop", row.region))
    chains = judge.chains(known_chains(tx, "stop"))
    return StopSteps(believed_stops(tx, rows, chains.bad), chains.regions("stop"))
