"""The witness: looks, keeps, and only then signs (c2sp.org/tlog-witness v1.0.0).

Rules:
1. Looking what was cosigned last and keeping what is cosigned now are one transaction of the one
   writer: of two requests at once, the second sees what the first kept.
2. The answer leaves after the commit. A crash in between loses an answer, never what was kept.
3. Two notes of one log for one size with different roots are kept, both, whatever else is wrong
   with the request. The log's own key signed them: nobody else could have made them.
4. The times that are signed never go backwards. A clock that does stops the signing.
5. The key can be rotated. Until the end of an overlap an answer has a line of the new key and a
   line of the old one, so that every log has time to name the new one (tlog-witness allows several
   lines). Afterwards the old key signs nothing.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.audit.tree.checkpoint import BadNote, VerifierKey, parse_vkey
from app.audit.tree.cosignature import WitnessKey, cosign
from app.db.engine import Database, Tx
from app.kernel.clock import Clock, SystemClock
from app.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable
from app.kernel.keys import KeyFolder, create_once
from app.kernel.private import private_database, private_folder
from app.kernel.signing import LocalSigner, Signer
from app.witness import store
from app.witness.rules import (
    NotCosigned,
    RefusalReason,
    contradicts,
    parse_submission,
    require_grown,
    require_signed,
)
from app.witness.store import Cosigned, NotePair, Rotated, Trusted

DATABASE, NAME, KEY = "witness.sqlite", "name", "witness"
OVERLAP, LONGEST_OVERLAP = timedelta(days=30), timedelta(days=366)
"""For how long two keys sign, where nothing else is said, and at most."""


@dataclass(frozen=True)
class Watched:
    """A log that is watched, and how far it has come."""

    origin: str
    keys: tuple[VerifierKey, ...]
    url: str
    last: Cosigned | None

    @property
    def hash(self) -> str:
        """The log's name in addresses: SHA-256 of the origin, hexadecimal."""
        return origin_hash(self.origin)


def origin_hash(origin: str) -> str:
    """How a log is named in the addresses for reading."""
    return hashlib.sha256(origin.encode()).hexdigest()


@dataclass(frozen=True)
class Witness:
    """Watches logs; its keys sign cosignatures and nothing else."""

    database: Database
    keys: KeyFolder
    name: str
    clock: Clock

    @property
    def vkey(self) -> str:
        """The newest public key, as logs and verifiers take it."""
        return self.vkeys[-1]

    @property
    def vkeys(self) -> tuple[str, ...]:
        """The public keys that sign now, the newest last."""
        with self.database.read() as tx:
            return tuple(self._vkey(signer) for signer in self._signers(tx))

    def require_keys(self) -> None:
        """Return if each key that signs now is there.

        Raises:
            Unavailable: one is missing (kind ``key-lost``).
        """
        with self.database.read() as tx:
            self._signers(tx)

    def rotate(self, overlap: timedelta = OVERLAP) -> datetime:
        """Sign by another key from now on, too; return until when those before sign.

        A process of this witness that runs follows by itself.

        Raises:
            InvalidInput: an overlap below 0 or above ``LONGEST_OVERLAP``.
            Conflict: two keys sign already.
        """
        if not timedelta() <= overlap <= LONGEST_OVERLAP:
            raise InvalidInput(
                "overlap: two keys sign for too long",
                cure=f"At most {LONGEST_OVERLAP.days} days; 0 ends the old key at once.",
            )
        with store.alone(self.database) as tx:
            now, rotated = self.clock.now(), store.rotated(tx)
            if overlap and rotated and now < rotated[-1].overlap_until:
                raise Conflict(
                    f"two keys sign until {rotated[-1].overlap_until:%Y-%m-%d}",
                    cure="Wait until then, or end the old keys at once with --overlap 0d.",
                )
            known = {self._vkey(self._first()), *(each.vkey for each in rotated)}
            made = [key for key in self.keys.held(KEY) if self._vkey(key) not in known]
            # A file that nobody uses is of a rotation that was cut off before this line was kept.
            new = made[-1] if made else self.keys.next(KEY)
            store.rotate(tx, self._vkey(new), now + overlap, now)
        return now + overlap

    def _first(self) -> LocalSigner:
        """The key of the first day, which is never made anew."""
        _require_key(self.keys)
        return self.keys.signer(KEY)

    def _vkey(self, signer: Signer) -> str:
        return WitnessKey(self.name, signer.public).vkey

    def _signers(self, tx: Tx) -> tuple[LocalSigner, ...]:
        """The keys that sign now, the newest last (rule 5).

        Raises:
            Unavailable: the folder lacks one of them.
        """
        held = {self._vkey(signer): signer for signer in self.keys.held(KEY)}
        wanted = _signing(self._vkey(self._first()), store.rotated(tx), self.clock.now())
        lacking = [vkey for vkey in wanted if vkey not in held]
        if lacking:
            raise _key_lost(f"the key {lacking[-1]}")
        return tuple(held[vkey] for vkey in wanted)

    def _cosign(self, tx: Tx, text: str, now: datetime) -> str:
        time = int(now.timestamp())
        return "\n".join(cosign(text, self.name, key, time) for key in self._signers(tx))

    def trust(self, vkey: str, url: str = "") -> VerifierKey:
        """Watch a log from now on.

        Raises:
            InvalidInput: that is no verifier key of a log.
        """
        try:
            key = parse_vkey(vkey)
        except BadNote as error:
            raise InvalidInput(
                f"that is no log's verifier key: {error}",
                cure="Take it from the log, at /log/key; it has the form name+keyid+key.",
            ) from error
        with store.alone(self.database) as tx:
            store.trust(tx, key, url, self.clock.now())
        return key

    def add_checkpoint(self, body: bytes) -> str:
        """Cosign a checkpoint that continues the last checkpoint; return the signature line.

        Raises:
            NotCosigned: it does not, or the request is not of its form.
        """
        sent = parse_submission(body)
        with self.database.read() as tx:
            keys = [log.key for log in store.trusted(tx) if log.key.name == sent.origin]
        note, new = require_signed(sent, keys)
        refused: NotCosigned | None = None
        line = ""
        with store.alone(self.database) as tx:
            last = store.cosigned(tx, new.origin)
            now = self.clock.now()
            before = None if last is None else last.checkpoint
            if last is not None and contradicts(new, before):
                store.add_evidence(tx, new, sent.note, last, now)
            try:
                require_grown(sent, new, before)
                _require_time(last, now)
            except NotCosigned as error:
                refused = error  # raised below: what contradicts is kept first (rule 3)
            else:
                line = self._cosign(tx, note.text, now)
                store.keep(tx, Cosigned(new, sent.note, line, now))
        if refused is not None:
            raise refused
        return line

    def checkpoint(self, hashed_origin: str) -> str:
        """The last checkpoint cosigned of a log, with our cosignature.

        Raises:
            NotFound: no such log, or none cosigned yet.
        """
        for watched in self.watched():
            if watched.hash == hashed_origin and watched.last is not None:
                return f"{watched.last.note.decode()}{watched.last.line}\n"
        raise NotFound("nothing was cosigned of such a log")

    def watched(self) -> tuple[Watched, ...]:
        """The logs, in the order of their names."""
        with self.database.read() as tx:
            trusted = store.trusted(tx)
            return tuple(
                _watched(origin, trusted, store.cosigned(tx, origin))
                for origin in dict.fromkeys(log.key.name for log in trusted)
            )

    def evidence(self) -> tuple[NotePair, ...]:
        """Every contradiction that a log signed, the newest first."""
        with self.database.read() as tx:
            return store.evidence(tx)


def _watched(origin: str, trusted: Sequence[Trusted], last: Cosigned | None) -> Watched:
    mine = [log for log in trusted if log.key.name == origin]
    url = next((log.url for log in reversed(mine) if log.url), "")
    return Watched(origin, tuple(log.key for log in mine), url, last)


def _require_time(last: Cosigned | None, now: datetime) -> None:
    if last is not None and now < last.at:
        raise NotCosigned(RefusalReason.CLOCK, "the clock of this witness went backwards")


def open_witness(var: Path, name: str = "", clock: Clock | None = None) -> Witness:
    """Open the witness in a folder; at the first time make its key, its name, its database.

    Args:
        var: the folder; nobody else may read it.
        name: needed at the first time; later it stays as it was.
        clock: for the times that are signed.

    Raises:
        InvalidInput: no name at the first time, another one later, or one that is no key name.
        Unavailable: the key is missing where the database is not, or others can read the folder.
    """
    private_folder(var)
    keys, database = KeyFolder(var / "keys"), var / DATABASE
    if database.exists():
        _require_key(keys)
    elif not name and not (var / NAME).exists():
        raise InvalidInput("a new witness needs a name", cure="Add: --name works-council.example")
    kept = _kept_name(var, name, keys.signer(KEY))
    private_database(database)
    witness = Witness(store.open_store(str(database)), keys, kept, clock or SystemClock())
    witness.require_keys()
    return witness


def _kept_name(var: Path, name: str, signer: LocalSigner) -> str:
    """The name of the witness in a folder, which is kept at the first time."""
    if name:
        _require_key_name(name, signer)
        create_once(var / NAME, f"{name}\n".encode())
    kept = (var / NAME).read_text(encoding="utf-8").strip()
    if name and kept != name:
        raise InvalidInput(
            f"this witness is called {kept}",
            cure="Its name is part of its key. Leave --name away, or take another folder.",
        )
    return kept


def _signing(first: str, rotated: Sequence[Rotated], now: datetime) -> tuple[str, ...]:
    """Which keys sign at an instant: the newest, and before it those whose overlaps all last.

    A rotation without overlap ends every key before it.

    >>> at = datetime(2026, 11, 28)
    >>> _signing("a", (Rotated("b", at, at), Rotated("c", at + timedelta(days=30), at)), at)
    ('b', 'c')
    >>> _signing("a", (Rotated("b", at + timedelta(days=30), at), Rotated("c", at, at)), at)
    ('c',)
    """
    vkeys = (first, *(each.vkey for each in rotated))
    ends = [min(each.overlap_until for each in rotated[at:]) for at in range(len(rotated))]
    return (*(vkey for vkey, end in zip(vkeys, ends, strict=False) if now < end), vkeys[-1])


def _require_key(keys: KeyFolder) -> None:
    if not (keys.path / f"{KEY}.key").exists():
        raise _key_lost("its key")


def _key_lost(which: str) -> Unavailable:
    return Unavailable(
        f"the database of this witness is here, but {which} is missing",
        cure="Put the file in keys/ back from its copy; a new key is a new witness.",
        kind="key-lost",
    )


def _require_key_name(name: str, signer: Signer) -> None:
    try:
        WitnessKey(name, signer.public)
    except BadNote as error:
        raise InvalidInput(f"{name!r} is no name of a witness: {error}") from error
