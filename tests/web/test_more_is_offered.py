"""More is offered than was agreed to: told once, looked at, taken or left, on both databases."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given

from app.capture.situation import Situation, offer_to
from app.capture.widening import wider
from app.consent.model import Act, Decision
from app.kernel.vocabulary import Mode
from app.policy.agreement import Limits, agreement_to, within
from app.policy.catalogue.model import App, Catalogue, Exclusion, Matchers
from app.policy.lattice import compile_layers
from app.web.employee.decide_words import decide_words
from app.web.employee.state.wider_words import wider_in_words
from app.web.shell.door import cookie_name
from tests.capture.test_one_answer import situations
from tests.make import person
from tests.web.conftest import Site
from tests.web.house import Browser, House, controls, headline, start_session, words
from tests.web.visiting import employ
from tests.web.window import barriers

NUMBERS = count(1)
LESS: dict[str, Any] = {
    "signals.click.mode": Mode.REDACT,
    "signals.menu.retention_days": 7,
    "apps": frozenset({"jira"}),
}
LINES = (
    "Clicks: in full instead of in part",
    "Menus, kept: 30 days instead of 7 days",
)


@dataclass
class Agreed(Browser):
    """The browser of somebody who agreed to less than is offered now."""

    house: House
    id: str

    def __post_init__(self) -> None:
        super().__init__(self.house)

    @property
    def history(self) -> tuple[Decision, ...]:
        with self.house.services.database.read() as tx:
            return self.house.services.consent.history(tx, self.id)

    @property
    def situation(self) -> Situation:
        services = self.house.services
        with services.database.read() as tx:
            whose = services.directory.person(tx, self.id)
            return services.capture.situation(tx, whose, self.house.clock.now())


@pytest.fixture
def agreed(house: House) -> Agreed:
    name = f"M-{next(NUMBERS)}"
    employ(house.services, [person(name)])
    agree_to_less(house, name)
    browser = Agreed(house, name)
    browser.http.cookies.set(
        cookie_name(house.services.settings), start_session(house.services, name)
    )
    return browser


def agree_to_less(house: House, name: str) -> None:
    services, now = house.services, house.clock.now()
    with services.database.write() as tx:
        whose = services.directory.person(tx, name)
        situation = services.capture.situation(tx, whose, now)
        compiled = situation.open.compiled
        less = replace(compiled, values={**compiled.values, **LESS})
        limits = Limits(less, situation.open.catalogue)
        offer = offer_to(whose, situation.in_force, limits)
        shown = services.notices.show(tx, whose, offer, "en", now)
        services.consent.decide(tx, whose, Act.GIVEN, now, shown_id=shown.id)


def labels(page: str) -> set[str]:
    return {control.label for control in controls(page)}


def test_what_is_offered_beyond_the_agreement_is_told_and_not_captured(agreed: Agreed) -> None:
    page = agreed.get("/me").text
    told = words(page).partition("More is offered now than you agreed to: ")[2]
    assert told.startswith("clicks: in full instead of in part; menus, kept: 30 days instead of 7")
    assert "Nothing of it is captured." in told
    assert agreed.situation.limits.compiled.values["signals.click.mode"] is Mode.REDACT


def test_looking_offers_both_ways_alike_and_keeping_decides_nothing(agreed: Agreed) -> None:
    page = agreed.get("/me/decide").text
    assert {"Agree to this", "Keep what I agreed"} <= labels(page)
    assert not {"Capture me", "Do not capture me"} & labels(page)
    assert all(line in words(page) for line in LINES)
    before = agreed.history
    page = agreed.press("/me/decide", "Keep what I agreed").text
    assert agreed.history == before
    assert agreed.situation.standing.stands
    assert headline(page).startswith("Nothing is captured: you agreed, but no laptop is paired")


def test_who_has_looked_is_not_told_again_and_can_look_again(agreed: Agreed) -> None:
    agreed.get("/me/decide")
    page = agreed.get("/me").text
    assert "More is offered now than you agreed to" not in words(page)
    assert "More is offered than you agreed to" in words(page)
    assert "Look at it again" in labels(page)
    assert "Agree to this" in labels(agreed.get("/me/decide").text)


def test_agreeing_to_more_is_a_decision_and_then_nothing_more_is_offered(agreed: Agreed) -> None:
    receipt = agreed.press("/me/decide", "Agree to this")
    assert headline(receipt.text) == "You agreed to be captured."
    assert [decision.act for decision in agreed.history] == [Act.GIVEN, Act.GIVEN]
    assert not agreed.situation.wider
    assert "offered than you agreed" not in words(agreed.get("/me").text)
    page = words(agreed.get("/me/decide").text)
    assert "You have agreed to this." in page
    assert "The ground that the text leaves to its button is, for you today: consent." in page


def test_under_a_pause_it_is_said_that_agreeing_ends_it(agreed: Agreed) -> None:
    agreed.press("/me", "1 hour")
    page = agreed.get("/me/decide").text
    assert {"Agree to this", "Keep what I agreed"} <= labels(page)
    assert "It ends your pause." in words(page)
    assert headline(agreed.press("/me/decide", "Keep what I agreed").text).startswith(
        "Nothing is captured. You paused until"
    )
    agreed.press("/me/decide", "Agree to this")
    assert agreed.situation.standing.stands


def test_it_is_told_in_german(agreed: Agreed) -> None:
    page = agreed.get("/me/decide?language=de").text
    assert {"Dem zustimmen", "Bei meiner Zusage bleiben"} <= labels(page)
    assert "Klicks: ganz statt zum Teil" in words(page)
    assert "Menüs, aufbewahrt: 30 Tage statt 7 Tage" in words(page)


def test_who_stopped_is_offered_everything_as_one(agreed: Agreed) -> None:
    agreed.press("/me", "Stop capturing me")
    agreed.house.clock.advance(timedelta(minutes=1))
    assert "offered now than you agreed" not in words(agreed.get("/me").text)
    assert {"Capture me", "Do not capture me"} <= labels(agreed.get("/me/decide").text)


@given(situations())
def test_each_difference_that_is_told_is_one_between_what_binds_and_what_is_offered(
    situation: Situation,
) -> None:
    bound, offered = situation.limits.compiled.values, situation.open.compiled.values
    for change in situation.wider.knobs:
        assert bound[change.knob] != offered[change.knob]
        assert change.direction == "widens"
    lines = wider_in_words(situation, decide_words("en"))
    more = situation.wider
    assert len(lines) == len(more.knobs) + len(more.apps) + len(more.exclusions)
    assert not lines or situation.agreement is not None


@given(situations())
def test_who_agreed_to_all_that_is_offered_is_offered_no_more(situation: Situation) -> None:
    everything = agreement_to("all", situation.open)
    assert not wider(within(situation.open, everything), situation.open)


def bound(matched: str, **values: Any) -> Limits:
    """Limits that say this; one app and one exclusion match the address."""
    match = Matchers(urls=(matched,))
    apps = {"a": App("a", "A", "office", match)}
    catalogue = Catalogue(apps, {"x": Exclusion("x", "X", "", match)})
    compiled = compile_layers([])
    named = {"apps": frozenset({"a"}), "exclusions": frozenset({"x"}), **values}
    return Limits(replace(compiled, values={**compiled.values, **named}), catalogue)


@pytest.mark.parametrize(("mode", "told"), [(Mode.DENY, ()), (Mode.ALLOW, ("30",))])
def test_days_count_as_more_only_where_the_signal_is_offered(
    mode: Mode, told: tuple[str, ...]
) -> None:
    kept, said = "signals.click.retention_days", {"signals.click.mode": mode}
    more = wider(bound("https://a", **said, **{kept: 7}), bound("https://a", **said, **{kept: 30}))
    assert tuple(str(change.after) for change in more.knobs) == told


def test_another_match_under_the_same_name_counts_as_more() -> None:
    more = wider(bound("https://a/b"), bound("https://a"))
    assert (more.knobs, more.apps, more.exclusions) == ((), ("a",), ("x",))
    assert not wider(bound("https://a"), bound("https://a"))


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_taking_more_and_keeping_weigh_the_same_and_axe_finds_no_barrier(
    scheme: str, site: Site
) -> None:
    name = f"M-B-{scheme}"
    employ(site.house.services, [person(name)])
    agree_to_less(site.house, name)
    page = site.open(name, "/me", color_scheme=scheme)
    assert not barriers(page)
    page.get_by_role("link", name="Look at it").click()
    assert not barriers(page)
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 800})
        sizes = [
            page.locator(".choices :is(button, .button)")
            .nth(place)
            .evaluate(
                "e => { const s = getComputedStyle(e), b = e.getBoundingClientRect(); "
                "return [b.width, b.height, s.fontWeight, s.fontSize, s.color, s.border] }"
            )
            for place in (0, 1)
        ]
        assert sizes[0] == sizes[1], f"at {width} px"
