"""What this instance holds and publishes of keys, gathered from the rooms that have them.

The halves that are private stay where they are: public keys, ids and instants leave this module.
"""

from collections.abc import Mapping
from datetime import datetime

from app.access.consumers import ConsumerService
from app.audit.entries import cosigned, documents
from app.audit.entries.documents import CUSTODIANS, KEYS
from app.audit.tree.checkpoint import NamedKey
from app.audit.witnesses.asking import Witnesses
from app.db.engine import Tx
from app.kernel.errors import Unavailable
from app.kernel.keys import KeyFolder
from app.kernel.signing import b64u
from app.kernel.tokens import TYPE_OF
from app.keys.listing import ConsumerKey, Holdings
from app.keys.making import ROOT
from app.keys.model import KeySet, read_key_set
from app.keys.service import LIFE, KeyService
from app.wiring.core import Core


def holdings(
    tx: Tx, core: Core, sets: KeyService, witnesses: Witnesses, consumers: ConsumerService
) -> Holdings:
    """Gather what is held and published.

    Args:
        tx: any transaction.
        core: the log, the folder of keys, custodians.
        sets: the key sets.
        witnesses: those who are asked.
        consumers: those who are registered.
    """
    note, began, seals = sets.newest(tx), core.log.began_at(tx), core.database.seals.key
    # Where the row does not agree with the log, this process goes on by the set that it has.
    held = sets.ring.in_force if note is None else read_key_set(note)
    custodians = core.custodians.keys if core.custodians else ()
    named = {cosigned.ADOPTED: witnesses.keys, CUSTODIANS: custodians}
    return Holdings(
        issuer=core.settings.issuer,
        began=began,
        key_set=held,
        in_force_since=documents.adopted_at(tx, KEYS),
        agrees=note is not None or not core.log.has_adopted(tx, KEYS),
        renews=held.expires - LIFE / 2 if held and sets.signs_alone(held) else None,
        since=_since(tx, named, held, began),
        here={name: _publics(core.keys, name) for name in (*TYPE_OF, ROOT)},
        log=core.log_key,
        vault="" if seals is None else seals.id,
        witnesses=witnesses.keys,
        custodians=custodians,
        consumers=[
            ConsumerKey(each.id, each.name, at, each.overlap_until)
            for each, at in consumers.registered(tx)
        ],
    )


def _since(
    tx: Tx, named: Mapping[str, tuple[NamedKey, ...]], held: KeySet | None, began: datetime | None
) -> dict[bytes, datetime]:
    """Since when public keys are in use: those of lists, by what the list is, and of a set."""
    since = _published_since(tx, held, began) if held else {}
    for what, keys in named.items():
        since = {**_named_since(tx, what, keys), **since}
    return since


def _named_since(tx: Tx, what: str, keys: tuple[NamedKey, ...]) -> dict[bytes, datetime]:
    since = documents.standing_since(tx, what, (key.vkey for key in keys)) if keys else {}
    return {key.public: since[key.vkey] for key in keys if key.vkey in since}


def _published_since(tx: Tx, held: KeySet, began: datetime | None) -> dict[bytes, datetime]:
    """Since when the keys of a set are in use: those of the first set, since the log began."""
    named = {b64u(key.public): key.public for key in held.keys}
    roots = {key.vkey: key.public for key in held.root.keys}
    since = documents.standing_since(tx, KEYS, (*named, *roots))
    first = min(since.values(), default=None)
    return {
        **{public: since[vkey] for vkey, public in roots.items() if vkey in since},
        **{
            public: began if began and since[x] == first else since[x]
            for x, public in named.items()
            if x in since
        },
    }


def _publics(folder: KeyFolder, name: str) -> tuple[bytes, ...]:
    """The public halves of the files that are here; none where a file is no key."""
    try:
        return tuple(key.public for key in folder.held(name))
    except Unavailable:
        return ()
