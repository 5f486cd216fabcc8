"""When to ask again after a try in vain, so that many laptops do not come back together (pure).

Rules:
1. Never sooner than the interval between two polls.
2. What the service asks for counts (Retry-After, RFC 9110 §10.2.3), up to ``MOST_ASKED_S``: whoever
   answers in its place must not send laptops away for a day. What cannot be read counts for
   nothing.
3. On top comes a random part, from nothing to a span that doubles with each try in vain, up to
   ``MOST_SPAN_S`` (exponential backoff with full jitter). After a long outage 100,000 laptops come
   back over five minutes.
4. While a lease says on, one more try comes before it ends, whatever the service asks: at the
   latest ``MARGIN_S`` before. It is drawn from a span, too.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_ASKED_S = 300.0
MOST_SPAN_S = 300.0
MARGIN_S = 30.0
"""So long before its lease ends a laptop has asked once more, seconds; an answer takes up to 20."""

_MOST_DOUBLINGS = 16
_SECONDS = re.compile(r"[0-9]+")
_MOST_DIGITS = 9


def asked_s(retry_after: str, now: datetime) -> float:
    """How long a ``Retry-After`` asks to wait, seconds, within rule 2.

    Args:
        retry_after: seconds, or a date in any of the three forms of HTTP (RFC 9110 §5.6.7).
        now: the time that the laptop believes it is; aware.

    >>> now = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
    >>> asked_s("120", now), asked_s("Mon, 16 Nov 2026 09:00:40 GMT", now)
    (120.0, 40.0)
    >>> [asked_s(text, now) for text in ("", "-5", "soon", "1e9", "Mon, 16 Nov 2026 08:00:00 GMT")]
    [0.0, 0.0, 0.0, 0.0, 0.0]
    >>> asked_s("9" * 10_000, now)
    300.0
    """
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text) if len(text) <= _MOST_DIGITS else MOST_ASKED_S
    else:
        seconds = _seconds_until(text, now)
    return min(max(0.0, seconds), MOST_ASKED_S)


def wait_s(poll_s: float, tries: int, asked: float, left_s: float | None, chance: float) -> float:
    """How long to wait before the next try, seconds.

    Args:
        poll_s: the interval between two polls, seconds.
        tries: how many were in vain, from 1.
        asked: what the service asks for, seconds (``asked_s``).
        left_s: how long the lease that says on still lives, seconds; None: there is none.
        chance: from 0 to 1.

    >>> [wait_s(15, tries, 0, None, 1) for tries in (1, 2, 3, 9)]
    [30.0, 45.0, 75.0, 315.0]
    >>> wait_s(15, 9, 300, None, 0), wait_s(15, 9, 300, 130, 0), wait_s(15, 9, 300, 130, 1)
    (300.0, 50.0, 100.0)
    """
    least = max(poll_s, asked)
    most = least + min(MOST_SPAN_S, poll_s * 2.0 ** min(tries - 1, _MOST_DOUBLINGS))
    latest = most if left_s is None else left_s - MARGIN_S
    if poll_s < latest < most:
        least, most = min(least, max(poll_s, latest / 2)), latest
    return least + chance * (most - least)


class Backoff:
    """Tries in vain, counted until one is answered.

    Args:
        chance: a random number from 0 to 1, another each time.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self.tries = 0

    def answered(self) -> None:
        """A try was answered: the next that is in vain is the first."""
        self.tries = 0

    def next_s(self, poll_s: float, asked: float = 0.0, left_s: float | None = None) -> float:
        """A try was in vain: how long to wait now, seconds (see ``wait_s``)."""
        self.tries += 1
        return wait_s(poll_s, self.tries, asked, left_s, self._chance())


def _seconds_until(text: str, now: datetime) -> float:
    """How long until a date of HTTP, seconds; 0 if it is none."""
    try:
        at = parsedate_to_datetime(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return (at - now).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):
        return 0.0
