"""A home that does not say whose law holds: on under rules 1, off under rules 2, both replayed."""

from pathlib import Path

import pytest

from app.access.decision.rules import CARRIED, RULES_1, RULES_2
from app.kernel.vocabulary import Reason
from app.sdk.verify import Depth, render
from app.sdk.verify.replay.decisions import DecisionCheck
from tests.access.office import ALICE, BOB
from tests.make import person
from tests.sdk.day import Day, Leaf, Log
from tests.sdk.test_replay_whole import exported
from tests.sdk.test_rules_versions import restarted, verified


@pytest.fixture
def moved(day: Day) -> Day:
    """Alice lives in US, as far as the directory knows; she and Bob agreed."""
    restarted(day, RULES_1)
    lawyers = [person(name, "legal@US") for name in ("L-8", "L-9")]
    day.hire(*lawyers)
    day.publish("US", lawyers)
    day.change(ALICE, region="US", place="US")
    for one in (ALICE, BOB):
        day.pair(one)
    day.captured(day.person(ALICE), BOB)
    assert day.poll(ALICE) == ()
    assert day.ask(ALICE).decision
    return day


def reasons(day: Day) -> tuple[str, ...]:
    return tuple(day.entry_of(day.ask(ALICE))["facts"]["reasons"])


def test_whom_the_directory_does_not_place_is_off_and_nobody_reads_about_them(moved: Day) -> None:
    restarted(moved, RULES_2)
    assert moved.poll(ALICE) == (Reason.REGION_UNKNOWN,)
    assert moved.poll(BOB) == ()
    assert reasons(moved) == ("region_unknown",)


def test_what_was_captured_before_the_home_was_corrected_stays_closed(moved: Day) -> None:
    restarted(moved, RULES_2)
    moved.change(ALICE, region="US-CA", place="US-CA")
    assert moved.poll(ALICE) == (Reason.CONSENT_MISSING,)
    moved.opt_in(moved.person(ALICE))
    assert moved.poll(ALICE) == ()
    assert "region_unknown" in reasons(moved)


def test_a_place_of_work_counts_like_a_home(moved: Day) -> None:
    restarted(moved, RULES_2)
    moved.change(BOB, place="EU")
    assert moved.poll(BOB)[0] == Reason.REGION_UNKNOWN


def test_a_home_without_a_floor_is_unknown_and_not_forbidden(moved: Day) -> None:
    moved.change(BOB, region="JP", place="JP", entity="JP/Mihon KK")
    assert Reason.REGION_BLOCKED in moved.poll(BOB)
    restarted(moved, RULES_2)
    found = moved.poll(BOB)
    assert found[0] == Reason.REGION_UNKNOWN
    assert Reason.REGION_BLOCKED not in found


@pytest.mark.parametrize("depth", [Depth.FACTS, Depth.REPLAY])
def test_each_stretch_is_replayed_by_its_own_rules(
    moved: Day, tmp_path: Path, depth: Depth
) -> None:
    moved.change(BOB, region="JP", place="JP", entity="JP/Mihon KK")
    moved.poll(BOB)
    restarted(moved, RULES_2)
    for one in (ALICE, BOB):
        moved.poll(one)
        moved.ask(one)
    report = verified(moved, exported(moved, tmp_path), CARRIED, depth=depth)
    assert report.policy.ok, render(report)
    assert report.counts["unreplayed"] == 0


def unfounded(log: Log) -> int:
    check = DecisionCheck(log.documents.get)
    for position, leaf in enumerate(log.leaves):
        check.see(position, leaf)
    return check.unfounded


def _turned_on(leaf: Leaf) -> None:
    del leaf["facts"]["too_wide"]
    leaf["facts"].update(capture="on", reasons=[])


def test_a_lease_that_leaves_the_home_out_is_found(moved: Day) -> None:
    restarted(moved, RULES_2)
    moved.poll(ALICE)
    log = moved.log()
    assert unfounded(log) == 0
    assert unfounded(log.forged(log.last("lease.changed"), _turned_on))
