"""The names of one log before and after a restore (pure).

A log that lost entries must not sign another tree of a size that it signed before. It goes on under
a new name: ``origin``, then ``origin/e2``, ``origin/e3``. The key stays; the key's name, which is
part of what a verifier checks, changes with the origin.
"""

import re

SEQ_STEP = 100_000
"""By how much the numbers that order leases grow with each epoch.

Laptops remember the highest number they saw, which a restore takes back. So the numbers of a new
epoch begin above all that the lost entries can have reached, and below the step that a laptop
refuses (``app/sdk/agent/guard.py``, MAX_STEP), even if it was off during ten restores.
"""

_EPOCH = re.compile(r"(.+)/e([1-9][0-9]*)", re.DOTALL)


def base_of(origin: str) -> str:
    """The name that the log was opened under.

    >>> base_of("log.example/e2")
    'log.example'
    """
    match = _EPOCH.fullmatch(origin)
    return match[1] if match else origin


def number_of(origin: str) -> int:
    """Which epoch a name belongs to, counted from 1.

    >>> number_of("log.example"), number_of("log.example/e2")
    (1, 2)
    """
    match = _EPOCH.fullmatch(origin)
    return int(match[2]) if match else 1


def next_origin(origin: str) -> str:
    """The name of the next epoch.

    >>> next_origin("log.example"), next_origin("log.example/e2")
    ('log.example/e2', 'log.example/e3')
    """
    return f"{base_of(origin)}/e{number_of(origin) + 1}"


def lease_seq(origin: str, seq: int) -> int:
    """The number that a lease of this epoch carries for a count of the database.

    >>> lease_seq("log.example", 7), lease_seq("log.example/e2", 7)
    (7, 100007)
    """
    return (number_of(origin) - 1) * SEQ_STEP + seq
