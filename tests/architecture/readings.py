"""Each reading at the desk as a small story: what is read, by whom, and the entry it makes."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from app.audit.entries.model import EntryFilter
from app.audit.reading.desk import Desk
from app.audit.reading.search import Search
from app.audit.reading.service import ReadingService
from app.audit.reading.shown import Reader
from app.db.engine import Tx
from app.wiring import Services

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
REASON = "A question of today."

Reading = Callable[[Services, Tx, Reader], object]


def _with_detail(services: Services, tx: Tx) -> int:
    entries = ReadingService(services.log).search(tx, EntryFilter(limit=500))
    return next(entry.idx for entry in entries if entry.leaf["commitment"] is not None)


def _bundle(services: Services, tx: Tx) -> str:
    checkpoint = services.desk.public_summary(tx).checkpoint
    assert checkpoint is not None
    return "tile/entries/000" + (f".p/{checkpoint.size}" if checkpoint.size < 256 else "")


READINGS: Mapping[str, tuple[str, Reading]] = {
    "search": (
        "log.read",
        lambda s, tx, by: s.desk.search(tx, by, Search(kind="policy"), 50, NOW),
    ),
    "open": ("log.read", lambda s, tx, by: s.desk.open(tx, by, 0, NOW)),
    "proof": ("log.read", lambda s, tx, by: s.desk.proof(tx, by, 0, NOW)),
    "read_detail": (
        "log.body_read",
        lambda s, tx, by: s.desk.read_detail(tx, by, _with_detail(s, tx), REASON, NOW),
    ),
    "bundle": ("log.read", lambda s, tx, by: s.desk.bundle(tx, by, _bundle(s, tx), NOW)),
    "look_up": ("log.read", lambda s, tx, by: s.desk.look_up(tx, by, "E-0042", REASON, NOW)),
    "count": ("log.read", lambda s, tx, by: s.desk.count(tx, by, Search(kind="policy"), NOW)),
    "activity": (
        "log.read",
        lambda s, tx, by: s.desk.activity(tx, by, (NOW, NOW + timedelta(days=1)), 1, NOW),
    ),
    "health": ("log.read", lambda s, tx, by: s.desk.health(tx, by, 10, NOW)),
}
"""The kind of entry each makes, and the reading itself."""

WITHOUT_ENTRY: Mapping[str, str] = {
    "public_summary": "size and age of the log, which its checkpoint tells everybody",
    "public_purposes": "codes that a form offers; nothing about anybody",
    "own_proof": "a person's own entry, for that person",
    "own_newest": "what an own laptop was told, for the person who has it",
    "own_event": "what a person's own entry says, for that person",
    "own_readings": "who read a person's entries, for that person",
}
"""Readings at the desk that make no entry, and why."""


def methods() -> set[str]:
    """What the desk offers."""
    return {name for name in vars(Desk) if not name.startswith("_")}
