"""The time comes from a clock that is passed in, so that tests and replays can fix it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """The present instant, timezone-aware, in UTC."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...


@dataclass(frozen=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


def timestamp(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC with microseconds, e.g. ``2026-11-22T01:10:24.000000Z``.

    The width is fixed, so the strings sort as the instants do.

    >>> timestamp(datetime(2026, 11, 22, 1, 10, 24, tzinfo=UTC))
    '2026-11-22T01:10:24.000000Z'

    Raises:
        ValueError: the instant has no time zone.
    """
    if at.tzinfo is None:
        msg = "an instant needs a time zone"
        raise ValueError(msg)
    # Not strftime: its %Y has fewer than four digits before the year 1000.
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """Read an RFC 3339 instant; any offset is accepted and turned into UTC.

    >>> timestamp(instant("2026-11-22T02:10:24+01:00"))
    '2026-11-22T01:10:24.000000Z'

    Raises:
        ValueError: the text is no instant, carries no offset, or is outside the years 1 to 9999.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        msg = f"{text!r} carries no offset from UTC"
        raise ValueError(msg)
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        msg = f"{text!r} lies outside the years 1 to 9999 of UTC"
        raise ValueError(msg) from error


def zone_named(name: str) -> tzinfo | None:
    """The zone that IANA has under a name; None if it is not found on this machine.

    >>> zone_named("Europe/Berlin")
    zoneinfo.ZoneInfo(key='Europe/Berlin')
    >>> zone_named("Etc/Unknown")
    """
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # no such name, no name at all, a folder of names
        return None


def zones_named(names: Iterable[str]) -> tuple[tzinfo | None, ...]:
    """The zone under each name, as ``zone_named``.

    >>> zones_named(["Etc/Unknown", "Asia/Tokyo"])
    (None, zoneinfo.ZoneInfo(key='Asia/Tokyo'))
    """
    return tuple(map(zone_named, names))
