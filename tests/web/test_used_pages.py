"""Who used one's data, what was read, and who looked one up; the permitted comes first."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from app.access.decision.inquiry import EvaluationRequest
from app.access.decision.model import Closed, Use
from app.consent.model import Act
from app.directory.model import Person
from app.kernel.signing import unb64u
from app.web.employee.past.used import read_in_words
from tests.make import person
from tests.web.house import Browser, House, controls, words
from tests.web.visiting import employ

NUMBERS = count(1)
TRAINING = "ai_training.computer_use"
ADMIN, AUDITOR = person("U-ADMIN", "admin"), person("U-AUDITOR", "auditor", "dpo")


@dataclass
class Asked:
    """Somebody whose data one consumer asks for."""

    house: House
    person: Person
    secret: str
    browser: Browser

    def ask(self, purpose: str = TRAINING) -> str | None:
        """Ask for clicks and menus of the hour before last; the grant's id, where permitted."""
        services, now = self.house.services, self.house.clock.now()
        hour = timedelta(hours=1)
        request = EvaluationRequest(
            subject_type="consumer", subject_id=f"pipeline-{self.person.id.lower()}", action="read",
            resource_type="captured_data", resource_id="ui-events", persons=(self.person.id,),
            signals=("click", "menu"), captured_from=now - 2 * hour, captured_to=now - hour,
            purpose=purpose,
        )  # fmt: skip
        with services.database.write() as tx:
            consumer = services.consumers.authenticate(tx, self.secret, services.clock.now())
            answer = services.access.evaluate(tx, consumer, request, now)
        if not answer.decision:
            return None
        return str(json.loads(unb64u(answer.context["grant"].split(".")[1]))["jti"])

    def close(self, grant: str, outcome: str, rows: int = 0) -> None:
        services = self.house.services
        with services.database.write() as tx:
            consumer = services.consumers.authenticate(tx, self.secret, services.clock.now())
            services.access.use(tx, consumer, grant, outcome, self.house.clock.now(), rows=rows)


@pytest.fixture
def asked(house: House) -> Asked:
    whose, services = person(f"U-{next(NUMBERS)}"), house.services
    employ(services, [whose, ADMIN, AUDITOR])
    with services.database.write() as tx:
        now = house.clock.now()
        situation = services.capture.situation(tx, whose, now)
        shown = services.notices.show(tx, whose, situation.offer, "en", now)
        services.consent.decide(tx, whose, Act.GIVEN, now, shown_id=shown.id)
        secret = services.consumers.register(
            tx, ADMIN, f"pipeline-{whose.id.lower()}", "The pipeline", [TRAINING], ["training"], now
        )
    house.clock.advance(3 * 3600)
    return Asked(house, whose, secret, house.signed_in(whose.id))


def test_the_permitted_is_shown_first_and_says_what_was_read(asked: Asked) -> None:
    grant = asked.ask()
    assert grant is not None
    for _ in range(7):
        assert asked.ask("performance_evaluation") is None
    page = words(asked.browser.get("/me").text)
    assert "Asked for your data so far: 8 times. 1 permitted, 7 refused." in page
    assert page.index("Permitted. Read: not said yet.") < page.index("Refused.")
    assert "The pipeline asked for clicks and menus of ui-events, captured" in page
    assert "The newest of each follow, the permitted first." in page
    assert "All 8, and what was read" in page
    asked.close(grant, "used", rows=1_200)
    assert "Read: 1,200 rows of you." in words(asked.browser.get("/me").text)


def test_a_permit_that_was_not_used_says_so(asked: Asked) -> None:
    grant = asked.ask()
    assert grant is not None
    asked.close(grant, "unused")
    assert "Read: nothing: the permit was not used." in words(asked.browser.get("/me/uses").text)


def test_what_nobody_said_in_time_is_told_as_that(asked: Asked) -> None:
    assert asked.ask() is not None
    asked.house.clock.advance(25 * 3600)
    page = words(asked.house.signed_in(asked.person.id).get("/me/uses").text)
    assert "Read: never said, and it is too late to." in page


def test_all_of_it_can_be_read_page_by_page_and_by_outcome(asked: Asked) -> None:
    assert asked.ask() is not None
    for _ in range(45):
        asked.ask("performance_evaluation")
    seen, path = [], "/me/uses"
    while path:
        page = asked.browser.get(path).text
        seen.append(words(page).count("The pipeline asked for"))
        path = next((href for href in links(page) if "before=" in href), "")
    assert seen == [20, 20, 6]
    page = words(asked.browser.get("/me/uses?only=permit").text)
    assert page.count("The pipeline asked for") == 1
    assert "Refused." not in page
    for wrong in ("/me/uses?only=maybe", "/me/uses?before=x", "/me/readings?before=-1"):
        assert asked.browser.get(wrong).status_code == 422, wrong


def links(page: str) -> Iterator[str]:
    yield from (control.href for control in controls(page) if control.href)


def test_nobody_sees_what_was_asked_about_another(asked: Asked) -> None:
    assert asked.ask() is not None
    stranger = asked.house.signed_in("U-ADMIN")
    assert "The pipeline" not in words(stranger.get("/me/uses").text)


def test_who_looked_the_person_up_is_shown_by_role_and_reason(asked: Asked) -> None:
    desk, services, now = asked.house.services.desk, asked.house.services, asked.house.clock.now()
    assert "Nobody has, apart from your own pages." in words(asked.browser.get("/me").text)
    with services.database.write() as tx:
        desk.look_up(tx, AUDITOR, asked.person.id, "a complaint", now)
        desk.look_up(tx, AUDITOR, "U-ADMIN", "another matter", now)
    asked.house.integrate()
    for path in ("/me", "/me/readings"):
        page = words(asked.browser.get(path).text)
        assert "looked up under which name you are in the log. Reason: “a complaint”." in page
        assert "Somebody who is auditor and data protection officer" in page
        assert "another matter" not in page


def test_readings_are_read_page_by_page(asked: Asked) -> None:
    services, now = asked.house.services, asked.house.clock.now()
    with services.database.write() as tx:
        for number in range(23):
            services.desk.look_up(tx, AUDITOR, asked.person.id, f"reason {number}", now)
    asked.house.integrate()
    assert "Everybody who did" in words(asked.browser.get("/me").text)
    first = asked.browser.get("/me/readings").text
    older = asked.browser.get(next(href for href in links(first) if "before=" in href)).text
    assert words(first).count("Reason:") + words(older).count("Reason:") == 23
    assert "“reason 0”" in words(older)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (0, "3 rows of you"),
        (1, "3 rows of you and 1 other person"),
        (2, "3 rows of you and 2 other people"),
    ],
)
def test_what_was_read_says_of_how_many_it_was(others: int, said: str) -> None:
    at = datetime(2026, 11, 16, tzinfo=UTC)
    closed = Closed("grant", "used", 3, None, "event", at)
    use = Use(1, "c", "C", TRAINING, "permit", (), at, "event", closed)
    assert read_in_words(use, others, at) == said
