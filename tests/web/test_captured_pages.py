"""What one's laptops captured and dropped: counts by app, kind, reason and place, nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.agents.devices.model import Device
from app.agents.reports.model import AgentReport, Captured, ExcludedEvents, Totals
from app.directory.model import Person
from app.kernel.refusals import REPORTABLE
from app.kernel.vocabulary import Signal
from app.web.employee.past.captured import OWN, UNSAID, captured_counts
from app.web.shell.levels import Level
from tests.make import person
from tests.web.house import Browser, House, words
from tests.web.visiting import employ

NUMBERS = count(1)


@dataclass
class Reporting:
    """Somebody with a laptop, signed in."""

    house: House
    person: Person
    laptop: Device
    browser: Browser

    def report(
        self,
        allowed: tuple[Captured, ...] = (),
        refused: Mapping[str, int] | None = None,
        excluded: tuple[ExcludedEvents, ...] = (),
    ) -> None:
        """The laptop reports."""
        services = self.house.services
        told = AgentReport(f"r-{next(NUMBERS):08}", None, None, allowed, refused or {}, excluded)
        with services.database.write() as tx:
            services.reports.take(tx, self.laptop, told, services.clock.now())

    def reads(self, path: str = "/me/captured") -> str:
        """What a page says, in a session of now."""
        answer = self.house.signed_in(self.person.id).get(path)
        assert answer.status_code == 200
        return words(answer.text)


@pytest.fixture
def someone(house: House) -> Reporting:
    whose = person(f"C-{next(NUMBERS)}")
    employ(house.services, [whose])
    laptop = house.pair(whose.id)
    return Reporting(house, whose, laptop, house.signed_in(whose.id))


def test_before_the_first_report_the_page_says_so_and_what_a_report_is(someone: Reporting) -> None:
    assert "No laptop of yours has reported anything so far." in someone.reads()
    assert "So far your laptops report" not in someone.reads("/me")
    assert "What they captured, and what not" in someone.reads("/me")


def test_captured_events_are_counted_by_app_and_by_kind(someone: Reporting) -> None:
    clicks, menus = Captured("github", Signal.CLICK, 1_204), Captured("vscode", Signal.MENU, 3)
    someone.report((clicks, menus))
    someone.report((Captured("github", Signal.MENU, 40),))
    said = someone.reads()
    assert "Your laptops report 1,247 captured events and 0 events that were not captured." in said
    for line in ("GitHub 1,244", "Visual Studio Code 3", "Clicks 1,204", "Menus 43"):
        assert line in said
    assert said.index("GitHub 1,244") < said.index("Visual Studio Code 3")
    assert "No laptop reports an event that it dropped." in said
    home = someone.reads("/me")
    assert "1,247 captured events in 2 apps, and 0 events not captured. Where, and why not" in home


def test_dropped_events_are_counted_by_reason_and_by_the_name_of_the_place(
    someone: Reporting,
) -> None:
    places = (ExcludedEvents("hr_payroll", 12), ExcludedEvents("banking", 1))
    someone.report(refused={"excluded": 15, "app_unlisted": 1}, excluded=places)
    said = someone.reads()
    assert "Your laptops report 0 captured events and 16 events that were not captured." in said
    assert "Nothing was captured." in said
    for line in (
        "In a place that is never captured 15",
        "In an app or on a site that is not listed 1",
        "HR and payroll 12",
        "Banking and payment 1",
        f"{UNSAID} 2",
    ):
        assert line in said
    for code in ("hr_payroll", "app_unlisted"):
        assert code not in someone.browser.get("/me/captured").text


def test_a_place_of_the_companys_own_is_named_to_whom_it_holds_for(house: House) -> None:
    """The works council of Germany has pages; what somebody in California reports has no name."""
    for region, name in (("DE", "Pages of the works council"), ("US-CA", OWN)):
        whose = person(f"C-{next(NUMBERS)}", region=region)
        employ(house.services, [whose])
        told = Reporting(house, whose, house.pair(whose.id), house.signed_in(whose.id))
        told.report(refused={"excluded": 4}, excluded=(ExcludedEvents("own.works_council", 4),))
        assert f"{name} 4" in told.reads()


def test_the_counts_of_another_person_are_not_shown(someone: Reporting, house: House) -> None:
    someone.report((Captured("github", Signal.CLICK, 777),), {"excluded": 1})
    stranger = person(f"C-{next(NUMBERS)}", "auditor", "legal@GLOBAL", "admin")
    employ(house.services, [stranger])
    said = words(house.signed_in(stranger.id).get("/me/captured").text)
    assert "No laptop of yours has reported anything so far." in said
    assert "777" not in said


def test_counts_of_a_laptop_that_is_unpaired_stay_on_the_page(someone: Reporting) -> None:
    someone.report((Captured("github", Signal.CLICK, 5),))
    services = someone.house.services
    with services.database.write() as tx:
        services.devices.revoke(tx, someone.person, someone.laptop.id, services.clock.now())
    assert "GitHub 5" in someone.reads()


def test_the_days_of_the_reports_are_named(someone: Reporting) -> None:
    someone.report(refused={"paused": 1})
    first = f"{someone.house.clock.now():%-d %B %Y}"
    assert f"All reports of {first} " in someone.reads()
    someone.house.clock.advance(2 * 86_400)
    someone.report(refused={"paused": 1})
    last = f"{someone.house.clock.now():%-d %B %Y}"
    assert f"All reports from {first} to {last} " in someone.reads()


def test_every_bar_is_hidden_from_who_cannot_see_it_and_its_figure_is_not(
    someone: Reporting,
) -> None:
    someone.report((Captured("github", Signal.CLICK, 5),), {"excluded": 2})
    text = someone.browser.get("/me/captured").text
    bars = re.findall(r'<td class="bar"><svg [^>]*>', text)
    assert len(bars) == 4
    assert all('aria-hidden="true"' in bar for bar in bars)
    assert text.count('<td class="figure">') == len(bars)


COUNTS = st.integers(1, 2**40)
ROWS = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from(Signal)), COUNTS)
REFUSALS = st.dictionaries(st.sampled_from(sorted(REPORTABLE)), COUNTS)
PLACES = st.dictionaries(st.sampled_from(["tax", "own.tax", "own.lab", "gone"]), st.integers(1, 9))


def total(lines: tuple[Level, ...]) -> int:
    return sum(line.count for line in lines)


@given(rows=ROWS, refused=REFUSALS, places=PLACES)
def test_every_list_adds_up_to_the_same_events(
    rows: dict[tuple[str, Signal], int], refused: dict[str, int], places: dict[str, int]
) -> None:
    unsaid = refused.get("excluded", 0)
    refused |= {"excluded": unsaid + sum(places.values())}
    totals = Totals(
        tuple(Captured(app, signal, n) for (app, signal), n in rows.items()),
        tuple(refused.items()),
        tuple(ExcludedEvents(place, n) for place, n in places.items()),
    )
    counts = captured_counts(totals, {}, {"tax": "Taxes", "own.tax": "Taxes"})
    assert total(counts.apps) == total(counts.signals) == counts.captured == sum(rows.values())
    assert total(counts.reasons) == counts.dropped == sum(refused.values())
    assert total(counts.places) == refused["excluded"]
    by_name = {line.words: line.count for line in counts.places}
    assert by_name.keys() <= {"Taxes", OWN, UNSAID}
    assert by_name.get(UNSAID, 0) == unsaid
    for lines in (counts.apps, counts.signals, counts.reasons, counts.places):
        assert len({line.words for line in lines}) == len(lines)
        assert [line.count for line in lines] == sorted((n.count for n in lines), reverse=True)
