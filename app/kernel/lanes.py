"""Who goes first where not everybody can: one order for threads, connections and the one writer."""

from enum import IntEnum


class Lane(IntEnum):
    """Who asks; the lower goes first (law 7: opting out works when nothing else does).

    >>> sorted([Lane.CONSUMERS, Lane.OUT, Lane.PEOPLE])
    [<Lane.OUT: 0>, <Lane.PEOPLE: 2>, <Lane.CONSUMERS: 4>]
    """

    OUT = 0
    """Opting out, pausing, stopping, revoking: what ends capture."""
    LOG = 1
    """What the service does by itself: it numbers, signs, compares. Its share is guaranteed."""
    PEOPLE = 2
    """Whoever looks at pages."""
    AGENTS = 3
    """Laptops of people."""
    CONSUMERS = 4
    """Whoever wants data."""
    STRANGERS = 5
    """Whoever has not shown who they are."""
