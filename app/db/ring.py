"""What is known of seals in one process: keys, seals read, how far the log has come in each chain.

Rules:
1. The keys are derived from the vault's key (HKDF, RFC 5869), which is not in the database. A
   database without keys seals nothing, and nothing in it stands.
2. What is remembered never changes once it is so: a side seal, a pseudonym, a position of the log.
   Whatever is forgotten is read again.
3. A chain is behind if it has fewer rows than entries of the log recorded. A transaction is held
   only to what the log knew before it began: it may not see what was committed later.
"""

import hmac
import json
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, LargeBinary, String, Table, Text

from app.db.metadata import metadata

if TYPE_CHECKING:
    from app.db.engine import Tx

row_seal = Table(
    "row_seal",
    metadata,
    Column("table_name", String(64), primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("key_id", String(16), primary_key=True),
    Column("seal", LargeBinary, nullable=False),
)
"""Append-only. The seal of each row of a table that only grows."""

ALARMS = "alarm"
"""As what a change of the open alarms is noted (``SealRing.moved``)."""

_MOST = 200_000
"""How many seals, names and disputes are remembered, each."""


MOST_FITTING, FITTING_S = 20_000, 600.0
"""How many rows that fit are remembered with what they say, and for how long, seconds."""

RowName = tuple[str, str]
"""A row by its table and its key."""
Said = tuple[Mapping[str, Any], object]
"""What a row says, people as pseudonyms, and its seal."""


class Flaw(StrEnum):
    """Why a chain does not stand (closed list)."""

    UNSEALED = "unsealed"
    """A row has no seal, or a seal that does not fit."""
    BEHIND = "behind"
    """There are fewer rows than the log knows."""
    DIFFERS = "differs"
    """A row says something else than its entry."""
    UNRECORDED = "unrecorded"
    """No entry recorded the row."""
    SHAPE = "shape"
    """A row cannot be read."""
    ALARMED = "alarmed"
    """An alarm is open; it stands until two people clear it."""
    LOG = "log"
    """The log in the database is not what was signed."""


@dataclass(frozen=True)
class Dispute:
    """A chain that does not stand.

    Attributes:
        chain: what the rows are about, such as ``consent:p_…``; see ``audit.entries.recorded``.
        why: what is wrong.
        table: where it was found; None where it is about the whole chain.
        row_key: the row; None as above, and where a key would name a person.
        person: id of the person whom it is about; None where it is about nobody.
    """

    chain: str
    why: Flaw
    table: str | None = None
    row_key: str | None = None
    person: str | None = None


@dataclass(frozen=True)
class Position:
    """How many rows of a chain the log recorded, and the index of the last entry that did."""

    rows: int
    idx: int


class Names:
    """Whom pseudonyms stand for; the log tells it (app/audit/entries/subjects.py)."""

    def known(self, tx: "Tx", people: Collection[str], *, fresh: bool = False) -> Mapping[str, str]:
        """The sealed pseudonyms of these people by id; who has none is missing.

        Args:
            tx: reads them where they are not remembered.
            people: ids.
            fresh: read them all: somebody erased may be back under another name.
        """
        del tx, people, fresh
        return {}

    def take(self, tx: "Tx", rows: Sequence[Mapping[str, Any]]) -> None:
        """Remember what rows of pseudonyms say, as far as their seals fit."""
        del tx, rows

    def remember(self, names: Mapping[str, str]) -> None:
        """Remember pseudonyms by person id that are in the database."""
        del names

    def forget(self, person_id: str) -> None:
        """Forget the pseudonym of somebody who is erased."""
        del person_id

    def made(self, tx: "Tx", people: Collection[str]) -> Mapping[str, str]:
        """The same, and made where there is none; the transaction writes."""
        return self.known(tx, people)

    def erased(self, tx: "Tx", pseudonym: str) -> bool:
        """Whether the person of a pseudonym was erased."""
        del tx, pseudonym
        return False


@dataclass(frozen=True)
class SealKey:
    """What seals are made with; the id says with which key.

    >>> key = SealKey.of(bytes(32))
    >>> key.id, key.mac(b"a row") == key.mac(b"another row")
    ('d0d0c4fbf8e1ba6d', False)
    """

    id: str
    secret: bytes = field(repr=False)
    lookup: bytes = field(repr=False)

    @classmethod
    def of(cls, vault_key: bytes, generation: int = 1) -> "SealKey":
        """Derive it from the vault's key (32 bytes).

        Args:
            vault_key: not in the database.
            generation: one more each time that all rows were sealed again (``seals.rebuilt``).
        """
        secret = _derived(vault_key, f"habeas row seals {generation}".encode())
        number = hmac.digest(secret, b"id", sha256).hex()[:16]
        return cls(number, secret, _derived(vault_key, b"habeas lookup digests 1"))

    def mac(self, content: bytes) -> bytes:
        """HMAC-SHA256 (RFC 2104), 32 bytes."""
        return hmac.digest(self.secret, content, sha256)


class SealRing:
    """Shared by every transaction of a database in this process.

    Attributes:
        key: what is sealed with; None: nothing is sealed, and nothing stands.
        names: tells pseudonyms.
        size: how many entries of the log are folded.
        adopted: the log says that rows are sealed (``seals.adopted``).
        derive: makes the key of a generation; None: there is only one key.
        generation: how often the log says that all rows were sealed again, and one.
        broken: why the log itself cannot be believed; None while it can.
    """

    def __init__(self) -> None:
        self.key: SealKey | None = None
        self.names = Names()
        self.size = 0
        self.adopted = False
        self.derive: Callable[[int], SealKey] | None = None
        self.generation = 1
        self.broken: str | None = None
        self.positions: dict[str, Position] = {}
        self._seals: dict[tuple[str, str], bytes] = {}
        self._fitting: dict[RowName, Said] = {}
        self._fitting_until = 0.0
        self._alarms: dict[str, str] = {}
        self._cleared: set[str] = set()
        self._raised: set[str] = set()
        self._found: dict[str, Dispute] = {}
        self._moves: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, key: SealKey) -> None:
        """Seal with this key from here on; what was read of another key is forgotten."""
        if self.key is None or self.key.id != key.id:
            self._seals.clear()
            self._fitting.clear()
        self.key = key

    def turn(self, generation: int) -> None:
        """Go over to the key of a generation."""
        self.generation = generation
        if self.derive is not None:
            self.take(self.derive(generation))

    def mac(self, table: str, row_key: str, content: Mapping[str, Any]) -> bytes | None:
        """The seal of a row; None without a key. Columns without a value are left out of it."""
        if self.key is None:
            return None
        said = {
            name: value.isoformat() if type(value) is datetime and value.tzinfo is UTC else value
            for name, value in content.items()
            if value is not None
        }
        return self.key.mac(_encoded([table, row_key, said]))

    def digest(self, context: str, *parts: str) -> str:
        """Under what a secret is found in the database: who writes SQL cannot make one.

        Args:
            context: what it is a digest of, such as ``session``.
            parts: such as the secret and whose it is.

        Returns:
            64 hexadecimal digits.
        """
        lookup = b"" if self.key is None else self.key.lookup
        return hmac.digest(lookup, _encoded([context, *parts]), sha256).hex()

    @property
    def required(self) -> bool:
        """Whether a row needs its seal: the log says that they have, or is in doubt."""
        return self.adopted or self.broken is not None

    # Side seals

    def seal_of(self, table: str, row_key: str) -> bytes | None:
        """A side seal that was read before."""
        return self._seals.get((table, row_key))

    def remember(self, seals: Iterable[tuple[str, str, bytes]]) -> None:
        """Remember side seals that are in the database."""
        if len(self._seals) > _MOST:
            self._seals.clear()
        self._seals.update(((table, row_key), seal) for table, row_key, seal in seals)

    # Rows whose seals fit

    def fitted(self, row: RowName, said: Said) -> bool:
        """Whether a row that said the same, with the same seal, was found fitting lately."""
        return self.key is not None and self._fitting.get(row) == said

    def remember_fitting(self, row: RowName, said: Said) -> None:
        """Remember what a row says whose seal fits; not for long, for it may be about somebody."""
        now = time.monotonic()
        if len(self._fitting) > MOST_FITTING or now > self._fitting_until:
            self._fitting.clear()
            self._fitting_until = now + FITTING_S
        self._fitting[row] = said

    def forget_fitting(self) -> None:
        """Forget what rows say: somebody is erased."""
        self._fitting.clear()

    # What the log knows

    def behind(self, chain: str, rows: int, folded: int) -> bool:
        """Whether a chain has fewer rows than the log recorded before ``folded`` entries."""
        known = self.positions.get(chain)
        return known is not None and known.idx < folded and rows < known.rows

    def moved(self, kinds: Iterable[str]) -> None:
        """Note that the log has more rows of chains of these kinds, or that alarms changed."""
        with self._lock:
            for kind in kinds:
                self._moves[kind] = self._moves.get(kind, 0) + 1

    def moves(self, kinds: Iterable[str]) -> tuple[int, ...]:
        """Another answer than before: what was concluded about chains of these kinds may not hold.

        A kind is what stands before the colon of a chain; alarms count with every kind.
        """
        counts = (self._moves.get(kind, 0) for kind in (ALARMS, *kinds))
        return (int(self.broken is not None), *counts)

    def unlearn(self) -> None:
        """Know nothing of the log any more: what was known was of another. Alarms hold on."""
        self.positions, self.size, self.adopted = {}, 0, False
        self._cleared = set()
        self._found.clear()
        self.turn(1)

    def alarm_on(self, chain: str) -> bool:
        """Whether an alarm is open on a chain, here or in the log."""
        return chain in self._raised or chain in self._alarms

    def was_cleared(self, chain: str) -> bool:
        """Whether two people have cleared an alarm on a chain before."""
        return chain in self._cleared

    @property
    def cleared(self) -> frozenset[str]:
        """Every chain on which an alarm was cleared."""
        return frozenset(self._cleared)

    @property
    def alarms(self) -> Mapping[str, str]:
        """The chains with an open alarm, each with the event that raised it, as the log has it."""
        return self._alarms

    @property
    def alarmed(self) -> frozenset[str]:
        """Every chain on which an alarm is open, here or in the log."""
        with self._lock:
            return frozenset({*self._alarms, *self._raised})

    def set_alarms(self, alarms: Mapping[str, str], *, cleared: Collection[str] = ()) -> None:
        """Take over which alarms the log has open, and which chains it has just cleared."""
        changed = self._alarms.keys() != alarms.keys() or bool(cleared)
        with self._lock:
            self._alarms = dict(alarms)
            self._raised.difference_update(cleared)
            self._cleared.update(cleared)
            for chain in cleared:
                self._found.pop(chain, None)
        if changed:
            self.moved([ALARMS])

    def raised(self, chains: Iterable[str]) -> None:
        """Alarms on these chains are committed; the log may not have them yet."""
        new = set(chains)
        with self._lock:
            self._raised |= new
        if new:
            self.moved([ALARMS])

    # Disputes found while reading

    def found(self, disputes: Iterable[Dispute]) -> None:
        """Keep what a reading transaction found, until somebody who writes raises it."""
        with self._lock:
            for dispute in disputes:
                if len(self._found) < _MOST and not self.alarm_on(dispute.chain):
                    self._found.setdefault(dispute.chain, dispute)

    def take_found(self) -> tuple[Dispute, ...]:
        """What was found and is not raised yet; it is forgotten here."""
        with self._lock:
            waiting = tuple(self._found.values())
            self._found.clear()
        return tuple(dispute for dispute in waiting if not self.alarm_on(dispute.chain))


def _derived(vault_key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(vault_key)


def _encoded(values: object) -> bytes:
    return _ENCODER.encode(values).encode()


def _plain(value: object) -> object:
    """A value that JSON has no form for; whatever else a tampered row holds has a form, too.

    Bytes are said as no text can be: SQLite keeps a text in their column, too.
    """
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat()
    if isinstance(value, bytes | memoryview | bytearray):
        return {"bytes": bytes(value).hex()}
    return f"{type(value).__name__}:{value}"


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain
)
"""Made once: it is in the way of every request."""
