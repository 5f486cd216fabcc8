"""Where the published test vectors lie.

They are other people's data and no part of this project: HABEAS_VECTORS names their folder, else
they are looked for next to the checkout (``../shared/vectors``). Without them the tests that need
them are skipped, and say so.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"
FOLDER = Path(os.environ.get("HABEAS_VECTORS", _BESIDE))

needed = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="the published vectors are not here (set HABEAS_VECTORS to their folder)",
)


def load(name: str) -> Any:
    """Read one JSON file of the vectors; empty where they are missing."""
    file = FOLDER / name
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def files(pattern: str) -> list[Path]:
    """The files of the vectors that match, in a stable order."""
    return sorted(FOLDER.rglob(pattern))
