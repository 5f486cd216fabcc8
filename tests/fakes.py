"""The world outside, held still: the clock. The identity provider is in tests/web."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self, at: datetime = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def elapsed(self) -> float:
        """The clock of a machine on which nobody sets the other one, seconds."""
        return self.at.timestamp()

    def advance(self, step: float | timedelta) -> datetime:
        self.at += step if isinstance(step, timedelta) else timedelta(seconds=step)
        return self.at
