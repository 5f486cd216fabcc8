"""What two people must say together: statements, and the custodians who may sign them (pure).

A statement is a C2SP signed note (c2sp.org/signed-note). Its text is the line ``habeas statement``,
the action, and one line ``key value`` for each fact, in the order of the keys.

Rules:
1. Two signatures of one custodian are one. So a list names at least two custodians, and no name and
   no key is in it twice.
2. What was signed is compared byte for byte with the text that the program would write now. A
   statement about an earlier state of the log therefore counts for nothing.
3. A custodian's key signs statements and nothing else. No statement is a checkpoint or a
   cosignature: those have a number in their second line, or begin otherwise.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.audit.tree.checkpoint import (
    ED25519,
    BadNote,
    VerifierKey,
    open_note,
    parse_note,
    parse_vkey,
    sign_note,
)
from app.kernel.canonical import digest
from app.kernel.errors import Forbidden, Unreadable
from app.kernel.signing import LocalSigner, Signer

TITLE = "habeas statement"
FEWEST = 2

_ACTION = re.compile(r"[a-z]+(-[a-z]+)*")
_KEY = re.compile(r"[a-z]+(_[a-z]+)*")
_PRIVATE = "PRIVATE+KEY+"
_SEED_BYTES = 32
_LIST_CURE = "List at least two verifier keys, one on a line; habeas custodian new makes them."
_KEY_CURE = "Name the file that habeas custodian new wrote."


@dataclass(frozen=True)
class Custodians:
    """The people of whom two must sign, in the order of the list (rule 1)."""

    keys: tuple[VerifierKey, ...]

    def __post_init__(self) -> None:
        names = {key.name for key in self.keys}
        points = {key.public for key in self.keys}
        if len(self.keys) < FEWEST:
            raise Unreadable("a list of custodians names at least two", cure=_LIST_CURE)
        if len(names) < len(self.keys) or len(points) < len(self.keys):
            raise Unreadable("a custodian stands in the list twice", cure=_LIST_CURE)

    @property
    def document(self) -> bytes:
        """The list as the log keeps it: one verifier key on a line, sorted."""
        return "".join(f"{vkey}\n" for vkey in sorted(key.vkey for key in self.keys)).encode()

    @property
    def digest(self) -> str:
        """``sha256:…`` of the document."""
        return digest(self.document)


def parse_custodians(data: bytes) -> Custodians:
    """Read a list: one verifier key on a line; empty lines and lines that begin with # are skipped.

    Raises:
        Unreadable: a line is no verifier key, or the list breaks rule 1.
    """
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the list of custodians: {error}", cure=_LIST_CURE) from error
    keys = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if line and not line.startswith("#"):
            keys.append(_listed(line, number))
    return Custodians(tuple(keys))


def _listed(line: str, number: int) -> VerifierKey:
    try:
        return parse_vkey(line)
    except BadNote as error:
        problem = f"the list of custodians, line {number}: {error}"
        raise Unreadable(problem, cure=_LIST_CURE) from error


def statement_text(action: str, facts: Mapping[str, str]) -> str:
    """Write what is to be signed.

    Args:
        action: such as ``acknowledge-restore``.
        facts: everything the signers must know; keys in snake case, values without line breaks.

    Raises:
        ValueError: a name or a value could be read in two ways.
    """
    for value in facts.values():
        if not value or not value.isprintable() or value != value.strip():
            msg = "a fact of a statement is one printable line"
            raise ValueError(msg)
    if not _ACTION.fullmatch(action) or not all(_KEY.fullmatch(key) for key in facts):
        msg = "an action has the form do-this, a fact's key the form of_that"
        raise ValueError(msg)
    return "\n".join((TITLE, action, *(f"{key} {facts[key]}" for key in sorted(facts)), ""))


def read_statement(text: str) -> tuple[str, dict[str, str]]:
    """Read a statement's text; returns the action and the facts.

    Raises:
        Unreadable: ``statement_text`` would not have written this.
    """
    title, _, rest = text.partition("\n")
    action, *lines = rest.split("\n")
    facts = dict(line.partition(" ")[::2] for line in lines if line)
    try:
        written = statement_text(action, facts)
    except ValueError as error:
        raise Unreadable(f"the statement cannot be read: {error}") from error
    if title != TITLE or written != text:
        raise Unreadable("this is not a statement", cure="Take it as the program wrote it.")
    return action, facts


def sign_statement(statement: bytes, name: str, signer: Signer) -> str:
    """Add a signature line to a statement, signed already or not; signing again changes nothing.

    Raises:
        Unreadable: it is not a statement.
    """
    try:
        known = parse_note(statement) if b"\n\n" in statement else None
        text = known.text if known else statement.decode("utf-8")
        read_statement(text)
        signed = sign_note(text, name, signer)
    except (UnicodeDecodeError, BadNote) as error:
        raise Unreadable(f"the statement cannot be read: {error}") from error
    line = signed[len(text) + 1 :]
    before = statement.decode("utf-8") if known else text + "\n"
    return before if line in before.splitlines(keepends=True) else before + line


def require_two(note: bytes, text: str, custodians: Custodians | None) -> tuple[str, str]:
    """Return the names of two different custodians who signed exactly this text.

    Raises:
        Forbidden: there is no list, it is another text, fewer than two signed it, or a signature
            is wrong.
    """
    if custodians is None:
        raise Forbidden(
            "two custodians must sign this, and this instance knows none",
            cure="Name a list in HABEAS_CUSTODIANS; see docs/operate.md, Custodians.",
        )
    try:
        if parse_note(note).text != text:
            raise Forbidden(
                "what was signed is not what is to be done now",
                cure="Take the statement as it is written now, and have it signed.",
            )
        signed = open_note(note, custodians.keys)
    except BadNote as error:
        raise Forbidden(
            f"the statement does not carry two custodians' signatures: {error}",
            cure="Two different custodians sign it with: habeas custodian sign.",
        ) from error
    names = tuple(line.name for line in signed.signatures)
    if len(names) < FEWEST:
        raise Forbidden(
            f"only {names[0]} has signed; two different custodians must",
            cure="A second custodian signs the same file with: habeas custodian sign.",
        )
    return names[0], names[1]


def private_key(name: str, seed: bytes) -> str:
    """A custodian's key as a file's content, in the form of Go's note package.

    ``PRIVATE+KEY+name+keyid+base64(0x01 || seed)`` and a newline.

    Raises:
        Unreadable: the name cannot be part of a key.
    """
    try:
        key = VerifierKey(name, LocalSigner.from_seed(seed).public)
    except BadNote as error:
        raise Unreadable(str(error), cure="Choose a name such as works-council.") from error
    encoded = base64.b64encode(bytes([ED25519]) + seed).decode("ascii")
    return f"{_PRIVATE}{name}+{key.key_id.hex()}+{encoded}\n"


def read_private_key(data: bytes) -> tuple[str, LocalSigner]:
    """Read what ``private_key`` wrote; returns the name and the signer.

    Raises:
        Unreadable: it is nothing of that kind.
    """
    try:
        text = data.decode("ascii").strip()
        name, _, encoded = text.removeprefix(_PRIVATE).split("+", 2)
        secret = base64.b64decode(encoded, validate=True)
    except (UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise Unreadable("this is not a custodian's key", cure=_KEY_CURE) from error
    seed = secret[1:]
    if len(seed) != _SEED_BYTES or private_key(name, seed) != f"{text}\n":
        raise Unreadable("this is not a custodian's key", cure=_KEY_CURE)
    return name, LocalSigner.from_seed(seed)
