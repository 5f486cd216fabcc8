"""Entries as other programs read them: CSV, JSON Lines, OCSF, CloudEvents (pure).

Rules:
1. A projection proves nothing; the export (app/audit/export/archive.py) does. So each line carries
   ``idx`` and ``leaf_hash``, by which its entry is found there.
2. The same entry gives the same bytes, on any machine.
3. No cell of a CSV is a formula for a spreadsheet (OWASP ASVS 5.0, 1.2.10), and reading it back
   gives the same text: ``read_cell``.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.audit.entries.model import Entry, outcome, regions_of
from app.audit.export.ocsf import ocsf_event
from app.kernel.canonical import Json, canonical


class ExportForm(StrEnum):
    """In which form entries leave."""

    TAR = "tar"
    CSV = "csv"
    JSONL = "jsonl"
    OCSF = "ocsf"
    CLOUDEVENTS = "cloudevents"
    PARQUET = "parquet"

    @property
    def suffix(self) -> str:
        """How the name of such a file ends."""
        return _SUFFIXES[self]

    @property
    def media_type(self) -> str:
        """What such a file is, as HTTP says it."""
        return _MEDIA_TYPES[self]


_SUFFIXES: Mapping[ExportForm, str] = {
    ExportForm.TAR: ".tar",
    ExportForm.CSV: ".csv",
    ExportForm.JSONL: ".jsonl",
    ExportForm.OCSF: ".ocsf.jsonl",
    ExportForm.CLOUDEVENTS: ".cloudevents.jsonl",
    ExportForm.PARQUET: ".parquet",
}
_MEDIA_TYPES: Mapping[ExportForm, str] = {
    ExportForm.TAR: "application/x-tar",
    ExportForm.CSV: "text/csv; charset=utf-8; header=present",
    ExportForm.JSONL: "application/jsonl",
    ExportForm.OCSF: "application/jsonl",
    ExportForm.CLOUDEVENTS: "application/jsonl",
    ExportForm.PARQUET: "application/vnd.apache.parquet",
}


@dataclass(frozen=True)
class LineWriter:
    """A form of which each entry is one line of text.

    Attributes:
        header: the bytes before the first line.
        line: the line of an entry, its end included; takes the log's origin too.
    """

    header: bytes
    line: Callable[[Entry, str], bytes]


# Columns ----------------------------------------------------------------------------------------

COLUMNS = (
    "idx", "leaf_hash", "integrated_at", "occurred_at", "kind", "actor_kind", "actor", "subjects",
    "purpose", "outcome", "regions", "facts", "commitment", "event", "submission",
)  # fmt: skip
"""The columns of CSV and Parquet; all but ``idx`` are texts."""


def cells(entry: Entry) -> dict[str, Any]:
    """An entry by column: several values with a space between them, no value as empty text."""
    leaf = entry.leaf
    return {
        "idx": entry.idx,
        "leaf_hash": entry.leaf_hash.hex(),
        "integrated_at": leaf["integrated_at"],
        "occurred_at": leaf["occurred_at"],
        "kind": leaf["kind"],
        "actor_kind": leaf["actor"]["kind"],
        "actor": leaf["actor"]["id"],
        "subjects": " ".join(leaf["subjects"]),
        "purpose": leaf["purpose"] or "",
        "outcome": outcome(leaf) or "",
        "regions": " ".join(sorted(regions_of(leaf))),
        "facts": canonical(leaf["facts"]).decode(),
        "commitment": leaf["commitment"] or "",
        "event": leaf["event"],
        "submission": leaf["submission"],
    }


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001
_QUOTE = "'"


def safe_cell(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula.

    Also before one that begins with an apostrophe, so that ``read_cell`` gets every text back.
    """
    return _QUOTE + text if text.startswith((*_FORMULA, _QUOTE)) else text


def read_cell(text: str) -> str:
    """The text that ``safe_cell`` was given."""
    return text.removeprefix(_QUOTE)


def _csv(values: Mapping[str, Any]) -> bytes:
    """One record (RFC 4180): UTF-8, CRLF, quoted where it has to be."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_cell(str(values[name])) for name in COLUMNS])
    return text.getvalue().encode()


def _csv_line(entry: Entry, _origin: str) -> bytes:
    return _csv(cells(entry))


# Lines of JSON ----------------------------------------------------------------------------------


def _json_line(entry: Entry, _origin: str) -> bytes:
    """The entry's very bytes within an object: who cuts them out can hash them."""
    return b'{"entry":%b,"idx":%d,"leaf_hash":"%b"}\n' % (
        entry.raw,
        entry.idx,
        entry.leaf_hash.hex().encode(),
    )


def _ocsf_line(entry: Entry, origin: str) -> bytes:
    return canonical(ocsf_event(entry, origin)) + b"\n"


def _cloudevents_line(entry: Entry, origin: str) -> bytes:
    """A CloudEvent (CloudEvents 1.0.2 §3, JSON format §3), the leaf as its data."""
    leaf = entry.leaf
    event: dict[str, Json] = {
        "specversion": "1.0",
        "id": leaf["event"],
        "source": origin,
        "type": f"habeas.{leaf['kind']}",
        "time": leaf["occurred_at"],
        "datacontenttype": "application/json",
        "data": {"idx": entry.idx, "leaf_hash": entry.leaf_hash.hex(), "entry": dict(leaf)},
    }
    if len(leaf["subjects"]) == 1:
        event["subject"] = leaf["subjects"][0]
    return canonical(event) + b"\n"


LINES: Mapping[ExportForm, LineWriter] = {
    ExportForm.CSV: LineWriter(_csv({name: name for name in COLUMNS}), _csv_line),
    ExportForm.JSONL: LineWriter(b"", _json_line),
    ExportForm.OCSF: LineWriter(b"", _ocsf_line),
    ExportForm.CLOUDEVENTS: LineWriter(b"", _cloudevents_line),
}
"""The forms that can be written line by line, and so be tailed."""
