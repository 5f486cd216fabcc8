"""The picture of the house is drawn from the contracts, so it cannot tell an old story."""

import runpy
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "img"


def test_the_committed_picture_is_the_picture_of_the_contracts() -> None:
    drawn = runpy.run_path(str(IMAGES / "house.py"))["draw"]()
    committed = (IMAGES / "house.svg").read_text(encoding="utf-8")
    assert committed == drawn, "the picture is out of date: make house"
