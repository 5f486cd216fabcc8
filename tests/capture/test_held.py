"""What is recorded of a situation stays so until the record is committed."""

import threading
from dataclasses import replace

from tests.access.office import ALICE, LAWYERS, Office


def test_a_policy_that_comes_meanwhile_waits_until_the_offer_is_recorded(office: Office) -> None:
    published = threading.Event()

    def publish() -> None:
        office.publish("US-CA", LAWYERS, screenshot_min_interval_s={"value": 60})
        published.set()

    publisher = threading.Thread(target=publish)
    with office.services.database.write() as tx:
        held = office.services.capture.held(tx, ALICE, office.now)
        publisher.start()
        assert not published.wait(0.5)
        assert office.services.capture.situation(tx, ALICE, office.now).offer == held.offer
    assert published.wait(20)
    publisher.join()


def test_a_move_that_comes_meanwhile_waits_too(office: Office) -> None:
    moved = threading.Event()

    def move() -> None:
        office.hire(replace(ALICE, place="US-NY"))
        moved.set()

    mover = threading.Thread(target=move)
    with office.services.database.write() as tx:
        assert office.services.capture.held(tx, ALICE, office.now).person.place == ALICE.place
        mover.start()
        assert not moved.wait(0.5)
    assert moved.wait(20)
    mover.join()
