"""A day on which everything changes, for logs in which there is something of every kind."""

from datetime import timedelta

from app.consent.model import Act
from tests.access.office import ALICE, BOB, HOUR, LAWYERS, MANAGER, RESEARCHER, TOP, codes
from tests.sdk.day import Day


def eventful(day: Day) -> None:
    """Everything that a lease or a decision can hang on changes at least once."""
    people_decide(day)
    policy_changes(day)
    consumers_ask(day)
    people_move(day)
    people_go(day)


def people_decide(day: Day) -> None:
    people = (ALICE, BOB, RESEARCHER)
    for person in people:
        day.pair(person)
        assert day.poll(person) == ("consent_missing",)
    day.captured(*people)
    for person in people:
        assert day.poll(person) == ()
    assert day.ask(ALICE, BOB).decision
    day.decide(ALICE, Act.PAUSED, day.now + HOUR)
    assert day.poll(ALICE) == ("paused",)
    assert codes(day.ask(ALICE)) == ["consent_now"]
    day.clock.advance(2 * HOUR)
    assert day.poll(ALICE) == ()
    day.decide(ALICE, Act.PAUSED, day.now + HOUR)
    assert day.poll(ALICE) == ("paused",)
    day.decide(ALICE, Act.RESUMED)
    assert day.poll(ALICE) == ()
    assert day.ask(ALICE, captured_from=day.now, captured_to=day.now).decision
    day.poll(ALICE, place="DE")
    day.poll(ALICE, place="JP")
    day.decide(BOB, Act.WITHDRAWN)
    assert day.poll(BOB) == ("consent_withdrawn",)
    day.ask(BOB)
    day.decide(RESEARCHER, Act.REFUSED)
    day.poll(RESEARCHER)


def policy_changes(day: Day) -> None:
    day.stop("US-CA")
    assert "stopped" in day.poll(ALICE)
    day.ask(ALICE)
    day.resume("US-CA")
    day.clock.advance(HOUR)
    day.poll(ALICE)
    day.tighten("US-CA", notice_lead_days={"value": 3})
    day.poll(ALICE)
    day.tighten("US-CA", notice_lead_days={"value": 3}, hours={"value": {"mon": "08-18"}})
    day.poll(ALICE)
    day.ask(ALICE)
    day.publish("US-CA", LAWYERS, notice_lead_days={"value": 3})
    day.poll(ALICE)
    day.clock.advance(timedelta(days=4))
    day.poll(ALICE)
    day.ask(ALICE)


def consumers_ask(day: Day) -> None:
    day.ask_for(MANAGER, ALICE)
    day.ask_for(TOP, ALICE)
    day.ask(ALICE, purpose="performance_evaluation")
    day.ask(ALICE, purpose="a purpose that nobody knows")
    day.ask(ALICE, consumer="people-analytics")
    day.ask_for(ALICE, ALICE, consumer="rights-desk", purpose="rights.fulfilment", signals=())
    day.ask(ALICE, persons=(ALICE.id, "E-404"))
    day.change(ALICE, manager=RESEARCHER.id)
    day.ask_for(RESEARCHER, ALICE)
    day.change(RESEARCHER, manager=MANAGER.id)
    day.ask_for(MANAGER, ALICE)


def people_move(day: Day) -> None:
    day.change(ALICE, place="US-NY")
    day.poll(ALICE)
    day.ask(ALICE)
    day.change(ALICE, region="DE", place="DE", entity="DE/Beispiel GmbH")
    day.poll(ALICE)
    day.ask(ALICE)
    day.change(ALICE, region="US-CA", place="US-CA", entity="US/Example Devices Inc")
    day.poll(ALICE)
    day.opt_in(day.person(ALICE))
    day.poll(ALICE)
    day.clock.advance(HOUR)
    day.ask(ALICE)


def people_go(day: Day) -> None:
    day.revoke(ALICE)
    day.poll(ALICE)
    day.opt_in(day.person(ALICE))
    day.revoke_device(ALICE)
    day.poll(ALICE)
    day.pair(ALICE)
    day.poll(ALICE)
    day.leave(ALICE)
    day.poll(ALICE)
    day.ask(ALICE)
    day.change(ALICE, active=True)
    day.poll(ALICE)
    day.register("pipeline", ["ai_training.evaluation"], ["training"])
    day.ask(BOB)
    day.clock.advance(timedelta(days=370))
    day.poll(BOB)
    day.ask(BOB)
