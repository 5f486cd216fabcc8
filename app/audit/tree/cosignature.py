"""Cosignatures: a witness says when it saw a checkpoint, and that the log had only grown by then.

Pure. Specification: tlog-cosignature (c2sp.org), the Ed25519 form, ``cosignature/v1``. The form
with ML-DSA-44 (type 0x06) is neither made nor believed; its lines are ignored like those of unknown
keys.

Rules:
1. A cosignature covers the whole text of the note, extension lines included, and the time.
2. The Ed25519 form does not commit to the witness's name: one key belongs to one witness.
3. A line of a known key that does not verify spoils the note, as it does for a log's key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.audit.tree.checkpoint import (
    BadNote,
    NamedKey,
    Signature,
    parse_signature,
    read_vkey,
    signature_line,
)
from app.kernel.signing import Signer

COSIGNATURE_V1 = 0x04
MAX_TIME = (1 << 63) - 1
"""tlog-cosignature, "Format": a timestamp is at most this."""

_TIME_BYTES = 8
_SIGNATURE_BYTES = 64


class WitnessKey(NamedKey):
    """A witness's key (tlog-cosignature, "Format"); its name is for people who read."""

    kind = COSIGNATURE_V1


def parse_witness_vkey(text: str) -> WitnessKey:
    """Read a witness's verifier key.

    >>> from app.kernel.signing import LocalSigner
    >>> key = WitnessKey("witness.example", LocalSigner.from_seed(bytes(32)).public)
    >>> parse_witness_vkey(key.vkey) == key
    True

    Raises:
        BadNote: not of that form, of another type, with a wrong key id, or an unsound point.
    """
    return WitnessKey(*read_vkey(text, COSIGNATURE_V1))


@dataclass(frozen=True)
class Cosignature:
    """A verified cosignature.

    Attributes:
        key: whose it is.
        time: when the witness signed, by its clock, POSIX seconds.
        line: the signature line, without its newline.
    """

    key: WitnessKey
    time: int
    line: str


def signed_message(text: str, time: int) -> bytes:
    r"""What is signed (tlog-cosignature, "Ed25519 signed message").

    >>> signed_message("log.example\n7\n…\n", 1700000000).decode()
    'cosignature/v1\ntime 1700000000\nlog.example\n7\n…\n'
    """
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosign(text: str, name: str, signer: Signer, time: int) -> str:
    r"""Cosign a checkpoint's text and return the signature line, without its newline.

    >>> from app.kernel.signing import LocalSigner
    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> line = parse_signature(cosign("a checkpoint\n", "witness.example", signer, time=1700000000))
    >>> key = WitnessKey("witness.example", signer.public)
    >>> read_cosignature("a checkpoint\n", line, key).time
    1700000000

    Raises:
        BadNote: the name or the time is not of its form.
    """
    if not 0 <= time <= MAX_TIME:
        raise BadNote("the time of a cosignature is not a POSIX timestamp")
    key = WitnessKey(name, signer.public)
    signature = signer.sign(signed_message(text, time))
    return signature_line(name, key.key_id, time.to_bytes(_TIME_BYTES) + signature)


def read_cosignature(text: str, line: Signature, key: WitnessKey) -> Cosignature:
    r"""Verify one line of a known key over a checkpoint's text.

    >>> from app.kernel.signing import LocalSigner
    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> line = parse_signature(cosign("a checkpoint\n", "witness.example", signer, time=1700000000))
    >>> read_cosignature("another\n", line, WitnessKey("witness.example", signer.public))
    Traceback (most recent call last):
    app.audit.tree.checkpoint.BadNote: the cosignature of witness.example is wrong

    Raises:
        BadNote: it is not of this key, not of the form, or does not verify.
    """
    if (line.name, line.key_id) != (key.name, key.key_id):
        raise BadNote(f"the line is not of the key of {key.name}")
    if len(line.signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise BadNote(
            f"the cosignature of {key.name} has not {_TIME_BYTES + _SIGNATURE_BYTES} bytes"
        )
    time = int.from_bytes(line.signature[:_TIME_BYTES])
    if time > MAX_TIME:
        raise BadNote(f"the time in the cosignature of {key.name} is not a POSIX timestamp")
    try:
        public = Ed25519PublicKey.from_public_bytes(key.public)
        public.verify(line.signature[_TIME_BYTES:], signed_message(text, time))
    except InvalidSignature as error:
        raise BadNote(f"the cosignature of {key.name} is wrong") from error
    return Cosignature(key, time, signature_line(line.name, line.key_id, line.signature))


def read_cosignatures(
    text: str, lines: Sequence[Signature], keys: Sequence[WitnessKey]
) -> tuple[Cosignature, ...]:
    r"""Verify the lines of known witnesses; of several of one witness the latest counts.

    >>> from app.kernel.signing import LocalSigner
    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> lines = [parse_signature(cosign("text\n", "witness.example", signer, at)) for at in (5, 9)]
    >>> key = WitnessKey("witness.example", signer.public)
    >>> [cosignature.time for cosignature in read_cosignatures("text\n", lines, [key])]
    [9]

    Raises:
        BadNote: a line of a known key does not verify (rule 3).
    """
    known: Mapping[tuple[str, bytes], WitnessKey] = {(key.name, key.key_id): key for key in keys}
    latest: dict[WitnessKey, Cosignature] = {}
    for line in lines:
        key = known.get((line.name, line.key_id))
        if key is not None:
            cosignature = read_cosignature(text, line, key)
            if key not in latest or latest[key].time < cosignature.time:
                latest[key] = cosignature
    return tuple(latest.values())


def parse_answer(text: str, answer: bytes, key: WitnessKey) -> Cosignature:
    r"""Read a witness's answer (tlog-witness, "add-checkpoint"): lines, of which one is the key's.

    >>> from app.kernel.signing import LocalSigner
    >>> signer = LocalSigner.from_seed(bytes(32))
    >>> answer = cosign("text\n", "witness.example", signer, time=5) + "\n"
    >>> parse_answer("text\n", answer.encode(), WitnessKey("witness.example", signer.public)).time
    5

    Raises:
        BadNote: it is not of that form, holds no line of the key, or a wrong line.
    """
    try:
        decoded = answer.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadNote("the answer is not UTF-8") from error
    if not decoded.endswith("\n"):
        raise BadNote("the answer does not end with a newline")
    lines = tuple(parse_signature(line) for line in decoded[:-1].split("\n"))
    cosignatures = read_cosignatures(text, lines, (key,))
    if not cosignatures:
        raise BadNote(f"the answer holds no cosignature of {key.name}")
    return cosignatures[0]
