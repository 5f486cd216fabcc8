"""The codes of a pairing: how they are made and read, and how many may be guessed wrong."""

import hashlib
import secrets
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.kernel.errors import Forbidden

PAIRING_LIFE = timedelta(minutes=15)
CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, so no words
CODE_LENGTH = 8


@dataclass
class Guesses:
    """Counts wrong codes in this process; forgets them after fifteen minutes.

    A code has 20^8 (25 thousand million) forms. With a thousand open pairings and two hundred wrong
    codes, somebody's chance to hit one is below one in a hundred thousand.
    """

    per_person: int = 10
    in_all: int = 200
    _wrong: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def require(self, who: str, now: datetime) -> None:
        """Return while ``who`` may try a code.

        Raises:
            Forbidden: too many wrong codes lately.
        """
        with self._lock:
            self._forget(now)
            mine = len(self._wrong.get(who, ()))
            everybody = sum(len(times) for times in self._wrong.values())
        if mine >= self.per_person or everybody >= self.in_all:
            raise Forbidden(
                "too many wrong codes were entered",
                kind="too-many-attempts",
                cure="Wait fifteen minutes, start the pairing again and enter the new code.",
            )

    def wrong(self, who: str, now: datetime) -> None:
        """Count a wrong code."""
        with self._lock:
            self._wrong.setdefault(who, deque()).append(now)

    def _forget(self, now: datetime) -> None:
        for who, times in list(self._wrong.items()):
            while times and times[0] <= now - PAIRING_LIFE:
                times.popleft()
            if not times:
                del self._wrong[who]


def new_user_code() -> str:
    """A new code for a person to type."""
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def normal(user_code: str) -> str:
    """The code as it was made, however it was typed (RFC 8628 §6.1)."""
    letters = "".join(letter for letter in user_code.upper() if letter in CODE_ALPHABET)
    return f"{letters[:4]}-{letters[4:]}"


def hashed(secret: str) -> str:
    """What is kept of a code or a token: SHA-256, in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
