"""The command of a works council: make, trust, look, print evidence; no setting of Habeas."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.audit.tree.cosignature import parse_witness_vkey
from app.cli.witness import verbs
from app.kernel.errors import HabeasError, InvalidInput, Unavailable
from app.witness.rules import NotCosigned
from app.witness.service import DATABASE, open_witness
from tests.witness.conftest import NAME
from tests.witness.small_log import SmallLog


def run(folder: Path, *words: str) -> tuple[int, str]:
    verb, *rest = words
    done = CliRunner().invoke(verbs, [verb, "--var", str(folder), *rest])
    if isinstance(done.exception, HabeasError):
        raise done.exception
    return done.exit_code, done.output


def test_a_witness_is_made_trusts_a_log_and_says_what_it_saw(tmp_path: Path) -> None:
    log, folder = SmallLog(), tmp_path / "w"
    code, said = run(folder, "trust", log.vkey, "https://habeas.example", "--name", NAME)
    assert code == 0
    assert f"{NAME} watches {log.origin}" in said
    key = parse_witness_vkey(said.rpartition("key: ")[2].strip())
    assert key.name == NAME
    assert "nothing cosigned yet" in run(folder, "status")[1]
    witness = open_witness(folder)
    witness.add_checkpoint(log.request(0, 7))
    assert run(folder, "status")[0] == 0
    assert re.search(r"7 entries, cosigned [-0-9T:]+Z\n", run(folder, "status")[1])
    assert run(folder, "evidence") == (0, "None: no log was seen to sign two trees of one size.\n")
    with pytest.raises(NotCosigned):
        witness.add_checkpoint(SmallLog("another past").request(7, 7))
    witness.database.engine.dispose()
    code, said = run(folder, "evidence")
    assert code == 1
    assert said.count(f"{log.origin}\n7\n") == 2
    assert run(folder, "status")[0] == 1


@pytest.mark.parametrize("verb", ["status", "evidence"])
def test_a_folder_without_a_witness_is_reported_and_stays_as_it_is(
    tmp_path: Path, verb: str
) -> None:
    with pytest.raises(InvalidInput, match=r"there is no witness in .*nothing"):
        run(tmp_path / "nothing", verb)
    assert list(tmp_path.iterdir()) == []


def test_its_key_is_readable_by_its_owner_only_and_stays(tmp_path: Path) -> None:
    first = open_witness(tmp_path / "w", NAME)
    assert (tmp_path / "w" / "keys" / "witness.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "w").stat().st_mode & 0o077 == 0
    assert open_witness(tmp_path / "w").vkey == first.vkey


def test_a_lost_key_is_not_made_anew(tmp_path: Path) -> None:
    open_witness(tmp_path / "w", NAME)
    (tmp_path / "w" / "keys" / "witness.key").unlink()
    with pytest.raises(Unavailable, match="key is missing"):
        open_witness(tmp_path / "w")
    assert (tmp_path / "w" / DATABASE).exists()


def test_a_witness_has_one_name_which_a_key_can_carry(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="needs a name"):
        open_witness(tmp_path / "none")
    with pytest.raises(InvalidInput, match="no name of a witness"):
        open_witness(tmp_path / "odd", "works council")
    open_witness(tmp_path / "w", NAME)
    with pytest.raises(InvalidInput, match="is called"):
        open_witness(tmp_path / "w", "another")


def test_what_is_no_key_of_a_log_is_not_trusted(tmp_path: Path) -> None:
    witness = open_witness(tmp_path / "w", NAME)
    for vkey in ("", "x", witness.vkey, SmallLog().vkey[:-1]):
        with pytest.raises(InvalidInput, match="verifier key"):
            witness.trust(vkey)
    assert witness.watched() == ()


def test_it_needs_nothing_of_the_service(tmp_path: Path) -> None:
    """On another machine there are no settings, no policies and no database of Habeas."""
    program = (
        "import sys; import app.witness.http, app.witness.service\n"
        "bad = [n for n in sys.modules if n.startswith(('app.settings', 'app.wiring', 'app.web', "
        "'app.api', 'app.policy', 'app.consent', 'app.agents', 'app.access', 'app.directory', "
        "'app.audit.entries.store', 'app.audit.entries.service'))]\n"
        "sys.exit(', '.join(bad) or 0)"
    )
    environment = {**os.environ, "HABEAS_NO_SUCH_SETTING": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
