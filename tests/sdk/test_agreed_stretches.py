"""One log of release 0.1 and of this one: each stretch by its rules, and one agreement.

The first stretch is what release 0.1 wrote: an offer without terms, under rules 1.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from app.access.decision.model import AccessReason
from app.access.decision.rules import CARRIED, CURRENT, RULES_1, RULES_2
from app.policy.agreement import Agreement, agreement_to
from app.policy.catalogue.model import Matchers
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.access.office import ALICE, BOB, HOUR, codes
from tests.fakes import FakeClock
from tests.sdk.agreeing import (
    LITTLE,
    MORE,
    agree_to_files,
    document,
    edited,
    opt_in_as_release_0_1,
    pointer,
    publish,
    restart,
    situation,
)
from tests.sdk.day import Day, Leaf, Log
from tests.sdk.test_replay_attacks import decided
from tests.sdk.test_rules_versions import checked
from tests.templates import Templates


@dataclass
class Story:
    """A log of two releases, and what was seen on the way.

    Attributes:
        offered: what was in force when Alice agreed, under rules 1.
        agreed: what a service under rules 2 makes of it.
        seen: what laptops and consumers were told, by name.
    """

    log: Log
    offered: Agreement
    agreed: Agreement | None
    seen: Mapping[str, object]


def told_by(day: Day, shipped: Shipped) -> Story:
    """Alice agrees to little, and then more is published and a file edited, before and after."""
    seen: dict[str, object] = {}
    day.pair(ALICE)
    day.pair(BOB)
    publish(day, signals=LITTLE)
    offered = agreement_to("offered", situation(day, ALICE).open)
    opt_in_as_release_0_1(day, ALICE)
    docs = shipped.catalogue.apps["google_docs"]
    wider = edited(shipped, replace(docs, match=Matchers(urls=("*.google.com",))))
    restart(day, replace(wider, rules=RULES_1))
    agree_to_files(day)
    publish(day, signals=MORE)
    asked = {"signals": ("pointer",), "captured_from": day.now, "captured_to": day.now + HOUR}
    seen["under rules 1"] = pointer(document(day, ALICE))
    day.clock.advance(8 * 24 * HOUR)
    seen["read under rules 1"] = day.ask(ALICE, **asked).decision
    restart(day, replace(wider, rules=CURRENT))
    agreed = situation(day, ALICE).agreement
    seen["under rules 2"] = pointer(document(day, ALICE))
    listed = {app["id"]: app["match"]["urls"] for app in document(day, ALICE)["apps"]}
    seen["docs under rules 2"] = listed["google_docs"]
    seen["read under rules 2"] = codes(day.ask(ALICE, **asked))
    day.opt_in(BOB)
    seen["who agrees now"] = pointer(document(day, BOB))
    day.clock.advance(HOUR)
    now = {**asked, "captured_from": day.now, "captured_to": day.now}
    seen["read of today"] = day.ask(ALICE, **now).decision
    return Story(day.log(), offered, agreed, seen)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def story(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    templates: Templates,
    shipped: Shipped,
) -> Iterator[Story]:
    """Told once for each database; tests read its log."""
    folder, clock = tmp_path_factory.mktemp("stretches"), FakeClock()
    with templates.copy(request.param, "empty", folder) as url:
        settings = Settings(var=folder / "var", database_url=url, demo=True)
        services = build(settings, clock=clock, shipped=replace(shipped, rules=RULES_1))
        day = Day(services, clock)
        day.open()
        yield told_by(day, shipped)
        services.close()


# What people and consumers see


def test_an_older_agreement_binds_as_soon_as_rules_2_hold(story: Story) -> None:
    assert story.seen == {
        "under rules 1": ("allow", 30),
        "read under rules 1": True,
        "under rules 2": ("redact", 7),
        "docs under rules 2": ["docs.google.com/document"],
        "read under rules 2": [AccessReason.RETENTION_PASSED],
        "who agrees now": ("allow", 30),
        "read of today": True,
    }


def test_what_an_older_offer_showed_is_computed_again_from_what_it_names(story: Story) -> None:
    assert story.agreed is not None
    assert story.agreed.values == story.offered.values
    assert story.agreed.catalogue is not None
    assert story.offered.catalogue is not None
    assert story.agreed.catalogue.body == story.offered.catalogue.body


def test_nobody_is_asked_again(story: Story) -> None:
    given = [leaf for leaf in story.log.leaves if leaf["kind"] == "consent.given"]
    assert len(given) == 2, "Alice once, Bob once"
    assert given[0]["facts"]["offer"] == story.log.leaves[_lease_of(story.log, 0)]["facts"]["offer"]


# The log


def test_each_stretch_is_replayed_by_its_own_rules(story: Story) -> None:
    check = checked(story.log, CARRIED)
    verdict = check.verdict(whole=True)
    assert verdict.ok, verdict
    assert check.counts["unreplayed"] == 0
    adopted = [leaf["facts"] for leaf in story.log.leaves if leaf["kind"] == "rules.adopted"]
    assert adopted == [{"version": 2, "release": "0.2"}]


@pytest.mark.parametrize("swapped", [1, 2])
def test_neither_stretch_follows_from_the_other_rules(story: Story, swapped: int) -> None:
    rules = {1: RULES_1, 2: RULES_2, swapped: RULES_2 if swapped == 1 else RULES_1}
    assert checked(story.log, rules).verdict(whole=True).ok is False


@pytest.mark.parametrize(("carried", "missing", "release"), [(1, 2, "0.2"), (2, 1, "0.1")])
def test_who_carries_one_version_names_the_release_that_carries_the_other(
    story: Story, carried: int, missing: int, release: str
) -> None:
    check = checked(story.log, {carried: CARRIED[carried]})
    verdict = check.verdict(whole=True)
    assert verdict.ok is None
    assert f"follow rules {missing}, which this release does not carry" in verdict.sentence
    assert f"Release {release} can." in verdict.sentence
    assert check.counts["unreplayed"] > 0
    assert check.counts["replayed"] > 0


# Forgeries


def _lease_of(log: Log, place: int) -> int:
    """Where the lease entries of the log are that say on."""
    return [
        at
        for at, leaf in enumerate(log.leaves)
        if leaf["kind"] == "lease.changed" and leaf["facts"]["capture"] == "on"
    ][place]


def wider_document(log: Log) -> tuple[int, Callable[[Leaf], None], str]:
    """Alice's lease under rules 2 names the document of who agreed to more."""
    policy = log.leaves[_lease_of(log, -1)]["facts"]["policy"]
    return _lease_of(log, -2), lambda leaf: leaf["facts"].update(policy=policy), "says policy"


def older_data(log: Log) -> tuple[int, Callable[[Leaf], None], str]:
    """A permit for what is older than agreed, with facts from which it follows."""
    at = log.last("access.decided", outcome="deny")

    def edit(facts: Leaf) -> None:
        facts["scopes"][0]["retention"] = {"pointer": 30}

    return at, decided(edit), "says what was agreed to of"


def kept_longer(log: Log) -> tuple[int, Callable[[Leaf], None], str]:
    at = log.last("access.decided", outcome="permit")
    return at, lambda leaf: leaf["facts"].update(retain_days=30), "says retain_days 30"


def rules_1_again(log: Log) -> tuple[int, Callable[[Leaf], None], str]:
    """An access decision that says nothing of agreed days, as under rules 1."""
    at = log.last("access.decided", outcome="deny")

    def edit(facts: Leaf) -> None:
        facts["scopes"][0].pop("retention")

    return at, decided(edit), "says what was agreed to of"


def other_offer(log: Log) -> tuple[int, Callable[[Leaf], None], str]:
    """Alice's decision names the offer that Bob was shown."""
    offer = log.leaves[log.last("notice.shown")]["facts"]["offer"]
    at = next(at for at, leaf in enumerate(log.leaves) if leaf["kind"] == "consent.given")
    return at, lambda leaf: leaf["facts"].update(offer=offer), "says offer"


FORGERIES = {
    "a document that is wider than agreed": wider_document,
    "a permit for older data": older_data,
    "a longer keeping": kept_longer,
    "no agreed days": rules_1_again,
    "another offer": other_offer,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_is_wider_than_agreed_is_found_in_the_log(story: Story, forgery: str) -> None:
    at, change, words = FORGERIES[forgery](story.log)
    verdict = checked(story.log.forged(at, change), CARRIED).verdict(whole=True)
    assert verdict.ok is False
    assert verdict.first_bad == at
    assert words in verdict.findings[0]


def test_an_offer_that_was_swapped_all_along_is_found_where_it_binds(story: Story) -> None:
    """Showing, decision and leases name Bob's offer for Alice; what she was given does not fit."""
    log = story.log
    shown = [at for at, leaf in enumerate(log.leaves) if leaf["kind"] == "notice.shown"]
    alice, bob = (log.leaves[at]["facts"]["offer"] for at in shown)

    def swap(leaf: Leaf) -> None:
        if leaf["facts"].get("offer") == alice:
            leaf["facts"]["offer"] = bob

    for at, leaf in enumerate(log.leaves):
        if leaf["facts"].get("offer") == alice:
            log = log.forged(at, swap)
    verdict = checked(log, CARRIED).verdict(whole=True)
    assert verdict.ok is False
    assert any(f"entry {_lease_of(log, -2)} says policy" in one for one in verdict.findings)
