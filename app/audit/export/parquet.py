"""Entries as a Parquet file; needs pyarrow, the optional extra ``parquet``.

The columns are those of CSV (projections.py), ``idx`` as a 64-bit integer and the two instants as
microseconds in UTC. Everything that could differ between two runs is fixed, so the same entries and
the same release of pyarrow, which signs its name into the file, give the same bytes.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from app.audit.entries.model import Entry
from app.audit.export.projections import COLUMNS, cells
from app.kernel.clock import instant

ROW_GROUP = 10_000
"""Entries in a row group, and in memory at once."""

_INSTANTS = ("occurred_at", "integrated_at")


def _type(name: str) -> Any:
    if name == "idx":
        return pa.int64()
    return pa.timestamp("us", tz="UTC") if name in _INSTANTS else pa.string()


SCHEMA = pa.schema([pa.field(name, _type(name), nullable=False) for name in COLUMNS])


def write_parquet(file: BinaryIO, entries: Iterable[Entry]) -> None:
    """Write all entries, a row group at a time."""
    rows = map(_row, entries)
    with pq.ParquetWriter(
        file, SCHEMA, version="2.6", compression="zstd", compression_level=3, use_dictionary=True
    ) as writer:
        while group := list(islice(rows, ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, SCHEMA), row_group_size=ROW_GROUP)


def _row(entry: Entry) -> dict[str, Any]:
    row = cells(entry)
    return row | {name: instant(row[name]) for name in _INSTANTS}
