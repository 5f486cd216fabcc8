"""Charts of counts that are tables of their own: a line for each thing that was counted (pure).

Rules:
1. The most frequent comes first; what was never counted has no line.
2. Bars start at zero, and the longest fills its row. A bar that counts anything can be seen.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """One line: what was counted, in words, and how often.

    Attributes:
        length: of the bar, out of 100.
        href: where it leads; empty for nowhere.
    """

    code: str
    words: str
    count: int
    length: int
    href: str = ""


def levels(lines: Iterable[tuple[str, str, int, str]]) -> tuple[Level, ...]:
    """Draw counts, given as (code, words, count, href).

    >>> drawn = levels([("a", "Few", 1, ""), ("b", "Many", 4, ""), ("c", "None", 0, "")])
    >>> [(level.words, level.length) for level in drawn]
    [('Many', 100), ('Few', 25)]
    """
    ordered = sorted((line for line in lines if line[2]), key=lambda line: (-line[2], line[1]))
    most = ordered[0][2] if ordered else 1
    return tuple(
        Level(code, words, count, max(1, round(100 * count / most)), href)
        for code, words, count, href in ordered
    )
