"""Makes data/events.jsonl: one working day of a made-up engineer, the same every time.

The day is a list of visits (day/visits.py). A visit is a place (a program, or an address in a
browser) and how much happens there, drawn from a habit: writing, reading, drawing, talking. In
between come visits that a guard must refuse: places that nobody listed, places that are excluded,
other people whose law says no, and addresses made to look like listed ones.

One event of the event contract a line, in JSON (app/event/reading.py). No text that anybody typed
is in the file, only that something was.

Run it with ``python -m app.demo.make_recording`` after a change, and commit the file it writes.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import NamedTuple

from app.demo.day.visit import RecordedVisit
from app.demo.day.visits import BETWEEN, ROUND
from app.kernel.vocabulary import Signal

RECORDING = Path(__file__).parent / "data" / "events.jsonl"

START = datetime(2026, 11, 16, 8, 30, tzinfo=timezone(timedelta(hours=-8)))
"""A Monday morning in California."""

SEED = 20261116
SHUFFLES = 10
"""How often the day returns to its places: once per block of about fifty minutes."""


class RecordedAct(NamedTuple):
    """One thing that was done in a visit."""

    at: datetime
    visit: RecordedVisit
    signal: Signal


def visits() -> Iterator[RecordedVisit]:
    """The day in order: rounds of work with the other visits spread between them."""
    for block in range(SHUFFLES):
        between = BETWEEN[block::SHUFFLES]
        for number, visit in enumerate(ROUND):
            yield visit
            if number < len(between):
                yield between[number]


def acts() -> Iterator[RecordedAct]:
    """What is done in the day, in order of time."""
    chance = Random(SEED)  # noqa: S311  (a recording needs repetition, not secrecy)
    at, pictured = START, START
    for visit in visits():
        for signal in _signals(visit, chance):
            at += timedelta(milliseconds=400 + int(chance.random() ** 3 * 38_000))
            yield RecordedAct(at, visit, signal)
            if at - pictured > timedelta(minutes=5):
                pictured = at
                yield RecordedAct(at, visit, Signal.SCREENSHOT)


def recording() -> bytes:
    """The whole file: UTF-8, one JSON object a line."""
    events = (
        act.visit.event(act.at.isoformat(timespec="milliseconds"), act.signal) for act in acts()
    )
    lines = (json.dumps(event, ensure_ascii=False) for event in events)
    return "".join(f"{line}\n" for line in lines).encode()


def _signals(visit: RecordedVisit, chance: Random) -> Iterator[Signal]:
    """Arriving somewhere is an ``app_url``; then what the habit says."""
    yield Signal.APP_URL
    if visit.pictured != ():
        yield Signal.SCREENSHOT
    habit = [Signal(word) for word in visit.habit.split()]
    for _ in range(visit.size - 1 + int(chance.random() * visit.size / 4)):
        yield habit[int(chance.random() * len(habit))]


if __name__ == "__main__":
    RECORDING.write_bytes(recording())
    print(f"{RECORDING}: {sum(1 for _ in acts())} events")
