"""The directory: who works here, where, and for whom.

Rules:
1. An import is planned whole or not at all, and done in pieces that are each whole (plan.py). The
   same file twice changes nothing.
2. People not named in a file are left as they are; leaving is its own act. A file that still lists
   somebody who left brings them back, in a new residence: nothing they agreed to before holds.
3. Each changed row has its entry, with the reporting line as pseudonyms, and the roles with their
   regions.
4. Entries of before say the names of roles and not their regions. When the log first says what
   roles may do, everybody who holds a role is recorded once more, as they are: a new version of the
   same content, in the name of the system, for nobody changed anything. From that entry on it can
   be verified who was allowed what. It states what the tables say then, of those whose rows stand;
   of the time before it says nothing.
5. Nothing that a disputed row says is recorded anew: an act over it goes on from what was recorded
   last, or is refused where that does not stand either. Leaving always works.
"""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, replace
from datetime import datetime

from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory import runs, store
from app.directory.model import (
    Headcount,
    ImportRecord,
    ImportResult,
    Line,
    Misplacings,
    Past,
    Person,
    PersonRecord,
    PersonVersion,
    as_recorded,
    by_id,
    headcounts,
    lines_of,
    misplaced,
)
from app.directory.plan import (
    PIECE,
    ImportPlan,
    as_wanted,
    compare,
    contradictions,
    plan_of,
    rest_digest,
)
from app.kernel.authority import Authority
from app.kernel.errors import Fault, Forbidden, InvalidInput, NotFound
from app.kernel.facts import encode

MAX_FAULTS = 100


class DirectoryService:
    """Reads and changes the directory."""

    def __init__(self, log: AuditService, authority: Authority) -> None:
        self._log = log
        self._authority = authority

    def state_roles(self, tx: Tx, now: datetime) -> None:
        """Record everybody who holds a role once more, as they are (rule 4).

        Args:
            tx: the transaction in which the rows of roles are adopted first.
            now: the present instant.
        """
        store.lock_for_import(tx, ())
        holders = tuple(person for person in store.people(tx) if person.roles)
        store.change(tx, holders, now)
        self._append(tx, holders, SYSTEM, now)

    def person(self, tx: Tx, person_id: str) -> Person:
        """Return one person, also one who left.

        Raises:
            NotFound: there is none.
        """
        person = store.person(tx, person_id)
        if person is None:
            raise NotFound("there is no such person in the directory")
        return person

    def people(self, tx: Tx) -> tuple[Person, ...]:
        """Return everybody, also those who left, by id."""
        return store.people(tx)

    def misplaced(self, tx: Tx, floors: AbstractSet[str]) -> tuple[tuple[Person, Misplacings], ...]:
        """Who works here and has a home, place of work or employer that is no place; by id.

        Args:
            tx: a reading transaction is enough.
            floors: the regions that have a floor.
        """
        judged = (
            (person, misplaced(person.region, person.place, person.entity_region, floors))
            for person in store.people(tx)
            if person.active
        )
        return tuple((person, why) for person, why in judged if why)

    def headcounts(self, tx: Tx) -> tuple[Headcount, ...]:
        """Count the active people by the regions whose rules hold for them, largest group first.

        Whoever is disputed is not counted: no rule of a region lets them be captured.
        """
        counted = (one for one in store.people(tx) if one.active and not one.disputed)
        return headcounts((one.region, one.place, one.entity, 1) for one in counted)

    def versions(self, tx: Tx, person_id: str) -> tuple[PersonVersion, ...]:
        """Return what the directory recorded about a person over time, oldest first."""
        return store.past(tx, person_id).versions

    def past(self, tx: Tx, person_id: str) -> Past:
        """Return the same, and whether all of it stands."""
        return store.past(tx, person_id)

    def line(self, tx: Tx, person_id: str) -> Line:
        """Return the management chain upward; see ``lines``."""
        return self.lines(tx, (person_id,))[person_id]

    def lines(self, tx: Tx, ids: Collection[str]) -> dict[str, Line]:
        """Return the management chain of each; one statement per level, not per person.

        The line of somebody whom the directory does not have is disputed.
        """
        return lines_of(ids, store.upward(tx, ids))

    def lock(self, tx: Tx, person_id: str) -> None:
        """Serialise what is decided by and about one person, until the transaction ends.

        Raises:
            NotFound: there is no such person.
        """
        if not store.lock(tx, person_id):
            raise NotFound("there is no such person in the directory")

    def hold(self, tx: Tx) -> None:
        """Let nothing change the directory until this transaction ends.

        For decisions that rest on people who are not locked, such as the superiors of somebody.
        Before any person is locked, or an import and the decision wait for each other.
        """
        store.hold(tx)

    def plan(
        self, tx: Tx, people: Iterable[Person], file_digest: str, size: int = PIECE
    ) -> ImportPlan:
        """Say what an import will do, without doing it (rule 1).

        Of a file whose import stopped half-way it is the rest, under a digest of its own, without
        those who left since that import began (``runs.left_since``).

        Args:
            tx: a reading transaction is enough: all of it is judged by one state.
            people: as ``packs.read_people`` gave them.
            file_digest: digest of the file's bytes.
            size: how many people a piece has.

        Raises:
            InvalidInput: the people contradict each other or the directory; one fault each.
        """
        begun = runs.stopped(tx, self._commitment(file_digest))
        if begun is None:
            return self._planned(tx, people, file_digest, size)
        gone, erased = runs.left_since(tx, begun.number), runs.erased_since(tx, begun.number)
        rest = self._planned(tx, (p for p in people if p.id not in gone), file_digest, size)
        left = rest_digest(rest.digest, begun.plan, begun.pieces, erased)
        rest = replace(rest, digest=self._commitment(left), erased=erased)
        return replace(rest, run=begun.number, done=begun.pieces, begun=begun.plan)

    def _commitment(self, digest: str) -> str:
        return self._log.commitment(digest, Kind.DIRECTORY_IMPORTED)

    def _planned(
        self, tx: Tx, people: Iterable[Person], file_digest: str, size: int = PIECE
    ) -> ImportPlan:
        present = by_id(store.people(tx))
        wanted, known, faults = self._judged(tx, people, present)
        _require_none(faults, "nothing was imported")
        return plan_of(wanted, known, file_digest, self._commitment, size)

    def import_people(
        self, tx: Tx, people: Iterable[Person], *, actor: Actor, now: datetime, file_digest: str
    ) -> ImportResult:
        """Bring the directory to what a few people shall be, in the caller's transaction.

        For a file of many see ``imports.import_in_pieces``, which does the same.

        Args:
            tx: the transaction.
            people: as ``packs.read_people`` gave them.
            actor: a person who may import, or the system (the command line).
            now: the present instant.
            file_digest: digest of the file's bytes, for the log.

        Raises:
            Forbidden: the actor may not import people.
            InvalidInput: the people contradict each other or the directory.
        """
        wanted = tuple(people)
        # Before anything is read: what was read without the lock may be past when it is written,
        # and would undo a leave that was recorded meanwhile. Managers too: foreign keys take them.
        store.lock_for_import(tx, _managers(wanted) | by_id(wanted).keys())
        self._require_importer(tx, actor)
        plan = self._planned(tx, wanted, file_digest)
        for piece in plan.pieces:
            plan = self.import_piece(tx, plan, piece, actor, now)
        self.end_import(tx, plan, actor, now)
        return plan.result

    def import_piece(
        self, tx: Tx, plan: ImportPlan, piece: Collection[str], actor: Actor, now: datetime
    ) -> ImportPlan:
        """Bring the people of one piece to what the file says, whole or not at all.

        Whoever changed since the plan was made is judged anew; for those who are gone meanwhile
        see ``ImportPlan.still_wanted``.

        Args:
            tx: the transaction; it holds the rows of these people and of their new managers.
            plan: as ``plan`` or the piece before returned it.
            piece: one of its pieces.
            actor: a person who may import, or the system.
            now: the present instant.

        Returns:
            The plan with the number of the import that it is now part of.

        Raises:
            Forbidden: the actor may not import people.
            InvalidInput: the people contradict what the directory says now.
        """
        asked = [plan.people[one] for one in piece]
        store.lock_for_import(tx, _managers(asked) | set(piece))
        self._require_importer(tx, actor)
        wanted, known, faults = self._judged(tx, *self._surroundings(tx, plan, piece))
        _require_none(faults, "the directory was changed meanwhile")
        compared = compare(wanted, known)
        freed = [one.id for one in compared.changed if known[one.id].email != one.email]
        store.change(tx, compared.changed, now, freed)  # first: somebody may take over an address
        store.add(tx, compared.added, now)
        written = by_id(compared.written)
        # Read, because a pseudonym that a row bears need not be looked up for each entry.
        read = store.people_among(tx, by_id(compared.added).keys())
        above = lines_of(written, {**known, **written, **read})
        self._append(tx, compared.written, actor, now, above)
        run = runs.run_of(tx, plan)
        # A piece that was kept and not confirmed comes again, and counts once.
        counts = bool(compared.written) or run.pieces <= plan.done
        if counts:
            runs.keep(tx, run, compared.result, now)
        return replace(plan, run=run.number, done=run.pieces + counts)

    def end_import(self, tx: Tx, plan: ImportPlan, actor: Actor, now: datetime) -> ImportResult:
        """Record an import as a whole, once; say what all of its pieces did.

        Raises:
            Forbidden: the actor may not import people.
        """
        store.lock_for_import(tx, ())
        self._require_importer(tx, actor)
        run = runs.run_of(tx, plan)
        if run.event is None:
            rest = "" if plan.digest == run.plan else plan.digest
            record = ImportRecord(
                **asdict(run.result), file=run.file, pieces=run.pieces, plan=run.plan, rest=rest
            )
            event = self._log.append(tx, Event(Kind.DIRECTORY_IMPORTED, actor, encode(record)), now)
            runs.keep(tx, run, ImportResult(0, 0, 0), now, event)
        return run.result

    def leave(self, tx: Tx, person_id: str, actor: Actor, now: datetime) -> None:
        """Mark a person as gone; their devices get no lease from then on. Twice is harmless.

        A disputed person is recorded as gone in any case: what their row says does not count.

        Raises:
            Forbidden: the actor may not change people.
            NotFound: there is no such person.
        """
        self._require_importer(tx, actor)
        store.lock_for_import(tx, (person_id,))
        person = self.person(tx, person_id)
        recorded, _ = self._recorded(tx, person)
        if recorded.active or recorded.disputed:
            gone = replace(recorded, active=False)
            store.change(tx, (gone,), now)
            self._append(tx, (gone,), actor, now)

    def hand_over(self, tx: Tx, person_id: str, actor: Actor, now: datetime) -> None:
        """Let those who report to a person report to the person's manager, before an erasure.

        Holds the person's row and theirs until the transaction ends, and keeps imports out.

        Raises:
            NotFound: there is no such person.
        """
        store.lock_for_import(tx, ())
        person = self.person(tx, person_id)
        reports = store.reports(tx, person_id)
        above = {person.manager} if person.manager is not None else set()
        store.lock_for_import(tx, above | {person_id} | by_id(reports).keys())
        reports = store.reports(tx, person_id)  # anew: they are locked now
        recorded, stands = self._recorded(tx, person)
        believed = store.sound(tx, by_id(reports)).values() if stands else ()
        moved = tuple(replace(report, manager=recorded.manager) for report in believed)
        store.change(tx, moved, now)
        # Where it is not known who is above whom, nothing is recorded, and the line stays disputed.
        store.release(tx, sorted(by_id(reports).keys() - by_id(moved).keys()))
        self._append(tx, moved, actor, now)

    def _recorded(self, tx: Tx, person: Person) -> tuple[Person, bool]:
        """Somebody as they were recorded last, and whether that stands (rule 4)."""
        if not person.disputed:
            return person, True
        if (kept := store.sound(tx, (person.id,)).get(person.id)) is not None:
            return kept, True
        past = store.sound_past(tx, person.id)
        return as_recorded(person, past), bool(past.versions) and not past.disputed

    def _judged(
        self, tx: Tx, people: Iterable[Person], present: Mapping[str, Person]
    ) -> tuple[tuple[Person, ...], Mapping[str, Person], tuple[Fault, ...]]:
        """The people as they shall be, those present as they were recorded, and what is wrong."""
        asked = tuple(people)
        known, lost = dict(present), []
        for one in by_id(asked).keys() & known.keys():
            known[one], stands = self._recorded(tx, known[one])
            lost += [] if stands else [_unrecorded(one)]
        wanted = as_wanted(asked, known)
        return wanted, known, (*lost, *contradictions(wanted, known))

    def _surroundings(
        self, tx: Tx, plan: ImportPlan, piece: Collection[str]
    ) -> tuple[list[Person], dict[str, Person]]:
        """Whom the file still wants of a piece; all in the directory who matter for them."""
        asked = [plan.people[one] for one in piece]
        known = store.upward(tx, _managers(asked) | set(piece))
        wanted = plan.still_wanted(piece, known)
        others = {one.email for one in wanted if one != known.get(one.id)} - {
            one.email for one in known.values()
        }
        return wanted, known | store.holders(tx, others)

    def _require_importer(self, tx: Tx, actor: Actor) -> None:
        if actor == SYSTEM:
            return
        person = store.person(tx, actor.id) if actor.kind == "person" else None
        if person is None or not person.active:
            raise Forbidden("only a person of the directory may import people")
        self._authority.require(person.roles, None, "people", "import")

    def _append(
        self,
        tx: Tx,
        people: Iterable[Person],
        actor: Actor,
        now: datetime,
        above: Mapping[str, Line] | None = None,
    ) -> None:
        """Record people; their lines are read where they are not given."""
        written = tuple(people)
        lines = above or self.lines(tx, [person.id for person in written])
        named = {*lines, *(above for line in lines.values() for above in line.above)}
        pseudonyms = self._log.pseudonyms(tx, sorted(named))
        for person in written:
            line = [pseudonyms[above] for above in lines[person.id].above]
            facts = encode(PersonRecord.of(person, tuple(line)))
            event = Event(Kind.DIRECTORY_PERSON, actor, facts, subjects=(person.id,))
            self._log.append(tx, event, now)


def _require_none(faults: tuple[Fault, ...], problem: str) -> None:
    if faults:
        raise InvalidInput(
            f"{problem}: {len(faults)} contradictions with the directory",
            faults=faults[:MAX_FAULTS],
            cure="Mend the file and import it again.",
        )


def _managers(people: Iterable[Person]) -> set[str]:
    return {one.manager for one in people if one.manager is not None}


def _unrecorded(person_id: str) -> Fault:
    return Fault(
        f"person {person_id}, column id",
        "what the directory recorded of this person before does not agree with the log",
        "Take the person out of the file, and put their rows of person_version back from a copy.",
    )
