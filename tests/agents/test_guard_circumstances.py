"""What binds besides the policy: zones at home and on the laptop, and who is on the other side."""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Reason
from app.sdk.agent.guard import Allowed, Denied
from app.sdk.agent.zone import machine_zone
from tests.agent_simulator import BERLIN, CHAT, AgentSimulator, LeaseOffice, event, policy_document
from tests.fakes import FakeClock

DAY = [24 * day + hour for day in range(5) for hour in range(8, 18)]
CALIFORNIA = ZoneInfo("America/Los_Angeles")
CAPTURED, OUTSIDE = Allowed(Mode.ALLOW, "vscode"), Denied(Reason.OFF_HOURS)


@pytest.fixture
def office(clock: FakeClock) -> LeaseOffice:
    return LeaseOffice(clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "agent"


# Zones


def seen_at(
    folder: Path, office: LeaseOffice, at: str, zone: tzinfo | None, *home: str
) -> Allowed | Denied:
    """What becomes of a click under a policy that names the hours of a working day."""
    office.clock.at = datetime.fromisoformat(at)
    office.document = policy_document(hours=DAY)
    agent = AgentSimulator(folder, office, office.clock, zone)
    assert agent.take(office.send(zones=list(home))) is None
    return agent.guard.may_capture(event(at=office.clock.at))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-16T16:30:00Z", CAPTURED),  # 17:30 in Berlin, 08:30 in Los Angeles
        ("2026-11-16T15:30:00Z", OUTSIDE),  # 16:30 in Berlin, 07:30 in Los Angeles
        ("2026-11-16T17:30:00Z", OUTSIDE),  # 18:30 in Berlin, 09:30 in Los Angeles
        ("2026-11-16T01:30:00Z", OUTSIDE),  # 02:30 on Monday, 17:30 on Sunday
    ],
)
@pytest.mark.parametrize(
    ("zone", "home"), [(BERLIN, "America/Los_Angeles"), (CALIFORNIA, "Europe/Berlin")]
)
def test_hours_hold_on_the_laptop_and_at_home(folder, office, at, expected, zone, home):
    """Who sets the laptop to another zone does not move the evening at home into the day."""
    assert seen_at(folder, office, at, zone, home) == expected


def test_hours_hold_in_every_zone_that_home_can_be_in(folder, office):
    home = ("America/Chicago", "America/New_York")
    early, noon = "2026-11-16T13:30:00Z", "2026-11-16T18:00:00Z"
    eastern = ZoneInfo("America/New_York")
    assert seen_at(folder, office, early, eastern, *home) == OUTSIDE
    assert seen_at(folder / "noon", office, noon, eastern, *home) == CAPTURED


@pytest.mark.parametrize(
    ("zone", "home"),
    [(None, "Europe/Berlin"), (BERLIN, "Etc/Unknown"), (BERLIN, "Mars/Olympus")],
)
def test_law_7_a_zone_that_is_not_known_is_outside_all_hours(folder, office, zone, home):
    assert seen_at(folder, office, "2026-11-16T09:00:00Z", zone, home) == OUTSIDE


def test_where_no_hours_are_named_zones_do_not_matter(folder, office):
    agent = AgentSimulator(folder, office, office.clock, None)
    assert agent.take(office.send(zones=["Etc/Unknown"])) is None
    assert agent.captures


def test_a_laptop_that_travels_keeps_the_hours_of_where_it_is(folder, office, monkeypatch):
    """It holds the same lease, and asks nobody."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    at = "2026-11-16T09:00:00Z"
    assert seen_at(folder, office, at, machine_zone(), "Europe/Berlin") == CAPTURED
    office.document = policy_document(hours=DAY)
    agent = AgentSimulator(folder, office, office.clock, machine_zone())
    agent.poll()
    assert agent.captures
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    assert not agent.captures
    monkeypatch.undo()
    machine_zone()


# The other side


def said_to(office: LeaseOffice, folder: Path, **seen: Any) -> Allowed | Denied:
    """What becomes of something in the chat, where the policy allows all of it."""
    office.document = policy_document(counterparty="allow")
    agent = AgentSimulator(folder, office, office.clock)
    agent.poll()
    return agent.guard.may_capture(event(CHAT, **seen))


LAW = {"DE": {"key_content": "deny", "click": "redact"}, "NO": {"click": "deny"}, "US-CA": {}}


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ((), Mode.ALLOW),
        (("US-CA",), Mode.ALLOW),
        (("DE",), Mode.REDACT),
        (("US-CA", "DE"), Mode.REDACT),
        (("NO",), None),
        (("US-CA", "DE", "NO"), None),
        (("BR",), None),  # no row
        (("US-CA", "BR"), None),
        (None, None),  # not known: perhaps Norway
    ],
)
def test_the_law_of_whoever_is_on_the_other_side_holds(folder, office, regions, expected):
    office.others = LAW
    answer = said_to(office, folder, counterparties=regions)
    allowed = None if expected is None else Allowed(expected, "slack")
    assert answer == (allowed or Denied(Refusal.COUNTERPARTY))


def test_each_signal_has_its_own_row(folder, office):
    office.others = LAW
    typed = said_to(office, folder, signal="key_content", counterparties=("DE",))
    assert typed == Denied(Refusal.COUNTERPARTY)
    moved = said_to(office, folder / "again", signal="pointer", counterparties=("DE",))
    assert moved == Allowed(Mode.ALLOW, "slack")


def test_nobody_on_the_other_side_counts_in_an_app_that_shows_no_others(folder, office):
    office.others = LAW
    agent = AgentSimulator(folder, office, office.clock)
    agent.poll()
    assert agent.guard.may_capture(event(counterparties=("NO",))) == CAPTURED


def test_from_the_next_lease_on_the_changed_law_of_others_holds(folder, office):
    office.document = policy_document(counterparty="allow")
    office.others = {"DE": {}}
    agent = AgentSimulator(folder, office, office.clock)
    agent.poll()
    chat = event(CHAT, counterparties=("DE",))
    assert agent.guard.may_capture(chat) == Allowed(Mode.ALLOW, "slack")
    office.others = {"DE": {"click": "deny"}}
    agent.poll()  # in the same second: what others allow is no content of the lease
    assert agent.guard.may_capture(chat) == Denied(Refusal.COUNTERPARTY)
