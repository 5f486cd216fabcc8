"""Policy as the other capabilities see it.

Rules:
1. Floors come from files and are taken into the database once, with an entry. A floor that a file
   does not name any more stays in force as it was last taken in: a missing file never loosens.
2. Everything that can be in force is in the database, effective-dated and recorded-dated, so that
   what applied then and what was known then can both be answered.
3. The story of changes is in ``workflow``, that of stops in ``stops``.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from app.audit.entries.model import SYSTEM, Event, Kind
from app.audit.service import AuditService
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.authority import Authority
from app.kernel.canonical import canonical, digest
from app.kernel.clock import timestamp
from app.kernel.errors import NotFound
from app.kernel.scope import Scope
from app.policy import store
from app.policy.changes.stops import Stops
from app.policy.changes.workflow import Workflow
from app.policy.lattice import document
from app.policy.law.layer import Floor
from app.policy.model import Catalogue, Change, InForce, Preview, RegionView, Stop
from app.policy.packs import PolicyTexts
from app.policy.reader import PolicyReader
from app.policy.timeline import chain, met


class PolicyService:
    """What may be captured where, and how that changes."""

    def __init__(
        self,
        log: AuditService,
        authority: Authority,
        floors: Iterable[Floor],
        catalogue: Catalogue,
        allowed_purposes: frozenset[str],
    ) -> None:
        self.catalogue = catalogue
        self._log = log
        self._floors = {floor.region: floor for floor in floors}
        self._parents = {floor.region: floor.parent for floor in self._floors.values()}
        self._reader = PolicyReader()
        self._workflow = Workflow(
            log, authority, self._reader, PolicyTexts(catalogue, allowed_purposes)
        )
        self._stops = Stops(log, authority, self._reader)

    # Adoption

    def adopt(self, tx: Tx, now: datetime) -> None:
        """Take floors and catalogue into the database, once each; anything new gets an entry."""
        store.lock(tx)
        known = {row.floor.region: row.floor for row in self._reader.history(tx).floors}
        for region, floor in sorted(self._floors.items()):
            if region not in known or known[region].digest != floor.digest:
                self._adopt_floor(tx, floor, now)
        if store.last_digest(tx, "catalogue") != self.catalogue.digest:
            self._adopt_catalogue(tx, now)
        removed = {region: floor.parent for region, floor in known.items()}
        self._parents = {**removed, **self._parents}

    def _adopt_floor(self, tx: Tx, floor: Floor, now: datetime) -> None:
        store.add_document(tx, "floor", floor.digest, floor.body, now)
        store.add_floor(tx, floor, now)
        facts = {
            "region": floor.region,
            "parent": floor.parent,
            "policy": floor.digest,
            "valid_from": timestamp(floor.valid_from),
            "valid_to": None if floor.valid_to is None else timestamp(floor.valid_to),
        }
        event = self._log.append(tx, Event(Kind.POLICY_FLOOR_ADOPTED, SYSTEM, facts), now)
        store.add_event(tx, event, "floor", floor.region, floor.digest, now)

    def _adopt_catalogue(self, tx: Tx, now: datetime) -> None:
        name = self.catalogue.digest
        store.add_document(tx, "catalogue", name, self.catalogue.body, now)
        facts = {"policy": name}
        event = self._log.append(tx, Event(Kind.POLICY_CATALOGUE_ADOPTED, SYSTEM, facts), now)
        store.add_event(tx, event, "catalogue", None, name, now)

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
        return self._reader.in_force(tx, regions, at, known_at)

    def throughout(
        self, tx: Tx, regions: tuple[str, ...], start: datetime, end: datetime
    ) -> tuple[tuple[datetime, InForce], ...]:
        """What holds at every instant from start to end: at the start, and after each change."""
        return self._reader.throughout(tx, regions, start, end)

    def document_for(self, in_force: InForce, scope: Scope | None) -> tuple[str, bytes]:
        """The policy document for agents, by digest; not kept."""
        body = canonical(document(in_force.compiled, scope, self.catalogue))
        return digest(body), body

    def publish_document(
        self, tx: Tx, in_force: InForce, scope: Scope | None, now: datetime
    ) -> tuple[str, bytes]:
        """Keep the policy document for agents, so that they can fetch it by its digest.

        No entry of its own: the lease that names the digest is the entry.
        """
        name, body = self.document_for(in_force, scope)
        store.add_document(tx, "agent", name, body, now)
        return name, body

    def document(self, tx: Tx, name: str) -> bytes:
        """Return the bytes of a digest.

        Raises:
            NotFound: there are none.
        """
        found = store.document(tx, name)
        if found is None:
            raise NotFound("there is no policy document with this digest")
        return found

    def documents(self, tx: Tx) -> Iterator[tuple[str, bytes]]:
        """Every document: floors, catalogues, company policies, documents for agents."""
        return store.documents(tx)

    # Changes: see workflow.py

    def check(self, tx: Tx, region: str, text: str | bytes, now: datetime) -> Preview:
        """Say what publishing a text would mean (``Workflow.check``)."""
        return self._workflow.check(tx, region, text, now)

    def propose(
        self, tx: Tx, actor: Person, region: str, text: str | bytes, note: str, now: datetime
    ) -> Change:
        """Put a company policy up for approval (``Workflow.propose``)."""
        return self._workflow.propose(tx, actor, region, text, note, now)

    def approve(
        self,
        tx: Tx,
        actor: Person,
        change_id: str,
        digest: str,
        now: datetime,
        role: str | None = None,
    ) -> Change:
        """Supply one of the required approvals (``Workflow.approve``)."""
        return self._workflow.approve(tx, actor, change_id, digest, now, role)

    def withdraw(self, tx: Tx, actor: Person, change_id: str, now: datetime) -> Change:
        """Take a change back (``Workflow.withdraw``)."""
        return self._workflow.withdraw(tx, actor, change_id, now)

    def tighten(
        self, tx: Tx, actor: Person, region: str, text: str | bytes, note: str, now: datetime
    ) -> Change:
        """Publish at once what only narrows (``Workflow.tighten``)."""
        return self._workflow.tighten(tx, actor, region, text, note, now)

    def change(self, tx: Tx, change_id: str, now: datetime | None = None) -> Change:
        """Return a change (``Workflow.change``)."""
        return self._workflow.change(tx, change_id, now)

    def changes(
        self, tx: Tx, region: str | None = None, now: datetime | None = None
    ) -> tuple[Change, ...]:
        """Return changes, newest first (``Workflow.changes``)."""
        return self._workflow.changes(tx, region, now)

    # Stops: see stops.py

    def stop(self, tx: Tx, actor: Person, region: str, note: str, now: datetime) -> Stop:
        """Turn capture off in a region, at once (``Stops.stop``)."""
        return self._stops.stop(tx, actor, region, note, now)

    def propose_resume(self, tx: Tx, actor: Person, region: str, now: datetime) -> Stop:
        """Propose to resume (``Stops.propose_resume``)."""
        return self._stops.propose_resume(tx, actor, region, now)

    def approve_resume(self, tx: Tx, actor: Person, region: str, now: datetime) -> None:
        """Agree to resume (``Stops.approve_resume``)."""
        self._stops.approve_resume(tx, actor, region, now)

    def stops(self, tx: Tx) -> tuple[Stop, ...]:
        """The stops that hold now."""
        return self._stops.stops(tx)

    # Regions

    def regions(self, tx: Tx, now: datetime) -> tuple[RegionView, ...]:
        """Every region with a floor, by code, GLOBAL first."""
        floors = self._reader.history(tx).floors_at(now)
        ordered = sorted(floors, key=lambda region: (region != "GLOBAL", region))
        return tuple(self._region(tx, floors[region], now) for region in ordered)

    def region_view(self, tx: Tx, region: str, now: datetime) -> RegionView:
        """One region.

        Raises:
            NotFound: it has no floor.
        """
        floor = self._reader.history(tx).floors_at(now).get(region)
        if floor is None:
            raise NotFound(f"there is no floor for the region {region}")
        return self._region(tx, floor, now)

    def _region(self, tx: Tx, floor: Floor, now: datetime) -> RegionView:
        region = floor.region
        published = self._reader.history(tx).company_of(region)
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
            stop=next((stop for stop in self.stops(tx) if stop.region == region), None),
            changes=self._workflow.changes(tx, region, now),
        )
