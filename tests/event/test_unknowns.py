"""Where an unknown is denied, as the page for those who build agents says it."""

from pathlib import Path

import pytest

from app.event.unknowns import MEMBERS, SIGNALS, table, unknown_rows

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


def test_the_page_has_the_table_that_judging_makes() -> None:
    assert PAGE.read_text("utf-8").endswith(f"\n\n{table()}"), "docs/events.md is out of date"


@pytest.mark.parametrize("member", MEMBERS)
def test_every_member_that_can_be_unknown_is_denied_somewhere_for_every_signal(member: str) -> None:
    (row,) = (row for row in unknown_rows() if row.member == member)
    assert row.signals == SIGNALS
    assert row.when
