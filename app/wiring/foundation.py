"""What is opened before the first service is made: stores, keys, the log's name.

Rules:
1. The database is brought to this schema and found guarded before anything reads from it.
2. Where a log has begun, its keys and its name must be there; new keys would be another log.
3. The database is given the keys of its seals; without them nothing in it stands.
4. A log that was rolled back goes on under its next name only where a restore asks for it.
"""

import uuid
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from app.audit.growing.lock import LockStore, open_lock
from app.audit.growing.lock_place import LOCK, default_place, take_over
from app.audit.restore.continuity import has_begun
from app.audit.restore.custody import Custodians, parse_custodians
from app.audit.restore.service import origin_now
from app.audit.tree.checkpoint import VerifierKey, require_name
from app.audit.tree.epoch import next_origin
from app.db.engine import Database, open_database
from app.db.migrate import bring_up
from app.db.ring import SealKey
from app.db.selftest import require_guarded
from app.kernel.clock import Clock
from app.kernel.errors import Unavailable
from app.kernel.keys import KeyFolder, create_once
from app.kernel.private import private_folder
from app.keys.ring import KeyRing
from app.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """Settings and what is open; every service stands on it.

    Attributes:
        settings: all that can be chosen.
        clock: tells the present instant.
        database: holds everything but keys and files.
        keys: the files of all keys.
        ring: the keys that sign tokens, whichever it is the time of.
        lock: outlives a restored database.
        custodians: of whom two must sign what needs two people; None where none are named.
        origin: the log's name.
    """

    settings: Settings
    clock: Clock
    database: Database
    keys: KeyFolder
    ring: KeyRing
    lock: LockStore
    custodians: Custodians | None
    origin: str

    @property
    def log_key(self) -> VerifierKey:
        """What the log's checkpoints are verified with."""
        return VerifierKey(self.origin, self.keys.signer("log").public)

    @property
    def merge_within(self) -> timedelta:
        """Within what time an entry is promised to be in the tree."""
        return timedelta(seconds=self.settings.merge_within_s)


def lay_foundation(
    settings: Settings,
    clock: Clock,
    database: Database | None,
    stores: ExitStack,
    *,
    after_restore: bool = False,
) -> tuple[Foundation, bool]:
    """Open the stores; say whether a restore was begun and not finished.

    Args:
        settings: all that can be chosen.
        clock: tells the present instant.
        database: that of the settings where none is given.
        stores: closes what was opened here.
        after_restore: the log goes on under its next name.
    """
    private_folder(settings.var)
    database = _prepared(settings, database, stores)
    keys = _keys(settings, database)
    origin = _base_origin(settings, clock)
    foundation = Foundation(
        settings=settings,
        clock=clock,
        database=database,
        keys=keys,
        ring=KeyRing(keys, clock),
        lock=_lock(settings, clock, stores, VerifierKey(origin, keys.signer("log").public)),
        custodians=_custodians(settings.custodians),
        origin=origin,
    )
    database.seals.derive = partial(SealKey.of, foundation.keys.secret("vault"))
    database.seals.turn(1)
    return _under_its_name(foundation, after_restore=after_restore)


def _under_its_name(on: Foundation, *, after_restore: bool) -> tuple[Foundation, bool]:
    """Find the name under which the log goes on, from its first name."""
    public = on.keys.signer("log").public
    with on.database.read() as tx:
        origin, unfinished = origin_now(tx, on.lock, on.origin, public, on.custodians)
    if after_restore and not unfinished:
        origin = next_origin(origin)
    return replace(on, origin=origin), unfinished


def _prepared(settings: Settings, database: Database | None, stores: ExitStack) -> Database:
    if database is None:
        database = open_database(settings.database)
        stores.callback(database.engine.dispose)
    bring_up(database)
    require_guarded(database, strict=not settings.demo)
    return database


def _keys(settings: Settings, database: Database) -> KeyFolder:
    keys = KeyFolder(settings.var / "keys")
    with database.read() as tx:
        begun = has_begun(tx)
    if begun:
        _require_base_origin(settings)
        keys.require("log", "vault")
    return keys


def _lock(settings: Settings, clock: Clock, stores: ExitStack, key: VerifierKey) -> LockStore:
    lock = open_lock(_lock_url(settings))
    stores.callback(lock.database.engine.dispose)
    before = settings.var / LOCK  # where earlier releases kept it
    if lock.database.engine.url.database not in {str(before), str(before.resolve())}:
        take_over(lock, before, key, clock.now())
    lock.adopt_file(settings.var / "log.checkpoint", clock.now())
    return lock


def _lock_url(settings: Settings) -> str:
    if settings.lock_url:
        return settings.lock_url
    return f"sqlite:///{default_place(settings.var, settings.lock_folder)}"


def _custodians(file: Path | None) -> Custodians | None:
    if file is None:
        return None
    try:
        return parse_custodians(file.read_bytes())
    except OSError as error:
        raise Unavailable(
            f"the list of custodians cannot be read: {file}: {error.strerror}",
            cure="Name the file in HABEAS_CUSTODIANS, or leave the setting away.",
        ) from error


def _require_base_origin(settings: Settings) -> None:
    if not (settings.var / "origin").exists():
        raise _origin_lost("the database holds a log, but its name is missing: the file origin")


def _base_origin(settings: Settings, clock: Clock) -> str:
    """The log's first name: host, instance, year (C2SP tlog-checkpoint: a schema-less URL)."""
    file: Path = settings.var / "origin"
    if not file.exists():
        host = urlsplit(settings.base_url).hostname
        create_once(file, f"audit.{host}/{uuid.uuid4()}/{clock.now().year}\n".encode())
    try:
        name = file.read_text(encoding="utf-8").strip()
        require_name(name)
    except ValueError as error:  # also where it is no text
        raise _origin_lost(f"{file} holds no name of a log: {error}") from error
    return name


def _origin_lost(problem: str) -> Unavailable:
    return Unavailable(
        problem,
        cure="Put the file origin in HABEAS_VAR back from its copy; a log has one name.",
        kind="origin-lost",
    )
