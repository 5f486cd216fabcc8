"""The key set: which public keys sign tokens, and when, as a note that the root signed (pure).

It is a statement (app/audit/restore/custody.py) with the action ``publish-keys``. Its facts are
``issuer``, ``version``, ``expires``, ``root_version``, ``root`` (verifier keys, a space between
two), ``threshold`` (how many of them must sign) and ``keys``, canonical JSON on one line:
``[{"from": INSTANT, "typ": "habeas-lease+jwt", "until": INSTANT, "x": BASE64URL}, …]``.

Rules:
1. A set is believed if as many keys of the root signed it as the root's threshold says.
2. Whoever has a set takes another only if the root of that set signed it, its version is not lower,
   and not higher by more than ``MOST_STEPS`` (TUF: rollback, fast-forward). One version has one
   text.
3. The root changes by one at a time: the first set of root N+1 is signed by root N and by root N+1.
   Whoever slept through several goes from one to the next, and asks of the last only whether it has
   expired (TUF 5.3).
4. A key signs from ``from`` until ``until``: what it signed outside is not believed. One that was
   revoked is believed for nothing, whatever it signed.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.audit.restore.custody import read_statement, statement_text
from app.audit.tree.checkpoint import BadNote, VerifierKey, open_note, parse_note, parse_vkey
from app.kernel.canonical import Json, canonical
from app.kernel.clock import instant, timestamp
from app.kernel.errors import Unreadable
from app.kernel.points import sound_point
from app.kernel.signing import b64u, thumbprint, unb64u

PUBLISH = "publish-keys"
MOST_BYTES = 65_536
"""The largest key set that anybody reads."""
MOST_STEPS = 1_000
"""No honest version is further from the one before that somebody has."""
MOST_ROOTS = 32
"""So many changes of the root can be slept through."""
SKEW = timedelta(seconds=60)
"""How far two honest clocks may differ."""
_SIGNATURE_BYTES = len("\u2014  \n".encode()) + 92
"""Of one signature line without its name: dash, spaces, key id and signature in Base64."""

_FACTS = {"issuer", "version", "expires", "root_version", "root", "threshold", "keys"}
_MOST_KEYS_OF_A_ROOT = 16
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


class Doubt(StrEnum):
    """Why a key set is not believed."""

    UNREADABLE = "unreadable"
    UNSIGNED = "unsigned"
    OTHER_ROOT = "other_root"
    SKIPPED = "skipped"
    OTHER_ISSUER = "other_issuer"
    ROLLED_BACK = "rolled_back"
    FORKED = "forked"
    JUMPED = "jumped"
    EXPIRED = "expired"


class BadKeySet(ValueError):
    """A key set that must not be believed.

    Attributes:
        doubt: which check failed.
    """

    def __init__(self, doubt: Doubt, problem: str) -> None:
        super().__init__(problem)
        self.doubt = doubt


@dataclass(frozen=True)
class PublishedKey:
    """A public key and the time in which it signs.

    Attributes:
        typ: the only type of token that it signs.
        public: 32 bytes.
        begins: from when; None: from the beginning.
        ends: until when; None: that is not known yet.
        revoked: it is believed for nothing any more.
    """

    typ: str
    public: bytes
    begins: datetime | None = None
    ends: datetime | None = None
    revoked: bool = False

    @property
    def kid(self) -> str:
        """Its id: the thumbprint (RFC 7638)."""
        return thumbprint(self.public)

    def signs(self, now: datetime) -> bool:
        """Whether it signs at an instant."""
        begun = self.begins is None or self.begins <= now
        return begun and not self.revoked and (self.ends is None or now < self.ends)

    def signed(self, issued: datetime) -> bool:
        """Whether what it signed at an instant is believed (rule 4); two clocks may differ."""
        return PublishedKey(
            self.typ,
            self.public,
            None if self.begins is None else self.begins - SKEW,
            None if self.ends is None else self.ends + SKEW,
            self.revoked,
        ).signs(issued)


@dataclass(frozen=True)
class Root:
    """Whose signatures make a key set.

    Attributes:
        version: 1, and one more with each change.
        keys: of whom so many as ``threshold`` must sign; no name and no key twice.
    """

    version: int
    keys: tuple[VerifierKey, ...]
    threshold: int

    def __post_init__(self) -> None:
        names, publics = {key.name for key in self.keys}, {key.public for key in self.keys}
        if not 1 <= self.threshold <= len(self.keys) <= _MOST_KEYS_OF_A_ROOT:
            raise BadKeySet(Doubt.UNREADABLE, "the root's threshold does not fit its keys")
        if len(names) < len(self.keys) or len(publics) < len(self.keys):
            raise BadKeySet(Doubt.UNREADABLE, "a key stands in the root twice")


@dataclass(frozen=True)
class KeySet:
    """What a key set says. Whether to believe it is asked with the note that carries it."""

    issuer: str
    version: int
    expires: datetime
    root: Root
    keys: tuple[PublishedKey, ...]

    @property
    def text(self) -> str:
        """What the root signs."""
        vkeys = " ".join(sorted(key.vkey for key in self.root.keys))
        return statement_text(
            PUBLISH,
            {
                "issuer": self.issuer,
                "version": str(self.version),
                "expires": timestamp(self.expires),
                "root_version": str(self.root.version),
                "root": vkeys,
                "threshold": str(self.root.threshold),
                "keys": canonical([_written(key) for key in self.keys]).decode("ascii"),
            },
        )

    @property
    def bytes_signed(self) -> int:
        """How many bytes its note has once every key of its root has signed it."""
        names = sum(_SIGNATURE_BYTES + len(key.name.encode()) for key in self.root.keys)
        return len(self.text.encode()) + 1 + names

    def of(self, typ: str) -> tuple[PublishedKey, ...]:
        """The keys of a type of token, the oldest first."""
        return tuple(key for key in self.keys if key.typ == typ)

    def in_use(self, typ: str, now: datetime) -> PublishedKey | None:
        """The key that signs a type of token at an instant: the last that has begun."""
        return in_use(self.keys, typ, now)

    def believed(self, typ: str) -> dict[str, bytes]:
        """The public keys by which a type of token can be believed, by key id."""
        return {key.kid: key.public for key in self.of(typ) if not key.revoked}

    def has_signed(self, kid: str, typ: str, issued: datetime) -> bool:
        """Whether a key is believed to have signed a type of token at an instant (rule 4)."""
        return any(key.kid == kid and key.signed(issued) for key in self.of(typ))


def in_use(keys: Sequence[PublishedKey], typ: str, now: datetime) -> PublishedKey | None:
    """Of some keys the one that signs a type of token at an instant: the last that has begun."""
    return next((key for key in reversed(keys) if key.typ == typ and key.signs(now)), None)


def read_key_set(note: bytes) -> KeySet:
    """Read a note strictly; nothing in it is believed yet.

    Raises:
        BadKeySet: it is no key set.
    """
    if len(note) > MOST_BYTES:
        raise BadKeySet(Doubt.UNREADABLE, f"a key set has at most {MOST_BYTES} bytes")
    try:
        text = parse_note(note).text
    except BadNote as error:
        raise BadKeySet(Doubt.UNREADABLE, f"this is no key set: {error}") from error
    return read_text(text)


def read_text(text: str) -> KeySet:
    """Read what a root signs, or is to sign.

    Raises:
        BadKeySet: it is no key set, or not in the one form of what it says.
    """
    try:
        action, facts = read_statement(text)
        read = _read(facts) if action == PUBLISH and facts.keys() == _FACTS else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Unreadable) as error:
        raise BadKeySet(Doubt.UNREADABLE, f"this is no key set: {error}") from error
    if read is None or read.text != text:
        raise BadKeySet(Doubt.UNREADABLE, "this is no key set, or not in its one form")
    return read


def require_signed(note: bytes, root: Root) -> None:
    """Return if a root signed a note (rule 1).

    Raises:
        BadKeySet: too few of its keys did, or a signature is wrong.
    """
    try:
        signed = open_note(note, root.keys).signatures
    except BadNote as error:
        raise BadKeySet(Doubt.UNSIGNED, f"the key set is not signed by its root: {error}") from None
    if len(signed) < root.threshold:
        missing = f"{len(signed)} of the {root.threshold} signatures that its root asks for"
        raise BadKeySet(Doubt.UNSIGNED, f"the key set carries {missing}")


def first_key_set(note: bytes, now: datetime) -> KeySet:
    """Take a first key set, with the root that it names: at pairing, from a trusted address.

    Raises:
        BadKeySet: its own root did not sign it, or it has expired.
    """
    read = read_key_set(note)
    require_signed(note, read.root)
    require_current(read, now)
    return read


def key_set_of_root(root: Root, notes: Sequence[bytes], now: datetime) -> KeySet:
    """Take a first key set by a root that one was given, one change of the root at a time.

    Args:
        root: whom one trusts.
        notes: the first set of each root since, then the newest set.
        now: the present instant.

    Raises:
        BadKeySet: a step breaks rule 3, or the last has expired.
    """
    taken = None
    for note in notes:
        taken = read_key_set(note)
        _require_root(root, taken.root, note)
        root = taken.root
    if taken is None:
        raise BadKeySet(Doubt.UNREADABLE, "there is no key set")
    require_current(taken, now)
    return taken


def next_key_set(held: KeySet, notes: Sequence[bytes], now: datetime) -> KeySet:
    """Go from the set that one has to the last of some notes, one change of the root at a time.

    Args:
        held: the set that one has.
        notes: the first set of each root since, then the newest set.
        now: the present instant.

    Raises:
        BadKeySet: a step breaks rule 2 or 3, or the last has expired.
    """
    for note in notes:
        held = _following(held, note)
    require_current(held, now)
    return held


def require_current(held: KeySet, now: datetime) -> None:
    """Return if a set has not expired.

    Raises:
        BadKeySet: it has.
    """
    if now >= held.expires:
        raise BadKeySet(Doubt.EXPIRED, f"the key set expired at {timestamp(held.expires)}")


def _following(held: KeySet, note: bytes) -> KeySet:
    new = read_key_set(note)
    _require_root(held.root, new.root, note)
    if new.issuer != held.issuer:
        raise BadKeySet(Doubt.OTHER_ISSUER, f"the key set is of {new.issuer}")
    if new.version < held.version:
        raise BadKeySet(Doubt.ROLLED_BACK, f"version {held.version} was seen before")
    if new.version == held.version and new != held:
        raise BadKeySet(Doubt.FORKED, f"there are two key sets of version {new.version}")
    if new.version - held.version > MOST_STEPS:
        raise BadKeySet(Doubt.JUMPED, f"the version leaps from {held.version} to {new.version}")
    return new


def _require_root(held: Root, new: Root, note: bytes) -> None:
    """Return if a note's root is the one that is trusted, or follows it (rule 3)."""
    if new.version == held.version and new != held:
        raise BadKeySet(Doubt.OTHER_ROOT, f"there are two roots of version {new.version}")
    if new.version < held.version:
        raise BadKeySet(Doubt.ROLLED_BACK, f"root {held.version} was seen before")
    if new.version > held.version + 1:
        raise BadKeySet(Doubt.SKIPPED, f"root {held.version + 1} is skipped")
    require_signed(note, held)
    if new.version > held.version:
        require_signed(note, new)


def _written(key: PublishedKey) -> Json:
    return {
        "typ": key.typ,
        "x": b64u(key.public),
        **({} if key.begins is None else {"from": timestamp(key.begins)}),
        **({} if key.ends is None else {"until": timestamp(key.ends)}),
        **({"revoked": True} if key.revoked else {}),
    }


def _read(facts: Mapping[str, str]) -> KeySet:
    root = Root(
        _number(facts["root_version"]),
        tuple(parse_vkey(vkey) for vkey in facts["root"].split(" ")),
        _number(facts["threshold"]),
    )
    keys = tuple(_read_key(key) for key in json.loads(facts["keys"]))
    if len({key.public for key in keys}) < len(keys):
        raise ValueError("a key stands in it twice")
    expires = instant(facts["expires"])
    return KeySet(facts["issuer"], _number(facts["version"]), expires, root, keys)


def _read_key(key: Mapping[str, Any]) -> PublishedKey:
    if key.keys() - {"typ", "x", "from", "until", "revoked"} or not isinstance(key["typ"], str):
        raise ValueError("a key has members that are not understood")
    return PublishedKey(
        key["typ"],
        sound_point(unb64u(key["x"])),
        instant(key["from"]) if "from" in key else None,
        instant(key["until"]) if "until" in key else None,
        key.get("revoked", False) is not False,
    )


def _number(text: str) -> int:
    if not _VERSION.fullmatch(text):
        raise ValueError("a version is no number from 1")
    return int(text)
