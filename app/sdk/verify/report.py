"""What a verification says: three verdicts, why, and what it cannot say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.kernel.canonical import Json

LISTED = 20
"""How many findings of one verdict are listed; all are counted."""

LIMITS = (
    "A log shows what was recorded. It cannot show that nothing happened beside it.",
    "A program that lies before it records is not found out by its log.",
    (
        "Who holds the log's key can write a different log from the first entry on. Keep a "
        "checkpoint of every export you verify, and verify the next export against it."
    ),
    (
        "People stand in the log under random names. Which person is meant, and the encrypted "
        "details, are not in an export; entries only commit to them."
    ),
)
KEY_LIMIT = (
    "The key was taken from the export itself: that shows that the export is whole, not who signed "
    "it. Get the log's key by another way and give it."
)
FETCHED_LIMIT = (
    "The keys were fetched from {address}: whoever answers there names them. Compare their "
    "fingerprints with those that the works council holds, or give the keys themselves."
)
UNWITNESSED_LIMIT = (
    "No witness policy was given: whether others saw this same log, and when, was not looked at. "
    "The checkpoint itself carries no time."
)
COLLUSION_LIMIT = (
    "Witnesses show one log to everybody as long as not all of a quorum lie together with it."
)
AGE_LIMIT = "How old the checkpoint is cannot be known: only cosignatures carry a time."
ORDER_LIMIT = (
    "Without replay the facts of the entries were not read: neither their form, nor whether an "
    "entry is what was submitted, nor any decision. They are the bytes that were signed."
)
BYTES_LIMIT = "Only bytes were looked at: no entry was read. They are the bytes that were signed."
UNKEPT_LIMIT = (
    "No kept checkpoint was given: entries at the end that were cut off before the checkpoint was "
    "signed cannot be missed."
)


@dataclass(frozen=True)
class Verdict:
    """One answer.

    Attributes:
        ok: None where the question does not arise.
        sentence: the answer in words.
        first_bad: the smallest index of an entry at fault, where one can be named.
        findings: what is wrong, at most ``LISTED``.
    """

    ok: bool | None
    sentence: str
    first_bad: int | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """The outcome of one verification.

    Attributes:
        subject: what was verified.
        name: its file name.
        key: who named the log's key.
        vkey: that key; None where none could be read.
        origin, size, root: of the log, as its checkpoint says; None where that cannot be read.
        counts: figures by name.
        limits: what the verdicts do not show, as sentences.
        notes: what was established in addition to the verdicts, as sentences.
        unreplayed: how many entries follow rules that this release does not carry; None: none does.
    """

    subject: Literal["export", "selection", "log", "proof", "receipt"]
    name: str
    key: Literal["given", "fetched", "export", "missing"]
    vkey: str | None
    origin: str | None
    size: int | None
    root: bytes | None
    integrity: Verdict
    completeness: Verdict
    policy: Verdict
    counts: Mapping[str, int] = field(default_factory=dict)
    limits: tuple[str, ...] = LIMITS
    notes: tuple[str, ...] = ()
    unreplayed: int | None = None

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The three by name."""
        return {
            "integrity": self.integrity,
            "completeness": self.completeness,
            "policy": self.policy,
        }

    @property
    def ok(self) -> bool | None:
        """No verdict is against it; None where none is and decisions were left unreplayed."""
        if any(verdict.ok is False for verdict in self.verdicts.values()):
            return False
        return True if self.unreplayed is None else None

    @property
    def first_bad(self) -> int | None:
        """The smallest index of an entry at fault."""
        places = (verdict.first_bad for verdict in self.verdicts.values())
        return min((place for place in places if place is not None), default=None)

    @property
    def exit_code(self) -> int:
        """0: no verdict is against it. 1: one is."""
        return 1 if self.ok is False else 0


class Findings:
    """Collects what is wrong for one verdict."""

    def __init__(self) -> None:
        self.count = 0
        self.first_bad: int | None = None
        self.listed: list[str] = []

    def add(self, problem: str, idx: int | None = None) -> None:
        """Note a problem, and the index of the first entry it touches where there is one."""
        self.count += 1
        if len(self.listed) < LISTED:
            self.listed.append(problem)
        if idx is not None and (self.first_bad is None or idx < self.first_bad):
            self.first_bad = idx

    @property
    def counted(self) -> str:
        """How many there are, as a sentence."""
        return "1 finding." if self.count == 1 else f"{self.count} findings."

    def verdict(self, good: str, bad: str) -> Verdict:
        """Close the collection: ``good`` if nothing was found, else ``bad``."""
        if not self.count:
            return Verdict(True, good)
        where = "" if self.first_bad is None else f" The first bad index is {self.first_bad}."
        return Verdict(False, bad + where, self.first_bad, tuple(self.listed))


_KEYS = {
    "given": "the key you gave",
    "fetched": "the key that the address publishes",
    "export": "the key in the export itself",
    "missing": "no key",
}
_MARKS = {True: "ok", False: "FAILED", None: "-"}


def render(report: Report) -> str:
    """Write a report for people."""
    lines = [f"{report.subject} {report.name}"]
    if report.origin is not None:
        lines += [f"  log      {report.origin}", f"  entries  {report.size:,}"]
    if report.root is not None:
        lines.append(f"  root     {report.root.hex()}")
    lines += [f"  key      {report.vkey or 'none'}", f"           ({_KEYS[report.key]})", ""]
    for name, verdict in report.verdicts.items():
        lines.append(f"{name:<13}{_MARKS[verdict.ok]:<8}{verdict.sentence}")
        lines += [f"{'':<21}- {finding}" for finding in verdict.findings]
    lines += ["", *report.notes] if report.notes else []
    lines += ["", "What this does not show:"]
    lines += [f"  - {limit}" for limit in report.limits]
    if report.unreplayed is not None:
        lines += ["", _unreplayed(report.unreplayed, report.exit_code)]
    return "\n".join(lines) + "\n"


def _unreplayed(entries: int, exit_code: int) -> str:
    """The last line of a report on a log that was not replayed as a whole."""
    were = "1 entry was" if entries == 1 else f"{entries:,} entries were"
    rules = "the rules of that stretch are not in this release"
    return f"NOT REPLAYED: {were} not replayed, {rules}. Exit {exit_code} is no verdict on them."


def as_json(report: Report) -> dict[str, Json]:
    """Write a report for machines."""
    return {
        "ok": report.ok,
        "subject": report.subject,
        "name": report.name,
        "key": report.key,
        "vkey": report.vkey,
        "origin": report.origin,
        "size": report.size,
        "root": None if report.root is None else report.root.hex(),
        "first_bad": report.first_bad,
        "counts": dict(report.counts),
        "verdicts": {
            name: {
                "ok": verdict.ok,
                "sentence": verdict.sentence,
                "first_bad": verdict.first_bad,
                "findings": list(verdict.findings),
            }
            for name, verdict in report.verdicts.items()
        },
        "notes": list(report.notes),
        "limits": list(report.limits),
    }
