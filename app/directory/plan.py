"""What an import is going to do, before it does anything (pure).

Rules:
1. A plan is made against one state of the directory, and whole: a file that contradicts itself or
   the directory has none.
2. It is carried out in pieces. Each piece leaves the directory as it may be: no address twice, no
   manager who is not there, no circle of managers, whoever stops between two of them.
3. Less comes first: who leaves, then who loses a role, a manager, a home or a place of work, then
   other changes, then who comes or comes back. Somebody goes before their turn only where one who
   is due cannot be written without them.
4. Who leaves is left as they are and marked as gone, whatever else the file says of them: so nobody
   who leaves waits for anybody.
5. The plan's digest is over the file's, and over everybody as they are and as they will be.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from app.directory.model import ImportResult, Person, by_id, in_cycles, successor
from app.kernel.canonical import Json, canonical, digest
from app.kernel.errors import Fault

PIECE = 50
"""How many people one piece writes. Whoever opts out waits for one piece at most."""

_OTHERS, _COMES = 2, 3


@dataclass(frozen=True)
class ImportComparison:
    """A file next to the directory.

    Attributes:
        added, changed: as they will be; the changed in the residence that follows.
        result: how many.
    """

    added: tuple[Person, ...]
    changed: tuple[Person, ...]
    result: ImportResult

    @property
    def written(self) -> tuple[Person, ...]:
        """Everybody of whom something is written."""
        return (*self.added, *self.changed)


@dataclass(frozen=True)
class ImportPlan:
    """What an import is going to do.

    Attributes:
        people: everybody of the file, by id, as the file wants them.
        before: those of them whom the directory had, by id, as they were.
        pieces: whom each piece is about, by id, in order; nobody in two of them.
        result: the counts of all pieces.
        file: commitment to the file.
        digest: commitment to the plan; of an import that goes on, to what is left of it.
        begun: of an import that goes on, the digest of the plan that it began with.
        run: the import that it goes on with; None: it begins.
        done: how many pieces that import has behind it.
        erased: how many people were erased since that import began.
    """

    people: Mapping[str, Person]
    before: Mapping[str, Person]
    pieces: tuple[tuple[str, ...], ...]
    result: ImportResult
    file: str
    digest: str
    run: int | None = None
    done: int = 0
    begun: str = ""
    erased: int = 0

    @property
    def to_write(self) -> int:
        """How many people are added or changed."""
        return self.result.added + self.result.changed

    @property
    def may_bring_back(self) -> bool:
        """Whether somebody it adds may be somebody who was erased: their names are not kept."""
        return self.erased > 0 and self.result.added > 0

    def still_wanted(self, piece: Iterable[str], present: Mapping[str, Person]) -> list[Person]:
        """Those of a piece whom the file may still speak for.

        Whoever left, or was erased, after the plan was made stays gone: the file could not know.
        """
        return [self.people[one] for one in piece if not self._went(one, present.get(one))]

    def _went(self, person_id: str, now: Person | None) -> bool:
        before = self.before.get(person_id)
        return before is not None and (now is None or (before.active and not now.active))


def as_wanted(people: Iterable[Person], present: Mapping[str, Person]) -> tuple[Person, ...]:
    """The people of a file as they shall be (rule 4)."""
    return tuple(_gone(present[one.id]) if _leaves(one, present) else one for one in people)


def compare(wanted: Collection[Person], present: Mapping[str, Person]) -> ImportComparison:
    """Say who is added and who is changed.

    >>> ada = Person("ada", "Ada", "a@x", "DE", "DE", "DE/X", "IT", None, ())
    >>> compare([replace(ada, region="FR")], {"ada": ada}).changed[0].residence
    2
    """
    added = tuple(item for item in wanted if item.id not in present)
    changed = tuple(
        successor(present[item.id], item)
        for item in wanted
        if item.id in present and present[item.id] != item
    )
    rest = len(wanted) - len(added) - len(changed)
    returned = sum(item.active and not present[item.id].active for item in changed)
    return ImportComparison(added, changed, ImportResult(len(added), len(changed), rest, returned))


def plan_of(
    wanted: Collection[Person],
    present: Mapping[str, Person],
    file_digest: str,
    commit: Callable[[str], str],
    size: int = PIECE,
) -> ImportPlan:
    """The plan of an import that begins.

    Args:
        wanted: everybody of the file, as they shall be; nothing about them contradicts.
        present: everybody in the directory, by id, as they are.
        file_digest: digest of the file's bytes.
        commit: makes of a digest what it may be shown as.
        size: how many people a piece has.
    """
    people, compared = by_id(wanted), compare(wanted, present)
    return ImportPlan(
        people,
        {one: present[one] for one in people if one in present},
        pieces_of(compared.written, present, size),
        compared.result,
        commit(file_digest),
        commit(plan_digest(wanted, present, file_digest)),
    )


def pieces_of(
    written: Collection[Person], present: Mapping[str, Person], size: int = PIECE
) -> tuple[tuple[str, ...], ...]:
    """Whom each piece is about (rules 2 and 3).

    >>> ada = Person("ada", "Ada", "a@x", "DE", "DE", "DE/X", "IT", None, ())
    >>> ben = replace(ada, id="ben", email="b@x", manager="ada")
    >>> pieces_of([ben, ada], {}, size=1)
    (('ada',), ('ben',))
    >>> swapped = [replace(ada, email="b@x"), replace(ben, email="a@x")]
    >>> pieces_of(swapped, {"ada": ada, "ben": ben}, size=1)
    (('ada', 'ben'),)

    Args:
        written: everybody who is added or changed, as they will be.
        present: everybody in the directory, by id, as they are.
        size: how many people a piece has; more only where they must be written at once.
    """
    due = sorted(written, key=lambda one: _turn(present.get(one.id), one))
    pieces: list[tuple[str, ...]] = []
    for group in _groups([one.id for one in due], _needs(due, present)):
        if pieces and len(pieces[-1]) + len(group) <= size:
            pieces[-1] += group
        else:
            pieces.append(group)
    return tuple(pieces)


def plan_digest(wanted: Iterable[Person], present: Mapping[str, Person], file_digest: str) -> str:
    """The digest of a plan (rule 5)."""
    rows: list[Json] = [[_said(present.get(one.id)), _said(one)] for one in wanted]
    return digest(canonical({"form": 1, "file": file_digest, "people": rows}))


def rest_digest(plan: str, begun: str, pieces: int, erased: int) -> str:
    """The digest of what is left: never that of the whole, also where an erasure undid the rest.

    Args:
        plan: digest of the rest as a plan of its own.
        begun: digest of the plan that the import began with.
        pieces: how many are done.
        erased: how many people were erased since it began.
    """
    said: dict[str, Json] = {
        "form": 1,
        "plan": plan,
        "begun": begun,
        "pieces": pieces,
        "erased": erased,
    }
    return digest(canonical(said))


def contradictions(wanted: Collection[Person], present: Mapping[str, Person]) -> tuple[Fault, ...]:
    """List what a file cannot know by itself: managers, cycles and addresses beyond its lines.

    Args:
        wanted: as they shall be.
        present: everybody in the directory; for a piece, whoever is above its people or has an
            address that they want.
    """
    merged = {**present, **by_id(wanted)}
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


def _leaves(one: Person, present: Mapping[str, Person]) -> bool:
    return not one.active and one.id in present


def _gone(person: Person) -> Person:
    return replace(person, active=False, disputed=False)


def _turn(before: Person | None, after: Person) -> int:
    """When it is somebody's turn (rule 3)."""
    if before is None or (after.active and not before.active):
        return _COMES
    if not after.active:
        return 0
    moves = (before.region, before.place, before.manager) != (
        after.region,
        after.place,
        after.manager,
    )
    return 1 if moves or set(before.roles) - set(after.roles) else _OTHERS


def _needs(due: Iterable[Person], present: Mapping[str, Person]) -> dict[str, tuple[str, ...]]:
    """Whom each must not be written before.

    The nearest above them who gets another manager too: with the top first, whoever was written
    stands in their new line up to its end, so that no circle closes on the way. And whoever gives
    up the address that they get.
    """
    after = by_id(due)
    above = {one.id: one.manager for one in {**present, **after}.values()}
    moved = {one.id for one in after.values() if _is_moved(one, present)}
    freed = {present[id_].email: id_ for id_ in after if id_ in present}
    nearest = _nearest(above, moved)
    needs = {}
    for one in after.values():
        line = nearest.get(one.id) if one.id in moved else None
        holder = freed.get(one.email)
        needs[one.id] = tuple(id_ for id_ in (line, holder) if id_ is not None and id_ != one.id)
    return needs


def _is_moved(one: Person, present: Mapping[str, Person]) -> bool:
    return one.id not in present or present[one.id].manager != one.manager


def _nearest(above: Mapping[str, str | None], moved: Collection[str]) -> dict[str, str | None]:
    """The first of the moved above each; None where there is none."""
    found: dict[str, str | None] = {}
    for start in above:
        path: dict[str, None] = {}
        at: str | None = start
        while at is not None and at not in found and at not in path:
            path[at] = None
            at = above.get(at)
        for id_ in reversed(path):
            manager = above.get(id_)
            found[id_] = manager if manager in moved else found.get(manager or "")
    return found


def _groups(due: Iterable[str], needs: Mapping[str, Collection[str]]) -> Iterator[tuple[str, ...]]:
    """Those who must be written at once, each group after whom it needs (Tarjan 1972).

    People who need each other in a circle, such as two who swap addresses, are one group.
    """
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: dict[str, None] = {}
    for start in due:
        path = [] if start in number else [(start, iter(needs[start]))]
        while path:
            at, rest = path[-1]
            if at not in number:
                number[at] = lowest[at] = len(number)
                open_[at] = None
            following = next(rest, None)
            if following is None:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[at])
                if lowest[at] == number[at]:
                    yield _closed(open_, at)
            elif following not in number:
                path.append((following, iter(needs[following])))
            elif following in open_:
                lowest[at] = min(lowest[at], number[following])


def _closed(open_: dict[str, None], first: str) -> tuple[str, ...]:
    """Take a group off those that are open."""
    group = [open_.popitem()[0]]
    while group[-1] != first:
        group.append(open_.popitem()[0])
    return tuple(reversed(group))


def _said(person: Person | None) -> Json:
    if person is None:
        return None
    texts = (person.id, person.name, person.email, person.region, person.place, person.entity)
    roles = [str(role) for role in person.roles]
    return [*texts, person.department, person.manager, roles, person.active, person.disputed]


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
