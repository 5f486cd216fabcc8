"""A recording stands in for a recorder: events of one day, put to the guard in their order.

An event is judged by when it happened, and those of a recording happened long ago. So each is put
as if it happened at the instant when it is played. Order and places are kept, distances are not;
screenshots keep their interval in the time of playing.

A recording is JSON Lines, one event of app/event/reading.py a line. It is read strictly: what a
line means must never be guessed.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.event.model import UiEvent
from app.event.reading import read_event_text
from app.sdk.agent.client import AgentClient, Polled
from app.sdk.agent.guard import Allowed, Guard
from app.sdk.agent.tally import Tally

PER_POLL = 100


class RecordingError(ValueError):
    """A recording that cannot be read; the message names the line and the field."""


@dataclass(frozen=True)
class PlayedStep:
    """One round of an agent's life.

    Attributes:
        number: 1, 2, 3 …
        polled: what the poll before the events came to.
        tally: what the guard decided about this round's events.
        events: how many they were.
        reported: whether the service has taken every report so far; None if none was due.
    """

    number: int
    polled: Polled
    tally: Tally
    events: int
    reported: bool | None


def read_recording(path: Path) -> tuple[UiEvent, ...]:
    """Read a recording, all of it or nothing.

    Raises:
        RecordingError: a line is not an event, or the events are not in order.
    """
    events: list[UiEvent] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            event = read_event_text(line)
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{path} line {number}: {error}") from error
        if events and event.at < events[-1].at:
            raise RecordingError(f"{path} line {number}: at: before the line above")
        events.append(event)
    return tuple(events)


def play(guard: Guard, events: Sequence[UiEvent], now: datetime) -> Tally:
    """Put events to the guard as if they happened now; count what it allowed and refused."""
    lease = guard.lease
    tally = Tally(lease=lease.jti, policy=lease.policy) if lease else Tally()
    for event in events:
        answer = guard.may_capture(replace(event, at=now))
        if isinstance(answer, Allowed):
            tally.capture(answer.app, event.signal.value)
        else:
            tally.refuse(answer.reason.value, answer.exclusion)
    return tally


def run(
    client: AgentClient,
    events: Sequence[UiEvent],
    *,
    per_poll: int = PER_POLL,
    again: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[PlayedStep]:
    """Live an agent's life: poll, capture for a while, report what changed, wait, and so on.

    A report is sent when capture turns on or off and when the recording ends.

    Args:
        client: a paired device.
        events: a recording.
        per_poll: how many events are played between two polls.
        again: play the recording again and again.
        sleep: how to wait between polls, seconds.
    """
    number, place, unreported = 0, 0, Tally()
    before: bool | None = None
    while True:
        number += 1
        polled = client.poll()
        turned = before is not None and before is not polled.capture
        reported = client.report(unreported) if turned else None
        before = polled.capture
        part = events[place : place + per_poll]
        tally = play(client.guard, part, client.now)
        unreported.add(tally)
        place += len(part)
        ended = place >= len(events)
        if ended:
            reported = client.report(unreported)
        yield PlayedStep(number, polled, tally, len(part), reported)
        if ended and not again:
            return
        place = 0 if ended else place
        sleep(polled.poll_s)
