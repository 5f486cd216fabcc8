"""Whom pseudonyms stand for: rows that are sealed like any other.

Whoever could swap two people's pseudonyms would let one person's decisions count for another. So a
pseudonym counts only with its seal; what was read once is remembered, for it never changes. The
data key is part of what is sealed: with it goes the last trace of whom a pseudonym stood for.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import LargeBinary, Row, Select, Text, cast, literal, null, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from app.audit.entries import erasure, store
from app.audit.entries.vault import Vault
from app.db import seals
from app.db.engine import Tx
from app.db.ring import Names, row_seal

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
                self.remember(read)
            known |= read
        return known

    def made(self, tx: Tx, people: Collection[str]) -> Mapping[str, str]:
        """See ``Names``."""
        # Not from memory: somebody who was erased may be back, under another name.
        sure = {id_: of[id_] for of in (tx.named, tx.confirmed) for id_ in people if id_ in of}
        if len(sure) == len(people):
            return sure
        known = {**self.known(tx, set(people) - sure.keys(), fresh=True), **sure}
        missing = set(people) - known.keys()
        # Whoever has one that does not stand gets no other: what is about them stays unsealed.
        missing -= store.pseudonyms(tx, sorted(missing)).keys()
        if missing:
            make_subjects(tx, sorted(missing), self._vault.new_key)
            known |= self.known(tx, missing, fresh=True)
        return known

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

    def forget(self, person_id: str) -> None:
        """See ``Names``."""
        self._known.pop(person_id, None)

    def take(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
        """See ``Names``."""
        sound = seals.fitting(tx, store.SUBJECT, rows)
        read = {row["person_id"]: row["pseudonym"] for row in sound}
        if tx.writes:
            tx.named.update(read)
        else:
            self.remember(read)

    def _read(self, tx: Tx, people: Collection[str]) -> dict[str, str]:
        sound = seals.fitting(tx, store.SUBJECT, subjects(tx, sorted(people)))
        return {row.person_id: row.pseudonym for row in sound}

    def remember(self, names: Mapping[str, str]) -> None:
        """See ``Names``."""
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


def read_ahead(tx: Tx, people: Collection[str], side_seals: Sequence[Select[Any]]) -> None:
    """Read at once what judging rows will need, where a process remembers nothing of it yet.

    Args:
        tx: the transaction.
        people: ids of those whose pseudonyms are needed.
        side_seals: which seals are, as ``seals.select_seals`` gives it.
    """
    no_person = cast(null(), Text).label("person_id"), cast(null(), LargeBinary).label("key")
    statements = [selected.add_columns(*no_person) for selected in side_seals]
    rows = tx.execute(union_all(*statements, _sealed_subjects(tx, people))).all()
    whole = [row for row in rows if isinstance(row.seal, bytes | memoryview)]
    tx.seals.remember((row.table_name, row.row_key, bytes(row.seal)) for row in whole)
    named = [
        {"person_id": row.person_id, "pseudonym": row.row_key, "wrapped_key": row.key}
        for row in rows
        if row.person_id is not None
    ]
    tx.seals.names.take(tx, named)


def _sealed_subjects(tx: Tx, people: Collection[str]) -> Select[Any]:
    """The pseudonyms of people with the seals of their rows."""
    c, table = store.subject.c, store.subject.name
    of_row = seals.condition(tx, store.SUBJECT, row_seal.c.row_key == c.pseudonym)
    return (
        select(literal(table, Text), c.pseudonym, row_seal.c.seal, c.person_id, c.wrapped_key)
        .select_from(store.subject.outerjoin(row_seal, of_row))
        .where(c.person_id.in_(sorted(people)))
    )


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
