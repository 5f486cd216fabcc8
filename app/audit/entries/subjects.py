"""Whom pseudonyms stand for: rows that are sealed like any other.

Whoever could swap two people's pseudonyms would let one person's decisions count for another. So a
pseudonym counts only with its seal; what was read once is remembered, for it never changes. The
data key is part of what is sealed: with it goes the last trace of whom a pseudonym stood for.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects import postgresql, sqlite

from app.audit.entries import erasure, store
from app.audit.entries.vault import Vault
from app.db import seals
from app.db.engine import Tx
from app.db.ring import Names

_MOST = 200_000


class SealedNames(Names):
    """Pseudonyms from the log's own tables; new ones get a data key.

    Args:
        vault: makes data keys.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: dict[str, str] = {}
        self._erased: set[str] = set()

    def known(self, tx: Tx, people: Collection[str], *, fresh: bool = False) -> Mapping[str, str]:
        """See ``Names``."""
        said = (self._known, tx.named)
        known = {} if fresh else {id_: of[id_] for of in said for id_ in people if id_ in of}
        missing = sorted(person for person in people if person not in known)
        if missing:
            read = self._read(tx, missing)
            if tx.writes:  # what it made may be undone, so that only it remembers
                tx.named.update(read)
            else:
                self._remember(read)
            known |= read
        return known

    def made(self, tx: Tx, people: Collection[str]) -> Mapping[str, str]:
        """See ``Names``."""
        missing = set(people) - self.known(tx, people).keys()
        # Whoever has one that does not stand gets no other: what is about them stays unsealed.
        missing -= store.pseudonyms(tx, sorted(missing)).keys()
        if missing:
            make_subjects(tx, sorted(missing), self._vault.new_key)
        return self.known(tx, people)

    def erased(self, tx: Tx, pseudonym: str) -> bool:
        """See ``Names``."""
        if pseudonym in self._erased:
            return True
        query = select(erasure.erasure).where(erasure.erasure.c.pseudonym == pseudonym)
        row = tx.execute(query).one_or_none()
        if row is None or seals.first_bad(tx, erasure.ERASURE, [row]) is not None:
            return False
        if not tx.writes:
            self._erased.add(pseudonym)
        return True

    def _read(self, tx: Tx, people: Collection[str]) -> dict[str, str]:
        sound = seals.fitting(tx, store.SUBJECT, subjects(tx, sorted(people)))
        return {row.person_id: row.pseudonym for row in sound}

    def _remember(self, names: Mapping[str, str]) -> None:
        if len(self._known) > _MOST:
            self._known.clear()
        self._known.update(names)


def subjects(tx: Tx, person_ids: Sequence[str]) -> list[Row[Any]]:
    """The rows of those people who have a pseudonym."""
    return [
        row
        for some in store.chunks(person_ids)
        for row in tx.execute(select(store.subject).where(store.subject.c.person_id.in_(some)))
    ]


def make_subjects(tx: Tx, person_ids: Sequence[str], new_key: Callable[[str], bytes]) -> None:
    """Give people pseudonyms and data keys; a person who got one meanwhile keeps it.

    Args:
        tx: the transaction, which writes.
        person_ids: sorted, so that two transactions wait for each other in one order.
        new_key: makes the wrapped data key of a pseudonym.
    """
    new = [(person_id, "p_" + secrets.token_hex(16)) for person_id in person_ids]
    rows: list[dict[str, Any]] = [
        {"person_id": person_id, "pseudonym": name, "wrapped_key": new_key(name)}
        for person_id, name in new
    ]
    dialect = sqlite if tx.dialect == "sqlite" else postgresql
    tx.execute(dialect.insert(store.subject).on_conflict_do_nothing(), rows)
    kept = store.pseudonyms(tx, person_ids)
    seals.seal(
        tx, store.SUBJECT, [row for row in rows if kept.get(row["person_id"]) == row["pseudonym"]]
    )
