"""People, where they work and whom they report to.

Rules:
1. Three regions matter for a person: home, place of work, and the employing entity's establishment.
2. ``residence`` counts the homes of a person: it grows when the home region changes and when
   somebody who left comes back. What was agreed to in one residence does not hold in the next, not
   even after a return to the first (docs/law.md, Decisions).
3. A management chain ends. A cycle is refused at import; a walk upward stops where it would repeat.
4. Somebody whose row does not stand (app/db/seals.py) is disputed: they hold no role, and nothing
   that rests on where they are or whom they report to is allowed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from app.kernel.authority import Role
from app.kernel.facts import fact
from app.kernel.places import Misplaced, why_no_place, why_no_seat
from app.kernel.shapes import REGION, fits

Misplacings: TypeAlias = Mapping[str, Misplaced]
"""Why a region of a person is no place, by the column that holds it."""

REGIONAL_ROLES = frozenset({"legal", "works_council"})
"""Roles that mean nothing without a region."""

ROLES = REGIONAL_ROLES | {"dpo", "auditor", "admin", "hr"}
"""The closed list of roles."""


def is_region(text: str) -> bool:
    """Say whether the text has the shape of a region; whether a floor knows it is policy's part."""
    return fits(REGION, text)


@dataclass(frozen=True)
class Person:
    """One person, as the directory has them now.

    Attributes:
        id: the employer's id, 1 to 64 characters of ``A-Z a-z 0-9 . _ -``.
        email: in lower case.
        region: the home region, whose law follows the person.
        place: the region of the place of work.
        entity: ``DE/Sample Devices GmbH``: region of establishment, slash, legal name.
        manager: id of the person reported to; None at the top.
        residence: counts home regions, from 1 (rule 2); set by the directory, not part of equality.
        disputed: what the directory says of them does not stand (rule 4); ``roles`` is empty then.
    """

    id: str
    name: str
    email: str
    region: str
    place: str
    entity: str
    department: str
    manager: str | None
    roles: tuple[Role, ...]
    active: bool = True
    residence: int = field(default=1, compare=False)
    disputed: bool = False

    @property
    def entity_region(self) -> str:
        """The region where the employing entity is established."""
        return self.entity.partition("/")[0]

    @property
    def entity_name(self) -> str:
        """The legal name of the employing entity: the controller."""
        return self.entity.partition("/")[2]

    @property
    def places(self) -> tuple[str, ...]:
        """Home and place of work, each once: these must say whose law holds (``misplaced``)."""
        return tuple(dict.fromkeys((self.region, self.place)))

    @property
    def regions(self) -> tuple[str, ...]:
        """Home, place of work, establishment; each once, in this order."""
        return tuple(dict.fromkeys((self.region, self.place, self.entity_region)))

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions that matter for access: the names of the roles, sorted, each once."""
        return tuple(sorted({role.name for role in self.roles}))


@dataclass(frozen=True)
class Headcount:
    """How many active people have the same home, place of work and establishment: all regions."""

    region: str
    place: str
    entity_region: str
    people: int

    @property
    def places(self) -> tuple[str, ...]:
        """Home and place of work, as ``Person.places``."""
        return tuple(dict.fromkeys((self.region, self.place)))

    @property
    def regions(self) -> tuple[str, ...]:
        """Home, place of work, establishment, as ``Person.regions``."""
        return tuple(dict.fromkeys((self.region, self.place, self.entity_region)))


def headcounts(people: Iterable[tuple[str, str, str, int]]) -> tuple[Headcount, ...]:
    """Count people by the regions whose rules hold for them, largest group first.

    >>> rows = [("DE", "DE", "DE/Sample", 3), ("DE", "FR", "DE/Sample", 1), ("DE", "DE", "DE/X", 1)]
    >>> [(group.regions, group.people) for group in headcounts(rows)]
    [(('DE',), 4), (('DE', 'FR'), 1)]

    Args:
        people: home, place of work, entity as ``Person`` has them, and how many have just these.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    for home, place, entity, number in people:
        counts[home, place, entity.partition("/")[0]] += number
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Headcount(*regions, number) for regions, number in ordered)


@dataclass(frozen=True)
class PersonVersion:
    """A person as recorded in the directory at ``recorded_at``; without name and e-mail."""

    person_id: str
    version: int
    region: str
    place: str
    entity: str
    department: str
    manager: str | None
    roles: tuple[Role, ...]
    active: bool
    residence: int
    recorded_at: datetime


@dataclass(frozen=True)
class Past:
    """What the directory recorded about a person, oldest first.

    Attributes:
        disputed: not all of it stands; what is sound is here all the same.
    """

    versions: tuple[PersonVersion, ...]
    disputed: bool = False


@dataclass(frozen=True)
class Line:
    """The management chain of a person upward, nearest first.

    Attributes:
        above: ids of those whom the directory has.
        disputed: somebody in it is disputed or missing, or it runs in a circle: who is above the
            person is not known, so that whoever asks may be.
    """

    above: tuple[str, ...]
    disputed: bool = False


SESSION_LIFE = timedelta(hours=8)
"""How long somebody is signed in at most."""


@dataclass(frozen=True)
class SessionEnd:
    """What the log says of somebody who signed out.

    Attributes:
        session: the event by which the session began; empty in entries that are older than this
            fact. A row that is put back afterwards is known by it.
    """

    session: str = field(default="", metadata=fact(sparse=True))


@dataclass(frozen=True)
class PersonRecord:
    """What the log says about a person: what matters for capture and access, and nothing else.

    Attributes:
        residence: 0 in entries that are older than this fact; it follows from the others.
        manager: the first of the line; None at the top.
        line: pseudonyms of the management chain upward, nearest first.
        functions: the names of the roles, sorted, each once.
        roles: the roles with the regions they are held for, sorted, each once. None in entries that
            are older than this fact: what they do not say, nobody may conclude from them.
    """

    region: str
    place: str
    entity_region: str
    active: bool
    manager: str | None
    line: tuple[str, ...]
    functions: tuple[str, ...]
    residence: int = field(default=0, metadata=fact(appended=True))
    roles: tuple[Role, ...] | None = field(default=None, metadata=fact(sparse=True))

    @classmethod
    def of(cls, person: Person, line: tuple[str, ...]) -> "PersonRecord":
        """The record of a person whose management chain has these pseudonyms."""
        return cls(
            region=person.region,
            place=person.place,
            entity_region=person.entity_region,
            active=person.active,
            manager=line[0] if line else None,
            line=line,
            functions=person.functions,
            residence=person.residence,
            roles=each_once(person.roles),
        )


def each_once(roles: Iterable[Role]) -> tuple[Role, ...]:
    """Roles in the one order in which an entry has them, however a file lists them.

    >>> each_once([Role("legal", "DE"), Role("auditor"), Role("legal", "DE")])
    (Role(name='auditor', region=None), Role(name='legal', region='DE'))
    """
    return tuple(sorted(set(roles), key=lambda role: (role.name, role.region or "")))


def misplaced(region: str, place: str, entity_region: str, floors: AbstractSet[str]) -> Misplacings:
    """Which of a person's regions is no place, and why: by the column of the people file.

    A company is established in a country, whose parts need not be told apart; a person is not.

    >>> sorted(misplaced("US", "US-NY", "US", floors={"US", "US-NY"}))
    ['region']

    Args:
        region: home.
        place: place of work.
        entity_region: establishment of the employing entity.
        floors: the regions that have a floor.
    """
    judged = {
        "region": why_no_place(region, floors),
        "place_of_work": why_no_place(place, floors),
        "entity": why_no_seat(entity_region, floors),
    }
    return {column: why for column, why in judged.items() if why is not None}


@dataclass(frozen=True)
class ImportResult:
    """How many people an import adds, changes, and finds as they are.

    Attributes:
        returned: how many of the changed had left and are active again, because the file lists
            them. What they agreed to before does not come back with them (rule 2).
    """

    added: int
    changed: int
    unchanged: int
    returned: int = 0


@dataclass(frozen=True)
class ImportRecord:
    """What the log says about an import as a whole; each person has an entry of their own.

    Attributes:
        unchanged: how many of the file the directory had as they are, when the import began.
        file: commitment to the file.
        pieces: in how many transactions it was done; 0 in entries that are older than this fact.
        plan: commitment to the plan; empty in entries that are older than this fact.
        rest: of an import that stopped, commitment to the plan it last went on by; else empty.
    """

    added: int
    changed: int
    unchanged: int
    returned: int
    file: str
    pieces: int = field(default=0, metadata=fact(sparse=True))
    plan: str = field(default="", metadata=fact(sparse=True))
    rest: str = field(default="", metadata=fact(sparse=True))


def as_recorded(person: Person, past: Past) -> Person:
    """A disputed person as the newest sound version has them; name and e-mail are in no version."""
    if not past.versions:
        return person
    last = past.versions[-1]
    return replace(
        person,
        region=last.region,
        place=last.place,
        entity=last.entity,
        department=last.department,
        manager=last.manager,
        active=last.active,
        residence=last.residence,
    )


def successor(before: Person, after: Person) -> Person:
    """Return ``after`` with the residence it has as the next state of ``before`` (rule 2)."""
    moved = before.region != after.region or (after.active and not before.active)
    return replace(after, residence=before.residence + moved)


def read_role(text: str) -> Role:
    """Read ``legal@DE`` or ``auditor``.

    Raises:
        ValueError: an unknown role, a bad region, or a regional role without one.
    """
    name, at, region = text.partition("@")
    if name not in ROLES:
        msg = f"{name!r} is not a role; the roles are {', '.join(sorted(ROLES))}"
        raise ValueError(msg)
    if at and not is_region(region):
        msg = f"{region!r} is not a region"
        raise ValueError(msg)
    if not at and name in REGIONAL_ROLES:
        msg = f"the role {name} needs a region, as in {name}@DE"
        raise ValueError(msg)
    return Role(name, region or None)


def chain(person_id: str, managers: Mapping[str, str | None]) -> tuple[str, ...]:
    """Walk upward from a person, nearest manager first; stops before a repetition (rule 3)."""
    walked: dict[str, None] = {}
    above = managers.get(person_id)
    while above is not None and above != person_id and above not in walked:
        walked[above] = None
        above = managers.get(above)
    return tuple(walked)


def lines_of(ids: Iterable[str], people: Mapping[str, Person]) -> dict[str, Line]:
    """The line of each, among people by id, who must hold everybody that a line may name.

    >>> def one(id_: str, manager: str | None) -> Person:
    ...     return Person(id_, "", "", "DE", "DE", "DE/Sample", "IT", manager, ())
    >>> people = by_id([one("low", "mid"), one("mid", "top"), one("top", None), one("odd", "gone")])
    >>> lines_of(["low", "odd"], people)
    {'low': Line(above=('mid', 'top'), disputed=False), 'odd': Line(above=(), disputed=True)}
    """
    managers = {one.id: one.manager for one in people.values()}
    return {id_: _line((id_, *chain(id_, managers)), people) for id_ in ids}


def _line(walked: tuple[str, ...], people: Mapping[str, Person]) -> Line:
    known = [people[one] for one in walked if one in people]
    ends = len(known) == len(walked) and known[-1].manager is None
    disputed = not ends or any(one.disputed for one in known)
    return Line(tuple(one for one in walked[1:] if one in people), disputed)


def in_cycles(managers: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the ids that, directly or through others, report to themselves; in given order."""
    state: dict[str, bool] = {}  # walked and on a cycle, or walked and not
    for start in managers:
        path: dict[str, int] = {}
        at: str | None = start
        while at is not None and at not in state and at not in path:
            path[at] = len(path)
            at = managers.get(at)
        first = path[at] if at is not None and at in path else len(path)
        state.update((walked, place >= first) for walked, place in path.items())
    return tuple(person for person in managers if state[person])


def by_id(people: Iterable[Person]) -> dict[str, Person]:
    """Index people by id."""
    return {person.id: person for person in people}
