"""People from a CSV file.

Rules:
1. UTF-8, with or without byte order mark; RFC 4180 with commas; the header exactly as ``COLUMNS``,
   but for rule 4.
2. A file is right in every line or refused; all its faults are told at once, with line and column.
3. Home, place of work and the entity's establishment are places (``kernel.places``).
4. A column ``left`` may come last: who has left has ``yes`` there, everybody else nothing.
5. What only the directory can know (managers and addresses beyond the file) is checked there.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from app.directory.model import Person, in_cycles, misplaced, read_role
from app.kernel.authority import Role
from app.kernel.errors import Fault, TooLarge, Unreadable

COLUMNS = (
    "id",
    "name",
    "email",
    "region",
    "place_of_work",
    "entity",
    "department",
    "manager",
    "roles",
)
LEFT = "left"
MAX_BYTES = 10_000_000
MAX_FAULTS = 100
MAX_FIELD = 200
"""Longest text of a field, characters (an e-mail address: 254, RFC 5321 §4.5.3.1.3)."""

_MAY_BE_EMPTY = frozenset({"manager", "roles", LEFT})
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
# Control characters, and the marks that make text read in another order than it is written.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class _Line:
    """One record of the file: where it begins, and its fields by column."""

    number: int
    fields: dict[str, str]

    def fault(self, column: str, problem: str, cure: str) -> Fault:
        return Fault(f"line {self.number}, column {column}", problem, cure)


def read_people(data: bytes, floors: AbstractSet[str]) -> tuple[Person, ...]:
    """Read the people of a CSV file, in its order.

    Args:
        data: the file's bytes, at most 10 MB.
        floors: the regions that have a floor: what is a place depends on them.

    Raises:
        TooLarge: more bytes than that.
        Unreadable: the file is wrong; up to 100 faults, and the number of all of them.
    """
    if len(data) > MAX_BYTES:
        raise TooLarge(
            f"the file has {len(data)} bytes; at most {MAX_BYTES} are read",
            cure="Split it: people who are not in a file are left as they are.",
        )
    faults: list[Fault] = []
    lines = list(_lines(_text(data), faults))
    people = [_person(line, floors, faults) for line in lines]
    faults += _repeated(lines, "id")
    faults += _repeated(lines, "email")
    faults += _cycles(lines)
    if not lines and not faults:
        faults.append(Fault("line 2", "the file names nobody", "Add a line for each person."))
    if faults:
        raise _unreadable(sorted(faults, key=_line_number))
    return tuple(person for person in people if person is not None)


def _text(data: bytes) -> str:
    if b"\x00" in data:
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        raise _unreadable(
            [Fault(f"line {line}", "a NUL byte", "Save the file as CSV in UTF-8, not UTF-16.")]
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _unreadable(
            [Fault(f"line {line}", "not UTF-8", "Save the file as CSV in UTF-8.")]
        ) from error


def _lines(text: str, faults: list[Fault]) -> Iterator[_Line]:
    """Give the records with as many fields as columns; stop where the form breaks."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        columns = _header(next(reader, []))
        begins = reader.line_num + 1
        for row in reader:
            if len(row) == len(columns):
                yield _Line(begins, dict(zip(columns, (item.strip() for item in row), strict=True)))
            elif row:
                problem = f"{len(row)} fields where {len(columns)} are due"
                cure = "Put a field that holds a comma in double quotes."
                faults.append(Fault(f"line {begins}", problem, cure))
            begins = reader.line_num + 1
    except csv.Error as error:
        faults.append(
            Fault(
                f"line {begins}", f"not CSV: {error}", 'Write a double quote inside quotes as "".'
            )
        )


def _header(header: list[str]) -> tuple[str, ...]:
    """The columns of a file."""
    if tuple(header) in {COLUMNS, (*COLUMNS, LEFT)}:
        return tuple(header)
    names = [name.strip() for name in header]
    cure = f"The first line is: {','.join(COLUMNS)}"
    faults = [
        *(_header_fault(name, "unknown", cure) for name in names if name not in (*COLUMNS, LEFT)),
        *(_header_fault(name, "missing", cure) for name in COLUMNS if name not in names),
        *(_header_fault(name, "given twice", cure) for name, n in Counter(names).items() if n > 1),
    ]
    raise _unreadable(faults or [Fault("line 1", "the columns stand in another order", cure)])


def _header_fault(name: str, problem: str, cure: str) -> Fault:
    return Fault(f"line 1, column {name[:MAX_FIELD]}", problem, cure)


def _person(line: _Line, floors: AbstractSet[str], faults: list[Fault]) -> Person | None:
    """Make a person of a line; None where the line has a fault."""
    fields = line.fields
    wrong = [*_text_faults(line), *_shape_faults(line), *_place_faults(line, floors)]
    roles = _roles(line, wrong)
    faults += wrong
    if wrong:
        return None
    return Person(
        id=fields["id"],
        name=fields["name"],
        email=fields["email"].lower(),
        region=fields["region"],
        place=fields["place_of_work"],
        entity=fields["entity"],
        department=fields["department"],
        manager=fields["manager"] or None,
        roles=roles,
        active=not fields.get(LEFT),
    )


def _text_faults(line: _Line) -> Iterator[Fault]:
    for column, value in line.fields.items():
        if not value and column not in _MAY_BE_EMPTY:
            yield line.fault(column, "empty", "Fill it in.")
        if _UNSEEN.search(value):
            yield line.fault(column, "an unseen control character", "Remove it.")
        if len(value) > (254 if column == "email" else MAX_FIELD):
            yield line.fault(column, f"{len(value)} characters are too long", "Shorten it.")


def _shape_faults(line: _Line) -> Iterator[Fault]:
    """Check the filled fields whose form is fixed."""
    for column in ("id", "manager"):
        value = line.fields[column]
        if value and not _ID.fullmatch(value):
            yield line.fault(
                column, f"{value[:80]!r} is not an id", "Give up to 64 of A-Z a-z 0-9 . _ -"
            )
    if (email := line.fields["email"]) and not _EMAIL.fullmatch(email):
        yield line.fault("email", f"{email[:80]!r} is no address", "Give one, as name@example.com.")
    if line.fields.get(LEFT, "") not in {"", "yes"}:
        yield line.fault(LEFT, "neither empty nor yes", "Write yes for who has left.")
    entity = line.fields["entity"]
    if entity and not all(_parts(entity)):
        yield line.fault(
            "entity",
            f"{entity[:80]!r} does not name region and company",
            "Give the region of establishment, a slash and the name: DE/Example Devices GmbH.",
        )


def _place_faults(line: _Line, floors: AbstractSet[str]) -> Iterator[Fault]:
    """Check the filled fields that hold a place."""
    region, place = line.fields["region"], line.fields["place_of_work"]
    entity_region, name = _parts(line.fields["entity"])
    filled = {"region": region, "place_of_work": place, "entity": entity_region and name}
    for column, why in misplaced(region, place, entity_region, floors).items():
        if filled[column]:
            yield line.fault(column, why.problem, why.cure)


def _parts(entity: str) -> tuple[str, str]:
    """Region of establishment and name."""
    region, _slash, name = entity.partition("/")
    return region, name.strip()


def _roles(line: _Line, faults: list[Fault]) -> tuple[Role, ...]:
    """Read the roles, sorted, so that their order in the file carries no meaning."""
    roles: list[Role] = []
    for name in filter(None, (part.strip() for part in line.fields["roles"].split(";"))):
        try:
            role = read_role(name)
        except ValueError as error:
            faults.append(
                line.fault("roles", str(error), "Separate roles by ';': legal@DE;auditor")
            )
            continue
        if role in roles:
            faults.append(line.fault("roles", f"{role} is given twice", "Keep one."))
        roles.append(role)
    return tuple(sorted(roles, key=str))


def _repeated(lines: Iterable[_Line], column: str) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for line in lines:
        value = line.fields[column].lower() if column == "email" else line.fields[column]
        if value and first.setdefault(value, line.number) != line.number:
            yield line.fault(
                column,
                f"{value[:80]!r} stands already in line {first[value]}",
                "Keep one line for each person, and one address.",
            )


def _cycles(lines: list[_Line]) -> Iterator[Fault]:
    cyclic = set(in_cycles({line.fields["id"]: line.fields["manager"] or None for line in lines}))
    for line in lines:
        if line.fields["id"] in cyclic:
            yield line.fault(
                "manager",
                "the person would report to themselves, directly or through others",
                "Correct one manager of the circle, or leave it empty for the top.",
            )


def _line_number(fault: Fault) -> int:
    return int(fault.field.split()[1].rstrip(","))


def _unreadable(faults: list[Fault]) -> Unreadable:
    more = len(faults) - MAX_FAULTS
    listed = (
        f", of which the first {MAX_FAULTS} are listed and {more} more are not" if more > 0 else ""
    )
    noun = "fault" if len(faults) == 1 else "faults"
    return Unreadable(
        f"nothing was imported: the file has {len(faults)} {noun}{listed}",
        faults=tuple(faults[:MAX_FAULTS]),
        cure="Mend the file and import it again.",
    )
