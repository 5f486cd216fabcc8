"""Of a product of three or more axes, a part that still has every pair of their values.

``@pytest.mark.every_pair("attack", "when", "database_url")`` keeps the combinations whose
positions add up to an even number. Whichever axis is left out, each combination of values of the
others stays, with half of the values of that axis: each attack on each database, each attack at
run time and at start. What is lost is only a fault that needs one value of every axis at once. It
is for axes that do not work on each other; what differs for each table on each kind of database,
as a trigger does, is to be tried in full.

>>> product = [(x, y, z) for x in "abc" for y in "12" for z in "+-"]
>>> ["".join(one) for one in product if is_kept(one, ("abc", "12", "+-"))]
['a1+', 'a2-', 'b1-', 'b2+', 'c1+', 'c2-']
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

MARK = "every_pair"


def is_kept(values: Sequence[Any], axes: Sequence[Sequence[Any]]) -> bool:
    """Whether the positions of ``values``, one on each axis, add up to an even number."""
    return sum(axis.index(value) for value, axis in zip(values, axes, strict=True)) % 2 == 0


def left_out(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests of marked functions that need not run.

    Raises:
        pytest.UsageError: fewer than three axes are named, for then a pair would be lost.
    """
    functions: dict[str, list[pytest.Function]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker(MARK):
            functions.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return [item for tests in functions.values() for item in _of_one(tests)]


def _of_one(tests: list[pytest.Function]) -> list[pytest.Item]:
    names = _axes(tests[0])
    values = [[_name(test.callspec.params[name]) for name in names] for test in tests]
    axes = [list(dict.fromkeys(column)) for column in zip(*values, strict=True)]
    return [test for test, own in zip(tests, values, strict=True) if not is_kept(own, axes)]


def _axes(test: pytest.Function) -> tuple[str, ...]:
    mark = test.get_closest_marker(MARK)
    assert mark is not None
    if len(mark.args) < 3:
        raise pytest.UsageError(f"{test.nodeid}: every_pair is for three axes or more")
    return mark.args


def _name(value: object) -> object:
    """What tells a value from the others of its axis: text is itself, an object is one of many."""
    return value if isinstance(value, str | bool | int | None) else id(value)
