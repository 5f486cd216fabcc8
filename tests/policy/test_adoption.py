"""Floors and catalogue enter the database once, with an entry, and never leave it."""

from dataclasses import replace

from sqlalchemy import func, select

from app.access.floor import ALLOWED
from app.policy import store
from app.policy.model import Floor
from app.policy.packs import PolicyTexts
from app.policy.service import PolicyService
from tests.policy.house import House


def test_every_floor_and_the_catalogue_get_one_entry(
    house: House, floors: tuple[Floor, ...]
) -> None:
    adopted = house.entries("policy.floor_adopted")

    assert {entry["facts"]["region"] for entry in adopted} == {floor.region for floor in floors}
    assert len(house.entries("policy.catalogue_adopted")) == 1
    germany = next(entry for entry in adopted if entry["facts"]["region"] == "DE")
    assert germany["facts"]["parent"] == "EU"
    assert germany["facts"]["policy"].startswith("sha256:")
