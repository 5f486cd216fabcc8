"""``habeas audit acknowledge-restore`` writes what custodians sign into a new file, or refuses."""

from pathlib import Path

import pytest

from app.demo.custodians import NAMES
from tests import typed
from tests.audit.restore.instance import Instance

pytestmark = pytest.mark.slow


def typed_in(lost: Instance, out: Path) -> typed.Done:
    """The verb, typed by whoever runs the instance whose withdrawal was lost."""
    settings = {
        "HABEAS_VAR": lost.settings.var,
        "HABEAS_DATABASE_URL": lost.settings.database_url,
        "HABEAS_CUSTODIANS": lost.settings.custodians,
        "HABEAS_DEMO": "true",
    }
    environment = {name: str(value) for name, value in settings.items()}
    return typed.habeas("audit", "acknowledge-restore", "--out", out, settings=environment)


def test_the_statement_is_written_once_and_a_file_that_is_there_stays(
    lost: Instance, tmp_path: Path
) -> None:
    out = tmp_path / "statement"
    assert typed_in(lost, out).returncode == 0
    statement = out.read_text(encoding="utf-8")
    assert statement.startswith("habeas")
    out.write_bytes(signed := lost.signed(statement, NAMES[0]))
    again = typed_in(lost, out)
    assert again.returncode != 0
    assert f"--out: {out} cannot be written: File exists" in again.stderr
    assert "Name a new file." in again.stderr
    assert out.read_bytes() == signed


def test_where_the_statement_cannot_be_written_the_option_is_named(
    lost: Instance, tmp_path: Path
) -> None:
    out = tmp_path / "nowhere" / "statement"
    done = typed_in(lost, out)
    assert done.returncode != 0
    assert f"--out: {out} cannot be written: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
