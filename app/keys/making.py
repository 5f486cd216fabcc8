"""What the folder of keys of this machine gives to a key set: first keys, the next, signatures."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from app.audit.restore.custody import sign_statement
from app.audit.tree.checkpoint import VerifierKey
from app.kernel.keys import KeyFolder
from app.kernel.signing import LocalSigner
from app.kernel.tokens import TYPE_OF
from app.keys import reading
from app.keys.model import BadKeySet, Doubt, KeySet, PublishedKey, Root

ROOT = "root"


def first(folder: KeyFolder, issuer: str, expires: datetime) -> KeySet:
    """Of the keys that are there: those of before, or new ones (rule 3)."""
    name = f"{ROOT}.{urlsplit(issuer).hostname}"
    root = Root(1, (VerifierKey(name, folder.signer(ROOT).public),), 1)
    keys = tuple(PublishedKey(typ, folder.signer(use).public) for use, typ in TYPE_OF.items())
    return KeySet(issuer, 1, expires, root, keys)


def next_key(folder: KeyFolder, name: str, held: KeySet) -> LocalSigner:
    """The key that follows: one that was made and is not published yet, or a new one.

    A file before one that is published is of a key that has left the set: it never comes back.
    """
    published = {key.public for key in held.keys}
    here = folder.held(name)
    named = [at for at, key in enumerate(here) if key.public in published]
    later = here[named[-1] + 1 :] if named else ()
    return later[-1] if later else folder.next(name)


def signed(folder: KeyFolder, statement: bytes, roots: Sequence[Root]) -> bytes:
    """Add the signatures of this machine to those that a statement has.

    Raises:
        BadKeySet: it has none then.
    """
    own = {key.public: key for key in folder.held(ROOT)}
    for key in dict.fromkeys(key for root in roots for key in root.keys):
        if key.public in own:
            statement = sign_statement(statement, key.name, own[key.public]).encode()
    if not reading.is_signed(statement):
        raise BadKeySet(Doubt.UNSIGNED, "nobody has signed it")
    return statement


def is_own(folder: KeyFolder, root: Root) -> bool:
    """Whether this machine alone can sign for a root."""
    own = {key.public for key in folder.held(ROOT)}
    return sum(key.public in own for key in root.keys) >= root.threshold
