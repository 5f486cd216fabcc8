"""No catalogue comes into force past two people, also where somebody writes SQL."""

from dataclasses import replace

import pytest

from app.kernel.errors import Conflict
from app.policy.catalogue.model import Catalogue
from tests.policy.tampered import AT, Instance, When, captured, new_id

REWRITTEN = (
    "UPDATE policy_document SET body = (SELECT body FROM policy_document WHERE digest = '{name}')"
    " WHERE digest = '{before}'"
)


class TestCatalogue:
    """No catalogue comes into force past two people."""

    def wider(self, instance: Instance) -> str:
        """The digest of a catalogue that recognises one app more widely, added to the documents."""
        body = instance.body(
            instance.one("SELECT digest FROM policy_event WHERE kind = 'catalogue'")
        )
        body["apps"][0]["match"]["urls"] = ["*.example.com"]
        return instance.keep(body, "catalogue")

    def adopted(self, instance: Instance) -> Catalogue:
        return instance.in_force("DE").catalogue

    @pytest.mark.parametrize("when", ["at run time", "at start"])
    def test_one_that_was_written_in_is_not_in_force(self, instance: Instance, when: When) -> None:
        before = self.adopted(instance)
        name = self.wider(instance)
        instance.sql(
            "INSERT INTO policy_catalogue_step (digest, base, step, actor, proposer, note, at)"
            f" VALUES ('{name}', '{before.digest}', 'approved', 'E-0008', 'E-0026', '', {AT})",
            "INSERT INTO policy_event (event, kind, digest, at)"
            f" VALUES ('{new_id()}', 'catalogue', '{name}', {AT})",
        )
        if when == "at start":
            instance.restart()
        assert self.adopted(instance) == before
        instance.settle()
        assert "catalogue" in instance.alarmed
        instance.restart()
        assert self.adopted(instance) == before
        assert captured(instance.in_force("DE"))

    @pytest.mark.every_pair("statement", "when", "instance")
    @pytest.mark.parametrize("when", ["at run time", "at start"])
    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM policy_event WHERE kind = 'catalogue'",
            "UPDATE policy_event SET digest = '{name}' WHERE kind = 'catalogue'",
            "UPDATE policy_event SET kind = 'catalogues' WHERE kind = 'catalogue'",
            REWRITTEN,
            "DELETE FROM policy_document WHERE digest = '{before}'",
        ],
    )
    def test_where_none_stands_nothing_is_captured(
        self, instance: Instance, statement: str, when: When
    ) -> None:
        """Not even that of the files is adopted by itself: two people had agreed to another."""
        before, name = self.adopted(instance), self.wider(instance)
        instance.sql(statement.format(name=name, before=before.digest))
        if when == "at start":
            instance.restart()
        else:
            assert self.adopted(instance) == before
            instance.stop("FR")
        now = instance.in_force("DE")
        assert not now.catalogue.apps
        assert now.disputed == ("GLOBAL",)
        instance.settle()
        assert instance.alarmed & {"catalogue", f"document:{before.digest}"}
        instance.restart()
        assert not self.adopted(instance).apps

    def test_the_one_before_does_not_come_back(self, instance: Instance) -> None:
        """Attack: the newest adoption, which narrowed, is deleted."""
        policy, before = instance.services.policy, self.adopted(instance)
        fewer = dict(list(before.apps.items())[1:])
        with instance.acting() as tx:
            narrower = replace(before, apps=fewer)
            policy.catalogues.take_in(tx, narrower, instance.services.clock.now())
        assert len(self.adopted(instance).apps) == len(fewer)
        instance.sql(
            "DELETE FROM policy_event WHERE id ="
            " (SELECT max(id) FROM policy_event WHERE kind = 'catalogue')"
        )
        assert not self.adopted(instance).apps
        assert instance.in_force("DE").disputed == ("GLOBAL",)

    def test_a_proposal_that_was_written_in_is_not_approved(self, instance: Instance) -> None:
        policy, before = instance.services.policy, self.adopted(instance)
        app = next(iter(before.apps.values()))
        match = replace(app.match, urls=("*.example.com",))
        files = replace(before, apps={**before.apps, app.id: replace(app, match=match)})
        now = instance.services.clock.now()
        with instance.acting() as tx:
            policy.catalogues.take_in(tx, files, now)
        instance.sql(
            "INSERT INTO policy_catalogue_step (digest, base, step, actor, note, at)"
            f" VALUES ('{files.digest}', '{before.digest}', 'proposed', 'E-0008', '', {AT})"
        )
        with instance.services.database.read() as tx:
            waiting = policy.catalogues.waiting(tx)
        assert waiting is not None
        assert waiting.proposed is None
        actor = instance.holder("legal", "GLOBAL", 1)
        with pytest.raises(Conflict, match="disputed"), instance.acting() as tx:
            policy.catalogues.approve(tx, actor, files.digest, before.digest, "", now)
        instance.settle()
        assert "catalogue:waiting" in instance.alarmed
        assert self.adopted(instance) == before
