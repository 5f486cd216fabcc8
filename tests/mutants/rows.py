"""The list of mutants: small faults, each with the tests that must notice it.

A row of ``rows/*.toml`` names one fault: a file of the program, a text that stands in it exactly
once, what stands there instead, and the tests. ``survivors.toml`` gives a reason for each row that
no test can notice.

Rules:
1. A row that does not fit the code (any more) is stale, and named: nothing is skipped silently.
2. A name belongs to one row.
3. Only the program is changed, never a test.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SURVIVORS = FOLDER / "survivors.toml"


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        name: what is wrong in the program that holds it.
        file: path in the checkout.
        old: text that stands in the file exactly once.
        new: what replaces it.
        tests: paths or node ids for pytest.
        postgresql: whether the tests need PostgreSQL; else they run on SQLite alone.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    postgresql: bool = False

    def applied(self, text: str) -> str:
        """The file's text with the fault in it."""
        return text.replace(self.old, self.new)


def read_mutants(folder: Path = FOLDER / "rows") -> tuple[Mutant, ...]:
    """Read every list of the folder, in the order of the names of its files."""
    return tuple(
        mutant
        for path in sorted(folder.glob("*.toml"))
        for file in tomllib.loads(path.read_text(encoding="utf-8"))["file"]
        for mutant in _of_file(file)
    )


def _of_file(file: Mapping[str, Any]) -> Iterator[Mutant]:
    for row in file["mutant"]:
        yield Mutant(
            name=row["name"],
            file=file["path"],
            old=row["old"],
            new=row["new"],
            tests=tuple(row.get("tests", file["tests"])),
            postgresql=row.get("postgresql", False),
        )


def read_survivors(path: Path = SURVIVORS) -> dict[str, str]:
    """Read the reasons why some rows survive, by the name of the row."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8")))


def stale(
    mutants: Iterable[Mutant], survivors: Mapping[str, str], checkout: Path
) -> tuple[str, ...]:
    """Say of each row that does not fit the code what is wrong with it."""
    rows = tuple(mutants)
    names = Counter(row.name for row in rows)
    return (
        *(problem for row in rows for problem in _problems(row, checkout)),
        *(f"{name}: {count} rows have this name" for name, count in names.items() if count > 1),
        *(
            f"{name}: listed as a survivor, but there is no row"
            for name in survivors.keys() - names
        ),
        *(f"{name}: survives without a reason" for name, why in survivors.items() if not why),
    )


def _problems(row: Mutant, checkout: Path) -> Iterator[str]:
    path = checkout / row.file
    if not row.file.startswith("app/") or not path.is_file():
        yield f"{row.name}: {row.file} is not a file of the program"
        return
    count = path.read_text(encoding="utf-8").count(row.old)
    if count != 1:
        yield f"{row.name}: its text stands {count} times in {row.file}"
    if row.old == row.new:
        yield f"{row.name}: it changes nothing"
    if not row.tests:
        yield f"{row.name}: it names no test"
    for test in row.tests:
        if not (checkout / test.partition("::")[0]).is_file():
            yield f"{row.name}: {test} does not exist"
