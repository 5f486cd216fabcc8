"""Since when a notice holds is not taken from a row that somebody wrote. Attacks.

What was captured after a newer notice came, and before somebody agreed to it, may not be read.
"""

from dataclasses import replace

import pytest

from app.consent.model import Act
from app.consent.offers import Notice
from app.consent.packs import read_notice
from app.wiring import build
from tests.access.office import ALICE, HOUR, Office, codes
from tests.access.raided import Raided

pytestmark = pytest.mark.slow

LATER = "UPDATE notice_text SET adopted_at = '2036-01-01 00:00:00.000000' WHERE version = {0}"


def newer(notice: Notice) -> Notice:
    """The same words in the next version."""
    before, after = (f"\nversion: {notice.version + one}\n".encode() for one in (0, 1))
    changed = notice.source.replace(before, after, 1)
    assert changed != notice.source
    return read_notice(changed, f"{notice.id}/{notice.language}.md")


@pytest.fixture
def renewed(raided: Raided) -> Raided:
    """Alice agrees; three hours later another notice comes, and after three more she agrees."""
    office = raided.office.captured(ALICE)
    texts = tuple(newer(notice) for notice in raided.shipped.notices)
    raided.shipped = replace(raided.shipped, notices=texts)
    services = build(office.services.settings, clock=office.clock, shipped=raided.shipped)
    raided.started.callback(services.close)
    raided.office = Office(services, office.clock, office.secrets)
    raided.office.clock.advance(3 * HOUR)
    raided.office.opt_in(ALICE)
    return raided


def asked(raided: Raided, hours_ago: int) -> tuple[bool, list[str]]:
    """Whether an hour that began so long ago may be read, and the reasons."""
    start = raided.office.now - hours_ago * HOUR
    answer = raided.office.ask(ALICE, captured_from=start, captured_to=start + HOUR)
    return answer.decision, codes(answer)


def test_what_was_captured_after_a_newer_notice_rests_on_nothing(renewed: Raided) -> None:
    assert asked(renewed, 5)[0], "the notice of that hour was agreed to"
    decision, reasons = asked(renewed, 2)
    assert not decision
    assert reasons


def test_a_newer_notice_that_somebody_moves_opens_nothing(renewed: Raided) -> None:
    version = renewed.shipped.notices[0].version
    before = asked(renewed, 2)
    renewed.attack(LATER.format(version))
    assert asked(renewed, 2) == before, "the same reason as without the attack"
    assert "notice:capture" in renewed.alarms
    renewed.office.decide(ALICE, Act.WITHDRAWN)


def test_who_reads_since_when_laptops_may_hold_old_permissions_is_told_the_latest(
    renewed: Raided,
) -> None:
    """A notice that is moved to the past ends no permission that a laptop may still hold."""
    renewed.attack("UPDATE notice_text SET adopted_at = '2020-01-01 00:00:00.000000'")
    services, now = renewed.office.services, renewed.office.now + HOUR
    with services.database.read() as tx:
        situation = services.capture.situation(tx, ALICE, now)
        assert services.capture.changed_at(tx, situation, now).at == now
