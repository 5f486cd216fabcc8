"""How a company policy comes into force.

Rules:
1. ``transitions`` says when, who, and what the log records, as data.
2. A change needs a second person of legal and every further role that the floors or the policies
   ask for, before or after the change. All hold their role in the very region, none is the author,
   and nobody supplies two roles.
3. An approval binds the digest of the document, what the document replaces, and the terms that the
   approver was shown. Another text, or another policy published meanwhile, is another change.
4. What only narrows may be published by one person, and then holds at once: a text that begins on
   a later day is proposed. What widens waits for the lead time.
5. Every step is appended with its number under a lock, and carries its entry in the log.
6. A change of which the rows cannot be believed is not approved and not published. It can be
   withdrawn, and its text proposed again; proposing and tightening go on working.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from app.audit.entries.model import Actor, Event
from app.audit.entries.service import AuditService
from app.db import seals
from app.db.engine import Tx
from app.db.ring import Dispute, Flaw
from app.directory.model import Person
from app.kernel.authority import Authority, Role
from app.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.kernel.facts import encode
from app.policy import rows, store
from app.policy.changes import store as change_store
from app.policy.changes.binding import (
    missing_roles,
    require_another,
    require_at_once,
    require_base,
    require_narrow,
    require_read,
    require_terms,
)
from app.policy.changes.model import Change, ChangeState, Preview, Step, StepTaken
from app.policy.changes.record import (
    ChangeApproval,
    ChangeProposal,
    ChangePublication,
    ChangeRecord,
    ChangeWithdrawal,
)
from app.policy.changes.store import ChangeRow
from app.policy.changes.transitions import (
    KINDS,
    PERMISSIONS,
    require_possible,
    state_by_rows,
    state_in_time,
    state_of,
)
from app.policy.difference import differences
from app.policy.kept import read_or_note
from app.policy.law.layer import CompanyPolicy
from app.policy.law.packs import PolicyTexts
from app.policy.notes import require_note
from app.policy.prospect import ApprovalTerms
from app.policy.reader import PolicyReader


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """Proposes, approves, withdraws, tightens.

    Attributes:
        purposes: those that a policy may name. Apps are those of the catalogue in force.
    """

    log: AuditService
    authority: Authority
    reader: PolicyReader
    purposes: frozenset[str]

    def check(self, tx: Tx, region: str, text: str | bytes, now: datetime) -> Preview:
        """Say what publishing a text would mean; changes nothing.

        Raises:
            Unreadable: the text is no company policy; one fault per problem.
            NotFound: the region has no floor.
        """
        outlook = self.reader.outlook(tx, region, now)
        texts = PolicyTexts(self.reader.catalogue(tx), self.purposes, self.reader.registry)
        policy = texts.read_company_policy(text, region)
        way, changes = outlook.compare(policy)
        return Preview(
            policy,
            way,
            changes,
            outlook.approvals(policy),
            outlook.terms(policy, now),
        )

    def propose(
        self, tx: Tx, actor: Person, region: str, text: str | bytes, note: str, now: datetime
    ) -> Change:
        """Put a company policy up for approval.

        Raises:
            Forbidden: the person may not propose in this region.
            InvalidInput: the text is no company policy (``Unreadable``), or changes nothing.
        """
        store.lock(tx)
        self._require(actor, region, Step.PROPOSED)
        preview, base = self._preview(tx, region, text, now)
        row = self._write(tx, actor, preview, base, note, now)
        self._take(tx, row, actor, Step.PROPOSED, _proposal(row), now, note=note)
        return self.change(tx, row.id, now)

    def tighten(
        self, tx: Tx, actor: Person, region: str, text: str | bytes, note: str, now: datetime
    ) -> Change:
        """Publish at once what only narrows (rule 4).

        Raises:
            Forbidden: the person may not tighten in this region.
            InvalidInput: it widens, one fault per knob that does; or begins on a later day. Or as
                ``propose``.
        """
        store.lock(tx)
        self._require(actor, region, Step.TIGHTENED)
        preview, base = self._preview(tx, region, text, now)
        require_narrow(preview.direction, preview.changes)
        require_at_once(preview.policy, now)
        row = self._write(tx, actor, preview, base, note, now)
        self._take(tx, row, actor, Step.TIGHTENED, _proposal(row), now, note=note)
        self._publish(tx, row, actor, now)
        return self.change(tx, row.id, now)

    def approve(
        self,
        tx: Tx,
        actor: Person,
        change_id: str,
        digest: str,
        now: datetime,
        role: str | None = None,
        terms: str | None = None,
    ) -> Change:
        """Supply one of the required approvals; the last approval publishes.

        Args:
            tx: the transaction.
            actor: who approves.
            change_id: the change.
            digest: of the document that the person has read.
            now: the present instant.
            role: which of the person's roles; by default the role that fewer people hold.
            terms: digest of the terms that the person was shown; None if they read the text alone.

        Raises:
            NotFound: there is no such change.
            Forbidden: the person is the author, or holds none of the roles that are missing.
            Conflict: another document; other terms; a change that is not in review; approved before
                by this person; or another policy was published meanwhile.
        """
        store.lock(tx)
        row = self._row(tx, change_id)
        self._require(actor, row.region, Step.APPROVED)
        taken = self._taken(tx, row, Step.APPROVED)
        outlook = self.reader.outlook(tx, row.region, now)
        policy = self._policy(tx, row)
        require_read(digest, row.digest)
        require_base(row.base, None if outlook.latest is None else outlook.latest.digest)
        require_another(actor.id, row.author, taken)
        require_terms(terms, outlook.terms(policy, now).digest)
        missing = missing_roles(outlook.approvals(policy), taken)
        supplied = self._supplied(actor, row.region, missing, role)
        remaining = tuple(name for name in missing if name != supplied)
        record = ChangeApproval(row.id, row.region, row.digest, supplied, remaining)
        self._take(tx, row, actor, Step.APPROVED, record, now, role=supplied)
        if not remaining:
            self._publish(tx, row, actor, now)
        return self.change(tx, row.id, now)

    def withdraw(self, tx: Tx, actor: Person, change_id: str, now: datetime) -> Change:
        """Take a change back while it is in review.

        Raises:
            NotFound: there is no such change.
            Forbidden: the person may not withdraw in its region.
            Conflict: it is not in review.
        """
        store.lock(tx)
        row = self._row(tx, change_id)
        self._require(actor, row.region, Step.WITHDRAWN)
        record = ChangeWithdrawal(row.id, row.region, row.digest)
        self._take(tx, row, actor, Step.WITHDRAWN, record, now)
        return self.change(tx, row.id, now)

    def change(self, tx: Tx, change_id: str, now: datetime | None = None) -> Change:
        """Return a change with everything that was done about it.

        Args:
            tx: the transaction.
            change_id: the change.
            now: its state is told as of now; by default as of its last step.

        Raises:
            NotFound: there is no such change.
        """
        return self._view(tx, self._row(tx, change_id), now)

    def changes(
        self, tx: Tx, region: str | None = None, now: datetime | None = None
    ) -> tuple[Change, ...]:
        """Return the changes of a region, or all, newest first; ``now`` as for ``change``.

        Those of which the text is lost are left out.
        """
        listed = change_store.changes(tx, region)
        return tuple(
            self._view(tx, row, now)
            for row in listed
            if self._text(tx, row, row.digest) is not None
        )

    def _require(self, actor: Person, region: str, step: Step) -> None:
        thing, action = PERMISSIONS[step]
        self.authority.require(actor.roles, region, thing, action)

    def _preview(
        self, tx: Tx, region: str, text: str | bytes, now: datetime
    ) -> tuple[Preview, str | None]:
        preview = self.check(tx, region, text, now)
        latest = self.reader.outlook(tx, region, now).latest
        if latest is not None and latest.digest == preview.policy.digest:
            raise InvalidInput(
                "this is word for word the policy that was published last",
                cure="Change something, or leave it as it is.",
            )
        return preview, None if latest is None else latest.digest

    def _write(
        self,
        tx: Tx,
        actor: Person,
        preview: Preview,
        base: str | None,
        note: str,
        now: datetime,
    ) -> ChangeRow:
        require_note(note)
        policy = preview.policy
        store.add_document(tx, "company", policy.digest, policy.body, now)
        row = ChangeRow(
            id=str(uuid.uuid4()),
            region=policy.region,
            digest=policy.digest,
            base=base,
            direction=preview.direction,
            author=actor.id,
            note=note,
            created_at=now,
        )
        change_store.add_change(tx, row)
        return row

    def _take(
        self,
        tx: Tx,
        row: ChangeRow,
        actor: Person,
        step: Step,
        facts: ChangeRecord,
        now: datetime,
        *,
        role: str = "",
        note: str = "",
    ) -> str:
        """Append a step and its entry, which says these facts; return the entry's id."""
        record = change_store.steps(tx, row.id)
        require_possible(record.steps, step, stands=record.stands)
        event = Event(
            KINDS[step],
            Actor("person", actor.id),
            encode(facts),
            body={"note": note} if note else None,
        )
        event_id = self.log.append(tx, event, now)
        taken = StepTaken(record.next_seq, step, actor.id, role, now)
        change_store.add_step(tx, row, taken, event_id)
        return event_id

    def _publish(self, tx: Tx, row: ChangeRow, actor: Person, now: datetime) -> None:
        outlook, policy = self.reader.outlook(tx, row.region, now), self._policy(tx, row)
        way, starts = outlook.publication(policy, now)
        change_store.add_company(tx, row, way, starts, now)
        record = ChangePublication(row.id, row.region, row.digest, way, starts)
        event = self._take(tx, row, actor, Step.PUBLISHED, record, now)
        store.add_event(tx, event, "published", row.region, row.digest, now)

    def _supplied(
        self, actor: Person, region: str, missing: tuple[str, ...], wanted: str | None
    ) -> str:
        thing, action = PERMISSIONS[Step.APPROVED]
        held = [
            name
            for name in missing
            if any(
                role.name == name and self.authority.may((role,), region, thing, action)
                for role in actor.roles
            )
        ]
        if wanted is not None:
            held = [name for name in held if name == wanted]
        if not held:
            asked = " and ".join(str(Role(name, region)) for name in missing)
            raise Forbidden(
                f"what is still missing is the approval of {asked}",
                cure="Ask somebody who holds that role in this region.",
            )
        return held[-1]  # the second person of legal stands first and is found most easily

    def _row(self, tx: Tx, change_id: str) -> ChangeRow:
        row = change_store.change(tx, change_id)
        if row is None:
            raise NotFound("there is no such change")
        return row

    def _taken(self, tx: Tx, row: ChangeRow, step: Step) -> tuple[StepTaken, ...]:
        """What was done about a change of which this step can be taken."""
        record = change_store.steps(tx, row.id)
        require_possible(record.steps, step, stands=record.stands)
        return record.steps

    def _policy(self, tx: Tx, row: ChangeRow) -> CompanyPolicy:
        policy = self._text(tx, row, row.digest)
        if policy is None:
            raise Conflict(
                "the text of this change is not as it was proposed, or is not there",
                cure="Propose it again. An alarm names what is disputed.",
            )
        return policy

    def _text(self, tx: Tx, row: ChangeRow, name: str) -> CompanyPolicy | None:
        body, registry = store.document(tx, name), self.reader.registry
        chain = rows.chain_of_change(row.id)
        if body is None:
            seals.note(tx, Dispute(chain, Flaw.SHAPE))
            return None
        return read_or_note(tx, chain, lambda raw: CompanyPolicy.read(raw, registry), body)

    def _view(self, tx: Tx, row: ChangeRow, at: datetime | None) -> Change:
        policy, record = self._policy(tx, row), change_store.steps(tx, row.id)
        taken, stands = record.steps, record.stands
        now = at or (taken[-1].at if taken else row.created_at)
        base = self._text(tx, row, row.base) if row.base else None
        before = () if base is None else (base,)
        history = self.reader.history(tx)
        published = next(
            (company for company in history.company if company.change_id == row.id), None
        )
        state = state_of(taken) if stands else state_by_rows(taken)
        needed: tuple[str, ...] = ()
        terms: ApprovalTerms | None = None
        if state is ChangeState.IN_REVIEW and stands:
            outlook = self.reader.outlook(tx, row.region, now)
            needed = missing_roles(outlook.approvals(policy), taken)
            terms = outlook.terms(policy, now)
        return Change(
            id=row.id,
            region=row.region,
            policy=policy,
            direction=row.direction if published is None else published.direction,
            author=row.author,
            note=row.note,
            created_at=row.created_at,
            state=state if published is None else state_in_time(history, published, now),
            steps=taken,
            changes=differences(before, policy, row.created_at),
            approvals_needed=needed,
            valid_from=None if published is None else published.valid_from,
            terms=terms,
            disputed=not stands,
        )


def _proposal(row: ChangeRow) -> ChangeProposal:
    return ChangeProposal(row.id, row.region, row.digest, row.direction)
