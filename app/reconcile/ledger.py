"""What the entries recorded, by table and key, in a file of its own that is thrown away.

A log of any length is compared in bounded memory: entries go in as they are read, rows are looked
up as they are read, and what was never looked up is missing from its table.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NamedTuple, Self

from app.audit.entries.recorded import Recorded
from app.reconcile.held import Fields

_MAKE = """
CREATE TABLE said (
    number INTEGER PRIMARY KEY, tbl TEXT, key TEXT, chain TEXT, idx INTEGER, fields TEXT,
    found INTEGER DEFAULT 0
);
CREATE INDEX said_by_key ON said (tbl, key);
CREATE INDEX said_by_chain ON said (tbl, chain);
CREATE TABLE gone (pseudonym TEXT PRIMARY KEY);
CREATE TABLE cleared (chain TEXT PRIMARY KEY, number INTEGER);
"""
_MISSING = """
SELECT tbl, key, number, chain, idx, fields FROM said AS lost WHERE NOT found AND NOT (
    EXISTS (SELECT 1 FROM cleared WHERE chain = lost.chain AND cleared.number >= lost.number)
    AND EXISTS (
        SELECT 1 FROM said AS later WHERE (later.tbl, later.chain) = (lost.tbl, lost.chain)
        AND later.number > lost.number AND later.found
    )
) ORDER BY number
"""


class Said(NamedTuple):
    """One row, as an entry recorded it; ``idx`` is None while the entry waits for its index."""

    number: int
    chain: str
    idx: int | None
    fields: Fields


class Ledger:
    """Open while it is a context; its file goes with it."""

    def __enter__(self) -> Self:
        """Make the file."""
        self._folder = TemporaryDirectory(prefix="habeas-")
        self._kept = sqlite3.connect(Path(self._folder.name) / "ledger", isolation_level=None)
        self._kept.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _MAKE)
        self._kept.execute("BEGIN")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Throw the file away."""
        self._kept.close()
        self._folder.cleanup()

    def take(self, idx: int | None, rows: Iterable[Recorded]) -> None:
        """Keep what one entry recorded."""
        self._kept.executemany(
            "INSERT INTO said (tbl, key, chain, idx, fields) VALUES (?, ?, ?, ?, ?)",
            ((row.table, row.key, row.chain, idx, json.dumps(dict(row.fields))) for row in rows),
        )

    def erased(self, pseudonym: str) -> None:
        """Remember that somebody was erased: their rows are gone, and shall be."""
        self._kept.execute("INSERT OR IGNORE INTO gone VALUES (?)", (pseudonym,))

    def cleared(self, chain: str) -> None:
        """Remember that two people cleared an alarm on a chain, after all that was taken so far."""
        self._kept.execute(
            "INSERT OR REPLACE INTO cleared SELECT ?, coalesce(max(number), 0) FROM said", (chain,)
        )

    def find(self, table: str, key: str) -> Said | None:
        """What an entry recorded under a key; it counts as found."""
        row = self._kept.execute(
            "SELECT number, chain, idx, fields FROM said WHERE tbl = ? AND key = ? LIMIT 1",
            (table, key),
        ).fetchone()
        return None if row is None else self._found(row)

    def candidates(self, table: str, chain: str) -> Iterator[Said]:
        """What entries recorded of a chain and nobody found, in the order of the log."""
        rows = self._kept.execute(
            "SELECT number, chain, idx, fields FROM said WHERE tbl = ? AND chain = ? AND NOT found "
            "ORDER BY number",
            (table, chain),
        ).fetchall()
        return (Said(number, of, idx, json.loads(text)) for number, of, idx, text in rows)

    def found(self, said: Said) -> None:
        """Its row is there; whatever else was recorded under the same key is the same row."""
        self._kept.execute(
            "UPDATE said SET found = 1 WHERE (tbl, key) = "
            "(SELECT tbl, key FROM said WHERE number = ?)",
            (said.number,),
        )

    def missing(self) -> Iterator[tuple[str, str, Said]]:
        """Table, key and content of what was recorded and not found, but of the erased.

        And but of what is settled: two people have cleared the alarm about it, and a row that was
        recorded later is there and says what counts.
        """
        gone = self._gone()
        with closing(self._kept.execute(_MISSING)) as rows:
            for table, key, number, chain, idx, text in rows:
                if chain.partition(":")[2] not in gone:
                    yield table, key, Said(number, chain, idx, json.loads(text))

    def _gone(self) -> frozenset[str]:
        """The pseudonyms and devices of everybody who was erased."""
        rows = self._kept.execute(
            "SELECT pseudonym FROM gone UNION SELECT key FROM said JOIN gone "
            "ON json_extract(fields, '$.person_id') = pseudonym"
        )
        return frozenset(name for (name,) in rows)

    def _found(self, row: tuple[int, str, int | None, str]) -> Said:
        said = Said(row[0], row[1], row[2], json.loads(row[3]))
        self.found(said)
        return said
