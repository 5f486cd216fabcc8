"""Figures next to their bounds; whether all of them hold."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.lanes.crowd import Heard


def share(times: Sequence[float], part: float) -> float:
    """The time that this part of all is at most, seconds; nearest rank.

    >>> share([0.1, 0.2, 0.3, 0.4], 0.5), share([0.1, 0.2, 0.3, 0.4], 0.99)
    (0.2, 0.4)
    """
    ordered = sorted(times)
    return ordered[max(0, -int(-part * len(ordered) // 1) - 1)] if ordered else 0.0


def waits(heard: Heard) -> str:
    """Half of them, 99 of 100, the longest."""
    p50, p99, longest = (1000 * share(heard.times, part) for part in (0.5, 0.99, 1.0))
    return f"p50 {p50:7.1f} ms  p99 {p99:7.1f} ms  max {longest:7.1f} ms  of {len(heard.times)}"


def counted(heard: Heard) -> str:
    """How often each status."""
    return ", ".join(f"{many} x {status}" for status, many in sorted(heard.statuses.items()))


def load() -> str:
    """What else the machine did: runnable processes of the last minute, this program's too."""
    return f"load average {os.getloadavg()[0]:.1f}"


@dataclass
class Report:
    """Prints line by line, and remembers what does not hold."""

    missed: list[str] = field(default_factory=list)

    def say(self, what: str, figure: str) -> None:
        """A figure without a bound."""
        print(f"  {what:34} {figure}", flush=True)

    def hold(self, what: str, figure: str, bound: str, holds: bool) -> None:
        """A figure with its bound."""
        if not holds:
            self.missed.append(f"{what}: {figure}; {bound}")
        self.say(what, f"{figure}  [{bound}: {'holds' if holds else 'MISSED'}]")

    def opting_out(self, what: str, heard: Heard) -> None:
        """Nobody who opts out is refused, and none of a hundred waits a second."""
        refused = sum(many for status, many in heard.statuses.items() if status != "303")
        self.hold(f"{what}, refused", str(refused), "none", holds=not refused)
        self.below_a_second(what, heard)

    def below_a_second(self, what: str, heard: Heard) -> None:
        """The time that 99 of 100 wait at most."""
        holds = bool(heard.times) and share(heard.times, 0.99) < 1
        self.hold(what, waits(heard), "p99 under 1 s", holds)

    def well_refused(self, what: str, heard: Heard) -> None:
        """Nothing but answers and, with Retry-After, refusals for the moment."""
        holds = set(heard.statuses) <= {"200", "503"} and not heard.bare
        bound = "nothing but 200, and 503 with Retry-After"
        self.hold(f"{what}, answers", counted(heard), bound, holds)
