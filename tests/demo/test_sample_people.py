"""The sample organisation: what the demo, the tour and the documents rely on."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.demo import make_people
from app.directory.model import Person, by_id, chain
from app.directory.packs import read_people
from app.kernel.authority import Role
from app.kernel.places import too_wide

ROOT = Path(__file__).parents[2]
README = ROOT / "app" / "demo" / "data" / "README.md"
FLOORS = sorted(file.stem for file in (ROOT / "policies" / "regions").glob("*.yaml"))
ELSEWHERE = {"IT", "JP", "CA-QC", "BR"}
"""Regions without a floor."""


@pytest.fixture(scope="module")
def people() -> Mapping[str, Person]:
    return by_id(read_people(make_people.PEOPLE.read_bytes(), frozenset(FLOORS)))


def test_the_file_is_what_its_generator_makes() -> None:
    assert make_people.PEOPLE.read_bytes() == make_people.people()


def test_about_120_people_in_at_least_ten_regions(people: Mapping[str, Person]) -> None:
    assert 115 <= len(people) <= 125
    homes = {person.region for person in people.values()}
    assert homes == set(FLOORS) - set(too_wide(FLOORS, FLOORS)) | ELSEWHERE


def test_three_levels_of_management_are_above_the_staff(people: Mapping[str, Person]) -> None:
    managers = {person.id: person.manager for person in people.values()}
    assert [person for person, manager in managers.items() if manager is None] == ["E-0001"]
    assert chain("E-0042", managers) == ("E-0012", "E-0002", "E-0001")
    assert max(len(chain(person, managers)) for person in people) == 3


def test_names_and_addresses_are_plainly_samples(people: Mapping[str, Person]) -> None:
    families = {family for family, _ in make_people.NAMES.values()}
    for person in people.values():
        assert person.name.split()[-1] in families
        assert person.email.endswith("@example.com")
    assert len({person.email for person in people.values()}) == len(people)


@pytest.mark.parametrize("region", FLOORS)
def test_every_floor_has_two_lawyers(people: Mapping[str, Person], region: str) -> None:
    held = [person for person in people.values() if Role("legal", region) in person.roles]
    assert len(held) >= 2


def test_the_other_roles_are_held(people: Mapping[str, Person]) -> None:
    held = Counter(str(role) for person in people.values() for role in person.roles)
    assert held["works_council@DE"] == 2
    assert held["dpo@EU"] == held["dpo@DE"] == held["admin"] == 1
    assert held["auditor"] == 2
    assert held["hr"] == 3


def test_five_people_work_away_from_home(people: Mapping[str, Person]) -> None:
    away = {person.id: person.place for person in people.values() if person.place != person.region}
    assert away == make_people.AWAY
    assert people["E-0044"].regions == ("US-CA", "DE", "US")


def test_the_cast_is_who_the_readme_says(people: Mapping[str, Person]) -> None:
    cast = re.findall(
        r"^\| (E-\d{4}) \| ([^|]+) \|", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(cast) >= 15
    for person, name in cast:
        assert people[person].name == name


def test_the_engineer_of_the_walk_has_no_role(people: Mapping[str, Person]) -> None:
    lane = people["E-0042"]
    assert (lane.region, lane.place, lane.department) == ("US-CA", "US-CA", "Engineering")
    assert lane.roles == ()
