"""How the catalogue of the files comes into force.

Rules:
1. The first catalogue of a database is adopted as it is. So is a later one that loosens nothing.
2. One that loosens waits. What it narrows holds at once: in force is the meet of the one before
   and of this one, and nothing that nobody agreed to is recognised.
3. Two people bring it into force: one proposes, another approves, both of legal of GLOBAL. Whoever
   declines makes the proposal void.
4. A proposal and an approval bind what was shown: the digest of the catalogue and of the one in
   force. Other files, or another catalogue in force, make them void.
5. What waits is what the service that was started last found in its files.
6. Where it cannot be told which catalogue is in force, no other comes into force (``policy.rows``);
   a proposal counts only if every row about what waits can be believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory.model import Person
from app.kernel.authority import Authority
from app.kernel.errors import Conflict, Forbidden
from app.kernel.facts import encode
from app.policy import rows, store
from app.policy.catalogue.loosening import loosenings
from app.policy.catalogue.meeting import meeting
from app.policy.catalogue.model import (
    APPROVED,
    DECLINED,
    ITS_REGION,
    PROPOSED,
    SHIPPED,
    Catalogue,
    CatalogueAdoption,
    CatalogueStep,
)
from app.policy.changes.model import CatalogueProposal, WaitingCatalogue
from app.policy.changes.record import CatalogueWaiting
from app.policy.kept import read_or_note
from app.policy.notes import require_note
from app.policy.reader import PolicyReader

PERMISSIONS: Mapping[str, str] = {PROPOSED: "propose", DECLINED: "decline", APPROVED: "approve"}
KINDS: Mapping[str, Kind] = {
    SHIPPED: Kind.POLICY_CATALOGUE_SHIPPED,
    PROPOSED: Kind.POLICY_CATALOGUE_PROPOSED,
    DECLINED: Kind.POLICY_CATALOGUE_DECLINED,
    APPROVED: Kind.POLICY_CATALOGUE_APPROVED,
}


@dataclass(frozen=True, kw_only=True)
class Catalogues:
    """Takes in the catalogue of the files; proposes, declines, approves the one that waits."""

    log: AuditService
    authority: Authority
    reader: PolicyReader

    def take_in(self, tx: Tx, files: Catalogue, now: datetime) -> None:
        """Adopt the catalogue of the files as far as it loosens nothing (rules 1 and 2).

        Under the lock of policy, so that of two services with other files each sees what the other
        left in force.
        """
        store.lock(tx)
        adopted = rows.catalogue_rows(tx)
        if adopted == ():
            self._adopt(tx, files, SYSTEM, now)
            return
        before = rows.catalogue_in_force(tx)
        if before is None:
            return
        same = files.digest == before.digest
        loosens = not same and bool(loosenings(before, files, self._known_apps(tx)))
        holds = meeting(files, before) if loosens else files
        if holds.digest != before.digest:
            self._adopt(tx, holds, SYSTEM, now)
        waiting = self.waiting(tx)
        if files.digest != (holds.digest if waiting is None else waiting.digest):
            store.add_document(tx, "catalogue", files.digest, files.body, now)
            self._append(tx, SYSTEM, _step(SHIPPED, files.digest, holds.digest, SYSTEM.id, now))

    def waiting(self, tx: Tx) -> WaitingCatalogue | None:
        """What waits for two people; None if nothing does."""
        told, stands = store.catalogue_steps(tx)
        steps, adopted = _since_shipped(told), store.adopted_catalogues(tx)
        base = adopted[-1][1] if adopted else None
        if not steps or steps[0].base != base or steps[0].digest == base:
            return None
        catalogue, last = _read(tx, steps[0].digest), steps[-1]
        if catalogue is None:
            return None
        return WaitingCatalogue(
            digest=steps[0].digest,
            base=steps[0].base,
            catalogue=catalogue,
            loosened=loosenings(self.reader.catalogue(tx), catalogue, self._known_apps(tx)),
            since=steps[0].at,
            proposed=CatalogueProposal(last.actor, last.at, last.note)
            if last.step == PROPOSED and stands
            else None,
            disputed=not stands,
        )

    def told(self, tx: Tx) -> tuple[CatalogueStep, ...]:
        """Everything that was done about catalogues that waited, newest first."""
        return store.catalogue_steps(tx)[0][::-1]

    def propose(
        self, tx: Tx, actor: Person, digest: str, base: str, note: str, now: datetime
    ) -> None:
        """Propose what waits; nothing changes until another person approves.

        Args:
            tx: the transaction.
            actor: who proposes.
            digest: of the catalogue that the person was shown.
            base: of the catalogue in force that it was compared with.
            note: why.
            now: the present instant.

        Raises:
            Forbidden: the person may not.
            Conflict: this does not wait, or somebody proposed it before.
        """
        waiting = self._required(tx, actor, PROPOSED, digest, base, note)
        if waiting.proposed is not None:
            raise Conflict("this is proposed already", cure="A second person approves it.")
        step = _step(PROPOSED, digest, base, actor.id, now, note)
        self._append(tx, Actor("person", actor.id), step)

    def decline(
        self, tx: Tx, actor: Person, digest: str, base: str, note: str, now: datetime
    ) -> None:
        """Make the proposal void; the arguments are those of ``propose``.

        Raises:
            Forbidden: the person may not.
            Conflict: this does not wait, or nobody proposed it.
        """
        waiting = self._required(tx, actor, DECLINED, digest, base, note)
        _require_proposal(waiting)
        step = _step(DECLINED, digest, base, actor.id, now, note)
        self._append(tx, Actor("person", actor.id), step)

    def approve(
        self, tx: Tx, actor: Person, digest: str, base: str, note: str, now: datetime
    ) -> None:
        """Agree to what another person proposed: it is in force from now on.

        The arguments are those of ``propose``.

        Raises:
            Forbidden: the person may not, or made the proposal.
            Conflict: this does not wait, or nobody proposed it.
        """
        waiting = self._required(tx, actor, APPROVED, digest, base, note)
        proposer = _require_proposal(waiting).person
        if proposer == actor.id:
            raise Forbidden(
                "you proposed this catalogue; two people must agree",
                cure="Ask a second person to approve it.",
            )
        by = Actor("person", actor.id)
        self._append(tx, by, CatalogueStep(digest, base, APPROVED, actor.id, proposer, note, now))
        self._adopt(tx, waiting.catalogue, by, now)

    def _required(
        self, tx: Tx, actor: Person, step: str, digest: str, base: str, note: str
    ) -> WaitingCatalogue:
        require_note(note)
        store.lock(tx)
        self.authority.require(actor.roles, ITS_REGION, "catalogue", PERMISSIONS[step])
        if not store.catalogue_steps(tx)[1]:
            raise Conflict(
                "the record of what was decided about catalogues is disputed: somebody changed it",
                cure="It waits until two people have cleared the alarm about it.",
            )
        waiting = self.waiting(tx)
        if waiting is None or (waiting.digest, waiting.base) != (digest, base):
            raise Conflict(
                "this catalogue does not wait for approval, or not any more",
                cure="Load the page again and look at what waits now.",
            )
        return waiting

    def _known_apps(self, tx: Tx) -> frozenset[str]:
        """The apps that a policy lists, or that were in force at some time."""
        digests = {digest for _, digest in store.adopted_catalogues(tx)}
        adopted = (_read(tx, digest) for digest in digests)
        apps = (known.apps for known in adopted if known is not None)
        return self.reader.history(tx).apps_listed.union(*apps)

    def _append(self, tx: Tx, actor: Actor, step: CatalogueStep) -> None:
        event = Event(
            KINDS[step.step],
            actor,
            encode(CatalogueWaiting(step.digest, step.base)),
            body={"note": step.note} if step.note else None,
        )
        store.add_catalogue_step(tx, step, self.log.append(tx, event, step.at))

    def _adopt(self, tx: Tx, catalogue: Catalogue, actor: Actor, now: datetime) -> None:
        name = catalogue.digest
        store.add_document(tx, "catalogue", name, catalogue.body, now)
        facts = encode(CatalogueAdoption(name))
        event = self.log.append(tx, Event(Kind.POLICY_CATALOGUE_ADOPTED, actor, facts), now)
        store.add_event(tx, event, "catalogue", None, name, now)


def _read(tx: Tx, digest: str) -> Catalogue | None:
    body = store.document(tx, digest)
    return None if body is None else read_or_note(tx, rows.CATALOGUE_CHAIN, Catalogue.read, body)


def _step(
    step: str, digest: str, base: str, actor: str, at: datetime, note: str = ""
) -> CatalogueStep:
    return CatalogueStep(digest, base, step, actor, None, note, at)


def _since_shipped(steps: tuple[CatalogueStep, ...]) -> tuple[CatalogueStep, ...]:
    """The steps about what the files have, from the last service that found it there."""
    starts = [place for place, step in enumerate(steps) if step.step == SHIPPED]
    return steps[starts[-1] :] if starts else ()


def _require_proposal(waiting: WaitingCatalogue) -> CatalogueProposal:
    if waiting.proposed is None:
        raise Conflict(
            "nobody has proposed this catalogue",
            cure="Propose it; a second person approves.",
        )
    return waiting.proposed
