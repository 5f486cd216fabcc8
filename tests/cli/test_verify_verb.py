"""``habeas verify`` as a third party calls it: no server, no settings, an empty folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "vectors" / "log"
FOUND = json.loads((FOLDER / "checkpoints.json").read_text(encoding="utf-8"))
EXPORT = str(FOLDER / "export.tar")
KEY = ("--key", FOUND["vkey"])


def verify(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from app.cli import main; main()", "verify", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_three_depths_and_their_limits(tmp_path: Path) -> None:
    quick = verify(tmp_path, EXPORT, *KEY, "--without-replay", "--json")
    report = json.loads(quick.stdout)
    assert quick.returncode == 0
    assert [one["ok"] for one in report["verdicts"].values()] == [True, True, None]
    assert "Without replay the facts" in " ".join(report["limits"])
    bytes_only = json.loads(verify(tmp_path, EXPORT, *KEY, "--integrity-only", "--json").stdout)
    assert [one["ok"] for one in bytes_only["verdicts"].values()] == [True, None, None]
    assert list(tmp_path.iterdir()) == []


def test_kept_checkpoints_policy_and_age(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(FOUND["checkpoint"], encoding="utf-8")
    (tmp_path / "policy").write_text(FOUND["policy"], encoding="utf-8")
    quick = (EXPORT, *KEY, "--without-replay")
    assert verify(tmp_path, *quick, "--since", "kept", "--kept", "kept").returncode == 0
    unmet = verify(tmp_path, *quick, "--policy", "policy", "--max-age", "24h")
    assert unmet.returncode == 1
    assert "not enough witnesses" in unmet.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("nowhere.tar",),
        (EXPORT, "--max-age", "soon"),
        (EXPORT, "--since", "nowhere"),
        (EXPORT, "--policy", "nowhere"),
        (EXPORT, "--receipt", "nowhere"),
        ("http://habeas.example",),
        (EXPORT, "--depth", "7"),
    ],
)
def test_a_command_that_cannot_be_followed_ends_with_2(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = verify(tmp_path, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
