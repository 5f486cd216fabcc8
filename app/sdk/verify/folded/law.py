"""What was in force, folded from the log: floors, company policies, stops, the catalogue.

A catalogue that loosens the one before is adopted by two people. Under rules 1 whoever started the
service adopted any.

The documents are those that the export carries; an entry names them by digest. What holds at an
instant is computed by ``app.policy.timeline``, as in the service.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from app.access.decision.facts import Stay, policy_facts
from app.access.decision.model import PolicyFacts
from app.audit.entries.model import Kind
from app.capture.agreement import Sources, agreement_of
from app.consent.offers import Offer
from app.kernel.clock import instant, timestamp
from app.kernel.facts import decode
from app.policy.agreement import Agreement
from app.policy.catalogue.loosening import loosenings
from app.policy.catalogue.model import NO_CATALOGUE, Catalogue, CatalogueAdoption
from app.policy.changes.record import (
    CatalogueWaiting,
    ChangeApproval,
    ChangeProposal,
    ChangePublication,
    StopRecord,
)
from app.policy.knobs import KnobRegistry
from app.policy.law.layer import CompanyPolicy, Floor, FloorAdoption, chain
from app.policy.memory import LimitsMemory, PolicyMemory
from app.policy.model import InForce
from app.policy.prospect import outlook_of
from app.policy.timeline import (
    RESUME_PROPOSED,
    RESUMED,
    STOPPED,
    CompanyRow,
    FloorRow,
    History,
    StopRow,
)
from app.sdk.verify.folded.people import Documents, Unknown

T = TypeVar("T")

_MOST_ANSWERS = 4096

_EVERYWHERE = "GLOBAL"

_STEPS = {
    Kind.POLICY_STOPPED: STOPPED,
    Kind.POLICY_RESUME_PROPOSED: RESUME_PROPOSED,
    Kind.POLICY_RESUMED: RESUMED,
}


@dataclass
class _Change:
    """A company policy on its way: who wrote it, and who supplied which approval.

    Attributes:
        sound: no approval of it is named already.
    """

    author: str
    policy: str
    approvals: dict[str, str] = field(default_factory=dict)
    sound: bool = True


@dataclass
class _Waiting:
    """A catalogue of the files on its way, and the two people who agree."""

    named: CatalogueWaiting
    proposer: str | None = None
    approver: str | None = None


_ADOPTED_BY_ANYBODY = 1
"""The last version of the rules under which nobody had to agree to a catalogue."""


class Law:
    """Folds ``policy.*`` but the purposes.

    Attributes:
        position: index of the last entry that changed what can be in force.
    """

    def __init__(
        self,
        documents: Documents,
        registry: KnobRegistry,
        version: Callable[[], int],
        doubted: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Begin with nothing in force.

        Args:
            documents: the bytes of a document by its digest.
            registry: the knobs that there are.
            version: says which rules the present entry follows.
            doubted: whether an alarm is open on a chain of rows.
        """
        self._doubted = doubted
        self._documents = documents
        self._registry = registry
        self._version = version
        self._floors: list[FloorRow] = []
        self._company: list[CompanyRow] = []
        self._stops: list[StopRow] = []
        self._changes: dict[str, _Change] = {}
        self._memory: PolicyMemory | None = None
        self._catalogues: list[tuple[datetime, Catalogue]] = []
        self._waiting: _Waiting | None = None
        self._bounds = LimitsMemory()
        self._asked: dict[tuple[object, tuple[str, ...]], PolicyFacts] = {}
        self.position = -1

    # What holds

    def in_force(self, regions: tuple[str, ...], at: datetime) -> InForce:
        """What holds for somebody with these regions, the home region first."""
        return self._remembered().in_force(regions, at)

    def throughout(
        self, regions: tuple[str, ...], start: datetime, end: datetime
    ) -> tuple[tuple[datetime, InForce], ...]:
        """What holds from start to end: at the start, and after each change."""
        return self._remembered().throughout(regions, start, end)

    def chain(self, region: str, at: datetime) -> tuple[str, ...]:
        """A region and those above it; itself only, where no floor says what is above."""
        parents = {name: floor.parent for name, floor in self._history().floors_at(at).items()}
        return chain(parents, region) or (region,)

    def above(self, region: str) -> tuple[str, ...]:
        """The regions above a region by any floor that was adopted."""
        parents = {row.floor.region: row.floor.parent for row in self._floors}
        return chain(parents, region) or ()

    def in_doubt(self, regions: Iterable[str]) -> bool:
        """Whether an alarm is open on what is recorded of the rules of one of these regions."""
        return any(map(self._doubted, self.chains(regions)))

    def chains(self, regions: Iterable[str]) -> frozenset[str]:
        """The chains of the rules that hold for somebody with these regions."""
        every = {_EVERYWHERE, *regions}
        every |= {name for region in every for name in self.above(region)}
        kinds = ("floor", "policy", "stop")
        named = {f"{kind}:{region}" for kind in kinds for region in every}
        return frozenset({"catalogue", "change:", "document:", *named})

    def policy_facts(
        self, stays: tuple[Stay, ...], signals: tuple[str, ...], *, places: bool
    ) -> PolicyFacts:
        """What an access decision is made by (``access.facts``), once for each span."""
        memory = self._remembered()
        spans = tuple(
            (stay.regions, stay.places, memory.span(stay.start, stay.end)) for stay in stays
        )
        key = (spans, places), signals
        facts = self._asked.get(key)
        if facts is None:
            if len(self._asked) >= _MOST_ANSWERS:
                self._asked.clear()
            facts = policy_facts(stays, self.throughout, signals, places=places)
            self._asked[key] = facts
        return facts

    def for_agents(self, in_force: InForce, agreement: Agreement | None, form: int) -> str:
        """The digest of the policy document that an agent of a form is given.

        Raises:
            Unknown: no catalogue was adopted.
        """
        if not self._catalogues:
            raise Unknown("rests on a catalogue that no entry names before it")
        limits = self._bounds.within(in_force.compiled, self._catalogues[-1][1], agreement)
        return self._bounds.document(limits, form)[0]

    def agreement_to(self, offer: Offer, shown_at: datetime) -> Agreement:
        """What somebody agreed to who agreed to an offer.

        Raises:
            Unknown: it names what is not here.
        """
        if not self._catalogues:
            raise Unknown("rests on a catalogue that no entry names before it")
        adopted = [(at, catalogue.digest) for at, catalogue in self._catalogues]
        return agreement_of(offer, Sources(self._body, lambda: adopted, shown_at), self._registry)

    def _remembered(self) -> PolicyMemory:
        if self._memory is None:
            self._memory = PolicyMemory.of(str(self.position), self._history())
        return self._memory

    def _history(self) -> History:
        return History(
            tuple(self._floors),
            tuple(self._company),
            tuple(self._stops),
            self.position,
            self._catalogues[-1][1] if self._catalogues else NO_CATALOGUE,
        )

    # Folding

    def see(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take an entry; yield where it does not follow from those before it.

        Raises:
            Unknown: it rests on what is not here.
        """
        facts, kind = leaf["facts"], Kind(leaf["kind"])
        at, actor = instant(leaf["occurred_at"]), leaf["actor"]["id"]
        match kind:
            case Kind.POLICY_FLOOR_ADOPTED:
                self._changed(position)
                adoption = decode(FloorAdoption, facts)
                floor = self._read(adoption.policy, partial(Floor.read, registry=self._registry))
                self._floors.append(FloorRow(position, floor, at))
                if adoption != floor.adoption:
                    yield "does not say what the floor's document says"
            case Kind.POLICY_CATALOGUE_ADOPTED:
                yield from self._adopted(position, decode(CatalogueAdoption, facts), at)
            case Kind.POLICY_CATALOGUE_SHIPPED:
                yield from self._shipped(decode(CatalogueWaiting, facts))
            case (
                Kind.POLICY_CATALOGUE_PROPOSED
                | Kind.POLICY_CATALOGUE_DECLINED
                | Kind.POLICY_CATALOGUE_APPROVED
            ):
                yield from self._considered(kind, decode(CatalogueWaiting, facts), leaf["actor"])
            case Kind.POLICY_PROPOSED:
                yield from self._proposed(decode(ChangeProposal, facts), actor)
            case Kind.POLICY_APPROVED:
                yield from self._approved(decode(ChangeApproval, facts), actor)
            case Kind.POLICY_PUBLISHED:
                yield from self._published(position, decode(ChangePublication, facts), actor, at)
            case Kind.POLICY_STOPPED | Kind.POLICY_RESUME_PROPOSED | Kind.POLICY_RESUMED:
                stop = decode(StopRecord, facts)
                yield from self._stopped(position, stop, _STEPS[kind], actor, at)
            case _:
                pass

    def _changed(self, position: int) -> None:
        self.position = position
        self._memory = None
        self._asked.clear()

    def _read(self, name: str, read: Callable[[bytes], T]) -> T:
        return read(self._body(name))

    def _body(self, name: str) -> bytes:
        body = self._documents(name)
        if body is None:
            raise Unknown(f"names the document {name}, which is not here to be decided by")
        return body

    def _adopted(self, position: int, adoption: CatalogueAdoption, at: datetime) -> Iterator[str]:
        self._changed(position)
        catalogue = self._read(adoption.policy, Catalogue.read)
        adopted, waiting = [known for _, known in self._catalogues], self._waiting
        self._catalogues.append((at, catalogue))
        self._waiting = None
        agreed = (
            waiting is not None
            and waiting.named.policy == adoption.policy
            and waiting.approver is not None
        )
        if not adopted or agreed or self._version() == _ADOPTED_BY_ANYBODY:
            return
        known = self._history().apps_listed.union(*(before.apps for before in adopted))
        loosened = loosenings(adopted[-1], catalogue, known)
        if loosened:
            names = ", ".join(dict.fromkeys(one.id for one in loosened))
            yield f"adopts a catalogue that loosens {names} without two people"

    def _shipped(self, named: CatalogueWaiting) -> Iterator[str]:
        in_force = self._catalogues[-1][1].digest if self._catalogues else "none"
        if named.base != in_force:
            yield f"says that the catalogue {named.base} is in force; by the log it is {in_force}"
        self._waiting = _Waiting(named)

    def _considered(
        self, kind: Kind, named: CatalogueWaiting, actor: Mapping[str, Any]
    ) -> Iterator[str]:
        """Take what a person did about the catalogue that waits."""
        waiting, person = self._waiting, actor["id"]
        if waiting is None or waiting.named != named:
            yield f"is about the catalogue {named.policy}, which does not wait"
        elif actor["kind"] != "person":
            yield f"counts {person} among the people who agree"
        elif kind is Kind.POLICY_CATALOGUE_DECLINED:
            waiting.proposer = waiting.approver = None
        elif kind is Kind.POLICY_CATALOGUE_PROPOSED:
            waiting.proposer, waiting.approver = person, None
        elif waiting.proposer is None:
            yield "approves a catalogue that nobody proposed"
        elif waiting.proposer == person:
            yield f"counts {person} twice among the people who agree"
        else:
            waiting.approver = person

    def _proposed(self, proposal: ChangeProposal, actor: str) -> Iterator[str]:
        if proposal.change in self._changes:
            yield f"proposes the change {proposal.change} once more"
        self._changes[proposal.change] = _Change(actor, proposal.policy)

    def _approved(self, approval: ChangeApproval, actor: str) -> Iterator[str]:
        change = self._changes.get(approval.change)
        if change is None or change.policy != approval.policy:
            yield "approves what nobody proposed"
        elif actor == change.author or actor in change.approvals.values():
            change.sound = False
            yield f"counts {actor} twice among the people who agree"
        else:
            change.approvals[approval.role] = actor

    def _published(
        self, position: int, published: ChangePublication, actor: str, at: datetime
    ) -> Iterator[str]:
        read = partial(CompanyPolicy.read, registry=self._registry)
        policy, region = self._read(published.policy, read), published.region
        change = self._changes.get(published.change)
        if policy.region != region:
            yield f"publishes for {region} what was written for {policy.region}"
        if change is None or change.policy != published.policy:
            yield "publishes what nobody proposed"
            change = _Change("", "")
        elif change.sound and actor not in {change.author, *change.approvals.values()}:
            yield f"publishes for {actor}, who neither wrote nor approved it"
        history = self._history()
        parents = {name: floor.parent for name, floor in history.floors_at(at).items()}
        names = chain(parents, region)
        if names is None:
            yield f"publishes for {region}, which has no floor"
        else:
            outlook = outlook_of(history, names, at)
            way, starts = outlook.publication(policy, at)
            agrees = (published.direction, published.valid_from) == (way, starts)
            if not agrees and not self.in_doubt(names):
                yield (
                    f"says that it {published.direction} from {timestamp(published.valid_from)}; "
                    f"by the log it {way} from {timestamp(starts)}"
                )
            missing = [
                approval
                for approval in outlook.approvals(policy)
                if approval not in change.approvals
            ]
            if missing and way == "widens":
                yield f"publishes without the approval of {', '.join(missing)}"
        self._changed(position)
        row = CompanyRow(
            id=position,
            region=region,
            policy=policy,
            change_id=published.change,
            direction=published.direction,
            valid_from=published.valid_from,
            recorded_at=at,
        )
        self._company.append(row)

    def _stopped(
        self, position: int, stop: StopRecord, step: str, actor: str, at: datetime
    ) -> Iterator[str]:
        region = stop.region
        last = next((row for row in reversed(self._stops) if row.region == region), None)
        if step == RESUMED and (
            last is None or last.step != RESUME_PROPOSED or last.actor == actor
        ):
            yield f"resumes {region} without two people"
        self._changed(position)
        self._stops.append(StopRow(position, stop.stop, 0, region, step, actor, note="", at=at))


LAW_KINDS = frozenset(
    {
        Kind.POLICY_FLOOR_ADOPTED,
        Kind.POLICY_CATALOGUE_ADOPTED,
        Kind.POLICY_CATALOGUE_SHIPPED,
        Kind.POLICY_CATALOGUE_PROPOSED,
        Kind.POLICY_CATALOGUE_DECLINED,
        Kind.POLICY_CATALOGUE_APPROVED,
        Kind.POLICY_PROPOSED,
        Kind.POLICY_APPROVED,
        Kind.POLICY_PUBLISHED,
        *_STEPS,
    }
)
