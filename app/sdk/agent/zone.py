"""The time zones in which a laptop judges hours: its own, and those of its person's home.

Rules:
1. Its own zone is the one that the machine is set to at the moment of judging: who travels, or sets
   the machine, is in another zone from then on. The C library knows it on every platform, with its
   rules for summer time.
2. A zone that is not known is None, and never a guess: where hours are named, it is outside them.
   How a zone is found by its name is the same everywhere (app/kernel/clock.py).
"""

import time
from datetime import UTC, datetime, timedelta, tzinfo

_AT_ZERO = frozenset(
    {"UTC", "GMT", "WET", "UCT", "Z", "Zulu", "Universal", "Greenwich", "+00", "-00"}
)
"""What a zone is called that has no offset from UTC the whole year."""


class MachineZone(tzinfo):
    """The zone that the machine is set to, whenever it is asked."""

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        """How far local time is ahead of UTC, at a local time."""
        _follow_the_machine()
        return None if at is None else at.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, _at: datetime | None) -> timedelta | None:
        """Not known: the machine says the offset alone."""
        return None

    def tzname(self, at: datetime | None) -> str | None:
        """What the machine calls the zone, at a local time."""
        return None if at is None else at.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, at: datetime) -> datetime:
        """Local time at an instant, which is given as UTC."""
        _follow_the_machine()
        return at.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)


def machine_zone() -> tzinfo | None:
    """The zone of this machine; None if it is set to one that cannot be found.

    A C library that does not find the zone that it is told goes on in UTC, under the other name.
    """
    _follow_the_machine()
    lost = time.timezone == 0 and not time.daylight and time.tzname[0] not in _AT_ZERO
    return None if lost else MachineZone()


def _follow_the_machine() -> None:
    """Let the C library look again which zone it is set to; Windows looks each time."""
    if hasattr(time, "tzset"):
        time.tzset()
