"""The service's keys as laptops and data stores believe them: the key set, kept and renewed.

Rules:
1. The root is learned at pairing, from the address that was typed in; by a store from its settings,
   or at its first fetch, from the same address. From then on a key set is
   taken only if that root signed it, or a root that follows from it step by step
   (app/keys/model.py).
2. The set that was taken is on disk, whole, before anything is believed by it; the highest version
   seen is that of the set on disk. If it is missing or damaged, capture is off until the device is
   paired anew.
3. It is asked for again when a token names a key that is not in it, when it has expired, and every
   hour. A set that must not be believed turns capture off until one is taken; it is asked for each
   minute then. Silence alone does not turn it off, nor does a service that shows no set just now or
   is busy (429, 5xx), nor a page that somebody else shows: the set that is held goes on until it
   expires.
4. A laptop that was paired before there were key sets learns the root from the same address, if the
   set has a key that the laptop believed. Until then it believes the keys of its pairing.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from app.kernel.canonical import canonical, digest
from app.kernel.clock import Clock
from app.kernel.refusals import Refusal
from app.kernel.tokens import LEASE_TYPE
from app.keys.model import (
    MOST_ROOTS,
    BadKeySet,
    Doubt,
    KeySet,
    Root,
    first_key_set,
    key_set_of_root,
    next_key_set,
    read_key_set,
    require_signed,
)
from app.sdk import disk
from app.sdk.lease import Refused
from app.sdk.wire import SMALL, BadAnswer, Silence, Wire

KEY_SET = "/.well-known/habeas-keys"
MEDIA_TYPE = "text/plain"
EVERY_S = 3_600
"""How often the set is asked for where nothing else asks for it, seconds."""
AGAIN_S = 60
"""How long to wait after it was asked for in vain, seconds: a service may name unknown keys."""
DEADLINE_S = 60.0
"""How long all the answers that lead to the newest set may take together, seconds."""

_FILE = "keys.json"
_MOST_KEPT = 200_000
_FOUND, _TOO_MANY, _BROKEN = 200, 429, 500


class TrustedKeys:
    """The key set of one paired device, or of one data store.

    Args:
        folder: where it is kept: where the device was paired.
        wire: to the service.
        clock: the wall clock.
        elapsed: a clock that only runs forward, seconds.
        held: the set that is held; None: the device was paired before there were any.
        pinned: the keys for leases that were believed before there was a set, by key id.
        learned: is told each set that is on disk, before anything is believed by it.
        typ: the type of token whose unknown keys make it ask.
        root: by whom the first set must be signed, at once or over later roots; None: by the root
            that the set itself names.
    """

    def __init__(
        self,
        folder: Path,
        wire: Wire,
        clock: Clock,
        elapsed: Callable[[], float],
        held: KeySet | None,
        pinned: Mapping[str, bytes],
        learned: Callable[[KeySet], None],
        typ: str = LEASE_TYPE,
        root: Root | None = None,
    ) -> None:
        self._learned, self._typ, self._root = learned, typ, root
        self._folder, self._wire, self._clock, self._elapsed = folder, wire, clock, elapsed
        self._pinned = pinned
        self._asked: float | None = None
        self._in_vain: float | None = None
        self._refused: str | None = None
        self.held = held

    def renew(self, kid: str | None = None) -> KeySet | None:
        """Ask for the set where it is time to (rule 3); return the set that is held.

        Args:
            kid: the key that a token names.

        Raises:
            Refused: what answers is no set to be believed.
        """
        now = self._elapsed()
        wanting = self._wants(kid)
        in_vain = self._in_vain is not None and now - self._in_vain < AGAIN_S
        every = EVERY_S if self._refused is None else AGAIN_S
        if (wanting and not in_vain) or self._asked is None or now - self._asked >= every:
            self._asked = now
            try:
                self._fetch()
            except (Silence, BadAnswer):
                pass  # what is held goes on (rule 3)
            except BadKeySet as error:
                self._refused = str(error)
            finally:
                self._in_vain = now if self._wants(kid) else self._in_vain
        if self._refused is not None:
            raise Refused(Refusal.KEYS_REFUSED, self._refused)
        return self.held

    def _wants(self, kid: str | None) -> bool:
        """Whether the set that is held has expired, or lacks a key that a token names."""
        if self.held is not None and self._clock.now() >= self.held.expires:
            return True
        believed = self._pinned if self.held is None else self.held.believed(self._typ)
        return kid is not None and kid not in believed

    def _fetch(self) -> None:
        note = fetch_newest(self._wire)
        if note is None:
            return
        now = self._clock.now()
        if self.held is None:
            taken = self._first(note, now)
        else:
            notes = (*self._roots(self.held.root.version, note), note)
            taken = next_key_set(self.held, notes, now)
        keep_key_set(self._folder, note)
        self._learned(taken)
        self.held, self._refused = taken, None

    def _first(self, note: bytes, now: datetime) -> KeySet:
        if self._root is None:
            taken = first_key_set(note, now)
        else:
            notes = (*self._roots(self._root.version, note), note)
            taken = key_set_of_root(self._root, notes, now)
        if taken.issuer != self._wire.base_url:
            raise BadKeySet(Doubt.OTHER_ISSUER, f"the key set is of {taken.issuer}")
        if self._pinned and not taken.believed(self._typ).keys() & self._pinned.keys():
            raise BadKeySet(Doubt.OTHER_ROOT, "the key set has no key that was believed before")
        return taken

    def _roots(self, known: int, newest: bytes) -> tuple[bytes, ...]:
        """The first set of each root since the one that is known."""
        latest = read_key_set(newest).root.version
        if latest - known > MOST_ROOTS:
            raise BadKeySet(Doubt.SKIPPED, f"more than {MOST_ROOTS} roots since the known one")
        began, notes = self._elapsed(), []
        for version in range(known + 1, latest + 1):
            if self._elapsed() - began > DEADLINE_S:
                raise Silence("the key sets came too slowly")
            answer = self._wire.exchange("GET", f"{KEY_SET}/{version}", cap=SMALL)
            if answer.status == _TOO_MANY or answer.status >= _BROKEN:
                raise Silence(f"root {version} is not shown just now: status {answer.status}")
            if answer.status != _FOUND:
                raise BadKeySet(Doubt.SKIPPED, f"root {version} is not shown")
            if answer.media_type != MEDIA_TYPE:
                raise BadAnswer(f"no root: {answer.media_type}")
            notes.append(answer.body)
        return tuple(notes)


def fetch_newest(wire: Wire) -> bytes | None:
    """The note that a service shows as its key set; None where it shows none.

    Raises:
        Silence, BadAnswer: see ``Wire.exchange``.
    """
    answer = wire.exchange("GET", KEY_SET, cap=SMALL)
    if answer.status != _FOUND:
        return None
    if answer.media_type != MEDIA_TYPE:
        raise BadAnswer(f"no key set: {answer.media_type}")
    return answer.body


def keep_key_set(folder: Path, note: bytes) -> None:
    """Put a set on disk, whole: either the old set is there afterwards, or the new one.

    Raises:
        Refused: the disk did not take it.
    """
    text = note.decode("utf-8")
    try:
        disk.replace(folder / _FILE, canonical({"note": text, "sum": digest(note)}))
    except OSError as error:
        problem = f"the key set cannot be written: {error}"
        raise Refused(Refusal.STATE_UNREADABLE, problem) from error


def kept_key_set(folder: Path) -> KeySet | None:
    """The set on disk; None where none was ever kept. Whether it has expired is not asked.

    Raises:
        ValueError: it is damaged.
    """
    file = folder / _FILE
    if not file.exists():
        return None
    with file.open("rb") as opened:
        kept = json.loads(opened.read(_MOST_KEPT))
    note = str(kept["note"]).encode()
    if kept["sum"] != digest(note):
        raise ValueError("the key set on disk is damaged")
    held = read_key_set(note)
    require_signed(note, held.root)
    return held


def forget_key_set(folder: Path) -> None:
    """Forget the set of a device that was paired here before."""
    (folder / _FILE).unlink(missing_ok=True)
