"""The codes that people type: how they are made and read, and how many may be open or wrong (pure).

A code has eight letters of twenty: 20^8, 25 thousand million forms.

Rules:
1. A person may type ten wrong codes, then none until fifteen minutes have passed without one. So
   there are never more than ten in any fifteen minutes, and nobody else is held up by them.
2. The first four letters name a code, the last four open it. Whoever types the first four of an
   open code and other letters after them has missed it; a code that was missed five times opens
   nothing any more. However many people guess together, somebody's chance to hit a certain code is
   at most 5 in 20^4, one in 32 thousand, in all its life; a single person's is 10 in 20^8. To end
   a code that one does not know, its first four letters have to be hit five times: for a thousand
   people with ten guesses each (0.06 hits expected) the chance is below one in a hundred million.
3. Each source of requests is in one of 256 buckets, by a keyed digest, so that nobody can choose
   theirs. A bucket has 128 open codes, a source 64 of them. A new code ends the oldest of its own
   source, or else the oldest of the source that has most in the same bucket, never one of another
   bucket. To be sure to end a code of another source, someone needs 128 sources in the same bucket,
   so some 30 thousand addresses; the link that the laptop shows works all the same.
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta

PAIRING_LIFE = timedelta(minutes=15)
CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, so no words
CODE_LENGTH = 8
START_LENGTH = 4

GUESSES = 10
GUESS_REST = timedelta(minutes=15)
MISSES = 5

BUCKETS = 256
BUCKET_CODES = 128
SOURCE_CODES = 64


def new_user_code() -> str:
    """A new code for a person to type."""
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def normal(user_code: str) -> str:
    """The code as it was made, however it was typed (RFC 8628 §6.1); empty if it can be none.

    >>> normal(" bcdf ghjk "), normal("BCDF")
    ('BCDF-GHJK', '')
    """
    if len(user_code) > 10 * CODE_LENGTH:
        return ""
    letters = "".join(letter for letter in user_code.upper() if letter in CODE_ALPHABET)
    return f"{letters[:4]}-{letters[4:]}" if len(letters) == CODE_LENGTH else ""


def hashed(secret: str) -> str:
    """What is kept of a code or a token: SHA-256, in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def bucket_of(source: str) -> int:
    """The bucket of a source, from the keyed digest of the source (hex).

    >>> bucket_of("ff" + "0" * 62)
    255
    """
    return int(source[:8], 16) % BUCKETS


def gives_way(opened: Mapping[str, int], source: str) -> tuple[str, int] | None:
    """Whose oldest codes end for a new code of a source, and how many; None: there is room.

    >>> gives_way({"a": SOURCE_CODES, "b": 1}, "a"), gives_way({"a": 3}, "a")
    (('a', 1), None)
    >>> gives_way({"a": 100, "b": 28}, "c")
    ('a', 1)

    Args:
        opened: how many codes each source of the bucket has open.
        source: who asks for one more.
    """
    over = opened.get(source, 0) - SOURCE_CODES + 1
    if over > 0:
        return source, over
    over = sum(opened.values()) - BUCKET_CODES + 1
    if over <= 0:
        return None
    most = max(opened, key=lambda each: (opened[each], each))
    return most, min(over, opened[most])
