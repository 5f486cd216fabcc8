"""The numbers of PostgreSQL's advisory locks, in one table: each means one thing in a database.

The lock store may be in the same database as everything else, so it counts, too. Grants are locked
by a number made of their id, 64 bits long, which meets one of these by chance only.
"""

from enum import IntEnum


class LockNumber(IntEnum):
    """What is locked; ``OPEN_CODES`` is the first of many."""

    LOG = 4_841_025
    POLICY = 4_841_026
    DIRECTORY = 4_841_027
    CONSUMERS = 4_841_028
    LOCK_STORE = 4_841_029
    APPROVALS = 4_841_099
    OPEN_CODES = 4_841_100
    """Of the first bucket; each has the next number, so no number follows this one."""
