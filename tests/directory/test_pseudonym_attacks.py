"""Whoever changes whom a pseudonym stands for makes nobody's decisions count for somebody else."""

from dataclasses import replace

import pytest

from app.audit.entries.model import SYSTEM
from tests.directory.company import LOW, OTHER, Company

SWAP = (
    "UPDATE audit_subject SET pseudonym = 'swapping' WHERE person_id = 'E-3'",
    "UPDATE audit_subject SET pseudonym = '{low}' WHERE person_id = 'E-4'",
    "UPDATE audit_subject SET pseudonym = '{other}' WHERE person_id = 'E-3'",
)
BACK = (
    SWAP[0],
    "UPDATE audit_subject SET pseudonym = '{other}' WHERE person_id = 'E-4'",
    "UPDATE audit_subject SET pseudonym = '{low}' WHERE person_id = 'E-3'",
)


def attack(company: Company, statements: tuple[str, ...], low: str, other: str) -> None:
    company.sql(*(statement.format(low=low, other=other) for statement in statements))


def test_two_people_whose_pseudonyms_were_swapped_are_disputed_also_when_put_back(
    company: Company,
) -> None:
    low, other = company.pseudonym("E-3"), company.pseudonym("E-4")
    attack(company, SWAP, low, other)
    assert company.person("E-3") == LOW, "whom the log means was read before, and never changes"
    company.start_again()
    people = company.people()
    assert {one.id for one in people.values() if one.disputed} == {"E-3", "E-4"}
    assert people["E-4"].roles == ()
    assert {alarm["chain"] for alarm in company.alarms()} == {f"subject:{low}", f"subject:{other}"}
    attack(company, BACK, low, other)
    company.start_again()
    assert company.person("E-3") == replace(LOW, disputed=True)
    assert company.person("E-4") == replace(OTHER, roles=(), disputed=True)


def test_a_pseudonym_that_was_deleted_leaves_somebody_disputed_who_can_come_in(
    company: Company,
) -> None:
    company.sql("DELETE FROM audit_subject WHERE person_id = 'E-4'")
    company.start_again()
    person = company.person("E-4")
    assert (person.disputed, person.active, person.roles) == (True, True, ())
    assert [alarm["chain"] for alarm in company.alarms()] == ["subject:none"]


def test_somebody_under_a_new_pseudonym_is_not_who_they_were(company: Company) -> None:
    """Also where the program itself makes the name, as it does for whoever has none."""
    company.sql("DELETE FROM audit_subject WHERE person_id = 'E-4'")
    company.start_again()
    services = company.services
    with services.database.write() as tx:
        services.log.pseudonym(tx, "E-4")
    person = company.person("E-4")
    assert (person.disputed, person.roles) == (True, ())


@pytest.mark.parametrize("seal", ["its own", "another's"])
def test_a_pseudonym_that_somebody_wrote_stands_for_nobody(seal: str, company: Company) -> None:
    """A second name for somebody who has one, in place of it or for a second id of theirs."""
    low, new = company.pseudonym("E-3"), "p_" + "0" * 32
    company.sql(
        f"UPDATE audit_subject SET pseudonym = '{new}' WHERE person_id = 'E-3'",
        "INSERT INTO row_seal SELECT table_name, "
        f"'{new}', key_id, seal FROM row_seal WHERE table_name = 'audit_subject' "
        f"AND row_key {'=' if seal == 'its own' else '<>'} '{low}' LIMIT 1",
    )
    company.start_again()
    assert company.person("E-3").disputed
    assert [alarm["chain"] for alarm in company.alarms()] == [f"subject:{new}"]


def test_who_is_disputed_by_their_pseudonym_can_still_leave(company: Company) -> None:
    attack(company, SWAP, company.pseudonym("E-3"), company.pseudonym("E-4"))
    company.start_again()
    services = company.services
    with services.database.write() as tx:
        services.directory.leave(tx, "E-3", SYSTEM, company.clock.now())
    assert not company.person("E-3").active
