"""The whole story, over real HTTP, as ``habeas tour`` tells it: on both databases."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_every_step_of_the_tour_holds(database_url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("habeas"), "tour"],
        env={**os.environ, "HABEAS_DATABASE_URL": database_url, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every step held." in done.stdout
    assert "0 of" in done.stdout
