"""Policy as the other capabilities see it.

Rules:
1. Floors come from files and are taken into the database once, with an entry. A floor that a file
   does not name any more stays in force as it was last taken in: a missing file never loosens.
2. Everything that can be in force is in the database, effective-dated and recorded-dated, so that
   what applied then and what was known then can both be answered.
3. The story of changes is in ``workflow``, that of stops in ``stops``, that of the catalogue in
   ``catalogues``. What describes apps and exclusions is the catalogue in force, never the files.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.kernel.authority import Authority
from app.kernel.errors import NotFound
from app.kernel.facts import encode
from app.kernel.forms import COUNTERPARTY_KIND, FIRST_FORM
from app.policy import store
from app.policy.agreement import Agreement, Limits
from app.policy.catalogue.model import NO_CATALOGUE, App, Catalogue, Exclusion
from app.policy.changes.catalogues import Catalogues
from app.policy.changes.model import RegionView
from app.policy.changes.stops import Stops
from app.policy.changes.workflow import Workflow
from app.policy.counterparties import Counterparties
from app.policy.knobs import OWN_EXCLUSIONS, REGISTRY, KnobRegistry
from app.policy.law.layer import Floor, chain
from app.policy.memory import LimitsMemory, PolicyMemory
from app.policy.model import InForce
from app.policy.own_exclusions import OwnExclusion, as_exclusions
from app.policy.reader import PolicyReader
from app.policy.timeline import CompanyRow, met

_MOST_KEPT = 512


@dataclass(frozen=True, kw_only=True)
class PolicyService:
    """What may be captured where.

    Attributes:
        log: takes the entries.
        reader: answers what is in force; one for all parts, because it remembers.
        bounds: what binds the recorders of people, and the documents that agents fetch.
        workflow: how a company policy changes.
        stops: how capture is turned off and on again.
        catalogues: how the catalogue of the files comes into force.
        floors: those of the files.
        shipped: apps and exclusions, as the files have them.
    """

    log: AuditService
    reader: PolicyReader
    bounds: LimitsMemory
    workflow: Workflow
    stops: Stops
    catalogues: Catalogues
    floors: tuple[Floor, ...]
    shipped: Catalogue
    _parents: dict[str, str | None] = field(init=False, repr=False, default_factory=dict)
    """Of every region that has a floor, or had one before its file went away (rule 1)."""
    _kept: set[str] = field(init=False, repr=False, default_factory=set)
    """Digests of documents of counterparties that were seen in the database, which keeps them."""

    def __post_init__(self) -> None:
        self._parents.update((floor.region, floor.parent) for floor in self.floors)

    @classmethod
    def join(
        cls,
        *,
        log: AuditService,
        authority: Authority,
        floors: Iterable[Floor],
        catalogue: Catalogue,
        allowed_purposes: frozenset[str],
        registry: KnobRegistry = REGISTRY,
    ) -> "PolicyService":
        """Make the service and its parts over one reader."""
        reader = PolicyReader(registry)
        return cls(
            log=log,
            reader=reader,
            bounds=LimitsMemory(),
            workflow=Workflow(
                log=log, authority=authority, reader=reader, purposes=allowed_purposes
            ),
            stops=Stops(log=log, authority=authority, reader=reader),
            catalogues=Catalogues(log=log, authority=authority, reader=reader),
            floors=tuple(floors),
            shipped=catalogue,
        )

    @property
    def registry(self) -> KnobRegistry:
        """The knobs, signals, reasons and forms that there are."""
        return self.reader.registry

    # Adoption

    def adopt(self, tx: Tx, now: datetime) -> None:
        """Take in the floors, once each, and the catalogue as far as nobody must agree to it."""
        store.lock(tx)
        known = {row.floor.region: row.floor for row in self.reader.history(tx).floors}
        for floor in sorted(self.floors, key=lambda floor: floor.region):
            if floor.region not in known or known[floor.region].digest != floor.digest:
                self._adopt_floor(tx, floor, now)
        self.catalogues.take_in(tx, self.shipped, now)
        for region, floor in known.items():
            self._parents.setdefault(region, floor.parent)

    def _adopt_floor(self, tx: Tx, floor: Floor, now: datetime) -> None:
        store.add_document(tx, "floor", floor.digest, floor.body, now)
        facts = encode(floor.adoption)
        event = self.log.append(tx, Event(Kind.POLICY_FLOOR_ADOPTED, SYSTEM, facts), now)
        store.add_floor(tx, floor, event, now)
        store.add_event(tx, event, "floor", floor.region, floor.digest, now)

    # What holds

    def hold(self, tx: Tx) -> None:
        """Let nothing change what is in force until this transaction ends.

        For writing transactions that decide by policy: a lease, a permit. A stop that asks at the
        same moment waits for the decision; a decision that asks while a stop is being written waits
        for the stop and sees it. So no decision is committed after a stop it did not know. Any
        number of decisions hold policy at the same time.

        Order, or two transactions wait for each other: first lock the people
        (``DirectoryService.lock``), then hold policy, then read it with ``in_force``. Whoever
        changes policy locks no people, and whoever holds it does not change it.

        On PostgreSQL this counts in transactions of ``Database.write()`` only: those of ``read()``
        keep the snapshot of their first statement. On SQLite a writing transaction is alone anyway.
        """
        store.hold(tx)

    def chain(self, region: str) -> tuple[str, ...] | None:
        """The region and those above it, nearest first; None if one of them has no floor."""
        return chain(self._parents, region)

    def in_force(
        self, tx: Tx, regions: tuple[str, ...], at: datetime, known_at: datetime | None = None
    ) -> InForce:
        """What holds at an instant for somebody with these regions, the home region first.

        Args:
            tx: the transaction.
            regions: home, place of work, establishment, counterparty; as ``Person.regions``.
            at: the instant that is asked about.
            known_at: count only what was recorded by then; None for everything.
        """
        return self.reader.in_force(tx, regions, at, known_at)

    def memory(self, tx: Tx) -> PolicyMemory:
        """What holds, for whoever asks several questions about one person (``PolicyMemory``)."""
        return self.reader.memory(tx)

    def throughout(
        self, tx: Tx, regions: tuple[str, ...], start: datetime, end: datetime
    ) -> tuple[tuple[datetime, InForce], ...]:
        """What holds at every instant from start to end: at the start, and after each change."""
        return self.reader.throughout(tx, regions, start, end)

    def changed_at(self, tx: Tx, in_force: InForce) -> tuple[datetime | None, bool]:
        """When anything was last recorded that bears on what is in force, and whether rows say so.

        None: nothing ever was. False: a row of it does not agree with the log.

        What comes into force by itself on its day is not a change: leases end before it.
        """
        regions = {layer.region for layer in in_force.layers}
        return store.changed_at(tx, {*regions, *in_force.unknown, "GLOBAL"})

    def within(self, in_force: InForce, agreement: Agreement | None) -> Limits:
        """What binds the recorder of somebody who agreed; None: nobody in particular is meant."""
        return self.bounds.within(in_force.compiled, in_force.catalogue, agreement)

    def document_for(self, limits: Limits, form: int = FIRST_FORM) -> tuple[str, bytes]:
        """The policy document for agents of a form, by digest; not kept."""
        return self.bounds.document(limits, form)

    def publish_document(
        self, tx: Tx, limits: Limits, now: datetime, form: int = FIRST_FORM
    ) -> tuple[str, bytes]:
        """Keep the policy document for agents, so that they can fetch it by its digest.

        No entry of its own: the lease that names the digest is the entry.
        """
        name, body = self.document_for(limits, form)
        store.add_document(tx, "agent", name, body, now)
        return name, body

    def counterparties(self, tx: Tx, at: datetime) -> Counterparties:
        """What may be kept at an instant where another person's words are in view."""
        return self.memory(tx).counterparties(at)

    def counterparties_kept(self, tx: Tx, name: str) -> bool:
        """Whether agents can fetch a document of counterparties: it was committed.

        Args:
            tx: a reading transaction; a writing one may still be undone, and what it says is
                remembered.
            name: the digest.
        """
        if name not in self._kept and store.is_kept(tx, name, COUNTERPARTY_KIND):
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept.add(name)
        return name in self._kept

    def publish_counterparties(self, tx: Tx, now: datetime, form: int) -> None:
        """Keep the document of counterparties, so that agents can fetch it by its digest.

        No entry of its own: it follows from floors, company policies and stops, which are entries.
        """
        name, body = self.memory(tx).counterparty_document(now, form)
        store.add_document(tx, COUNTERPARTY_KIND, name, body, now)

    def counterparty_document(self, tx: Tx, name: str) -> bytes:
        """Return the bytes of a document of counterparties.

        Raises:
            NotFound: no such document has the digest.
        """
        if not store.is_kept(tx, name, COUNTERPARTY_KIND):
            raise NotFound(
                "there is no document of counterparties with this digest",
                cure="Fetch the one that your newest lease names.",
            )
        return self.document(tx, name)

    def document(self, tx: Tx, name: str) -> bytes:
        """Return the bytes of a digest.

        Raises:
            NotFound: there are none.
        """
        body = store.document(tx, name)
        if body is None:
            raise NotFound("there is no policy document with this digest")
        return body

    def catalogue(self, tx: Tx) -> Catalogue:
        """The apps and exclusions in force."""
        return self.reader.catalogue(tx)

    def adopted_catalogues(self, tx: Tx) -> tuple[tuple[datetime, str], ...]:
        """When each catalogue was adopted, and its digest, in the order of adoption."""
        return store.adopted_catalogues(tx)

    def exclusion_names(self, tx: Tx, ids: Collection[str]) -> dict[str, str]:
        """The name of each of these exclusions, as what was published last with it has it.

        Those of the company's own are in company policies, of whatever region. An exclusion that
        was never in force is left out.
        """
        names = _own_names(self.reader.history(tx).company)
        names = {name: names[name] for name in names.keys() & set(ids)}
        return names | self._ever(tx, set(ids).difference(names), lambda known: known.exclusions)

    def app_names(self, tx: Tx, ids: Collection[str]) -> dict[str, str]:
        """The name of each of these apps, as the last catalogue with it has it.

        An app that was in no catalogue is left out.
        """
        return self._ever(tx, ids, lambda known: known.apps)

    def _ever(
        self,
        tx: Tx,
        ids: Collection[str],
        part: Callable[[Catalogue], Mapping[str, App | Exclusion]],
    ) -> dict[str, str]:
        """The names of what a catalogue had, the newest first."""
        known = part(self.catalogue(tx))
        names = {name: known[name].name for name in known.keys() & set(ids)}
        for _, digest in reversed(self.adopted_catalogues(tx)):
            missing = set(ids).difference(names)
            if not missing:
                break
            body = store.document(tx, digest)
            known = part(NO_CATALOGUE if body is None else Catalogue.read(body))
            names |= {name: known[name].name for name in missing & known.keys()}
        return names

    def documents(self, tx: Tx) -> Iterator[tuple[str, bytes]]:
        """Every document: floors, catalogues, company policies, documents for agents."""
        return store.documents(tx)

    # Regions

    def regions(self, tx: Tx, now: datetime) -> tuple[RegionView, ...]:
        """Every region with a floor, by code, GLOBAL first."""
        floors = self.reader.history(tx).floors_at(now)
        ordered = sorted(floors, key=lambda region: (region != "GLOBAL", region))
        return tuple(self._region(tx, floors[region], now) for region in ordered)

    def floors_at(self, tx: Tx, at: datetime) -> frozenset[str]:
        """The regions that have a floor at an instant; what is a place depends on them."""
        return frozenset(self.reader.history(tx).floors_at(at))

    def region_view(self, tx: Tx, region: str, now: datetime) -> RegionView:
        """One region.

        Raises:
            NotFound: it has no floor.
        """
        floor = self.reader.history(tx).floors_at(now).get(region)
        if floor is None:
            raise NotFound(f"there is no floor for the region {region}")
        return self._region(tx, floor, now)

    def _region(self, tx: Tx, floor: Floor, now: datetime) -> RegionView:
        region = floor.region
        published = self.reader.history(tx).company_of(region)
        counted = met(published, now, timedelta(0))
        scheduled = counted[-1].alone_from if counted and counted[-1].alone_from > now else None
        if published and published[-1].starts > now:
            scheduled = published[-1].valid_from
        return RegionView(
            region=region,
            chain=self.chain(region) or (region,),
            floor=floor,
            in_force=self.in_force(tx, (region,), now),
            policy=published[-1].policy if published else None,
            scheduled=scheduled,
            stop=next((stop for stop in self.stops.holding(tx) if stop.region == region), None),
            changes=self.workflow.changes(tx, region, now),
        )


def _own_names(published: Iterable[CompanyRow]) -> dict[str, str]:
    """The names of all exclusions of the company's own, oldest policies first."""
    claims = (row.policy.layer.knobs.get(OWN_EXCLUSIONS.name) for row in published)
    values = (cast("frozenset[OwnExclusion]", claim.value) for claim in claims if claim is not None)
    return {item.id: item.name for own in values for item in as_exclusions(own)}
