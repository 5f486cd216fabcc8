"""Alarms in the log: raised by the program, cleared by two people; the verifier knows who may."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.audit.entries.records import AlarmRaised, AlarmStep, SealsAdoption
from app.kernel.authority import RoleRow, read_rows, write_rows
from app.kernel.canonical import digest
from app.kernel.clock import instant, timestamp
from app.kernel.facts import encode
from app.sdk.verify.folded.alarms import Alarms, DisputedEntry
from tests.access.office import LAWYERS, MANAGER
from tests.sdk.day import Day, Leaf, Log

SYSTEM = {"kind": "system", "id": "habeas"}
CHAIN = "policy:US-CA"


class Story:
    """An honest log that goes on with entries about an alarm."""

    def __init__(self, day: Day, log: Log) -> None:
        self.log, self.leaves = log, list(log.leaves)
        self.documents = dict(log.documents)
        self.first, self.second = (day.pseudonym(one) for one in LAWYERS)
        self.nobody = day.pseudonym(MANAGER)
        self.alarm = self.add("alarm.raised", encode(AlarmRaised(CHAIN, "unsealed")))["event"]

    def add(self, kind: str, facts: Mapping[str, Any], by: str | None = None) -> Leaf:
        last = self.leaves[-1]
        leaf = {
            **last,
            "event": f"00000000-0000-4000-8000-{len(self.leaves):012}",
            "kind": kind,
            "actor": SYSTEM if by is None else {"kind": "person", "id": by},
            "subjects": [],
            "purpose": None,
            "facts": facts,
            "commitment": None,
        }
        self.leaves.append(leaf)
        return leaf

    def allow_lawyers(self) -> None:
        """Rows that let legal clear an alarm."""
        name = self.leaves[self.log.last("roles.adopted")]["facts"]["policy"]
        row = RoleRow("legal", "any", "alarm", "clear", "allow")
        rows = write_rows([*read_rows(self.documents[name]), row])
        self.documents[digest(rows)] = rows
        self.add("roles.adopted", {"policy": digest(rows)})

    def propose(self, by: str, alarm: str | None = None) -> None:
        step = AlarmStep(alarm or self.alarm, CHAIN)
        self.add("alarm.clear_proposed", encode(step), by)

    def clear(self, by: str, proposer: str, alarm: str | None = None) -> None:
        self.add("alarm.cleared", encode(AlarmStep(alarm or self.alarm, CHAIN, proposer)), by)

    def told(self) -> Log:
        log = self.log.restamped(self.leaves)
        return Log(log.leaves, self.documents)

    def findings(self) -> list[str]:
        """What is found, without the number of the entry; each must be of the last one."""
        at = len(self.leaves) - 1
        findings = self.told().findings()
        assert all(finding.startswith(f"entry {at} ") for finding in findings), findings
        return [finding.removeprefix(f"entry {at} ") for finding in findings]


@pytest.fixture
def story(eventful_day: Day, eventful_log: Log) -> Story:
    story = Story(eventful_day, eventful_log)
    story.allow_lawyers()
    return story


def test_an_alarm_that_two_people_cleared_is_in_order_and_told(story: Story) -> None:
    story.propose(story.first)
    story.clear(story.second, story.first)
    assert story.findings() == []
    (said,) = [notice for notice in story.told().checked().notices if "alarm" in notice]
    assert said.startswith("The log tells of 1 alarm about rows")
    assert said.endswith("1 of them two people cleared.")


def test_an_open_alarm_is_told_with_its_chain_and_is_no_fault_of_the_log(story: Story) -> None:
    assert story.findings() == []
    assert f"An alarm is open at the end of the log: {CHAIN}." in story.told().checked().notices


def test_one_person_alone_clears_nothing(story: Story) -> None:
    story.propose(story.first)
    story.clear(story.first, story.first)
    assert story.findings() == [f"clears the alarm on {CHAIN} without two people"]


def test_a_proposal_that_nobody_made_clears_nothing(story: Story) -> None:
    story.clear(story.second, story.first)
    assert story.findings() == [f"clears the alarm on {CHAIN} without two people"]


@pytest.mark.parametrize("step", ["propose", "clear"])
def test_who_has_no_role_for_it_is_named(story: Story, step: str) -> None:
    if step == "propose":
        story.propose(story.nobody)
    else:
        story.propose(story.first)
        story.clear(story.nobody, story.first)
    (finding,) = story.findings()
    assert finding.startswith(f"is an act of {story.nobody}")
    assert finding.endswith("to clear alarm")


@pytest.mark.parametrize("step", ["propose", "clear"])
def test_an_alarm_that_is_not_open_cannot_be_cleared(story: Story, step: str) -> None:
    other = "00000000-0000-4000-8000-00000000dead"
    if step == "propose":
        story.propose(story.first, other)
    else:
        story.propose(story.first)
        story.clear(story.second, story.first, other)
    (finding,) = story.findings()
    assert finding.endswith(f"an alarm on {CHAIN} that is not open")


def test_a_cleared_alarm_is_not_cleared_again(story: Story) -> None:
    story.propose(story.first)
    story.clear(story.second, story.first)
    story.clear(story.second, story.first)
    (finding,) = story.findings()
    assert finding == f"clears an alarm on {CHAIN} that is not open"


def test_a_second_alarm_on_a_chain_adds_nothing(story: Story) -> None:
    story.add("alarm.raised", encode(AlarmRaised(CHAIN, "behind")))
    story.propose(story.first)
    story.clear(story.second, story.first)
    assert story.findings() == []


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("alarm.raised", AlarmRaised("catalogue", "behind")),
        ("seals.adopted", SealsAdoption("00" * 8, 1, 0)),
    ],
)
def test_what_only_the_program_says_nobody_says(story: Story, kind: str, record: Any) -> None:
    story.add(kind, encode(record), story.first)
    (finding,) = story.findings()
    assert finding == f"is by person:{story.first}, where only the program can"


@pytest.mark.parametrize(
    "kind", ["alarm.raised", "alarm.clear_proposed", "alarm.cleared", "seals.adopted"]
)
def test_an_entry_of_another_shape_is_named(story: Story, kind: str) -> None:
    story.add(kind, {"colour": "red"}, None if kind.endswith("ed") else story.first)
    assert any("lacks what its kind must say" in finding for finding in story.findings())


def test_a_cleared_alarm_explains_a_refusal_for_a_few_minutes_more(story: Story) -> None:
    alarms, leaf = Alarms(), {"event": story.alarm, "integrated_at": "2026-11-16T12:00:00.000000Z"}
    raised = {**leaf, "actor": SYSTEM, "facts": encode(AlarmRaised(CHAIN, "unsealed"))}
    assert not list(alarms.raise_(0, raised))
    by = [{"kind": "person", "id": name} for name in (story.first, story.second)]
    step = {**leaf, "actor": by[0], "facts": encode(AlarmStep(story.alarm, CHAIN))}
    assert not list(alarms.proposed(1, step))
    step |= {"actor": by[1], "facts": encode(AlarmStep(story.alarm, CHAIN, story.first))}
    assert not list(alarms.clear(2, step))
    at = instant(leaf["integrated_at"])
    for position, (chain, later) in enumerate(
        [(CHAIN, -299), (CHAIN, 299), (CHAIN, 301), ("policy:DE", 0)]
    ):
        refused = at + timedelta(seconds=later)
        alarms.refuse(DisputedEntry(position, "the policy", frozenset({chain}), refused))
    assert [position for position, _ in alarms.unexplained(at + timedelta(days=1))] == [2, 3]


@pytest.mark.parametrize(("later", "explains"), [(299, True), (301, False)])
def test_an_alarm_explains_what_was_refused_just_before_it(later: int, explains: bool) -> None:
    alarms, at = Alarms(), instant("2026-11-16T12:00:00.000000Z")
    alarms.refuse(DisputedEntry(7, "the policy", frozenset({CHAIN}), at))
    leaf = {
        "event": "e-1",
        "actor": SYSTEM,
        "facts": encode(AlarmRaised(CHAIN, "unsealed")),
        "integrated_at": timestamp(at + timedelta(seconds=later)),
    }
    assert not list(alarms.raise_(8, leaf))
    assert bool(list(alarms.unexplained(at + timedelta(days=1)))) is not explains


def test_an_alarm_on_the_log_itself_explains_every_refusal(story: Story) -> None:
    """While it cannot be believed nothing stands, and there is one alarm and not one for each."""
    alarms, at = Alarms(), "2026-11-16T12:00:00.000000Z"
    alarms.refuse(DisputedEntry(7, "the device", frozenset({"device:d_1"}), instant(at)))
    assert list(alarms.unexplained(instant(at) + timedelta(days=1)))
    raised = {"event": story.alarm, "actor": SYSTEM, "integrated_at": at}
    assert not list(alarms.raise_(8, {**raised, "facts": encode(AlarmRaised("log", "log"))}))
    assert not list(alarms.unexplained(instant(at) + timedelta(days=1)))
