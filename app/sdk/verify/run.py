"""One verification: what is asked, the evidence, what is known of the log, and what was found."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from app.audit.export.archive import policy_path
from app.audit.reading.selection import Selection
from app.audit.tree.checkpoint import Checkpoint, VerifierKey
from app.kernel.canonical import digest as named
from app.sdk.verify.evidence.evidence import Evidence
from app.sdk.verify.report import Findings

MAX_DOCUMENT_BYTES = 1 << 24


class Depth(IntEnum):
    """How much of each entry is looked at; each includes the ones before."""

    BYTES = 0
    """Its bytes: hashed, against tree and signature."""
    ORDER = 1
    """Its envelope: form of every field but the facts, index, streams, event, documents."""
    FACTS = 2
    """All of it, each by itself: facts in canonical form, the submission's digest, decisions made
    again from the facts that their own entries record."""
    REPLAY = 3
    """And decisions held against what follows from all the entries before them."""


@dataclass(frozen=True)
class Ask:
    """What is asked of a verification, beside the file.

    Attributes:
        vkey: the log's key (``name+keyid+key``), got by another way than the file.
        since: checkpoints of the same log kept from before, each with a name to call it by.
        policy: a witness policy (C2SP tlog-policy).
        max_age: how old the newest time may be at which enough witnesses had signed.
        receipts: submission receipts, each with a name: compact JWS, one on a line.
        keys: the key set (JWKS) that signs receipts; without it their claims are only compared.
        depth: how much of each entry is looked at.
        now: the instant that ages are counted to.
        progress: told how many entries of how many are done, now and then.
    """

    vkey: str | None = None
    since: tuple[tuple[str, bytes], ...] = ()
    policy: bytes | None = None
    max_age: timedelta | None = None
    receipts: tuple[tuple[str, bytes], ...] = ()
    keys: bytes | None = None
    depth: Depth = Depth.REPLAY
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    progress: Callable[[int, int], None] | None = None


@dataclass
class Run:
    """The state that the parts of a verification share.

    Attributes:
        signed: what the checkpoint says; verified unless ``integrity`` has findings.
        note: the checkpoint's bytes.
        selection: which entries are here; None for the whole log.
        digests: SHA-256, hex, of parts, where reading them for another reason gave it.
        notes: what was established beside the verdicts, as sentences.
        limits: what this run cannot show, as sentences.
    """

    ask: Ask
    evidence: Evidence
    integrity: Findings = field(default_factory=Findings)
    completeness: Findings = field(default_factory=Findings)
    key: VerifierKey | None = None
    signed: Checkpoint | None = None
    note: bytes = b""
    selection: Selection | None = None
    digests: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str | None:
        """The log's name, as its checkpoint says."""
        return self.signed.origin if self.signed else None

    def document(self, digest: str) -> bytes | None:
        """A document that entries name; None where it is not here, or is another than its name."""
        found = self.evidence.read(policy_path(digest), MAX_DOCUMENT_BYTES)
        return found if found is not None and named(found) == digest else None
