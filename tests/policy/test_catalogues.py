"""Loosening the catalogue takes two people; what a file narrows holds at the next start."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.directory.model import Person
from app.kernel.canonical import parse_canonical
from app.kernel.errors import Conflict, Forbidden, HabeasError, InvalidInput, Unreadable
from app.kernel.forms import AGENT_FORM
from app.policy.catalogue.meeting import meeting
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.changes.model import WaitingCatalogue
from app.policy.law.layer import Floor
from tests.agreements import agreed_to
from tests.policy.house import ANN, ANNA, BEN, CLARA, FINN, GERMAN, NOBODY, House, policy_text
from tests.policy.test_adoption import restarted

Floors = tuple[Floor, ...]
PEOPLE = {"ann": ANN, "ben": BEN, "finn": FINN, "anna": ANNA, "clara": CLARA, "nobody": NOBODY}


def wider(catalogue: Catalogue, url: str = "*.example.com") -> Catalogue:
    """GitHub is also whatever is at this address."""
    app = catalogue.apps["github"]
    more = replace(app, match=replace(app.match, urls=tuple(sorted((*app.match.urls, url)))))
    return replace(catalogue, apps={**catalogue.apps, "github": more})


def without(catalogue: Catalogue, *apps: str, exclusion: str = "") -> Catalogue:
    return Catalogue(
        {name: app for name, app in catalogue.apps.items() if name not in apps},
        {name: item for name, item in catalogue.exclusions.items() if name != exclusion},
    )


def in_force(house: House) -> Catalogue:
    with house.database.read() as tx:
        return house.policy.catalogue(tx)


def waiting(house: House) -> WaitingCatalogue | None:
    with house.database.read() as tx:
        return house.policy.catalogues.waiting(tx)


def loosened(house: House) -> list[str]:
    """The ids of what waits for two people."""
    found = waiting(house)
    return [] if found is None else [one.id for one in found.loosened]


def act(house: House, what: str, who: Person, about: WaitingCatalogue | None = None) -> None:
    """Propose, decline or approve what waits, or what was shown earlier."""
    shown = about or waiting(house)
    digest, base = ("", "") if shown is None else (shown.digest, shown.base)
    with house.database.write() as tx:
        do = getattr(house.policy.catalogues, what)
        do(tx, who, digest, base, "a note", house.clock.now())


def told(house: House) -> dict[str, Any]:
    """The document for somebody in Germany who agreed to clicks in GitHub."""
    agreed = agreed_to({"click"}, {"ai_training.computer_use"}, {"github"})
    limits = house.policy.within(house.in_force("DE"), agreed)
    return parse_canonical(house.policy.document_for(limits, AGENT_FORM)[1])


def addresses(house: House) -> list[str]:
    return list(told(house)["apps"][0]["match"]["urls"])


class TestLoosening:
    def test_a_wider_file_and_a_restart_reach_nobody_until_two_people_agreed(
        self, house: House, floors: Floors
    ) -> None:
        house.publish("DE", GERMAN)
        before, files = told(house), wider(house.policy.shipped)
        house = restarted(house, floors, files)
        assert told(house) == before
        act(house, "propose", ANN)
        assert told(house) == before
        act(house, "approve", BEN)
        assert addresses(house) == ["*.example.com", *before["apps"][0]["match"]["urls"]]
        assert in_force(house) == files
        assert waiting(house) is None

    def test_a_service_that_still_runs_with_the_older_files_follows(
        self, house: House, floors: Floors
    ) -> None:
        house.publish("DE", GERMAN)
        other = restarted(house, floors, wider(house.policy.shipped))
        act(other, "propose", ANN)
        act(other, "approve", BEN)
        assert addresses(house) == addresses(other)
        assert "*.example.com" in addresses(house)

    def test_an_exclusion_that_is_gone_from_the_files_goes_on_to_hold(
        self, house: House, floors: Floors
    ) -> None:
        house.publish("DE", GERMAN)
        name = min(house.policy.shipped.exclusions)
        house = restarted(house, floors, without(house.policy.shipped, exclusion=name))
        assert name in {item["id"] for item in told(house)["exclusions"]}
        assert loosened(house) == [name]

    def test_what_the_file_narrows_holds_at_once_while_the_rest_waits(
        self, house: House, floors: Floors
    ) -> None:
        before = house.policy.shipped
        files = without(wider(before), "jira")
        house = restarted(house, floors, files)
        assert "jira" not in in_force(house).apps
        assert in_force(house).apps["github"] == before.apps["github"]
        assert in_force(house) == meeting(files, before)
        assert len(house.entries("policy.catalogue_adopted")) == 2

    def test_a_new_app_reaches_nobody_and_waits_for_nobody(
        self, house: House, floors: Floors
    ) -> None:
        new = App("newest", "Newest", "data", Matchers(executables=("newest",)))
        files = replace(house.policy.shipped, apps={**house.policy.shipped.apps, "newest": new})
        house = restarted(house, floors, files)
        assert waiting(house) is None
        assert in_force(house) == files

    def test_an_app_that_comes_back_under_a_policy_that_lists_it_waits(
        self, house: House, floors: Floors
    ) -> None:
        files = house.policy.shipped
        house.publish("DE", GERMAN)
        house = restarted(house, floors, without(files, "github"))
        assert told(house)["apps"] == []
        house = restarted(house, floors, files)
        assert told(house)["apps"] == []
        assert loosened(house) == ["github"]

    def test_an_app_that_is_recognised_in_another_way_altogether_waits_after_a_restart_too(
        self, house: House, floors: Floors
    ) -> None:
        """Nothing is left of it meanwhile; that does not make it a new app."""
        app = App("github", "GitHub", "development", Matchers(executables=("another",)))
        files = replace(house.policy.shipped, apps={**house.policy.shipped.apps, "github": app})
        for _ in range(2):
            house = restarted(house, floors, files)
            assert "github" not in in_force(house).apps
            assert loosened(house) == ["github"]

    def test_a_restart_with_the_same_files_writes_nothing(
        self, house: House, floors: Floors
    ) -> None:
        files = without(wider(house.policy.shipped), "jira")
        house = restarted(house, floors, files)
        act(house, "propose", ANN)
        entries, shown = house.entries(), waiting(house)
        house = restarted(house, floors, files)
        assert house.entries() == entries
        assert waiting(house) == shown
        act(house, "approve", BEN)
        assert in_force(house) == files

    def test_a_policy_can_name_the_apps_in_force_only(self, house: House, floors: Floors) -> None:
        new = App("newest", "Newest", "data", Matchers(executables=("newest",)))
        files = wider(house.policy.shipped)
        house = restarted(house, floors, replace(files, apps={**files.apps, "newest": new}))
        listing = policy_text("US", {"apps": {"value": ["newest"]}})
        with pytest.raises(Unreadable, match="newest"):
            house.propose(ANN, "US", listing)
        act(house, "propose", ANN)
        act(house, "approve", BEN)
        house.propose(ANN, "US", listing)


CASES: dict[str, tuple[list[str], str | type[HabeasError], str]] = {
    "a proposal alone changes nothing": (["ann propose"], "before", ""),
    "two people bring it into force": (["ann propose", "ben approve"], "after", ""),
    "one person does not": (["ann propose", "ann approve"], Forbidden, "two people"),
    "nobody approves what nobody proposed": (["ben approve"], Conflict, "nobody has proposed"),
    "nobody declines what nobody proposed": (["ben decline"], Conflict, "nobody has proposed"),
    "nobody proposes twice": (["ann propose", "ann propose"], Conflict, "proposed already"),
    "nobody replaces the proposal of another": (["ann propose", "ben propose"], Conflict, "alread"),
    "whoever declines makes it void": (
        ["ann propose", "ben decline", "finn approve"],
        Conflict,
        "nobody has proposed",
    ),
    "who proposed may take it back": (
        ["ann propose", "ann decline", "ben approve"],
        Conflict,
        "nobody has proposed",
    ),
    "what was declined can be proposed again": (
        ["ann propose", "ben decline", "ben propose", "ann approve"],
        "after",
        "",
    ),
    "what is in force is not approved again": (
        ["ann propose", "ben approve", "finn approve"],
        Conflict,
        "does not wait",
    ),
    "legal of one region does not propose": (["anna propose"], Forbidden, "legal@GLOBAL"),
    "legal of one region does not approve": (
        ["ann propose", "anna approve"],
        Forbidden,
        "legal@GLOBAL",
    ),
    "the works council does not approve": (
        ["ann propose", "clara approve"],
        Forbidden,
        "legal@GLOBAL",
    ),
    "somebody without a role does not decline": (
        ["ann propose", "nobody decline"],
        Forbidden,
        "legal@GLOBAL",
    ),
}


@pytest.mark.parametrize(("steps", "ends", "because"), CASES.values(), ids=CASES.keys())
def test_who_brings_a_catalogue_into_force(
    house: House, floors: Floors, steps: list[str], ends: str | type[HabeasError], because: str
) -> None:
    before, files = house.policy.shipped, wider(house.policy.shipped)
    house = restarted(house, floors, files)
    walked = [step.split() for step in steps]
    for who, what in walked[:-1]:
        act(house, what, PEOPLE[who])
    held, entries = in_force(house), house.entries()
    who, what = walked[-1]
    if isinstance(ends, str):
        act(house, what, PEOPLE[who])
        assert in_force(house) == (files if ends == "after" else before)
        return
    with pytest.raises(ends, match=because):
        act(house, what, PEOPLE[who])
    assert in_force(house) == held
    assert house.entries() == entries


class TestWhatAnApprovalBinds:
    def test_files_that_change_again_void_the_proposal(self, house: House, floors: Floors) -> None:
        before, files = house.policy.shipped, wider(house.policy.shipped)
        house = restarted(house, floors, files)
        act(house, "propose", ANN)
        shown = waiting(house)
        house = restarted(house, floors, wider(files, "*.example.org"))
        for about, because in ((shown, "does not wait"), (None, "nobody has proposed")):
            with pytest.raises(Conflict, match=because):
                act(house, "approve", BEN, about)
        assert in_force(house) == before

    def test_files_that_change_and_come_back_void_it_too(
        self, house: House, floors: Floors
    ) -> None:
        before, files = house.policy.shipped, wider(house.policy.shipped)
        house = restarted(house, floors, files)
        act(house, "propose", ANN)
        restarted(house, floors, before)
        assert waiting(house) is None
        house = restarted(house, floors, files)
        with pytest.raises(Conflict, match="nobody has proposed"):
            act(house, "approve", BEN)

    def test_a_catalogue_that_loosens_more_than_was_shown_is_another(
        self, house: House, floors: Floors
    ) -> None:
        """The same files, but another service narrowed what is in force meanwhile."""
        before, files = house.policy.shipped, wider(house.policy.shipped)
        house = restarted(house, floors, files)
        act(house, "propose", ANN)
        shown = waiting(house)
        restarted(house, floors, without(before, "jira"))
        house = restarted(house, floors, files)
        with pytest.raises(Conflict, match="does not wait"):
            act(house, "approve", BEN, shown)
        with pytest.raises(Conflict, match="nobody has proposed"):
            act(house, "approve", BEN)

    def test_what_was_narrowed_again_takes_two_people_again(
        self, house: House, floors: Floors
    ) -> None:
        before, files = house.policy.shipped, wider(house.policy.shipped)
        house = restarted(house, floors, files)
        act(house, "propose", ANN)
        act(house, "approve", BEN)
        restarted(house, floors, before)
        house = restarted(house, floors, files)
        assert in_force(house) == before
        assert waiting(house) is not None

    def test_a_note_that_cannot_be_kept_is_refused(self, house: House, floors: Floors) -> None:
        house = restarted(house, floors, wider(house.policy.shipped))
        shown = waiting(house)
        assert shown is not None
        with pytest.raises(InvalidInput), house.database.write() as tx:
            house.policy.catalogues.propose(
                tx, ANN, shown.digest, shown.base, "a\0b", house.clock.now()
            )


def test_each_step_is_an_entry_that_names_both_catalogues(house: House, floors: Floors) -> None:
    before, files = house.policy.shipped, wider(house.policy.shipped)
    house = restarted(house, floors, files)
    act(house, "propose", ANN)
    act(house, "decline", BEN)
    act(house, "propose", ANN)
    act(house, "approve", BEN)
    *steps, adopted = house.entries()[-5:]
    names = ("proposed", "declined", "proposed", "approved")
    assert [entry["kind"] for entry in steps] == [f"policy.catalogue_{name}" for name in names]
    (shipped,) = house.entries("policy.catalogue_shipped")
    for entry in (shipped, *steps):
        assert entry["facts"] == {"policy": files.digest, "base": before.digest}
    assert shipped["actor"] == {"kind": "system", "id": "habeas"}
    assert adopted["kind"] == "policy.catalogue_adopted"
    assert adopted["facts"] == {"policy": files.digest}


def test_of_two_services_that_start_at_once_neither_loosens_what_the_other_left(
    house: House, floors: Floors
) -> None:
    before = house.policy.shipped
    others = [wider(before), without(before, "jira"), wider(before, "*.example.org")]
    start = threading.Barrier(len(others))

    def begin(files: Catalogue) -> None:
        start.wait()
        restarted(house, floors, files)

    threads = [threading.Thread(target=begin, args=(files,)) for files in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert in_force(house).apps["github"] == before.apps["github"]
    assert "jira" not in in_force(house).apps
    assert {entry["facts"]["policy"] for entry in house.entries("policy.catalogue_adopted")} == {
        before.digest,
        without(before, "jira").digest,
    }


@pytest.mark.parametrize("proposer", ["'ann'", "NULL"])
def test_nobody_is_written_in_as_both_people(house: House, floors: Floors, proposer: str) -> None:
    house = restarted(house, floors, wider(house.policy.shipped))
    shown = waiting(house)
    assert shown is not None
    with pytest.raises(IntegrityError), house.database.write() as tx:
        tx.execute(
            text(
                "INSERT INTO policy_catalogue_step (digest, base, step, actor, proposer, note, at)"
                f" VALUES (:digest, :base, 'approved', 'ann', {proposer}, '', :at)"
            ),
            {"digest": shown.digest, "base": shown.base, "at": str(house.clock.now())},
        )
