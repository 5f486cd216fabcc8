"""``habeas verify`` as a third party calls it: no server, no settings, an empty folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import typed

FOLDER = Path(__file__).parents[1] / "vectors" / "log"
FOUND = json.loads((FOLDER / "checkpoints.json").read_text(encoding="utf-8"))
EXPORT = str(FOLDER / "export.tar")
KEY = ("--key", FOUND["vkey"])


def verify(folder: Path, *words: str) -> typed.Done:
    return typed.habeas("verify", *words, settings={}, folder=folder)


def verify_alone(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
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
    quick = verify_alone(tmp_path, EXPORT, *KEY, "--without-replay", "--json")
    report = json.loads(quick.stdout)
    assert quick.returncode == 0
    assert [one["ok"] for one in report["verdicts"].values()] == [True, True, None]
    assert "Without replay the facts" in " ".join(report["limits"])
    bytes_only = json.loads(
        verify_alone(tmp_path, EXPORT, *KEY, "--integrity-only", "--json").stdout
    )
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


PROOF = "c2sp.org/tlog-proof@v1\n"
RECEIPT = '{"type": "habeas-receipt+jwt"}'


@pytest.mark.parametrize(
    ("target", "option"),
    [
        *(("x.tlog-proof", one) for one in ("--since", "--max-age", "--receipt", "--keys")),
        *(("x.json", one) for one in ("--since", "--policy", "--max-age", "--receipt")),
        *(("https://habeas.example", one) for one in ("--receipt", "--keys")),
        (str(FOLDER / "export-person.tar"), "--receipt"),
        (EXPORT, "--keys"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_not_passed_over(
    tmp_path: Path, target: str, option: str
) -> None:
    (tmp_path / "x.tlog-proof").write_text(PROOF, encoding="utf-8")
    (tmp_path / "x.json").write_text(RECEIPT, encoding="utf-8")
    value = "1h" if option == "--max-age" else "x.json"
    done = verify(tmp_path, target, *KEY, option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert option in done.stderr or "none is given" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_submission_receipt_needs_the_entries_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a.b.c", encoding="utf-8")
    done = verify(tmp_path, EXPORT, *KEY, "--integrity-only", "--receipt", "x")
    assert done.returncode == 2
    assert "--receipt" in done.stderr


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


@pytest.mark.parametrize("content", ["idx,leaf_hash\r\n0,00\r\n", '{"entry":{}}\n', ""])
def test_a_projection_proves_nothing_and_the_verb_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.csv").write_text(content, encoding="utf-8")
    done = verify(tmp_path, "x.csv", *KEY)
    assert (done.returncode, done.stdout) == (2, "")
    assert "x.csv is no tar; other forms of the log, such as CSV, prove nothing" in done.stderr
