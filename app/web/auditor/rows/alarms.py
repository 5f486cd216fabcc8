"""Alarms as they are shown: what each is about, what is wrong, and what helps.

A name is never put next to a pseudonym here either.
"""

from enum import StrEnum
from typing import NamedTuple

from app.db.ring import Flaw
from app.kernel.shapes import PSEUDONYM, fits
from app.reconcile.alarms import OpenAlarm
from app.reconcile.reached import ChainFindings, Reached
from app.web.words.alarm_words import about, flaw_in_words, step_for


class Compared(StrEnum):
    """What the last comparison of all tables says of the rows of an alarm."""

    NEVER = "never"
    """This process has not made one yet."""
    EARLIER = "earlier"
    """It was before the alarm."""
    DIFFERS = "differs"
    """They did not agree with the log: once cleared, the alarm comes back."""
    AGREES = "agrees"
    """Nothing about them was found."""


class AlarmRow(NamedTuple):
    """An alarm.

    Attributes:
        alarm: as it stands.
        words: what it is about.
        named: the pseudonym or id that belongs to it; empty without one.
        is_person: it is somebody's pseudonym.
        flaw: what was wrong, as a sentence; empty where that is not known.
        step: what helps.
        compared: whether its rows agree by now.
        found: every row of it that is known to disagree, as far as they are named.
    """

    alarm: OpenAlarm
    words: str
    named: str
    is_person: bool
    flaw: str
    step: str
    compared: Compared
    found: ChainFindings


def alarm_row(alarm: OpenAlarm, reached: Reached) -> AlarmRow:
    """Show an alarm; ``reached``: how far the tables were compared with the log."""
    what = about(alarm.chain)
    return AlarmRow(
        alarm,
        what.words,
        what.named,
        fits(PSEUDONYM, what.named),
        _wrong(alarm),
        step_for(alarm.chain),
        compared(alarm, reached),
        reached.found(alarm.chain),
    )


def _wrong(alarm: OpenAlarm) -> str:
    if alarm.broken:
        return f"{flaw_in_words(Flaw.LOG)[:-1]}: {alarm.broken}."
    return "" if alarm.why is None else flaw_in_words(alarm.why)


def compared(alarm: OpenAlarm, reached: Reached) -> Compared:
    """What the last comparison of all tables says of the rows of an alarm."""
    if reached.whole_at is None:
        return Compared.NEVER
    if alarm.chain in reached.bad:
        return Compared.DIFFERS
    if alarm.raised_at is None or alarm.raised_at > reached.whole_at:
        return Compared.EARLIER
    return Compared.AGREES
