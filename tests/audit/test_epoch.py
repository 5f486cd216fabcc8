"""The names of one log before and after a restore, and the numbers of its leases."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.tree.epoch import SEQ_STEP, base_of, lease_seq, next_origin, number_of

ORIGIN = "audit.example/5f0c"


def test_each_restore_gives_the_next_name_and_keeps_the_first() -> None:
    names = [ORIGIN, f"{ORIGIN}/e2", f"{ORIGIN}/e3", f"{ORIGIN}/e4"]
    for number, (name, following) in enumerate(itertools.pairwise(names), start=1):
        assert next_origin(name) == following
        assert number_of(name) == number
        assert base_of(name) == ORIGIN


@pytest.mark.parametrize("end", ["/e0", "/e02", "/e", "/e2/", "/E2", "/e-2", "e2"])
def test_what_only_looks_like_an_epoch_belongs_to_the_name(end: str) -> None:
    assert base_of(ORIGIN + end) == ORIGIN + end
    assert number_of(ORIGIN + end) == 1


@given(st.integers(1, 50), st.integers(0, SEQ_STEP - 1), st.integers(0, SEQ_STEP - 1))
def test_no_lease_of_an_epoch_is_numbered_below_one_of_the_epoch_before(
    epoch: int, before: int, after: int
) -> None:
    old = ORIGIN if epoch == 1 else f"{ORIGIN}/e{epoch}"
    assert lease_seq(old, before) < lease_seq(next_origin(old), after)


def test_in_the_first_epoch_leases_are_numbered_as_the_database_counts() -> None:
    assert [lease_seq(ORIGIN, seq) for seq in (0, 1, 7)] == [0, 1, 7]
