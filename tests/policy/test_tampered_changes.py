"""Two people agree to a change, also where somebody writes SQL."""

import itertools

import pytest

from app.demo.seed import DATA
from app.kernel.errors import Conflict
from app.policy.changes.model import ChangeState
from tests.policy.tampered import AT, Instance, new_id, wider_company


class TestChanges:
    """A change whose rows cannot be believed is not approved; it can be withdrawn."""

    days = itertools.cycle(range(3, 14))

    def waiting(self, instance: Instance) -> str:
        """A change of the German policy that waits for approvals."""
        text = (DATA / "company" / "DE.yaml").read_text(encoding="utf-8")
        shorter = text.replace("retention_days: 14", f"retention_days: {next(self.days)}")
        return instance.propose("DE", shorter).id

    def require_refused(self, instance: Instance, change: str, number: int = 1) -> None:
        """Nobody approves it; it says why, is withdrawn, and its text proposed again."""
        with pytest.raises(Conflict, match="record of this change is disputed"):
            instance.approve(change, number)
        assert instance.look(change).disputed
        assert instance.look(change).approvals_needed == ()
        assert instance.withdraw(change).state is ChangeState.WITHDRAWN
        instance.settle()
        assert f"change:{change}" in instance.alarmed
        again = self.waiting(instance)
        assert not instance.approve(again).disputed
        instance.restart()
        assert instance.look(change).state is ChangeState.WITHDRAWN

    def test_the_author_does_not_become_another(self, instance: Instance) -> None:
        change = self.waiting(instance)
        instance.sql(
            f"UPDATE policy_step SET author = 'E-0026', actor = 'E-0026'"
            f" WHERE change_id = '{change}'",
            f"UPDATE policy_change SET author = 'E-0026' WHERE id = '{change}'",
        )
        self.require_refused(instance, change, number=0)

    def test_an_approval_is_not_written_in(self, instance: Instance) -> None:
        change = self.waiting(instance)
        instance.sql(
            "INSERT INTO policy_step (change_id, seq, step, actor, role, author, digest, at)"
            " SELECT id, 2, 'approved', 'E-0026', 'works_council', author, digest, created_at"
            f" FROM policy_change WHERE id = '{change}'"
        )
        self.require_refused(instance, change)

    def test_a_proposal_does_not_become_a_tightening(self, instance: Instance) -> None:
        change = self.waiting(instance)
        instance.sql(f"UPDATE policy_step SET step = 'tightened' WHERE change_id = '{change}'")
        self.require_refused(instance, change)

    def test_the_text_does_not_become_another(self, instance: Instance) -> None:
        change = self.waiting(instance)
        french = instance.one("SELECT digest FROM policy_company WHERE region = 'FR'")
        instance.sql(
            f"UPDATE policy_step SET digest = '{french}' WHERE change_id = '{change}'",
            f"UPDATE policy_change SET digest = '{french}' WHERE id = '{change}'",
        )
        self.require_refused(instance, change)

    def test_what_was_withdrawn_does_not_come_back(self, instance: Instance) -> None:
        change = self.waiting(instance)
        instance.withdraw(change)
        instance.sql(f"DELETE FROM policy_step WHERE step = 'withdrawn' AND change_id = '{change}'")
        self.require_refused(instance, change)

    def test_a_change_that_somebody_wrote_is_not_approved(self, instance: Instance) -> None:
        change, name = new_id(), wider_company(instance)
        instance.sql(
            "INSERT INTO policy_change"
            " (id, region, digest, base, direction, author, note, created_at)"
            f" VALUES ('{change}', 'DE', '{name}', NULL, 'same', 'E-0026', '', {AT})",
            "INSERT INTO policy_step (change_id, seq, step, actor, role, author, digest, at)"
            f" VALUES ('{change}', 1, 'proposed', 'E-0026', '', 'E-0026', '{name}', {AT})",
        )
        self.require_refused(instance, change)

    def test_a_change_without_steps_is_shown_and_not_approved(self, instance: Instance) -> None:
        change = self.waiting(instance)
        instance.sql(f"DELETE FROM policy_step WHERE change_id = '{change}'")
        self.require_refused(instance, change)

    def test_a_change_without_its_text_is_left_out(self, instance: Instance) -> None:
        change = self.waiting(instance)
        name = instance.one(f"SELECT digest FROM policy_change WHERE id = '{change}'")
        instance.sql(f"DELETE FROM policy_document WHERE digest = '{name}'")
        with instance.services.database.read() as tx:
            listed = instance.services.policy.workflow.changes(tx, "DE")
        assert change not in [item.id for item in listed]
        with pytest.raises(Conflict, match="text of this change"):
            instance.look(change)
        instance.settle()
        assert f"change:{change}" in instance.alarmed

    def test_another_change_goes_on(self, instance: Instance) -> None:
        """One change in dispute does not keep others from being approved, nor the region off."""
        first, second = self.waiting(instance), self.waiting(instance)
        instance.sql(f"DELETE FROM policy_step WHERE change_id = '{first}'")
        assert not instance.approve(second).disputed
        assert instance.in_force("DE").disputed == ()
