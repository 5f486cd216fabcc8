"""Each kind of entry that the replay folds is itself held against the entries before it."""

from collections.abc import Callable
from typing import Any

from tests.sdk.day import Leaf, Log

OTHER = "sha256:" + "9" * 64
NOBODY = "p_" + "0" * 32


def says(**facts: Any) -> Callable[[Leaf], None]:
    return lambda leaf: leaf["facts"].update(facts)


def is_of(*subjects: str) -> Callable[[Leaf], None]:
    return lambda leaf: leaf.update(subjects=list(subjects))


CASES: dict[str, tuple[str, Callable[[Leaf], None], str]] = {
    "a floor of another region": (
        "policy.floor_adopted",
        says(region="FR"),
        "does not say what the floor's document says",
    ),
    "a floor that ends later": (
        "policy.floor_adopted",
        says(valid_to="2030-01-01T00:00:00.000000Z"),
        "does not say what the floor's document says",
    ),
    "a floor whose document is another": (
        "policy.floor_adopted",
        says(policy=OTHER),
        "is not here to be decided by",
    ),
    "an approval of another text": (
        "policy.approved",
        says(policy=OTHER),
        "approves what nobody proposed",
    ),
    "an approval of no change": (
        "policy.approved",
        says(change="none"),
        "approves what nobody proposed",
    ),
    "an approval in another role": (
        "policy.approved",
        says(role="dpo"),
        "who by entry",
    ),
    "a publication of no change": (
        "policy.published",
        says(change="none"),
        "publishes what nobody proposed",
    ),
    "a publication for another region": (
        "policy.published",
        says(region="DE"),
        "publishes for DE what was written for US-CA",
    ),
    "a publication for a region without a floor": (
        "policy.published",
        says(region="XX"),
        "publishes for XX, which has no floor",
    ),
    "a stop that is resumed twice": (
        "policy.resume_proposed",
        says(region="US"),
        "to propose resume capture in US",
    ),
    "a device that nobody paired": (
        "device.paired",
        says(device="the first"),
        "which no entry pairs before it",
    ),
    "a device revoked as another's": ("device.revoked", is_of(NOBODY), "as another person's"),
    "a version left out": (
        "access.consumer_registered",
        says(version=7),
        "says version 7 of the consumer; by the log it is",
    ),
    "a residence of another count": (
        "directory.person",
        says(residence=9),
        "says residence 9; by the log it is",
    ),
    "a manager who is not in the line": (
        "directory.person",
        says(manager=NOBODY),
        "names a manager who is not the first of the line",
    ),
    "a notice that was not adopted": (
        "notice.shown",
        says(digest=OTHER),
        "shows a notice that was not adopted by then",
    ),
    "a notice of another version": (
        "notice.shown",
        says(version=9),
        "shows a notice that was not adopted by then",
    ),
    "a notice shown to another": (
        "notice.shown",
        is_of(NOBODY),
        "whom no entry of the directory names before it",
    ),
    "an acknowledgement where a yes is asked": (
        "consent.given",
        lambda leaf: leaf.update(kind="consent.acknowledged"),
        "says acknowledged, which is not what the offer asks for",
    ),
    "a decision in another residence": ("consent.given", says(residence=9), "says residence 9"),
    "a decision out of order": ("consent.withdrawn", says(seq=9), "says seq 9"),
    "a pause for ever": ("consent.paused", says(until=None), "a pause needs an end"),
    "a pause for a year": (
        "consent.paused",
        says(until="2027-11-16T12:00:00.000000Z"),
        "a pause needs an end",
    ),
    "an end of a pause where none runs": (
        "consent.withdrawn",
        lambda leaf: leaf.update(kind="consent.resumed"),
        "resumes where by the log no pause runs",
    ),
    "an end of a pause that renews": (
        "consent.resumed",
        says(valid_until="2030-01-01T00:00:00.000000Z"),
        "says valid_until '2030-01-01T00:00:00.000000Z'; by the log it is",
    ),
    "an end of a pause that agrees to more": (
        "consent.resumed",
        says(signals=["key_content"]),
        "says signals ['key_content']; by the log it is",
    ),
    "a yes of nobody": ("consent.given", is_of(NOBODY), "whom no entry of the directory names"),
    "an answer to somebody unknown": (
        "access.decided",
        says(consumer="nobody"),
        "which no entry registers before it",
    ),
    "a dataset that is not on the list": (
        "access.decided",
        says(dataset="everything"),
        "the dataset 'everything', which is not on the list",
    ),
    "a grant with a refusal": (
        "access.decided",
        says(grant="0b0e7a52-8a1c-4d52-9a0b-1f3f7a8f0c11"),
        "refuses and yet names a grant",
    ),
    "a lease elsewhere": (
        "lease.changed",
        lambda leaf: leaf["facts"]["regions"].update(place="FR"),
        "says place FR; by the log it is",
    ),
    "a lease that rests on another decision": (
        "lease.changed",
        says(decision="d-9"),
        "says decision d-9; by the log it is",
    ),
}


LATER = {"a device that nobody paired"}
"""What is found only where somebody relies on it."""


def test_an_entry_that_does_not_follow_is_named(eventful_log: Log) -> None:
    log = eventful_log
    assert log.findings() == ()
    for name, (kind, change, words) in CASES.items():
        at = log.last(kind)
        verdict = log.forged(at, change).checked().verdict(whole=True)
        assert any(words in finding for finding in verdict.findings), (name, verdict.findings)
        assert verdict.first_bad is not None
        assert verdict.first_bad > at if name in LATER else verdict.first_bad == at, name


def test_a_device_cannot_be_paired_twice(eventful_log: Log) -> None:
    log = eventful_log
    at = log.last("device.paired")
    again = {**log.leaves[at], "occurred_at": log.leaves[-1]["occurred_at"]}
    findings = log.restamped([*log.leaves, again]).findings()
    assert findings[0].startswith(f"entry {len(log.leaves)} pairs the device")
