"""When a process refuses to go on with its log."""

import pytest

from app.audit.entries.halt import ROLLED_BACK, Halt
from app.kernel.errors import Unavailable


def test_a_database_that_is_behind_what_was_seen_is_refused() -> None:
    halt = Halt()
    halt.reached(22)
    with pytest.raises(Unavailable, match="22 entries, the database has 16"):
        halt.require(lambda: 16)
    assert halt.state == ROLLED_BACK


def test_a_log_that_grows_while_its_size_is_looked_up_was_not_rolled_back() -> None:
    """The integrator of this process publishes between the reading of a size and its comparison."""
    halt = Halt()
    halt.reached(16)

    def read_size() -> int:
        halt.reached(22)
        return 16

    halt.require(read_size)
    assert halt.state is None
