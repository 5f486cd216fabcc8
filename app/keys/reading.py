"""Key sets as they are read: from rows, from the log, from what somebody brings to be published.

What the log says counts: a row that does not agree with it serves nothing, and the last entry says
all the same which keys there are.
"""

from datetime import datetime

from app.audit.entries import documents, store
from app.audit.entries.documents import KEYS
from app.audit.tree.checkpoint import parse_note
from app.db.engine import Tx
from app.kernel.errors import Conflict, NotFound
from app.kernel.facts import decode
from app.keys import model
from app.keys.model import BadKeySet, Doubt, KeySet
from app.keys.record import KeysAdoption


def newest(tx: Tx) -> bytes | None:
    """The key set in force, a signed note; None before the first, or where it is in doubt."""
    if tx.seals.broken is not None:
        return None
    name = documents.in_force(tx, KEYS)
    return None if name is None else documents.content_of(tx, name)


def of_root(tx: Tx, version: int) -> bytes:
    """The first set of a root.

    Raises:
        NotFound: there is no such root.
    """
    for name in documents.adopted_as(tx, KEYS):
        note = documents.content_of(tx, name)
        if note is not None and model.read_key_set(note).root.version == version:
            return note
    raise NotFound(f"there is no root {version}")


def last_entry(tx: Tx) -> KeysAdoption | None:
    """What the log said last of keys; None before the first, or where it cannot be believed."""
    position = tx.seals.positions.get(f"list:{KEYS}")
    if position is None or tx.seals.broken is not None:
        return None
    (entry,) = store.entries_between(tx, position.idx, position.idx + 1)
    return decode(KeysAdoption, entry.leaf["facts"])


def is_signed(statement: bytes) -> bool:
    """Whether anybody signed a statement; by whom is asked elsewhere."""
    return b"\n\n" in statement


def text_of(statement: bytes) -> str:
    """The text of a statement, signed already or not.

    Raises:
        ValueError: it is neither.
    """
    if len(statement) > model.MOST_BYTES:
        raise BadKeySet(Doubt.UNREADABLE, f"a key set has at most {model.MOST_BYTES} bytes")
    if is_signed(statement):
        return parse_note(statement).text
    try:
        return statement.decode("utf-8")
    except UnicodeDecodeError:
        raise BadKeySet(Doubt.UNREADABLE, "this is no text") from None


def require_in_time(held: KeySet, after: KeySet, now: datetime) -> None:
    """Return if no key that signs now ends before everybody can know of it (service, rule 6).

    Raises:
        Conflict: it comes too late.
    """
    late = ended(held, after, now)
    if late is not None:
        raise Conflict(
            f"the key set was signed too late: {late} signs now and would have ended",
            cure="Write the set anew, with a longer --in, and have it signed.",
        )


def ended(held: KeySet, after: KeySet, now: datetime) -> str | None:
    """A key that signs now and ends by the next set before everybody can know of it, if any."""
    ends = {key.kid: key.ends for key in after.keys if not key.revoked}
    for key in held.keys:
        end = ends.get(key.kid)
        if key.signs(now) and end is not None and end < now + model.SKEW:
            return key.kid
    return None
