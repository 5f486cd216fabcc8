"""What is wrong between a table and the log, one row at a time, in plain sentences.

Nothing here names a person: people appear as pseudonyms, rows by the keys of their seals.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.db.ring import Dispute, Flaw

FLAWS: Mapping[Flaw, str] = {
    Flaw.UNSEALED: "has no seal, or one that does not fit",
    Flaw.BEHIND: "is missing, but an entry recorded it",
    Flaw.DIFFERS: "says something else than its entry",
    Flaw.UNRECORDED: "is there, but no entry recorded it",
    Flaw.SHAPE: "cannot be read",
    Flaw.ALARMED: "is in doubt since an alarm",
    Flaw.LOG: "is not what was signed",
}
"""What is said of a row, or of the log, in which something is wrong."""


@dataclass(frozen=True)
class Difference:
    """One row that does not stand.

    Attributes:
        chain: what it is about.
        flaw: what is wrong.
        table, row_key: which row; the key is empty where it would have to name a person.
        columns: what differs.
        idx: the entry that recorded it; None where none did.
    """

    chain: str
    flaw: Flaw
    table: str
    row_key: str = ""
    columns: tuple[str, ...] = ()
    idx: int | None = None

    @property
    def sentence(self) -> str:
        """The difference in words, with the chain.

        >>> Difference("device:d_1", Flaw.DIFFERS, "agent_device", "d_1", ("public",), 17).sentence
        'agent_device d_1 says something else than its entry (public), entry 17, of device:d_1'
        """
        return f"{self.row} {self.wrong}, of {self.chain}"

    @property
    def row(self) -> str:
        """The table, and the row where it can be named."""
        return f"{self.table} {self.row_key}".strip()

    @property
    def wrong(self) -> str:
        """What is wrong with the row, which is named before it.

        >>> Difference("device:d_1", Flaw.BEHIND, "agent_device", "d_1", idx=17).wrong
        'is missing, but an entry recorded it, entry 17'
        """
        columns = f" ({', '.join(self.columns)})" if self.columns else ""
        entry = "" if self.idx is None else f", entry {self.idx}"
        return f"{FLAWS[self.flaw]}{columns}{entry}"

    @property
    def dispute(self) -> Dispute:
        """The same as what an alarm is raised about."""
        return Dispute(self.chain, self.flaw, self.table, self.row_key or None)
