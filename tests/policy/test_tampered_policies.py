"""Law 7 against who writes SQL: policies and floors that the service did not write."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.policy.tampered import AT, Instance, When, captured, new_id, wider_company


def insert_company(instance: Instance, name: str, region: str = "DE") -> None:
    """Somebody writes a published policy with the steps of two approvals that nobody gave."""
    change, first, second, published = new_id(), "E-0101", "E-0102", new_id()
    instance.sql(
        "INSERT INTO policy_change (id, region, digest, base, direction, author, note, created_at)"
        f" VALUES ('{change}', '{region}', '{name}', NULL, 'same', '{first}', '', {AT})",
        *(
            "INSERT INTO policy_step (change_id, seq, step, actor, role, author, digest, at)"
            f" VALUES ('{change}', {seq}, '{step}', '{actor}', '{role}', '{first}', '{name}', {AT})"
            for seq, step, actor, role in (
                (1, "proposed", first, ""),
                (2, "approved", second, "legal"),
                (3, "published", second, ""),
            )
        ),
        "INSERT INTO policy_company (region, digest, change_id, direction, valid_from, recorded_at)"
        f" VALUES ('{region}', '{name}', '{change}', 'same', {AT}, {AT})",
        "INSERT INTO policy_event (event, kind, region, digest, at)"
        f" VALUES ('{published}', 'published', '{region}', '{name}', {AT})",
    )


def wider_floor(instance: Instance) -> str:
    """The digest of the German floor without its preconditions, added to the documents."""
    name = instance.one("SELECT digest FROM policy_floor WHERE region = 'DE'")
    body = instance.body(name)
    del body["knobs"]["preconditions"]
    return instance.keep(body, "floor")


def invented(instance: Instance) -> None:
    insert_company(instance, wider_company(instance))


def invented_with_a_seal(instance: Instance) -> None:
    """The seals of the real rows, copied for the invented ones."""
    invented(instance)
    instance.sql(
        "INSERT INTO row_seal (table_name, row_key, key_id, seal)"
        " SELECT 'policy_company', change_id, s.key_id, s.seal FROM policy_company, row_seal s"
        " WHERE s.table_name = 'policy_company' AND NOT EXISTS (SELECT 1 FROM row_seal k"
        " WHERE k.table_name = 'policy_company' AND k.row_key = policy_company.change_id)"
        " AND s.row_key = (SELECT min(row_key) FROM row_seal WHERE table_name = 'policy_company')",
    )


def other_text(instance: Instance) -> None:
    name = wider_company(instance)
    instance.sql(f"UPDATE policy_company SET digest = '{name}' WHERE region = 'DE'")


def begins_earlier(instance: Instance) -> None:
    instance.sql(
        "UPDATE policy_company SET valid_from = '2020-01-01 00:00:00.000000' WHERE region = 'DE'"
    )


def swapped(instance: Instance) -> None:
    german = instance.one("SELECT digest FROM policy_company WHERE region = 'DE'")
    french = instance.one("SELECT digest FROM policy_company WHERE region = 'FR'")
    instance.sql(
        f"UPDATE policy_company SET digest = '{french}' WHERE region = 'DE'",
        f"UPDATE policy_company SET digest = '{german}' WHERE region = 'FR'",
    )


def deleted(instance: Instance) -> None:
    instance.sql("DELETE FROM policy_company WHERE region = 'DE'")


def approver_removed(instance: Instance) -> None:
    instance.sql("DELETE FROM policy_step WHERE step = 'approved'")


def without_steps(instance: Instance) -> None:
    instance.sql("DELETE FROM policy_step")


def approver_replaced(instance: Instance) -> None:
    instance.sql(
        "UPDATE policy_step SET actor = 'E-0026' WHERE step = 'approved' AND role = 'legal'"
        " AND change_id = (SELECT change_id FROM policy_company WHERE region = 'DE')"
    )


def approved_under_a_pseudonym(instance: Instance) -> None:
    """A pseudonym stands for somebody erased only."""
    instance.sql(
        "UPDATE policy_step SET actor = (SELECT pseudonym FROM audit_subject WHERE person_id ="
        " policy_step.actor) WHERE step = 'approved' AND role = 'legal'"
        " AND change_id = (SELECT change_id FROM policy_company WHERE region = 'DE')"
    )


def change_removed(instance: Instance) -> None:
    instance.sql(
        "DELETE FROM policy_change"
        " WHERE id = (SELECT change_id FROM policy_company WHERE region = 'DE')"
    )


def document_removed(instance: Instance) -> None:
    instance.sql(
        "DELETE FROM policy_document"
        " WHERE digest = (SELECT digest FROM policy_company WHERE region = 'DE')"
    )


def document_rewritten(instance: Instance) -> None:
    name = wider_company(instance)
    instance.sql(
        "UPDATE policy_document SET body ="
        f" (SELECT body FROM policy_document WHERE digest = '{name}')"
        " WHERE digest = (SELECT digest FROM policy_company WHERE region = 'DE')"
    )


def unknown_step(instance: Instance) -> None:
    instance.sql("UPDATE policy_step SET step = 'waved' WHERE step = 'proposed'")


def floor_loosened(instance: Instance) -> None:
    name = wider_floor(instance)
    instance.sql(f"UPDATE policy_floor SET digest = '{name}' WHERE region = 'DE'")


def floor_inserted(instance: Instance) -> None:
    name = wider_floor(instance)
    instance.sql(
        "INSERT INTO policy_floor (region, digest, parent, valid_from, recorded_at)"
        f" VALUES ('DE', '{name}', 'EU', {AT}, {AT})"
    )


def floor_removed(instance: Instance) -> None:
    instance.sql("DELETE FROM policy_floor WHERE region = 'DE'")


def floor_above_removed(instance: Instance) -> None:
    instance.sql("DELETE FROM policy_floor WHERE region = 'EU'")


def nonsense(instance: Instance) -> None:
    """A floor that blows up whoever reckons with it."""
    name = instance.one("SELECT digest FROM policy_floor WHERE region = 'DE'")
    body = instance.body(name)
    body["knobs"]["notice_lead_days"] = {"value": 10**15, "cite": "", "confidence": ""}
    name = instance.keep(body, "floor")
    instance.sql(
        "INSERT INTO policy_floor (region, digest, parent, valid_from, recorded_at)"
        f" VALUES ('DE', '{name}', 'EU', {AT}, {AT})"
    )


def event_removed(instance: Instance) -> None:
    instance.sql(
        "DELETE FROM policy_event WHERE kind = 'published' AND region = 'DE'",
    )


@dataclass(frozen=True)
class Attack:
    """What is done to rows, and which chain is named.

    Attributes:
        before: what people did before, in order: ``stop``, ``propose``, ``resume``.
        seen: the rows are counted, so that it is seen without any further act.
    """

    act: Callable[[Instance], None]
    chain: str
    seen: bool = False


POLICIES = {
    "a policy with invented approvals": Attack(invented, "policy:DE", seen=True),
    "invented rows with the seals of real ones": Attack(
        invented_with_a_seal, "policy:DE", seen=True
    ),
    "a policy's text is another": Attack(other_text, "policy:DE"),
    "a policy begins earlier": Attack(begins_earlier, "policy:DE"),
    "two regions' policies are swapped": Attack(swapped, "policy:FR"),
    "a policy is deleted": Attack(deleted, "policy:DE", seen=True),
    "an approver is replaced": Attack(approver_replaced, "change:"),
    "an approver hides behind a pseudonym": Attack(approved_under_a_pseudonym, "change:"),
    "the approvals are deleted": Attack(approver_removed, "change:"),
    "the steps are deleted": Attack(without_steps, "change:"),
    "a step is none that there is": Attack(unknown_step, "change:"),
    "the change is deleted": Attack(change_removed, "change:"),
    "the text is deleted": Attack(document_removed, "policy:DE"),
    "the text is rewritten": Attack(document_rewritten, "document:"),
    "a floor is loosened": Attack(floor_loosened, "floor:DE"),
    "a looser floor is inserted": Attack(floor_inserted, "floor:DE", seen=True),
    "a floor is deleted": Attack(floor_removed, "floor:DE", seen=True),
    "a floor above is deleted": Attack(floor_above_removed, "floor:EU", seen=True),
    "a floor that cannot be reckoned with": Attack(nonsense, "floor:DE", seen=True),
    "the number of a publication is deleted": Attack(event_removed, "policy:DE"),
}


@pytest.mark.every_pair("attack", "when", "instance")
@pytest.mark.parametrize("when", ["at run time", "at start"])
@pytest.mark.parametrize("attack", POLICIES.values(), ids=POLICIES.keys())
def test_rows_that_the_service_did_not_write_open_nothing(
    instance: Instance, attack: Attack, when: When
) -> None:
    """Narrowed, and named in an alarm; the service goes on, and so does a start."""
    before = instance.in_force("DE")
    assert captured(before)
    attack.act(instance)
    if when == "at start":
        instance.restart()
    elif not attack.seen:
        seen = instance.in_force("DE")
        assert seen == before or seen.disputed, "a changed value is never taken"
        instance.stop("FR")
    now = instance.in_force("DE")
    assert set(now.disputed) & {"DE", "EU"}
    assert not captured(now)
    instance.settle()
    assert any(chain.startswith(attack.chain) for chain in instance.alarmed)
    instance.restart()
    assert not captured(instance.in_force("DE"))
    instance.stop()
    assert "DE" in instance.in_force("DE").stopped
