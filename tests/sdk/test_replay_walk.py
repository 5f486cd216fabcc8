"""Whatever order things happen in, also at once, the log of it replays."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest

from app.consent.model import Act
from app.kernel.errors import HabeasError
from tests.access.office import ALICE, BOB, HOUR, LAWYERS, MANAGER, RECRUITER, RESEARCHER, TOP
from tests.sdk.day import Day

PEOPLE = (ALICE, BOB, RESEARCHER)
REGIONS = (
    {"region": "US-CA", "place": "US-CA", "entity": "US/Example Devices Inc"},
    {"region": "US-CA", "place": "DE", "entity": "US/Example Devices Inc"},
    {"region": "DE", "place": "DE", "entity": "DE/Beispiel GmbH"},
)


def actions(day: Day, dice: random.Random) -> tuple[Callable[[], object], ...]:
    one, other = dice.sample(PEOPLE, 2)
    return (
        lambda: day.pair(one),
        lambda: day.poll(one),
        lambda: day.poll(one),
        lambda: day.poll(one, place=dice.choice(["DE", "US-NY", "JP"])),
        lambda: day.opt_in(day.person(one)),
        lambda: day.opt_in(day.person(one)),
        lambda: day.decide(one, dice.choice([Act.WITHDRAWN, Act.REFUSED])),
        lambda: day.decide(one, Act.PAUSED, day.now + HOUR),
        lambda: day.decide(one, Act.RESUMED),
        lambda: day.revoke(one),
        lambda: day.revoke_device(one),
        lambda: day.ask(one),
        lambda: day.ask(one, other),
        lambda: day.ask(one, captured_from=day.now, captured_to=day.now),
        lambda: day.ask_for(dice.choice([MANAGER, RECRUITER, RESEARCHER]), one),
        lambda: day.use(day.grant(day.ask(one))),
        lambda: day.stop("US-CA"),
        lambda: day.resume("US-CA"),
        lambda: day.tighten("US-CA", cohort_min={"value": dice.choice([1, 2])}),
        lambda: day.publish("US-CA", LAWYERS, notice_lead_days={"value": dice.choice([0, 2])}),
        lambda: day.change(one, manager=dice.choice([MANAGER.id, TOP.id])),
        lambda: day.change(MANAGER, manager=dice.choice([RECRUITER.id, TOP.id])),
        lambda: day.change(one, **dice.choice(REGIONS)),
        lambda: day.leave(one),
        lambda: day.change(one, active=True),
        lambda: day.register("pipeline", ["ai_training.computer_use"], ["training"]),
    )


def attempt(day: Day, dice: random.Random) -> None:
    """Do something; what the service refuses is no fault here."""
    with suppress(HabeasError, LookupError):  # not now, or not without a laptop
        dice.choice(actions(day, dice))()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_walk_through_everything_replays(day: Day, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    for person in PEOPLE:
        day.pair(person)
    day.captured(*PEOPLE)
    for _ in range(120):
        attempt(day, dice)
        day.clock.advance(dice.choice([1, 60, HOUR, timedelta(days=1)]))
    check = day.log().checked()
    assert check.verdict(whole=True).findings == ()
    assert check.counts["replayed"] > 20


def test_what_many_do_at_once_replays(day: Day) -> None:
    """The order of the log is that in which the locks were held, whoever committed first."""
    for person in PEOPLE:
        day.pair(person)
    day.captured(*PEOPLE)

    def work(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311
        for _ in range(40):
            attempt(day, dice)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    check = day.log().checked()
    assert check.verdict(whole=True).findings == ()
    assert check.counts["replayed"] > 40


def test_the_superiors_of_somebody_do_not_change_while_a_decision_is_made(day: Day) -> None:
    """They are not locked themselves, and yet the entry says who they are."""
    day.captured(ALICE)
    asked = day.request(ALICE)
    with ThreadPoolExecutor(1) as pool:
        with day.services.database.write() as tx:
            known = day.services.consumers.authenticate(tx, day.secrets["pipeline"], day.now)
            day.services.access.evaluate(tx, known, asked, day.now)
            moved = pool.submit(day.change, MANAGER, manager=RECRUITER.id)
            with pytest.raises(TimeoutError):
                moved.result(timeout=0.5)
        moved.result(timeout=20)
    assert day.log().findings() == ()


def test_an_import_and_a_decision_do_not_wait_for_each_other(day: Day) -> None:
    """The import holds the directory and waits for a person, who is locked by a lease."""
    services = day.services
    with ThreadPoolExecutor(1) as pool:
        with services.database.write() as tx:
            services.directory.lock(tx, ALICE.id)
            moved = pool.submit(day.change, ALICE, department="Research")
            with pytest.raises(TimeoutError):
                moved.result(timeout=0.5)
            services.policy.hold(tx)
        moved.result(timeout=20)


def test_a_consumer_is_not_registered_anew_while_it_is_answered(day: Day) -> None:
    day.captured(ALICE)
    asked = day.request(ALICE)
    with ThreadPoolExecutor(1) as pool:
        with day.services.database.write() as tx:
            known = day.services.consumers.authenticate(tx, day.secrets["pipeline"], day.now)
            day.services.access.evaluate(tx, known, asked, day.now)
            anew = pool.submit(day.register, "pipeline", ["ai_training.evaluation"], ["training"])
            with pytest.raises(TimeoutError):
                anew.result(timeout=0.5)
        anew.result(timeout=20)
    assert day.log().findings() == ()
