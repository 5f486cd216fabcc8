"""Time enters through one door, so that tests and replays can hold it still."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


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

    Raises:
        ValueError: the instant has no time zone.
    """
    if at.tzinfo is None:
        msg = "an instant needs a time zone"
        raise ValueError(msg)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant(text: str) -> datetime:
    """Read an RFC 3339 instant; any offset is accepted and turned into UTC.

    Raises:
        ValueError: the text is no instant or carries no offset.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        msg = f"{text!r} carries no offset from UTC"
        raise ValueError(msg)
    return at.astimezone(UTC)
