"""Which witnesses must have cosigned a checkpoint before it is believed (tlog-policy).

Pure. A policy is a text file: ``log``, ``witness``, ``group`` and ``quorum`` lines.

Rules:
1. What is not understood is refused, with its line: a policy read wrongly believes too much.
2. A group counts only once in another, and a witness only once in any (tlog-policy, "Defining a
   witness group"), so that no signature counts twice.
3. Narrower than the specification: the file is UTF-8, and a log's key is not a witness's too.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.audit.tree.checkpoint import (
    BadNote,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_vkey,
)
from app.audit.tree.cosignature import (
    Cosignature,
    WitnessKey,
    parse_witness_vkey,
    read_cosignatures,
)

MAX_POLICY_BYTES = 100_000
MAX_LINES_OF_A_KIND = 64
NONE = "none"
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}")


class BadPolicy(ValueError):
    """A policy that is not of its form; the message names the line."""


@dataclass(frozen=True)
class KnownLog:
    """A log that the policy accepts, and where it is."""

    key: VerifierKey
    url: str | None


@dataclass(frozen=True)
class KnownWitness:
    """A witness under the name that the policy gives it, and its submission prefix."""

    name: str
    key: WitnessKey
    url: str | None


@dataclass(frozen=True)
class Group:
    """At least ``threshold`` of ``members`` (witnesses or groups) must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """A policy file.

    Attributes:
        text: the file, verbatim.
        quorum: the witness or group that must have cosigned; None where no witness is needed.
    """

    text: str
    logs: tuple[KnownLog, ...]
    witnesses: tuple[KnownWitness, ...]
    groups: tuple[Group, ...]
    quorum: str | None

    def is_met(self, cosigned: frozenset[str]) -> bool:
        """Whether these witnesses are enough (tlog-policy, "Defining the quorum")."""
        if self.quorum is None:
            return True
        met = set(cosigned)
        for group in self.groups:  # each names only what is defined before it
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(group.name)
        return self.quorum in met


@dataclass(frozen=True)
class QuorumVerdict:
    """What a policy says of one checkpoint.

    Attributes:
        checkpoint: what the log signed.
        cosigned: time of the cosignature by the witness's name in the policy, POSIX seconds.
        met: whether the quorum is met.
        fresh_at: the latest time at which the quorum was met, POSIX seconds: enough witnesses
            signed then or later. None where it is not met or no witness is needed.
    """

    checkpoint: Checkpoint
    cosigned: Mapping[str, int]
    met: bool
    fresh_at: int | None


def evaluate(policy: Policy, note: bytes, key: VerifierKey | None = None) -> QuorumVerdict:
    """Judge a signed checkpoint.

    >>> from app.audit.tree.checkpoint import sign_note
    >>> from app.kernel.signing import LocalSigner
    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> note = sign_note(Checkpoint("log.example", 7, bytes(32)).text, "log.example", signer)
    >>> policy = Policy("", (), (), (), quorum=None)
    >>> evaluate(policy, note.encode(), VerifierKey("log.example", signer.public)).met
    True

    Args:
        policy: the policy.
        note: the signed note, as served.
        key: the log's key, where it is known from elsewhere; else the policy's logs are accepted.

    Raises:
        BadNote: the note is malformed, is signed by no accepted log, or a known witness's line in
            it is wrong.
    """
    checkpoint = _signed_by_a_log(note, (key,) if key else tuple(log.key for log in policy.logs))
    parsed = parse_note(note)
    cosignatures = read_cosignatures(
        parsed.text, parsed.signatures, [witness.key for witness in policy.witnesses]
    )
    return judge(policy, checkpoint, cosignatures)


def judge(
    policy: Policy, checkpoint: Checkpoint, cosignatures: Sequence[Cosignature]
) -> QuorumVerdict:
    """Judge verified cosignatures of one checkpoint, each witness's latest.

    >>> checkpoint = Checkpoint("log.example", 7, bytes(32))
    >>> judge(Policy("", (), (), (), quorum="our-witness"), checkpoint, []).met
    False
    """
    names = {witness.key: witness.name for witness in policy.witnesses}
    cosigned = {
        names[cosignature.key]: cosignature.time
        for cosignature in cosignatures
        if cosignature.key in names
    }
    met = policy.is_met(frozenset(cosigned))
    return QuorumVerdict(checkpoint, cosigned, met, _fresh_at(policy, cosigned))


def _fresh_at(policy: Policy, cosigned: Mapping[str, int]) -> int | None:
    if policy.quorum is None:
        return None
    signed = sorted(cosigned.values(), reverse=True)
    for time in signed:
        if policy.is_met(frozenset(name for name, at in cosigned.items() if at >= time)):
            return time
    return None


def _signed_by_a_log(note: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    origin = parse_checkpoint(parse_note(note).text).origin
    # Several keys of one name may be in a policy; it is enough if one of them signed.
    problem = BadNote(f"no key of the log {origin} is known")
    for key in keys:
        if key.name == origin:
            try:
                return open_checkpoint(note, key)
            except BadNote as error:
                problem = error
    raise problem


def parse_policy(data: bytes) -> Policy:
    r"""Read a policy file (tlog-policy, "Policy file syntax and structure").

    >>> parse_policy(b"quorum none\n").quorum is None
    True
    >>> parse_policy(b"quorum our-witness\n")
    Traceback (most recent call last):
    app.audit.tree.quorum.BadPolicy: line 1: no line before this one defines our-witness

    Raises:
        BadPolicy: it is not of that form; the message names the line and says what is wrong.
    """
    text = _text(data)
    reading = _Reading()
    for number, line in enumerate(text.split("\n")[:-1], 1):
        parts = re.split("[ \t]+", line.strip(" \t"))
        if parts == [""] or parts[0].startswith("#"):
            continue
        try:
            reading.read(parts)
        except (BadPolicy, BadNote) as error:
            raise BadPolicy(f"line {number}: {error}") from error
    if not reading.has_quorum:
        raise BadPolicy("the policy has no quorum line; write: quorum none, or whom you need")
    return Policy(
        text,
        tuple(reading.logs),
        tuple(reading.witnesses),
        tuple(reading.groups),
        reading.quorum,
    )


def _text(data: bytes) -> str:
    if len(data) > MAX_POLICY_BYTES:
        raise BadPolicy(f"the policy has more than {MAX_POLICY_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadPolicy("the policy is not UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        if any(
            (character < " " and character != "\t") or character == "\x7f" for character in line
        ):
            raise BadPolicy(f"line {number}: it holds a control character")
    if not text.endswith("\n"):
        raise BadPolicy("the last line does not end with a newline")
    return text


class _Reading:
    """A policy while it is read, line by line."""

    def __init__(self) -> None:
        self.logs: list[KnownLog] = []
        self.witnesses: list[KnownWitness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self.has_quorum = False
        self._defined: set[str] = set()
        self._members: set[str] = set()

    def read(self, parts: Sequence[str]) -> None:
        readers: Mapping[str, Callable[[Sequence[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        reader = readers.get(parts[0])
        if reader is None:
            raise BadPolicy(f"{parts[0]!r} is not one of log, witness, group, quorum")
        reader(parts[1:])
        if max(len(self.logs), len(self.witnesses), len(self.groups)) > MAX_LINES_OF_A_KIND:
            raise BadPolicy(f"there are more than {MAX_LINES_OF_A_KIND} lines of this kind")

    def _log(self, parts: Sequence[str]) -> None:
        if len(parts) not in {1, 2}:
            raise BadPolicy("write: log VKEY [URL]")
        key = parse_vkey(parts[0])
        self._require_new_key(key.public)
        self.logs.append(KnownLog(key, _url(parts[1:])))

    def _witness(self, parts: Sequence[str]) -> None:
        if len(parts) not in {2, 3}:
            raise BadPolicy("write: witness NAME VKEY [URL]")
        key = parse_witness_vkey(parts[1])
        self._require_new_key(key.public)
        self._define(parts[0])
        self.witnesses.append(KnownWitness(parts[0], key, _url(parts[2:])))

    def _group(self, parts: Sequence[str]) -> None:
        if len(parts) < 3:  # noqa: PLR2004 - name, threshold, one member
            raise BadPolicy("write: group NAME all|any|NUMBER MEMBER…")
        name, rule, *members = parts
        for member in members:
            self._require_defined(member)
            if member in self._members:
                raise BadPolicy(f"{member} is a member already: each counts once")
            self._members.add(member)
        threshold = {"all": len(members), "any": 1}.get(rule, 0)
        if _THRESHOLD.fullmatch(rule):
            threshold = int(rule)
        if not 1 <= threshold <= len(members):
            raise BadPolicy(f"{rule!r} is not all, any, or a number from 1 to {len(members)}")
        self._define(name)
        self.groups.append(Group(name, threshold, tuple(members)))

    def _quorum(self, parts: Sequence[str]) -> None:
        if len(parts) != 1:
            raise BadPolicy("write: quorum NAME, or: quorum none")
        if self.has_quorum:
            raise BadPolicy("there is a second quorum line")
        if parts[0] != NONE:
            self._require_defined(parts[0])
            self.quorum = parts[0]
        self.has_quorum = True

    def _define(self, name: str) -> None:
        if name == NONE:
            raise BadPolicy(f"{NONE} cannot be a name: it means that no witness is needed")
        if name in self._defined:
            raise BadPolicy(f"the name {name} is taken")
        self._defined.add(name)

    def _require_defined(self, name: str) -> None:
        if name not in self._defined:
            raise BadPolicy(f"no line before this one defines {name}")

    def _require_new_key(self, public: bytes) -> None:
        known = {log.key.public for log in self.logs}
        if public in known | {witness.key.public for witness in self.witnesses}:
            raise BadPolicy("this public key stands in the policy already")


def _url(parts: Sequence[str]) -> str | None:
    return parts[0] if parts else None
