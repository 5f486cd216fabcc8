"""What was compared is kept over a start, and what came since is compared before serving."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from app.audit.entries.model import SYSTEM
from app.wiring import Services, build
from tests.tamper import sql


def compared(services: Services) -> Path:
    """Compare everything and keep the bookmark."""
    while services.reconciler.follow():
        pass
    services.reconciler.keep_bookmark()
    file = services.reconciler.file
    assert file is not None
    return file


def revoke(services: Services) -> None:
    with services.database.write() as tx:
        person = next(one for one in services.directory.people(tx) if one.active)
        services.consent.revoke(tx, person, SYSTEM, "a reason", services.clock.now())
    services.integrator.integrate()


def alarms_after_start(services: Services) -> tuple[int, set[str]]:
    with closing(build(services.settings, clock=services.clock)) as again:
        chains = {of.partition(":")[0] for of in again.database.seals.alarms}
        return again.reconciler.reached.entries, chains


def test_rows_that_entries_recorded_and_agree_are_silent(sample: Services) -> None:
    compared(sample)
    assert sample.database.seals.take_found() == ()
    assert sample.reconciler.reached.entries == sample.fold.tree.size


def test_what_is_gone_since_the_bookmark_is_an_alarm_before_serving(sample: Services) -> None:
    compared(sample)
    bookmark = sample.reconciler.reached.entries
    revoke(sample)
    sql(sample.database, "DELETE FROM consent_decision WHERE act = 'revoked'")
    reached, chains = alarms_after_start(sample)
    assert reached > bookmark
    assert "consent" in chains


@pytest.mark.parametrize("change", ["missing", "changed", "of another log", "sealed again"])
def test_a_bookmark_that_is_not_ours_counts_as_none(sample: Services, change: str) -> None:
    file = compared(sample)
    if change == "missing":
        file.unlink()
    elif change == "changed":
        file.write_bytes(file.read_bytes().replace(b'"size": ', b'"size": 1'))
    elif change == "of another log":
        bookmark = sample.reconciler.reached.bookmark
        other = bookmark.tree.extend([bytes(32)])
        sample.reconciler.reached.to(type(bookmark)(other, bookmark.counts))
        sample.reconciler.keep_bookmark()
    else:
        sample.database.seals.generation = 7
        sample.reconciler.reached.saved = 0
        sample.reconciler.keep_bookmark()
    assert alarms_after_start(sample) == (0, set())


def test_a_bookmark_with_other_plausible_counts_under_the_old_seal_is_not_used(
    sample: Services,
) -> None:
    file = compared(sample)
    seal, _, content = file.read_bytes().partition(b"\n")
    state = json.loads(content)
    state["counts"] = {name: count + 1 for name, count in state["counts"].items()}
    assert state["counts"]
    file.write_bytes(seal + b"\n" + json.dumps(state, sort_keys=True).encode())
    assert alarms_after_start(sample) == (0, set())


def test_no_bookmark_is_kept_before_what_was_found_is_an_alarm(sample: Services) -> None:
    revoke(sample)
    sql(sample.database, "DELETE FROM consent_decision WHERE act = 'revoked'")
    file = compared(sample)
    assert not file.exists()
    sample.integrator.integrate()
    assert compared(sample).exists()


def test_a_version_of_a_person_that_is_gone_is_missing_at_run_time(sample: Services) -> None:
    newest = "(SELECT max(version) FROM person_version WHERE person_id = 'E-0013')"
    wanted = f"person_id = 'E-0013' AND version = {newest}"
    assert sql(sample.database, f"DELETE FROM person_version WHERE {wanted}", keys=False) == 1
    compared(sample)
    sample.integrator.integrate()
    with sample.database.read() as tx:
        name = sample.log.pseudonym_of(tx, "E-0013")
    assert f"person:{name}" in sample.database.seals.alarms
