"""What the log says of keys, as values (pure)."""

from dataclasses import dataclass, field
from datetime import datetime

from app.kernel.facts import fact
from app.keys.model import KeySet


@dataclass(frozen=True)
class KeyTerm:
    """A key as a set names it.

    Attributes:
        kid: its thumbprint (RFC 7638).
        typ: the type of token that it signs.
        begins, ends, revoked: see ``PublishedKey``.
    """

    kid: str
    typ: str
    begins: datetime | None = field(default=None, metadata=fact(sparse=True))
    ends: datetime | None = field(default=None, metadata=fact(sparse=True))
    revoked: bool = field(default=False, metadata=fact(sparse=True))


@dataclass(frozen=True)
class KeysAdoption:
    """``keys.adopted``: the key set that is in force from here on.

    Attributes:
        note: digest of the signed note.
        version: of the set.
        root_version: of the root that signed it.
        expires: until when the set is believed.
        keys: which keys sign what, and when.
    """

    note: str
    version: int
    root_version: int
    expires: datetime
    keys: tuple[KeyTerm, ...]


def adoption_of(adopted: KeySet, note: str) -> KeysAdoption:
    """What the entry says of a set whose signed note has a digest."""
    terms = tuple(
        KeyTerm(key.kid, key.typ, key.begins, key.ends, key.revoked) for key in adopted.keys
    )
    return KeysAdoption(note, adopted.version, adopted.root.version, adopted.expires, terms)
