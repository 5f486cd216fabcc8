"""What an entry about an export says, as a value (pure)."""

from dataclasses import dataclass, field

from app.audit.reading.selection import Selection
from app.kernel.facts import fact


@dataclass(frozen=True)
class ExportRecord:
    """``log.exported``: that entries left the system.

    Attributes:
        format: a code of ``projections.ExportForm``.
        size, root: the log when the export was announced; the root in hexadecimal.
        selection: which entries; None for all.
        start, follow: told of a tail only.
    """

    format: str
    size: int
    root: str
    selection: Selection | None
    start: int | None = field(default=None, metadata=fact("from", sparse=True))
    follow: bool | None = field(default=None, metadata=fact(sparse=True))
