"""The policy replay: what the log says of leases and decisions follows from the log."""

from app.wiring import Services
from tests.sdk.day import Log


def test_the_sample_organisation_replays_without_a_disagreement(sample: Services) -> None:
    check = Log.of(sample).checked()
    assert check.verdict(whole=True).ok, check.verdict(whole=True).findings


def test_a_day_of_every_kind_of_change_replays_without_a_disagreement(
    eventful_log: Log,
) -> None:
    check = eventful_log.checked()
    verdict = check.verdict(whole=True)
    assert verdict.findings == ()
    assert check.counts["replayed"] > 30
    assert check.replay is not None
    assert check.replay.leases > 15
