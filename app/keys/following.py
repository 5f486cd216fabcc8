"""The key set that follows another, by whoever has the keys: what is added, what leaves (pure).

Rules:
1. Of each type of token one key follows another. The one before ends, and goes on being published.
2. A key whose tokens have a longest life leaves the set with the first rotation after nothing that
   it signed is needed any more. A key that is in no set is believed for nothing: so may one go that
   was revoked. Keys for what is believed for ever stay.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from app.audit.tree.checkpoint import VerifierKey
from app.kernel.tokens import LONGEST_LIFE
from app.keys.model import SKEW, KeySet, PublishedKey, Root

ON_THE_WAY = timedelta(days=30)
"""For how long after the last token of a key the key is still published.

What was captured under a lease may reach a store late: from a laptop that was off.
"""


def rotated(
    held: KeySet, key: PublishedKey, overlap: timedelta, now: datetime, *, revoke: bool = False
) -> KeySet:
    """The next version, in which a key follows the one before of its type; old ones leave (rule 2).

    Args:
        held: the version before.
        key: the new key; ``begins`` says from when it signs.
        overlap: for how long after that the old key may sign: for a process that learns of it late.
        now: the present instant; a key that is revoked ends at it.
        revoke: the old keys are believed for nothing from now on.

    >>> from app.kernel.clock import instant
    >>> from app.kernel.signing import LocalSigner
    >>> publics = (LocalSigner.from_seed(bytes([n]) * 32).public for n in range(3))
    >>> old, new, own = next(publics), next(publics), VerifierKey("root", next(publics))
    >>> at = instant("2026-11-28T00:00:00Z")
    >>> held = KeySet("https://h.example", 1, at, Root(1, (own,), 1), (PublishedKey("t", old),))
    >>> after = rotated(held, PublishedKey("t", new, begins=at), timedelta(minutes=5), at)
    >>> after.version, [key.ends is None for key in after.keys]
    (2, [False, True])
    """
    ends = now if key.begins is None else key.begins + overlap

    def ended(old: PublishedKey) -> PublishedKey:
        if old.typ != key.typ:
            return old
        return replace(old, ends=old.ends or ends, revoked=old.revoked or revoke)

    kept = (ended(old) for old in held.keys if not _is_over(old, now))
    keys = (*kept, key)
    return replace(held, version=held.version + 1, keys=keys)


def _is_over(key: PublishedKey, now: datetime) -> bool:
    """Whether nothing that a key signed is needed any more (rule 2)."""
    life = LONGEST_LIFE.get(key.typ)
    if life is None or key.ends is None:
        return False
    return key.ends + SKEW + life + ON_THE_WAY <= now


def rooted(held: KeySet, keys: Sequence[VerifierKey], threshold: int) -> KeySet:
    """The next version, under the next root; the old root signs it, too (rule 3)."""
    root = Root(held.root.version + 1, tuple(keys), threshold)
    return replace(held, version=held.version + 1, root=root)
