"""An import whose process is killed in the middle of a piece goes on with the same command."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from app.audit.entries import store
from app.directory.plan import PIECE
from app.wiring import Services
from tests import typed
from tests.cli.test_verbs import HEADER

PEOPLE = 2 * PIECE + 5

DIES = """
import os, signal, sys
from sqlalchemy import Engine, event
from app.cli import main

pieces = 0

def die(_connection, _cursor, statement, *_):
    global pieces
    pieces += statement.startswith("INSERT INTO directory_import ")
    if pieces == 2:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "after_cursor_execute", die)
sys.argv = ["habeas", "people", "import", sys.argv[1]]
main()
"""
"""The program, until all of the second piece is written and not committed."""


def line(number: int) -> str:
    manager = f"N-{number // 8}" if number else "E-0012"
    address = f"n-{number}@example.com"
    return f"N-{number},New {number},{address},DE,DE,DE/Beispiel Geräte GmbH,Law,{manager},"


def test_the_same_command_goes_on_and_nobody_is_recorded_twice(
    sample: Services, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    lines = [HEADER, *(line(number) for number in range(PEOPLE))]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {
        "HABEAS_DEMO": "1",
        "HABEAS_VAR": str(sample.settings.var),
        "HABEAS_DATABASE_URL": sample.settings.database_url,
    }
    before = kinds(sample)
    killed = subprocess.run(
        [sys.executable, "-c", DIES, str(file)],
        env={**os.environ, **settings},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert here(sample) == PIECE, "the first piece, whole"

    done = typed.habeas("people", "import", file, settings=settings)
    assert done.returncode == 0, done.stderr
    assert "goes on with an import that had 1 piece behind it" in done.stdout
    assert f"{PEOPLE} were added" in done.stdout
    assert here(sample) == PEOPLE
    assert kinds(sample) - before == {"directory.person": PEOPLE, "directory.imported": 1}
    again = typed.habeas("people", "import", file, settings=settings)
    assert f"0 were added, 0 were changed, {PEOPLE} stay as they are" in again.stdout


def here(sample: Services) -> int:
    with sample.database.read() as tx:
        return sum(one.id.startswith("N-") for one in sample.directory.people(tx))


def kinds(sample: Services) -> Counter[str]:
    sample.integrator.integrate()
    with sample.database.read() as tx:
        entries = store.entries_between(tx, 0, sample.log.size(tx))
    return Counter(entry.leaf["kind"] for entry in entries)
