"""One verification: what is asked, the evidence, what is known of the log, and the findings."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Literal

from app.access.decision.rules import CARRIED, Rules
from app.audit.export.archive import policy_path
from app.audit.reading.selection import Selection
from app.audit.tree.checkpoint import Checkpoint, VerifierKey
from app.kernel.canonical import digest as named
from app.sdk.verify.evidence.evidence import EvidenceParts
from app.sdk.verify.report import KEY_LIMIT, LIMITS, UNKEPT_LIMIT, Findings, Report, Verdict

MAX_DOCUMENT_BYTES = 1 << 24


class Depth(IntEnum):
    """How much of each entry is looked at; each includes what comes before it."""

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
    """What is asked of a verification, apart from the file.

    Attributes:
        vkey: the log's key (``name+keyid+key``), got by another way than the file.
        since: checkpoints of the same log kept from before, each with a name to call it by.
        policy: a witness policy (C2SP tlog-policy).
        max_age: how old the newest time may be at which enough witnesses had signed.
        receipts: submission receipts, each with a name: compact JWS, one on a line.
        keys: the key set (JWKS) that signs receipts; without it their claims are only compared.
        address: where keys of these were fetched; None: somebody gave them.
        depth: how much of each entry is looked at.
        rules: the rules that can be replayed, by version.
        now: the instant that ages are counted to.
        progress: told how many entries of how many are done, now and then.
    """

    vkey: str | None = None
    since: tuple[tuple[str, bytes], ...] = ()
    policy: bytes | None = None
    max_age: timedelta | None = None
    receipts: tuple[tuple[str, bytes], ...] = ()
    keys: bytes | None = None
    address: str | None = None
    depth: Depth = Depth.REPLAY
    rules: Mapping[int, Rules] = field(default_factory=lambda: CARRIED)
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
        notes: what was established in addition to the verdicts, as sentences.
        limits: what this run cannot show, as sentences.
    """

    ask: Ask
    evidence: EvidenceParts
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
        content = self.evidence.read(policy_path(digest), MAX_DOCUMENT_BYTES)
        return content if content is not None and named(content) == digest else None

    def report(
        self,
        subject: Literal["export", "selection", "log"],
        name: str,
        verdicts: tuple[Verdict, Verdict, Verdict],
        *,
        counts: Mapping[str, int] | None = None,
        limits: Iterable[str] = (),
        notes: Iterable[str] = (),
        unreplayed: int | None = None,
    ) -> Report:
        """Close the run.

        Args:
            subject: what was verified.
            name: what it is called.
            verdicts: integrity, completeness, policy.
            counts: figures by name.
            limits: what this kind of verification cannot show, next to what no verification can.
            notes: what was established in addition to those of the run.
            unreplayed: how many entries follow rules that are not carried; None: none does.
        """
        integrity, completeness, policy = verdicts
        unkept = () if self.ask.since else (UNKEPT_LIMIT,)
        unnamed = (KEY_LIMIT,) if self.ask.vkey is None else ()
        return Report(
            subject=subject,
            name=name,
            key="export" if self.ask.vkey is None else "given",
            vkey=self.key.vkey if self.key else None,
            origin=self.origin,
            size=self.signed.size if self.signed else None,
            root=self.signed.root if self.signed else None,
            integrity=integrity,
            completeness=completeness,
            policy=policy,
            counts=counts or {},
            limits=(*LIMITS, *limits, *unkept, *unnamed),
            notes=(*self.notes, *notes),
            unreplayed=unreplayed,
        )
