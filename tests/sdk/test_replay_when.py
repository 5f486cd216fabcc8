"""Forged instants: what holds is asked for at one, so nobody may choose it freely."""

from datetime import timedelta

from app.consent.model import Act
from app.kernel.clock import instant, timestamp
from app.policy.timeline import SKEW
from tests.access.office import ALICE, HOUR
from tests.sdk.day import Day, Leaf

MOMENT = timedelta(microseconds=1)


def test_a_lease_dated_before_the_stop_that_it_follows_is_named(day: Day) -> None:
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    day.clock.advance(HOUR)
    day.stop("US-CA")
    day.clock.advance(HOUR)
    day.poll(ALICE)
    log = day.log()
    at, stop = log.last("lease.changed"), log.last("policy.stopped")
    on = log.leaves[log.last("lease.changed", capture="on")]
    (finding,) = log.forged(
        at, lambda leaf: leaf.update(occurred_at=on["occurred_at"], facts=on["facts"])
    ).findings()
    assert finding.startswith(f"entry {at} occurred at {on['occurred_at']}, before entry {stop}")


def test_a_lease_dated_after_the_pause_that_runs_is_named(day: Day) -> None:
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    day.decide(ALICE, Act.PAUSED, day.now + HOUR)
    day.poll(ALICE)
    log = day.log()
    at = log.last("lease.changed")
    on = log.leaves[log.last("lease.changed", capture="on")]
    later = timestamp(instant(log.leaves[at]["occurred_at"]) + 2 * HOUR)
    finding, older = log.forged(
        at, lambda leaf: leaf.update(occurred_at=later, facts=on["facts"])
    ).findings()
    assert finding.startswith(f"entry {at} occurred at {later}, after it was integrated at")
    assert older == f"entry {at} says consent 1; by the log it is 2"


def test_clocks_may_differ_by_what_is_allowed_and_no_more(day: Day) -> None:
    day.pair(ALICE)
    log = day.log()
    at = log.last("device.paired")
    newest = max(instant(leaf["occurred_at"]) for leaf in log.leaves)
    for when, ok in ((newest - SKEW, True), (newest - SKEW - MOMENT, False)):
        forged = log.forged(at, lambda leaf, when=when: leaf.update(occurred_at=timestamp(when)))
        assert (forged.findings() == ()) is ok


def test_an_older_notice_does_not_come_back(day: Day) -> None:
    """Those who agreed to it would have agreed again."""
    day.pair(ALICE)
    day.captured(ALICE)
    day.poll(ALICE)
    log = day.log()
    first = next(leaf for leaf in log.leaves if leaf["kind"] == "notice.adopted")
    size, version = len(log.leaves), first["facts"]["version"]

    def another(number: int, leaf: Leaf, **facts: object) -> Leaf:
        event = f"00000000-0000-0000-0000-0000000000{number:02}"
        at = log.leaves[-1]["occurred_at"]
        return {**leaf, "event": event, "occurred_at": at, "facts": {**leaf["facts"], **facts}}

    newer = another(1, first, version=version + 1)
    lease = another(2, log.leaves[-1])
    adopts, tongue = f"adopts version {version} of the notice", first["facts"]["language"]
    for back, words in (
        (another(3, first), f"{adopts} in {tongue} once more"),
        (another(3, first, language="nl"), f"{adopts} after version {version + 1}"),
    ):
        findings = log.restamped([*log.leaves, newer, back, lease]).findings()
        assert f"entry {size + 1} {words}" in findings
        assert f"entry {size + 2} says capture on; by the log it is off" in findings
