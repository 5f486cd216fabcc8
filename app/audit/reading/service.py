"""What the entries of the log say: search, one entry, its detail, its proof, counts.

Nothing here asks who reads, and nothing is recorded: this is for the desk (desk.py), which does
both, and for tests. Pages, machines' addresses and verbs have no way to it (the import contract).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.audit.entries import store
from app.audit.entries.model import Entry, EntryFilter
from app.audit.entries.service import AuditService
from app.audit.entries.vault import Sealed, Tampered, detail_context
from app.audit.reading import activity, lookup, proofs
from app.audit.reading.activity import Bucket
from app.audit.reading.proofs import Inclusion
from app.audit.reading.selection import Selection
from app.db.engine import Tx
from app.kernel.errors import NotFound, Unavailable


@dataclass(frozen=True)
class ReadingService:
    """Reads the entries of a log."""

    log: AuditService

    def search(self, tx: Tx, wanted: EntryFilter) -> tuple[Entry, ...]:
        """Entries that match the filter, the newest first."""
        return lookup.entries(tx, wanted)

    def entry(self, tx: Tx, idx: int) -> Entry:
        """One entry.

        Raises:
            NotFound: the log has no such index.
        """
        entries = store.entries_between(tx, idx, idx + 1)
        if not entries:
            raise NotFound(f"the log has no entry {idx}")
        return entries[0]

    def body(self, tx: Tx, event_id: str) -> Mapping[str, Any] | None:
        """The decrypted personal detail of an event; None where there is none (any more).

        Raises:
            Unavailable: it was altered.
        """
        kept = store.body_of(tx, event_id)
        submitted = store.submission_of(tx, event_id)
        if kept is None or submitted is None:
            return None
        wrapped = store.wrapped_key(tx, kept.owner)
        if wrapped is None:
            return None
        sealed = Sealed(kept.nonce, kept.ciphertext, submitted["commitment"])
        context = detail_context(self.log.origin, event_id, submitted["kind"])
        try:
            return self.log.vault.open(wrapped, kept.owner, sealed, context)
        except Tampered as error:
            raise Unavailable(f"the detail of event {event_id} cannot be shown: {error}") from error

    def owner(self, tx: Tx, event_id: str) -> str | None:
        """The pseudonym under whose key the detail of an event is kept; None where it is not."""
        kept = store.body_of(tx, event_id) if store.has_body(tx, event_id) else None
        return kept.owner if kept else None

    def proof(self, tx: Tx, idx: int) -> Inclusion:
        """Show that an entry is in the log that the newest checkpoint signs.

        Raises:
            NotFound: the log has no such index.
        """
        return proofs.inclusion(tx, self.entry(tx, idx))

    def tlog_proof(self, tx: Tx, idx: int) -> str:
        """The same as one self-contained file, the entry inside (c2sp.org/tlog-proof@v1)."""
        return proofs.tlog_proof(tx, self.entry(tx, idx))

    def count(self, tx: Tx, wanted: Selection) -> int:
        """How many entries an export of a selection would hold now, without its own entry."""
        return lookup.count(tx, lookup.choose(tx, wanted, store.size_of(tx))) - 1

    def counts_by_kind(self, tx: Tx) -> dict[str, int]:
        """How many entries of each kind the log has."""
        return lookup.counts_by_kind(tx)

    def purposes(self, tx: Tx) -> dict[str, int]:
        """Every purpose ever asked for, prohibited purposes too, with its number of entries."""
        return store.purposes(tx)

    def activity(
        self, tx: Tx, since: datetime, until: datetime, buckets: int
    ) -> tuple[Bucket, ...]:
        """How many entries were integrated over time, by the first part of their kind.

        Args:
            tx: a transaction.
            since: the start of the first bucket, a full hour.
            until: the end of the last, so that each bucket is a number of full hours.
            buckets: how many there are, empty buckets included.

        Raises:
            ValueError: the buckets are not full hours.
        """
        return activity.buckets(lookup.tallies(tx, since, until), since, until, buckets)

    def refusals(self, tx: Tx, since: datetime) -> dict[tuple[str, str], int]:
        """Refusals by kind (``access.decided``, ``lease.changed``) and first reason, most first.

        ``since`` is a full hour; every refusal integrated from then on counts.
        """
        return lookup.refusals(tx, since)
