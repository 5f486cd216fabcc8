"""A step of the tour: what it tells, what it asserts, and a clock that it can set ahead."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.kernel.errors import HabeasError


class NotSo(HabeasError):
    """A promise did not hold; the message says which."""

    kind = "not-so"


@dataclass(frozen=True)
class StepResult:
    """What a step found: what happened, why, and where it is in the log.

    Attributes:
        lines: what happened one by one, each a line.
    """

    what: str
    why: str = ""
    index: int | None = None
    lines: tuple[str, ...] = ()


def hold(holds: bool, sentence: str) -> None:
    """Go on only if the sentence is true.

    Raises:
        NotSo: it is not.
    """
    if not holds:
        raise NotSo(sentence)


@dataclass
class TourClock:
    """The machine's clock, which a step can set ahead."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """The time that the laptop believes it is."""
        return datetime.now(UTC) + self.ahead

    def elapsed(self) -> float:
        """Seconds since some instant: while a step sets the clock ahead, that time has passed."""
        return self.now().timestamp()
