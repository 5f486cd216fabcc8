"""Whoever says what becomes of a published event, each as one function of its file and the event.

All take the event as its file has it: a value, or the text of one.
"""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from app.capture.trial import Laptop, Told, as_json, trial
from app.event.model import UiEvent
from app.event.reading import read_event, read_event_text
from app.event.rules import Circumstance, EventRules
from app.event.verdict import Denied, judge
from app.kernel.canonical import canonical, digest
from app.kernel.clock import zone_named, zones_named
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Signal
from app.sdk.agent import memory
from app.sdk.agent.guard import Guard
from tests.agent_simulator import LeaseOffice
from tests.fakes import FakeClock
from tests.vectors import second_guard

JsonObject: TypeAlias = dict[str, Any]
Judge: TypeAlias = Callable[[JsonObject, object], JsonObject]

NOBODY: JsonObject = {
    "kind": "counterparties",
    "v": 2,
    "regions": {},
    "unknown": dict.fromkeys(map(str, Signal), "deny"),
}
"""What a file without a counterparty document stands for."""
LEASES_BEGIN = datetime(1970, 1, 2, tzinfo=UTC)
"""The times of a lease are seconds from 1970 on."""
NOW = datetime(2026, 11, 16, 18, tzinfo=UTC)
"""When the guard judges what has no instant, or one that no lease can cover."""
UNREADABLE = as_json(Denied(Refusal.EVENT_UNREADABLE))


def read(event: object) -> UiEvent | None:
    """An event; None if it is none."""
    try:
        return read_event_text(event) if isinstance(event, str) else read_event(event)
    except ValueError:
        return None


def by_the_rules(file: JsonObject, event: object) -> JsonObject:
    """The function that everybody of ours asks."""
    seen = read(event)
    zones = (zone_named(file["device_zone"] or ""), *zones_named(file["zones"]))
    circumstance = Circumstance(zones, file["personal_device"])
    rules = EventRules.of(file["document"], file["counterparties"] or NOBODY, circumstance)
    return UNREADABLE if seen is None else as_json(judge(seen, rules))


def by_the_tester(file: JsonObject, event: object) -> JsonObject:
    """The server, where policies are tried."""
    seen = read(event)
    told = Told(file["document"], file["counterparties"], tuple(file["zones"]))
    laptop = Laptop(file["device_zone"], file["personal_device"])
    return UNREADABLE if seen is None else as_json(trial(seen, told, laptop).verdict)


def by_the_second_guard(file: JsonObject, event: object) -> JsonObject:
    """The one that was written from the page alone."""
    circumstance = (file["zones"], file["device_zone"], file["personal_device"])
    return second_guard.verdict(event, file["document"], file["counterparties"], *circumstance)


def by_the_guard(file: JsonObject, event: object) -> JsonObject:
    """The guard itself, under a lease that is older than the interval between screenshots."""
    seen = read(event)
    at = seen.at if seen and seen.at >= LEASES_BEGIN else NOW
    longer = timedelta(seconds=file["document"]["screenshot_min_interval_s"] + 1)
    clock = FakeClock(at - longer)
    office = LeaseOffice(clock, document=file["document"])
    others = canonical(file["counterparties"] or NOBODY)
    with tempfile.TemporaryDirectory() as folder:
        guard = _started(Path(folder), office, file)
        sent = office.send(counterparties=digest(others), zones=file["zones"])
        refused = guard.accept(sent.token, sent.document, others)
        assert refused is None, refused
        clock.advance(longer)
        return as_json(guard.may_capture(event))  # type: ignore[arg-type]


def _started(folder: Path, office: LeaseOffice, file: JsonObject) -> Guard:
    memory.begin(folder, office.device_id)
    clock = office.clock
    return Guard(
        folder,
        office.keys,
        office.device_id,
        clock,
        elapsed=clock.elapsed,
        personal=file["personal_device"],
        zone=zone_named(file["device_zone"] or ""),
    )


JUDGES: dict[str, Judge] = {
    "rules": by_the_rules,
    "guard": by_the_guard,
    "second guard": by_the_second_guard,
    "server": by_the_tester,
}
