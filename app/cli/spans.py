"""How a length of time is typed."""

import re
from datetime import timedelta

from app.kernel.errors import InvalidInput

_SPAN = re.compile(r"([0-9]{1,7})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: str, what: str) -> timedelta:
    """Read a length of time.

    >>> span("7d", "--overlap").days
    7

    Args:
        text: a whole number and s, m, h or d.
        what: the option or the kind of length, for the sentence.

    Raises:
        InvalidInput: it is not of that form.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise InvalidInput(
            f"{what}: {text!r} is no length of time", cure="Write 90s, 30m, 24h or 7d."
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
