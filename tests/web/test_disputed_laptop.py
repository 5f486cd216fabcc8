"""A laptop whose row was changed with SQL: its person reads that it is off, why, and unpairs it."""

import pytest

from app.consent.model import Act
from tests.tamper import sql
from tests.web.house import House, words

PERSON = "E-0043"


def agree(house: House) -> None:
    services, now, who = house.services, house.clock.now(), house.person(PERSON)
    with services.database.write() as tx:
        offer = services.capture.situation(tx, who, now).offer
        shown = services.notices.show(tx, who, offer, "en", now)
        services.consent.decide(tx, who, Act.GIVEN, now, shown_id=shown.id)


@pytest.mark.parametrize("value", ["'none'", "''"])
def test_whose_laptop_is_disputed_reads_it_and_unpairs_it_with_one_press(
    value: str, house: House
) -> None:
    visitor = house.signed_in(PERSON)
    agree(house)
    device = house.pair(PERSON)
    house.poll(device)
    house.integrate()
    sql(
        house.services.database,
        f"UPDATE agent_device SET public = {value} WHERE device_id = '{device.id}'",
    )
    house.poll(device)
    house.integrate()
    home = words(visitor.get("/me").text)
    assert "Nothing is captured: the record of your laptop does not agree with the log." in home
    assert "Ask your data protection officer" in home
    line = words(visitor.get(f"/me/devices/{device.id}").text)
    assert "Its record does not agree with the log, so it was told not to capture" in line
    pressed = visitor.press(f"/me/devices/{device.id}", "Unpair this laptop")
    assert "is unpaired" in words(pressed.text)
    with house.services.database.read() as tx:
        (now,) = [
            one for one in house.services.devices.of_person(tx, PERSON) if one.id == device.id
        ]
    assert not now.active
