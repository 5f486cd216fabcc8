"""Signed notes, checkpoints and keys in the formats of C2SP.

Pure. Specifications: signed-note, tlog-checkpoint (c2sp.org). Ed25519 (type 0x01) is
the only signature of a log that we make or believe; lines of other keys and types are ignored here.
Those of witnesses are read in app/audit/tree/cosignature.py.

Rules:
1. The separator between text and signatures is the last empty line; everything before is signed.
2. A line of an unknown key is ignored; a line of a known key that does not verify spoils the note.
3. Base64 is the only accepted encoding of its bytes: padding exact, unused bits zero.
4. A key whose point has small order, or is written in a second way, is refused when it is read:
   such a key lets one signature fit many messages.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.audit.tree.merkle import HASH_BYTES
from app.kernel.points import sound_point
from app.kernel.signing import Signer

ED25519 = 0x01
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

_KEY_ID_BYTES = 4
_KEY_BYTES = 32
_FIRST_PRINTABLE = 0x20
DECIMAL = re.compile(r"0|[1-9][0-9]*")
_KEY_ID = re.compile(r"[0-9a-f]{8}")


class BadNote(ValueError):
    """A note, checkpoint, key or proof that is not of its form, or not signed as it must be."""


@dataclass(frozen=True)
class NamedKey:
    """A public key and its name (signed-note, "Verifier keys").

    Attributes:
        kind: the type of what it verifies, one byte.
        name: the key's name.
        public: 32 bytes, a point of large order in its one encoding.
    """

    kind: ClassVar[int]
    name: str
    public: bytes

    def __post_init__(self) -> None:
        require_name(self.name)
        try:
            sound_point(self.public)
        except ValueError as error:
            raise BadNote(str(error)) from error

    @property
    def key_id(self) -> bytes:
        """Its id."""
        return key_id(self.name, self.kind, self.public)

    @property
    def vkey(self) -> str:
        """The key as text: ``name+keyid+base64(kind || public)``."""
        return write_vkey(self.name, self.kind, self.public)


class VerifierKey(NamedKey):
    """A log's key, or a custodian's; a log's name is its origin."""

    kind = ED25519


def parse_vkey(text: str) -> VerifierKey:
    """Read a log's verifier key.

    >>> from app.kernel.signing import LocalSigner
    >>> key = VerifierKey("log.example", LocalSigner.from_seed(bytes(32)).public)
    >>> key.vkey
    'log.example+d85f6874+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
    >>> parse_vkey(key.vkey) == key
    True

    Raises:
        BadNote: not of that form, of another type, with a wrong key id, or an unsound point.
    """
    return VerifierKey(*read_vkey(text, ED25519))


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The first 4 bytes of ``SHA-256(name || 0x0A || type || public)`` (signed-note, "Key IDs").

    >>> key_id("log.example", ED25519, bytes(32)) == key_id("other.example", ED25519, bytes(32))
    False
    """
    named = name.encode() + b"\n" + bytes([kind]) + public
    return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]


def write_vkey(name: str, kind: int, public: bytes) -> str:
    """A key as text (signed-note, "Verifier keys"): ``name+keyid+base64(type || public)``."""
    return f"{name}+{key_id(name, kind, public).hex()}+{b64(bytes([kind]) + public)}"


def read_vkey(text: str, kind: int) -> tuple[str, bytes]:
    """Read name and public key of an Ed25519 key of one type of signature.

    Raises:
        BadNote: not of that form, of another type, or with a wrong key id.
    """
    # Base64 may contain "+", the name may not: only the first two separate.
    parts = text.split("+", 2)
    if len(parts) != 3 or not _KEY_ID.fullmatch(parts[1]):  # noqa: PLR2004 - name, id, key
        raise BadNote("a verifier key has the form name+keyid+key")
    name, claimed_id, encoded = parts
    data = unb64(encoded)
    if len(data) != 1 + _KEY_BYTES or data[0] != kind:
        raise BadNote(f"the verifier key is not an Ed25519 key of type {kind:#04x}")
    if key_id(name, kind, data[1:]).hex() != claimed_id:
        raise BadNote("the key id does not belong to the name and the key")
    return name, data[1:]


@dataclass(frozen=True)
class Signature:
    """One signature line: who claims to have signed, and the bytes after the key id."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A parsed note; nothing in it is verified yet."""

    text: str
    signatures: tuple[Signature, ...]


def parse_note(data: bytes) -> Note:
    r"""Read a signed note (signed-note, "Format").

    >>> from app.kernel.signing import LocalSigner
    >>> signed = sign_note("hello\n", "log.example", LocalSigner.from_seed(bytes(32)))
    >>> note = parse_note(signed.encode())
    >>> note.text, [signature.name for signature in note.signatures]
    ('hello\n', ['log.example'])

    Raises:
        BadNote: not of that form.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise BadNote("the note is too long")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadNote("the note is not UTF-8") from error
    if any(ord(character) < _FIRST_PRINTABLE and character != "\n" for character in note):
        raise BadNote("the note contains a control character")
    cut = note.rfind("\n\n")
    if cut < 0:
        raise BadNote("the note has no empty line between text and signatures")
    text, block = note[: cut + 1], note[cut + 2 :]
    if not block.endswith("\n"):
        raise BadNote("the note does not end with a newline")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote(f"the note has more than {MAX_SIGNATURES} signatures")
    return Note(text, tuple(parse_signature(line) for line in lines))


def parse_signature(line: str) -> Signature:
    r"""Read a signature line without its newline (signed-note, "Format").

    >>> line = signature_line("log.example", b"\x01\x02\x03\x04", b"signature")
    >>> parse_signature(line).signature
    b'signature'

    Raises:
        BadNote: not of that form.
    """
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != "\N{EM DASH}":
        raise BadNote("a signature line does not begin with a dash and a space")
    require_name(name)
    data = unb64(encoded)
    if len(data) <= _KEY_ID_BYTES:
        raise BadNote("a signature line carries no signature")
    return Signature(name, data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:])


def open_note(data: bytes, keys: Sequence[VerifierKey]) -> Note:
    r"""Read a note and believe it: at least one of the keys signed it, and none falsely.

    >>> from app.kernel.signing import LocalSigner
    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> note = sign_note("hello\n", "log.example", signer)
    >>> key = VerifierKey("log.example", signer.public)
    >>> open_note(note.encode(), [key]).text
    'hello\n'
    >>> open_note(note.replace("hello", "hullo").encode(), [key])
    Traceback (most recent call last):
    app.audit.tree.checkpoint.BadNote: the signature of log.example is wrong

    Returns:
        The text, with the verified signatures only, each key's once.

    Raises:
        BadNote: see rules 1 and 2.
    """
    note = parse_note(data)
    known = {(key.name, key.key_id): key for key in keys}
    verified: dict[tuple[str, bytes], Signature] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None or (line.name, line.key_id) in verified:
            continue
        try:
            public = Ed25519PublicKey.from_public_bytes(key.public)
            public.verify(line.signature, note.text.encode())
        except InvalidSignature as error:
            raise BadNote(f"the signature of {line.name} is wrong") from error
        verified[line.name, line.key_id] = line
    if not verified:
        raise BadNote("the note is not signed by a known key")
    return Note(note.text, tuple(verified.values()))


def origin_of(note: bytes) -> str:
    """The name of the log that a checkpoint claims to be of; nothing is verified.

    >>> from app.kernel.signing import LocalSigner
    >>> text = Checkpoint("log.example", 7, bytes(32)).text
    >>> origin_of(sign_note(text, "log.example", LocalSigner.from_seed(bytes(32))).encode())
    'log.example'

    Raises:
        BadNote: it is no checkpoint.
    """
    return parse_checkpoint(parse_note(note).text).origin


def sign_note(text: str, name: str, signer: Signer) -> str:
    r"""Sign a text that ends with a newline.

    >>> from app.kernel.signing import LocalSigner
    >>> sign_note("hello\n", "log.example", LocalSigner.from_seed(bytes(32))).split(" ")[:2]
    ['hello\n\n—', 'log.example']

    Raises:
        BadNote: the text cannot be the text of a note.
    """
    if not text.endswith("\n"):
        raise BadNote("a note's text ends with a newline")
    key = VerifierKey(name, signer.public)
    line = signature_line(name, key.key_id, signer.sign(text.encode()))
    note = f"{text}\n{line}\n"
    parse_note(note.encode())
    return note


def signature_line(name: str, key: bytes, signature: bytes) -> str:
    r"""Write a signature line, without its newline (signed-note, "Format").

    >>> signature_line("log.example", b"\x00\x00\x00\x01", b"\x02")
    '— log.example AAAAAQI='
    """
    return f"\N{EM DASH} {name} {b64(key + signature)}"


@dataclass(frozen=True)
class Checkpoint:
    """What a log says about itself (tlog-checkpoint): its name, its size, its root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text: three lines."""
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    r"""Read a checkpoint's text; extension lines are allowed and not interpreted.

    >>> parse_checkpoint(f"log.example\n7\n{b64(bytes(32))}\n").size
    7

    Raises:
        BadNote: not of that form.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "":  # noqa: PLR2004 - three lines and the final newline
        raise BadNote("a checkpoint has three lines, each ended by a newline")
    origin, size, root, *extensions = lines
    if not origin or "" in extensions:
        raise BadNote("a checkpoint has no empty line")
    if not DECIMAL.fullmatch(size) or int(size) >= 1 << 64:
        raise BadNote("the checkpoint's size is not a decimal number below 2**64")
    digest = unb64(root)
    if len(digest) != HASH_BYTES:
        raise BadNote(f"the checkpoint's root has {len(digest)} bytes, not {HASH_BYTES}")
    return Checkpoint(origin, int(size), digest)


def open_checkpoint(note: bytes, key: VerifierKey) -> Checkpoint:
    """Read a checkpoint that the log's key signed under the log's own name.

    >>> from app.kernel.signing import LocalSigner
    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> note = sign_note(Checkpoint("log.example", 7, bytes(32)).text, "log.example", signer)
    >>> open_checkpoint(note.encode(), VerifierKey("log.example", signer.public)).size
    7

    Raises:
        BadNote: not of that form, not signed by the key, or of another log.
    """
    checkpoint = parse_checkpoint(open_note(note, (key,)).text)
    if checkpoint.origin != key.name:
        raise BadNote(f"the checkpoint is of {checkpoint.origin!r}, the key of {key.name!r}")
    return checkpoint


def b64(data: bytes) -> str:
    r"""Write base64 with its padding (RFC 4648 §4).

    >>> b64(b"\xff\xfe")
    '//4='
    """
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    r"""Read base64 strictly (rule 3).

    >>> unb64("//4=")
    b'\xff\xfe'

    Raises:
        BadNote: anything but the only accepted encoding of the bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("a value is not base64") from error
    if b64(data) != text:
        raise BadNote("a value is not the one base64 form of its bytes")
    return data


def require_name(name: str) -> None:
    """Refuse what is no key name (signed-note, "Format").

    >>> require_name("log.example/2026")
    >>> require_name("our log")
    Traceback (most recent call last):
    app.audit.tree.checkpoint.BadNote: a key name is not empty and has neither spaces nor plus signs

    Raises:
        BadNote: it is empty, or holds a space or a plus sign.
    """
    if not name or "+" in name or any(character.isspace() for character in name):
        raise BadNote("a key name is not empty and has neither spaces nor plus signs")
