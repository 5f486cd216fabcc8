"""Which zone a laptop is in: what the machine says at the moment, and never a guess."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.clock import zone_named, zones_named
from app.sdk.agent.zone import MachineZone, machine_zone

SetZone = Callable[[str], None]


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetZone]:
    """Set the machine to a zone, for the length of a test."""

    def to(name: str) -> None:
        monkeypatch.setenv("TZ", name)

    yield to
    monkeypatch.undo()
    time.tzset()


JULY, JANUARY = datetime(2026, 7, 1, 6, 30, tzinfo=UTC), datetime(2026, 1, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Europe/London", "UTC"]
)
def test_local_time_is_that_of_the_zone_that_the_machine_is_set_to(set_zone, name):
    set_zone(name)
    zone = machine_zone()
    assert zone is not None
    for at in (JULY, JANUARY):
        local = at.astimezone(zone)
        assert local.replace(tzinfo=None) == at.astimezone(ZoneInfo(name)).replace(tzinfo=None)
        assert local == at
        assert local.astimezone(UTC) == at
        assert local.tzname() == at.astimezone(ZoneInfo(name)).tzname()


def test_a_laptop_that_travels_is_in_the_other_zone_from_then_on(set_zone):
    set_zone("Europe/Berlin")
    zone = machine_zone()
    assert JULY.astimezone(zone).hour == 8
    set_zone("America/New_York")
    assert JULY.astimezone(zone).hour == 2
    assert JULY.astimezone(zone).utcoffset() == timedelta(hours=-4)


@pytest.mark.parametrize("rule", ["PST8PDT,M3.2.0,M11.1.0", "<+0530>-5:30", "EST5"])
def test_a_zone_may_be_a_rule_without_a_name(set_zone, rule):
    set_zone(rule)
    assert JULY.astimezone(machine_zone()).utcoffset() != timedelta()


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe/Berlinn", "Nowhere"])
def test_a_machine_set_to_a_zone_that_nobody_knows_has_none(set_zone, name):
    """The C library would go on in UTC, as if that had been said."""
    set_zone(name)
    assert machine_zone() is None


def test_every_zone_that_can_be_named_is_known_to_a_machine_set_to_it(set_zone):
    for name in sorted(available_timezones() - {"localtime", "Factory"}):
        set_zone(name)
        assert machine_zone() is not None, name


def test_a_zone_without_a_time_has_no_offset():
    zone = MachineZone()
    assert zone.utcoffset(None) is zone.tzname(None) is zone.dst(None) is None


@pytest.mark.parametrize(
    "name", ["Etc/Unknown", "", "/etc/passwd", "../UTC", "Europe", "a\0b", "\ud800"]
)
def test_what_is_no_zone_is_none(name):
    assert zone_named(name) is None


@given(st.text(max_size=40))
def test_whatever_is_said_ends_in_a_zone_or_in_none(name):
    zone = zone_named(name)
    assert zone is None or str(zone) == name


def test_zones_keep_their_order_and_their_gaps():
    assert zones_named(["Europe/Berlin", "Etc/Unknown"]) == (ZoneInfo("Europe/Berlin"), None)
