"""What entries say about rows of policy is what the rows say, both ways."""

from dataclasses import replace

from app.demo.seed import DATA
from tests.policy.tampered import Instance

OF_LOG = {"policy_floor", "policy_stop", "policy_step", "policy_catalogue_step", "audit_adopted"}
"""The tables whose rows name their entries since they are sealed."""


def busy(instance: Instance) -> None:
    """Something of everything."""
    instance.stop()
    instance.resume()
    instance.stop("FR")
    instance.propose_resume("FR")
    text = (DATA / "company" / "DE.yaml").read_text(encoding="utf-8")
    instance.withdraw(instance.propose("DE", text.replace("_days: 14", "_days: 13")).id)
    before = instance.in_force("DE").catalogue
    app = next(iter(before.apps.values()))
    match = replace(app.match, urls=("*.example.com",))
    files = replace(before, apps={**before.apps, app.id: replace(app, match=match)})
    with instance.acting() as tx:
        catalogues, now = instance.services.policy.catalogues, instance.services.clock.now()
        catalogues.take_in(tx, files, now)
        first, second = (instance.holder("legal", "GLOBAL", number) for number in (0, 1))
        catalogues.propose(tx, first, files.digest, before.digest, "", now)
        catalogues.approve(tx, second, files.digest, before.digest, "", now)


def test_rows_and_entries_say_the_same(instance: Instance) -> None:
    busy(instance)
    findings = instance.services.reconciler.examine(lambda *_: None)
    assert [one.sentence for one in findings.differences] == []


def test_rows_of_before_are_found_by_what_they_say(instance: Instance) -> None:
    """A database of an earlier release: no row names its entry, and none is sealed."""
    busy(instance)
    instance.sql(*(f"UPDATE {table} SET event_id = NULL" for table in sorted(OF_LOG)))
    unsealed = replace(instance.services.reconciler.examination, sealed=False)
    with instance.services.database.read() as tx:
        findings = unsealed.of(tx, lambda *_: None, lambda *_: None)
    assert [one.sentence for one in findings.differences] == []
