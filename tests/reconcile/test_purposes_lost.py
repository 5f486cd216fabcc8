"""A purpose file whose row is gone, or stands under another name, stops no start."""

from contextlib import closing

import pytest

from app.wiring import Services, build
from tests.tamper import sql

LOSSES = ("DELETE FROM access_purposes", "UPDATE access_purposes SET digest = '{'")


@pytest.mark.parametrize("loss", LOSSES)
def test_the_service_starts_and_the_row_is_named(sample: Services, loss: str) -> None:
    assert sql(sample.database, loss) > 0
    with closing(build(sample.settings, clock=sample.clock)) as again:
        found = again.reconciler.examine(lambda *_: None).differences
        assert "access_purposes" in {one.table for one in found}
        again.integrator.integrate()
        assert "list:purposes" in again.database.seals.alarms
