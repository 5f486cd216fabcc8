"""What a notice says is never recorded: the exclusions of the offer that it is shown with."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given

from app.capture.situation import Situation, offer_to
from app.consent.model import Act
from app.consent.offers import Notice, Offer
from app.policy.agreement import Limits
from app.policy.knobs import EXCLUSIONS, OWN_EXCLUSIONS
from app.policy.own_exclusions import as_exclusions
from app.web.employee.decide_words import decide_words
from app.web.employee.notice_text import as_html
from app.web.shell.door import cookie_name
from tests.capture.test_one_answer import situations
from tests.make import person
from tests.web.house import Browser, House, start_session, words
from tests.web.visiting import employ

NUMBERS = count(1)
SENTENCE = {"en": "Never recorded, in any app: ", "de": "Nie aufgezeichnet, in keiner App: "}


def sentence(page: str, language: str) -> str:
    """What a text names as never recorded."""
    return words(page).partition(SENTENCE[language])[2].partition(". ")[0]


def tells(page: str, language: str, names: set[str]) -> bool:
    """Whether a text names these as never recorded, and nothing else."""
    rest = sentence(page, language)
    present = all(name in rest for name in names)
    for name in sorted(names, key=len, reverse=True):
        rest = rest.replace(name, "", 1)
    return present and not rest.strip(" ;")


def named(places: Iterable[str], names: dict[str, str], language: str) -> set[str]:
    return {decide_words(language).place(place, names.get(place, place)) for place in places}


def text(language: str) -> Notice:
    return Notice("capture", 2, language, "Title", "Before. {never} After.", "", (), b"")


@pytest.mark.parametrize("language", SENTENCE)
@given(situation=situations())
def test_the_sentence_names_what_is_excluded_and_nothing_else(
    language: str, situation: Situation
) -> None:
    """Over generated floors and policies, also such that lack an exclusion or have none at all."""
    page = as_html(text(language), "Example Devices", situation.offer)
    catalogue, compiled = situation.open.catalogue, situation.open.compiled
    own = {item.id: item.name for item in as_exclusions(compiled[OWN_EXCLUSIONS])}
    excluded = compiled[EXCLUSIONS] | own.keys()
    names = {name: item.name for name, item in catalogue.exclusions.items()} | own
    told = set(sentence(page, language).split("; ")) - {""}
    assert told == named(excluded, names, language)
    assert (decide_words(language).never_nowhere in page) == (not excluded)
    assert "{" not in page


class Reader(Browser):
    """The browser of somebody who has not decided yet."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.house, self.name = house, f"R-{next(NUMBERS)}"
        employ(house.services, [person(self.name)])
        token = start_session(house.services, self.name)
        self.http.cookies.set(cookie_name(house.services.settings), token)

    @property
    def situation(self) -> Situation:
        services = self.house.services
        with services.database.read() as tx:
            one = services.directory.person(tx, self.name)
            return services.capture.situation(tx, one, self.house.clock.now())

    def agree(self, more: set[str], fewer: set[str]) -> None:
        """Agree to an offer in which more or fewer places are excluded than today."""
        services, now, situation = self.house.services, self.house.clock.now(), self.situation
        compiled = situation.open.compiled
        excluded = (compiled[EXCLUSIONS] | more) - fewer
        values = {**compiled.values, EXCLUSIONS.name: excluded}
        limits = Limits(replace(compiled, values=values), situation.open.catalogue)
        offer = offer_to(situation.person, situation.in_force, limits)
        with services.database.write() as tx:
            shown = services.notices.show(tx, situation.person, offer, "de", now)
            services.consent.decide(tx, situation.person, Act.GIVEN, now, shown_id=shown.id)

    def shipped(self, places: Iterable[str], language: str) -> set[str]:
        shipped = self.house.services.policy.shipped.exclusions
        return named(places, {name: item.name for name, item in shipped.items()}, language)


@pytest.mark.parametrize("language", SENTENCE)
def test_the_notice_of_today_names_what_is_excluded_today(house: House, language: str) -> None:
    reader = Reader(house)
    page = reader.get(f"/me/notice?language={language}").text
    excluded = reader.situation.open.compiled[EXCLUSIONS]
    assert tells(page, language, reader.shipped(excluded, language))
    assert "{" not in words(page)


@pytest.mark.parametrize(
    ("more", "fewer"),
    [({"direct_messages"}, set()), (set(), {"banking"}), (set(), {"password_fields", "tax"})],
    ids=["a company excluded one more", "a floor lacked one", "a floor lacked two"],
)
def test_the_notice_that_was_agreed_to_names_what_was_excluded_then(
    house: House, more: set[str], fewer: set[str]
) -> None:
    """Read again, it says what it said."""
    reader = Reader(house)
    reader.agree(more, fewer)
    today = reader.situation.open.compiled[EXCLUSIONS]
    then = reader.shipped((today | more) - fewer, "de")
    assert tells(reader.get("/me/notice").text, "de", then)
    assert not tells(reader.get("/me/notice?language=de").text, "de", then)


@pytest.mark.parametrize("language", SENTENCE)
def test_before_the_decision_the_notice_and_the_list_of_the_offer_name_the_same_places(
    house: House, language: str
) -> None:
    """What the company adds is bound by a yes like what the law excludes."""
    reader = Reader(house)
    page = words(reader.get(f"/me/decide?language={language}").text)
    excluded = reader.situation.open.compiled[EXCLUSIONS]
    listed = page[page.index(decide_words(language).offered) :]
    assert tells(page, language, reader.shipped(excluded, language))
    assert all(name in listed for name in reader.shipped(excluded, language))


def test_the_name_of_the_employer_puts_nothing_in() -> None:
    """An employer called like a place of the text stays a name."""
    offer = Offer("US", ("US",), (), (), (), {}, (), ())
    page = as_html(replace(text("en"), markdown="{controller}"), "{never} <b>", offer)
    assert "{never} &lt;b&gt;" in page
