"""The replay of catalogues: one that loosens is in force by two people, or it is a finding."""

from dataclasses import replace

import pytest

from app.policy import store
from app.policy.catalogue.model import Catalogue, CatalogueStep
from app.policy.changes.model import WaitingCatalogue
from tests.access.office import ALICE
from tests.sdk.agreeing import CHIEFS, agree_to_files
from tests.sdk.day import Day, Leaf, Log


def wider(day: Day) -> Catalogue:
    """Files in which an app is also whatever is at another address."""
    shipped = day.services.policy.shipped
    app = min(shipped.apps.values(), key=lambda app: app.id)
    urls = tuple(sorted((*app.match.urls, "*.example.com")))
    more = replace(app, match=replace(app.match, urls=urls))
    return replace(shipped, apps={**shipped.apps, app.id: more})


def take_in(day: Day, files: Catalogue) -> None:
    """A service starts with these files."""
    with day.services.database.write() as tx:
        day.services.policy.catalogues.take_in(tx, files, day.now)


def waiting(day: Day) -> WaitingCatalogue:
    with day.services.database.read() as tx:
        found = day.services.policy.catalogues.waiting(tx)
    assert found is not None
    return found


@pytest.fixture
def told(day: Day) -> Log:
    """A catalogue that loosens came into force, and a lease was given under it."""
    day.pair(ALICE)
    take_in(day, wider(day))
    agree_to_files(day)
    day.captured(ALICE)
    assert day.poll(ALICE) == ()
    return day.log()


def found(log: Log) -> tuple[str, ...]:
    return log.findings()


def test_a_catalogue_by_two_people_is_no_finding(told: Log) -> None:
    assert found(told) == ()


def test_the_catalogue_in_force_is_replayed_while_another_waits(day: Day) -> None:
    day.pair(ALICE)
    take_in(day, wider(day))
    day.captured(ALICE)
    assert day.poll(ALICE) == ()
    assert found(day.log()) == ()


def test_one_person_twice_is_found(told: Log) -> None:
    at, proposer = told.last("policy.catalogue_approved"), told.last("policy.catalogue_proposed")

    def change(leaf: Leaf) -> None:
        leaf["actor"] = told.leaves[proposer]["actor"]

    twice, adopted = found(told.forged(at, change))
    assert twice.startswith(f"entry {at} ")
    assert "twice among the people who agree" in twice
    assert adopted.startswith(f"entry {told.last('policy.catalogue_adopted')} ")
    assert "without two people" in adopted


def test_the_program_is_not_one_of_the_two(told: Log) -> None:
    def change(leaf: Leaf) -> None:
        leaf["actor"] = {"kind": "system", "id": "habeas"}

    at = told.last("policy.catalogue_approved")
    role, counted, adopted = found(told.forged(at, change))
    assert "is by system:habeas, where a person must act" in role
    assert "counts habeas among the people who agree" in counted
    assert "without two people" in adopted


def test_who_approved_before_it_was_declined_does_not_count(told: Log) -> None:
    at = told.last("policy.catalogue_approved")
    declined = {**told.leaves[at], "kind": "policy.catalogue_declined"}
    log = told.restamped([*told.leaves[: at + 1], declined, *told.leaves[at + 1 :]])
    assert any("without two people" in finding for finding in found(log))


@pytest.mark.parametrize("kind", ["proposed", "approved", "shipped"])
def test_an_adoption_without_a_step_is_found(told: Log, kind: str) -> None:
    gone = told.last(f"policy.catalogue_{kind}")
    log = told.restamped([leaf for at, leaf in enumerate(told.leaves) if at != gone])
    adopted = log.last("policy.catalogue_adopted")
    assert any(
        finding.startswith(f"entry {adopted} ") and "without two people" in finding
        for finding in found(log)
    )


def test_an_approval_of_another_catalogue_is_found(told: Log) -> None:
    at = told.last("policy.catalogue_approved")
    base = told.leaves[at]["facts"]["base"]

    def change(leaf: Leaf) -> None:
        leaf["facts"]["policy"] = base

    first, second = found(told.forged(at, change))
    assert "does not wait" in first
    assert "without two people" in second


def test_a_base_that_is_not_in_force_is_found(told: Log) -> None:
    at = told.last("policy.catalogue_shipped")

    def change(leaf: Leaf) -> None:
        leaf["facts"]["base"] = leaf["facts"]["policy"]

    assert any(
        "is in force; by the log it is" in finding for finding in found(told.forged(at, change))
    )


def test_under_rules_1_nobody_had_to_agree(told: Log) -> None:
    """What release 0.1 adopted stays as it was: no finding about its catalogue."""
    steps = {f"policy.catalogue_{step}" for step in ("shipped", "proposed", "approved")}
    gone = steps | {"rules.adopted", "consent.given", "lease.changed"}
    kept = [leaf for leaf in told.leaves if leaf["kind"] not in gone]
    assert not any("without two people" in finding for finding in found(told.restamped(kept)))


def test_a_catalogue_that_was_written_into_the_tables_is_found_at_the_first_offer(
    day: Day,
) -> None:
    """Attack: whoever writes SQL and holds the keys puts the files' catalogue in force."""
    day.pair(ALICE)
    take_in(day, wider(day))
    forged = "0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11"
    with day.services.database.write() as tx:
        store.add_event(tx, forged, "catalogue", None, waiting(day).digest, day.now)
    day.captured(ALICE)
    assert day.poll(ALICE) == ()
    offered, told = found(day.log())
    assert "offers more than was in force: apps." in offered
    assert "says policy" in told


def test_a_proposal_that_was_written_into_the_tables_is_found(day: Day) -> None:
    """Attack: a forged and sealed proposal lets one real person approve alone."""
    take_in(day, wider(day))
    shown = waiting(day)
    day.hire(*CHIEFS)
    forged = CatalogueStep(shown.digest, shown.base, "proposed", "E-30", None, "", day.now)
    with day.services.database.write() as tx:
        store.add_catalogue_step(tx, forged, "0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11")
    with day.services.database.write() as tx:
        approve = day.services.policy.catalogues.approve
        approve(tx, CHIEFS[1], shown.digest, shown.base, "", day.now)
    approved, adopted = found(day.log())
    assert "approves a catalogue that nobody proposed" in approved
    assert "without two people" in adopted
