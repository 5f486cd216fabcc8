"""What is so now: what may be captured of a person, and what the laptops can hold. Pure.

Whatever a page of the employee says about the present is said of one ``Phase``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.capture.obstacles import UNPLACED
from app.capture.situation import Situation


@dataclass(frozen=True)
class Permissions:
    """What a person's laptops can hold, all together.

    Attributes:
        paired: how many are paired.
        current: how many can hold the permission of now.
        ends: for each that may act on an older permission, when that ends.
        off: how many of the paired were told off, and would be again; where no obstacle is left,
            because of where the laptop is.
        outdated: how many of the paired have an agent of before those that leases are for: it
            was told so, and captures nothing.
        disputed: how many of those that are off are so because their record does not agree with
            the log.
    """

    paired: int = 0
    current: int = 0
    ends: tuple[datetime, ...] = ()
    off: int = 0
    outdated: int = 0
    disputed: int = 0


class Phase(StrEnum):
    """What is so now. Closed."""

    ON = "on"
    """A laptop can hold the permission of now."""
    CHANGING = "changing"
    """A laptop may act on an older permission; none can hold that of now."""
    STARTING = "starting"
    """Nothing prevents capture, and no laptop has asked since."""
    ELSEWHERE = "elsewhere"
    """Nothing prevents capture, but every laptop is where it is off, or its record is disputed."""
    OUTDATED = "outdated"
    """Nothing prevents capture, but the agent of every laptop that could is too old."""
    NO_LAPTOP = "no_laptop"
    """Nothing prevents capture, and no laptop is paired."""
    ENDING = "ending"
    """Nothing may be captured, and a laptop may not have heard of it yet."""
    OFF = "off"
    """Nothing is captured."""


def phase_of(situation: Situation, held: Permissions) -> Phase:
    """Say what is so now.

    Args:
        situation: as the lease sees it.
        held: what the person's laptops can hold.
    """
    if situation.obstacles:
        return Phase.ENDING if held.ends else Phase.OFF
    if held.current:
        return Phase.ON
    if held.ends:
        return Phase.CHANGING if held.paired else Phase.ENDING
    if held.off + held.outdated < held.paired:
        return Phase.STARTING
    if held.outdated:
        return Phase.OUTDATED
    return Phase.ELSEWHERE if held.paired else Phase.NO_LAPTOP


def column_of(phase: Phase) -> str:
    """What a column of signals, of this phase, says of them.

    >>> column_of(Phase.ON), column_of(Phase.OFF)
    ('Captured', 'Would be captured')
    """
    match phase:
        case Phase.ON:
            return "Captured"
        case Phase.STARTING | Phase.CHANGING:
            return "Captured from the next check on"
        case Phase.ELSEWHERE | Phase.OUTDATED | Phase.NO_LAPTOP | Phase.ENDING | Phase.OFF:
            return "Would be captured"


def extent_in_words(situation: Situation, phase: Phase) -> str:
    """Say what the list of signals next to it is; empty where it is what is captured."""
    if phase is Phase.ON:
        return ""
    if phase in {Phase.STARTING, Phase.CHANGING}:
        return "Not yet: from the next check of a laptop on."
    now = "Nothing, once every laptop has heard." if phase is Phase.ENDING else "Nothing now."
    if not UNPLACED.isdisjoint(situation.obstacles):
        return f"{now} Which signals may be captured is not known."
    if situation.barred:
        return f"{now} None of the signals may be captured."
    if situation.agreement is None:
        return f"{now} This is what would be captured if you agreed."
    return f"{now} This is what you agreed to, within the rules of today."
