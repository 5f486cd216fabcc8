"""What an offer of release 0.1 agreed to, where clocks and files leave a doubt."""

from datetime import UTC, datetime

import pytest

from app.capture.agreement import catalogues_at
from app.policy.timeline import SKEW

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

DOUBTS = {
    "the last one that was adopted well before": ([-3, -2], ("2",)),
    "of one adopted in the very instant, both": ([-2, 0], ("1", "2")),
    "of one adopted about then by clocks that differ, both": ([-2, -1], ("1", "2")),
    "none that came after": ([-2, 1, 2], ("1",)),
    "of several about then, all and the one before": ([-3, -2, -0.5, 0], ("2", "3", "4")),
    "one that was adopted under a clock set back, with that before it": ([0, -0.5], ("1", "2")),
    "the first one, if all came after": ([1, 2], ("1",)),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_was_recognised_is_what_every_catalogue_of_then_recognises(doubt: str) -> None:
    since, expected = DOUBTS[doubt]
    adopted = [(NOON + times * SKEW, str(place)) for place, times in enumerate(since, start=1)]
    assert catalogues_at(adopted, NOON) == expected


def test_where_no_catalogue_was_ever_adopted_nothing_can_be_said() -> None:
    with pytest.raises(ValueError, match="no catalogue"):
        catalogues_at([], NOON)
