"""What a laptop can hold, and what the page says of it, on both databases.

Each test has a person of its own; the clock of the module only runs forward.
"""

from datetime import timedelta
from itertools import count

import pytest

from app.agents.devices.model import Device
from app.agents.leases.terms import MIN_AGENT, Poll
from app.audit.entries.model import SYSTEM
from app.kernel.forms import AGENT_FORM, FIRST_FORM
from app.web.employee.overview import laptop_rows
from tests.make import person
from tests.web.house import Browser, House, headline, words
from tests.web.visiting import employ

NUMBERS = count(1)


@pytest.fixture
def laptop(house: House) -> tuple[Browser, Device]:
    """Somebody new in California who agreed, with a laptop that was told to capture."""
    browser, device = agreed(house)
    assert house.poll(device)
    return browser, device


def agreed(house: House, region: str = "US-CA") -> tuple[Browser, Device]:
    name, entity = f"L-{next(NUMBERS):04}", "US/Example Devices Inc"
    employ(house.services, [person(name, region=region, place=region, entity=entity)])
    browser, device = house.signed_in(name), house.pair(name)
    browser.press("/me/decide", "Capture me")
    return browser, device


def poll(house: House, device: Device, place: str | None = None, form: int = AGENT_FORM) -> None:
    """Let a laptop ask; nothing is integrated."""
    with house.services.database.write() as tx:
        asked = Poll(place=place, forms=str(form))
        house.services.leases.lease(tx, device, house.clock.now(), asked)


def test_before_the_laptop_has_asked_nothing_is_captured_yet(house: House) -> None:
    browser, device = agreed(house)
    page = browser.get("/me").text
    assert headline(page).startswith("Nothing is captured yet: you agreed, and your laptop has not")
    assert "From the next check on, your pointer" in words(page)
    assert "Captured from the next check on" in words(page)
    assert house.poll(device)
    assert headline(browser.get("/me").text).startswith("Your pointer")


def test_law_8_a_laptop_whose_program_is_too_old_is_not_called_captured(house: House) -> None:
    """Its lease says for which programs it is; the older one turns itself off."""
    browser, device = agreed(house)
    poll(house, device, form=FIRST_FORM)
    house.integrate()
    page = browser.get("/me").text
    assert headline(page) == ("Nothing is captured: the capture program on your laptop is too old.")
    assert f"Its capture program is older than {MIN_AGENT}" in words(page)
    assert "Would be captured" in words(page)
    poll(house, device)
    assert headline(browser.get("/me").text).startswith("Your pointer")


def test_a_permission_counts_before_its_entry_has_a_number(house: House) -> None:
    browser, device = agreed(house)
    poll(house, device)
    page = browser.get("/me").text
    assert headline(page).startswith("Your pointer")
    assert "Was told to capture at" in words(page)
    assert "being written to the log" in words(page)


def test_under_a_stop_capture_is_said_to_end_until_the_last_permission_has_ended(
    house: House,
) -> None:
    browser, device = agreed(house, "US-NY")
    assert house.poll(device)
    house.clock.advance(5 * 60)
    stopped = house.clock.now()
    with house.services.database.write() as tx:
        officer = house.services.directory.person(tx, "E-0008")
        house.services.policy.stops.stop(tx, officer, "US-NY", "an incident", stopped)
    until = f"Capture ends by {stopped + timedelta(minutes=15):%H:%M} UTC at the latest"
    assert headline(browser.get("/me").text).startswith(f"{until}. Capture is stopped")
    house.clock.advance(14 * 60)
    assert headline(browser.get("/me").text).startswith(until), "the instant does not move"
    house.clock.advance(60)
    page = browser.get("/me").text
    assert headline(page).startswith("Nothing is captured. Capture is stopped")
    assert "Has not asked since the rules changed" in words(page)
    assert "that permission has ended" in words(page)


def test_a_laptop_unpaired_with_a_permission_in_hand_shows_in_the_headline(
    house: House, laptop: tuple[Browser, Device]
) -> None:
    browser, device = laptop
    browser.press(f"/me/devices/{device.id}", "Unpair this laptop")
    page = browser.get("/me").text
    assert headline(page).startswith("Capture ends by")
    assert headline(page).endswith("no laptop is paired any more.")
    house.clock.advance(15 * 60)
    assert headline(browser.get("/me").text) == (
        "Nothing is captured: you agreed, but no laptop is paired."
    )


def test_who_stopped_reads_no_signal_as_captured(
    house: House, laptop: tuple[Browser, Device]
) -> None:
    browser, device = laptop
    browser.press("/me", "Stop capturing me")
    page = browser.get("/me").text
    assert headline(page).startswith("Capture ends by")
    assert "Nothing, once every laptop has heard." in words(page)
    assert not house.poll(device)
    page = browser.get("/me").text
    assert headline(page).startswith("Nothing is captured. You said stop")
    assert 'data-label="Would be captured"' in page
    assert 'data-label="Captured"' not in page


def test_what_a_laptop_holds_of_somebody_who_left_is_counted_from_their_leaving(
    house: House, laptop: tuple[Browser, Device]
) -> None:
    _, device = laptop
    house.clock.advance(60)
    with house.services.database.write() as tx:
        now = house.clock.now()
        house.services.directory.leave(tx, device.person_id, SYSTEM, now)
        gone = house.services.directory.person(tx, device.person_id)
        situation = house.services.capture.situation(tx, gone, now)
        (row,) = laptop_rows(house.services, tx, situation, now)
    assert row.state == "waiting"
    assert row.until == now + timedelta(minutes=15)
    assert not row.own


def test_a_laptop_where_the_law_forbids_it_is_not_counted(
    house: House, laptop: tuple[Browser, Device]
) -> None:
    browser, device = laptop
    poll(house, device, "NO")
    page = browser.get("/me").text
    assert "Was told not to capture at" in words(page)
    assert headline(page) == (
        "Nothing is captured: the rules of where your laptop is do not allow it."
    )
