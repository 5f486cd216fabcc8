"""Rows of policy that cannot be read end no start, no page and no stop."""

import pytest

from tests.policy.tampered import Instance, When, captured

SHAPES = {
    "a number is a text": "UPDATE policy_stop SET seq = 'many'",
    "an instant is a text": "UPDATE policy_stop SET at = 'soon'",
    "an instant of an event is a text": "UPDATE policy_event SET at = 'soon' WHERE region = 'DE'",
    "a day is a text": "UPDATE policy_company SET valid_from = 'soon'",
    "a day is a number": "UPDATE policy_floor SET valid_from = 7, valid_to = 7",
    "a day is far away": "UPDATE policy_company SET valid_from = '9999-12-31 23:00:00.000000'",
    "a region is a number": "UPDATE policy_company SET region = 7",
    "a region is a sentence": "UPDATE policy_floor SET region = 'a b c' WHERE region = 'DE'",
    "an id is a sentence": "UPDATE policy_change SET id = 'a b c' WHERE region = 'DE'",
    "a number of a step is a text": "UPDATE policy_step SET seq = 'many' WHERE seq = 1",
    "a step is a text of bytes": "UPDATE policy_step SET step = x'00' WHERE seq = 1",
    "a document is a text": "UPDATE policy_document SET body = 'text' WHERE kind = 'company'",
    "a document is no document": "UPDATE policy_document SET body = x'7b7d'",
    "an event is bytes": "UPDATE policy_event SET event = x'00' WHERE id = 1",
    "a person is nobody": "UPDATE policy_step SET actor = 'nobody at all' WHERE seq = 1",
}


@pytest.mark.parametrize("instance", ["sqlite"], indirect=True)
@pytest.mark.parametrize("when", ["at run time", "at start"])
@pytest.mark.parametrize("statement", SHAPES.values(), ids=SHAPES.keys())
def test_a_row_that_cannot_be_read_ends_nothing(
    instance: Instance, statement: str, when: When
) -> None:
    """Start, pages and exports go on; the regions are off and stops still work."""
    instance.stop("DE")
    instance.sql(statement)
    if when == "at start":
        instance.restart()
    policy, now = instance.services.policy, instance.services.clock.now()
    instance.stop("FR")
    with instance.services.database.read() as tx:
        policy.regions(tx, now)
        policy.changed_at(tx, policy.in_force(tx, ("DE",), now))
        policy.catalogues.waiting(tx)
        policy.catalogues.told(tx)
        dict(policy.documents(tx))
    assert not captured(instance.in_force("DE"))
    instance.settle()
    assert instance.alarmed
    instance.restart()
    assert not captured(instance.in_force("DE"))


@pytest.mark.parametrize("instance", ["sqlite"], indirect=True)
def test_a_seal_that_cannot_be_read_is_none(instance: Instance) -> None:
    instance.sql("UPDATE row_seal SET seal = 'text' WHERE table_name LIKE 'policy%'")
    instance.restart()
    assert not captured(instance.in_force("DE"))
    instance.settle()
    assert {"policy:DE", "floor:DE", "floor:EU"} <= instance.alarmed
    instance.stop()


def test_a_clean_service_names_nothing(instance: Instance) -> None:
    """Stops, resumes and changes are no disputes, nor is another start."""
    instance.stop()
    instance.resume()
    instance.stop("FR")
    before = instance.in_force("DE")
    assert captured(before)
    instance.restart()
    instance.settle()
    assert instance.alarmed == set()
    assert instance.in_force("DE") == before
    assert instance.in_force("DE", "FR").stopped == ("FR",)
