"""The directory: who works here, where, and for whom.

Rules:
1. An import is whole or nothing, and the same file twice changes nothing.
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

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from app.audit.entries.model import SYSTEM, Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory import store
from app.directory.model import (
    Headcount,
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
    in_cycles,
    lines_of,
    misplaced,
    successor,
)
from app.kernel.authority import Authority
from app.kernel.canonical import Json
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
        known: dict[str, Person] = {}
        asked, level = set(ids), set(ids)
        while level:
            found = store.people_among(tx, level)
            known.update(found)
            managers = {one.manager for one in found.values() if one.manager is not None}
            level = managers - asked
            asked |= level
        return lines_of(ids, known)

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

    def plan(self, tx: Tx, people: Iterable[Person]) -> ImportResult:
        """Say what an import would do, without doing it (``--dry-run``).

        Raises:
            InvalidInput: the people contradict each other or the directory; one fault each.
        """
        return self._compare(tx, people)[0]

    def import_people(
        self, tx: Tx, people: Iterable[Person], *, actor: Actor, now: datetime, file_digest: str
    ) -> ImportResult:
        """Bring the directory to what a file says, whole or not at all.

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
        managers = {item.manager for item in wanted if item.manager is not None}
        store.lock_for_import(tx, managers | by_id(wanted).keys())
        self._require_importer(tx, actor)
        result, added, changed = self._compare(tx, wanted)
        store.change(tx, changed, now)  # first: a newcomer may take over a released address
        store.add(tx, added, now)
        self._append(tx, (*added, *changed), actor, now)
        facts: dict[str, Json] = {
            "added": result.added,
            "changed": result.changed,
            "unchanged": result.unchanged,
            "returned": result.returned,
            "file": self._log.commitment(file_digest, Kind.DIRECTORY_IMPORTED),
        }
        self._log.append(tx, Event(Kind.DIRECTORY_IMPORTED, actor, facts), now)
        return result

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

    def _compare(
        self, tx: Tx, people: Iterable[Person]
    ) -> tuple[ImportResult, tuple[Person, ...], tuple[Person, ...]]:
        """Return the counts, the people to add and the people to change."""
        wanted = tuple(people)
        present = by_id(store.people(tx))
        lost = []
        for one in by_id(wanted).keys() & present.keys():
            present[one], stands = self._recorded(tx, present[one])
            lost += [] if stands else [_unrecorded(one)]
        faults = (*lost, *_contradictions(wanted, present))
        if faults:
            raise InvalidInput(
                f"nothing was imported: {len(faults)} contradictions with the directory",
                faults=faults[:MAX_FAULTS],
                cure="Mend the file and import it again.",
            )
        added = tuple(item for item in wanted if item.id not in present)
        changed = tuple(
            successor(present[item.id], item)
            for item in wanted
            if item.id in present and present[item.id] != item
        )
        rest = len(wanted) - len(added) - len(changed)
        returned = sum(item.active and not present[item.id].active for item in changed)
        return ImportResult(len(added), len(changed), rest, returned), added, changed

    def _require_importer(self, tx: Tx, actor: Actor) -> None:
        if actor == SYSTEM:
            return
        person = store.person(tx, actor.id) if actor.kind == "person" else None
        if person is None or not person.active:
            raise Forbidden("only a person of the directory may import people")
        self._authority.require(person.roles, None, "people", "import")

    def _append(self, tx: Tx, people: Iterable[Person], actor: Actor, now: datetime) -> None:
        written = tuple(people)
        lines = self.lines(tx, [person.id for person in written])
        named = {*lines, *(above for line in lines.values() for above in line.above)}
        pseudonyms = self._log.pseudonyms(tx, sorted(named))
        for person in written:
            line = [pseudonyms[above] for above in lines[person.id].above]
            facts = encode(PersonRecord.of(person, tuple(line)))
            event = Event(Kind.DIRECTORY_PERSON, actor, facts, subjects=(person.id,))
            self._log.append(tx, event, now)


def _contradictions(wanted: tuple[Person, ...], present: dict[str, Person]) -> tuple[Fault, ...]:
    """List what a file cannot know by itself: managers, cycles and addresses beyond its lines."""
    merged = present | by_id(wanted)
    holders: dict[str, list[str]] = {}
    for person in merged.values():
        holders.setdefault(person.email, []).append(person.id)
    cyclic = set(in_cycles({person.id: person.manager for person in merged.values()}))
    faults = []
    for person in wanted:
        if person.manager is not None and person.manager not in merged:
            faults.append(_unknown_manager(person))
        elif person.id in cyclic:
            faults.append(_cycle(person))
        if len(holders[person.email]) > 1:
            faults.append(_shared_email(person))
    return tuple(faults)


def _unrecorded(person_id: str) -> Fault:
    return Fault(
        f"person {person_id}, column id",
        "what the directory recorded of this person before does not agree with the log",
        "Take the person out of the file, and put their rows of person_version back from a copy.",
    )


def _unknown_manager(person: Person) -> Fault:
    return Fault(
        f"person {person.id}, column manager",
        f"{person.manager!r} is neither in the file nor in the directory",
        "Add the manager's own line, or correct the id.",
    )


def _cycle(person: Person) -> Fault:
    return Fault(
        f"person {person.id}, column manager",
        "the person would report to themselves, directly or through others",
        "Correct one manager of the circle, or leave it empty for the top.",
    )


def _shared_email(person: Person) -> Fault:
    return Fault(
        f"person {person.id}, column email",
        "another person has this e-mail address",
        "Give each person an address of their own.",
    )
