"""Law 3 at its sharpest: one person stops, two resume."""

import pytest

from app.kernel.errors import Conflict, Forbidden, HabeasError, NotFound
from tests.make import person
from tests.policy.house import (
    ANNA,
    BERND,
    CLARA,
    DORA,
    EMIL,
    FINN,
    NOBODY,
    PEOPLE,
    House,
)

CASES: dict[str, tuple[list[str], str | type[HabeasError], str]] = {
    "legal stops": (["anna stops"], "stopped", ""),
    "the works council stops": (["clara stops"], "stopped", ""),
    "the data protection officer stops": (["dora stops"], "stopped", ""),
    "legal of everywhere stops a region below": (["finn stops"], "stopped", ""),
    "legal of another region does not stop": (["emil stops"], Forbidden, "DE"),
    "somebody without a role does not stop": (["nobody stops"], Forbidden, "DE"),
    "one person does not resume": (
        ["anna stops", "anna proposes", "anna approves"],
        Forbidden,
        "two people",
    ),
    "two people resume": (["clara stops", "anna proposes", "bernd approves"], "on", ""),
    "who stopped may be one of the two": (
        ["anna stops", "anna proposes", "bernd approves"],
        "on",
        "",
    ),
    "a proposal alone changes nothing": (["anna stops", "anna proposes"], "stopped", ""),
    "nobody approves what nobody proposed": (
        ["anna stops", "bernd approves"],
        Conflict,
        "proposed",
    ),
    "nothing is resumed that is not stopped": (["anna proposes"], Conflict, "not stopped"),
    "nothing is resumed twice": (
        ["anna stops", "anna proposes", "bernd approves", "bernd approves"],
        Conflict,
        "not stopped",
    ),
    "nobody proposes twice": (
        ["anna stops", "anna proposes", "anna proposes"],
        Conflict,
        "already",
    ),
    "another person may take the proposal over": (
        ["anna stops", "anna proposes", "bernd proposes", "anna approves"],
        "on",
        "",
    ),
    "stopping again makes the proposal void": (
        ["anna stops", "anna proposes", "clara stops", "bernd approves"],
        Conflict,
        "proposed",
    ),
    "stopping a region that is stopped is not refused": (
        ["anna stops", "bernd stops"],
        "stopped",
        "",
    ),
    "the works council does not propose to resume": (
        ["anna stops", "clara proposes"],
        Forbidden,
        "legal@DE",
    ),
    "the works council does not approve resuming": (
        ["anna stops", "anna proposes", "clara approves"],
        Forbidden,
        "legal@DE",
    ),
    "legal of everywhere does not resume a region": (
        ["finn stops", "finn proposes"],
        Forbidden,
        "legal@DE",
    ),
    "it can be stopped again after it was resumed": (
        ["anna stops", "anna proposes", "bernd approves", "clara stops"],
        "stopped",
        "",
    ),
}


def walk(house: House, steps: list[str]) -> None:
    acts = {
        "stops": house.stop,
        "proposes": house.propose_resume,
        "approves": house.approve_resume,
    }
    for step in steps:
        who, what = step.split()
        acts[what](PEOPLE[who], "DE")


@pytest.mark.parametrize(("steps", "ends", "because"), CASES.values(), ids=CASES.keys())
def test_stopping_and_resuming(
    house: House, steps: list[str], ends: str | type[HabeasError], because: str
) -> None:
    if isinstance(ends, str):
        walk(house, steps)
        assert house.in_force("DE").stopped == (("DE",) if ends == "stopped" else ())
        return
    walk(house, steps[:-1])
    stopped = house.in_force("DE").stopped
    with pytest.raises(ends, match=because):
        walk(house, steps[-1:])
    assert house.in_force("DE").stopped == stopped


def stop_for(house: House, who: str, why: str) -> None:
    with house.database.write() as tx:
        house.policy.stops.stop(tx, PEOPLE[who], "DE", why, house.clock.now())


def test_the_same_person_with_the_same_reason_stops_once(house: House) -> None:
    """Stopping again is not refused; it is on record already, and nothing is written."""
    for who, why in [("anna", "a leak"), ("clara", "asked to"), ("anna", "more of it")] * 2:
        stop_for(house, who, why)
    assert len(house.entries("policy.stopped")) == 3
    assert house.in_force("DE").stopped == ("DE",)


def test_the_same_reason_again_makes_a_proposal_void_and_stops_what_was_resumed(
    house: House,
) -> None:
    stop_for(house, "anna", "a leak")
    house.propose_resume(BERND, "DE")
    stop_for(house, "anna", "a leak")
    with pytest.raises(Conflict, match="since the last stop"):
        house.approve_resume(ANNA, "DE")
    house.propose_resume(BERND, "DE")
    house.approve_resume(ANNA, "DE")
    stop_for(house, "anna", "a leak")
    assert house.in_force("DE").stopped == ("DE",)
    assert len(house.entries("policy.stopped")) == 3


def test_everywhere_means_everywhere(house: House) -> None:
    house.stop(FINN, "GLOBAL")
    for region in ("DE", "US-CA", "NO", "XX"):
        assert house.in_force(region).stopped == ("GLOBAL",)


def test_a_region_is_not_stopped_by_its_sister(house: House) -> None:
    house.stop(EMIL, "FR")
    assert house.in_force("DE").stopped == ()
    assert house.in_force("DE", "FR").stopped == ("FR",)


def test_resuming_a_region_leaves_the_stop_above(house: House) -> None:
    house.stop(FINN, "GLOBAL")
    house.stop(ANNA, "DE")
    house.propose_resume(ANNA, "DE")
    house.approve_resume(BERND, "DE")
    assert house.in_force("DE").stopped == ("GLOBAL",)


def test_a_stop_needs_no_company_policy(house: House) -> None:
    assert not house.in_force("DE").company
    house.stop(DORA, "DE")
    assert house.in_force("DE").stopped == ("DE",)


def test_a_clock_set_back_does_not_undo_a_stop(house: House) -> None:
    """Law 7: also the clock of another worker, a little behind."""
    house.stop(ANNA, "DE")
    house.clock.advance(-120)
    assert house.in_force("DE").stopped == ("DE",)


def test_an_unknown_region_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        house.stop(person("zoe", "legal@XX"), "XX")
    with pytest.raises(Forbidden):
        house.propose_resume(NOBODY, "XX")


def test_each_step_is_an_entry_and_grows_the_number(house: House) -> None:
    before = house.in_force("DE").seq
    house.stop(CLARA, "DE")
    after = house.in_force("DE").seq
    house.propose_resume(ANNA, "DE")
    house.approve_resume(BERND, "DE")
    assert before < after < house.in_force("DE").seq
    kinds = [entry["kind"] for entry in house.entries()[-3:]]
    assert kinds == ["policy.stopped", "policy.resume_proposed", "policy.resumed"]
    facts = [entry["facts"] for entry in house.entries()[-3:]]
    assert facts[0] == facts[1] == facts[2]
    assert facts[0]["region"] == "DE"


def test_the_list_of_stops_says_who_and_whether_somebody_proposed(house: House) -> None:
    house.stop(CLARA, "DE")
    house.stop(FINN, "GLOBAL")
    house.propose_resume(ANNA, "DE")
    with house.database.read() as tx:
        stops = house.policy.stops.holding(tx)
    assert [(stop.region, stop.stopped_by, stop.proposed_by) for stop in stops] == [
        ("DE", "clara", "anna"),
        ("GLOBAL", "finn", None),
    ]
