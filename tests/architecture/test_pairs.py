"""What is left of a product of three axes or more still has every pair of values."""

from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pairs import is_kept, left_out

axis = st.integers(2, 5).map(range)


@given(axes=st.lists(axis, min_size=3, max_size=4))
def test_each_pair_of_values_is_kept_and_half_or_so_of_the_product(axes: list[range]) -> None:
    whole = list(product(*axes))
    kept = [one for one in whole if is_kept(one, axes)]
    assert abs(2 * len(kept) - len(whole)) <= 1
    for one, other in combinations(range(len(axes)), 2):
        pairs = {(values[one], values[other]) for values in kept}
        assert pairs == set(product(axes[one], axes[other]))


@pytest.mark.parametrize("marked", [("one",), ("one", "other")])
def test_two_axes_have_no_pair_to_spare(marked: tuple[str, ...], request: Any) -> None:
    request.node.add_marker(pytest.mark.every_pair(*marked))
    with pytest.raises(pytest.UsageError, match="three axes or more"):
        left_out([request.node])


@pytest.mark.every_pair("first", "second", "third")
@pytest.mark.parametrize("third", ["x", "y"])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("first", ["a", "b"])
def test_what_is_not_kept_is_not_run(first: str, second: bool, third: str) -> None:
    assert (("ab".index(first) + second + "xy".index(third)) % 2) == 0
