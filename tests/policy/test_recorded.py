"""What entries say about rows of policy is what the rows say, both ways."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from app.audit.entries import comparison as lists
from app.audit.entries import store
from app.audit.entries.model import Kind, read_leaf
from app.audit.entries.recorded import Recorded
from app.db.rows import Rows
from app.demo.seed import DATA
from app.policy.comparison import ROWS
from app.wiring.recording import RECORDING
from tests.policy.tampered import Instance

EVERY: Mapping[str, Rows] = {**ROWS, **lists.ROWS}
OF_LOG = {"policy_floor", "policy_stop", "policy_step", "policy_catalogue_step", "audit_adopted"}
"""The tables whose rows name their entries since they are sealed."""


def recorded(instance: Instance) -> dict[tuple[str, str], Recorded]:
    """What the log says about rows of these tables, by table and key; a row is recorded once."""
    with instance.services.database.read() as tx:
        raws = store.raw_entries(tx, 0, store.size_of(tx))
    said = [
        row
        for leaf in map(read_leaf, raws)
        for row in RECORDING.get(Kind(leaf["kind"]), lambda *_: ())(leaf, lambda _: 0)
        if row.table in EVERY
    ]
    assert max(Counter((row.table, row.key) for row in said).values()) == 1
    return {(row.table, row.key): row for row in said}


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


def compared(instance: Instance) -> set[str]:
    """Hold every row against the log; return the tables of which there were rows."""
    said = recorded(instance)
    seen = set()
    with instance.services.database.read() as tx:
        people = instance.services.directory.people(tx)
        names = instance.services.log.pseudonyms(tx, [person.id for person in people])
        for table, rows in EVERY.items():
            for batch in rows.batches(tx, 7):
                calls = rows.recorded_as(tx, batch)
                for row in batch:
                    key = rows.sealed.key_of(row)
                    key = calls.get(key, key)
                    if (table, key) not in said:
                        assert table == "audit_adopted", key
                        continue
                    fields = rows.fields(row, names)
                    claimed = said[table, key].fields
                    assert {name: fields[name] for name in claimed} == claimed
                    assert rows.chain_of(row, names) == said[table, key].chain
                    seen.add((table, key))
    assert seen == said.keys()
    return {table for table, _ in seen}


def test_rows_and_entries_say_the_same(instance: Instance) -> None:
    busy(instance)
    assert compared(instance) == set(EVERY)


def test_rows_of_before_are_found_by_what_they_say(instance: Instance) -> None:
    """A database of an earlier release: no row names its entry."""
    busy(instance)
    instance.sql(*(f"UPDATE {table} SET event_id = NULL" for table in sorted(OF_LOG)))
    assert compared(instance) == set(EVERY)


@pytest.mark.parametrize("table", sorted(EVERY))
def test_every_batch_comes_once(instance: Instance, table: str) -> None:
    with instance.services.database.read() as tx:
        keys = [
            EVERY[table].sealed.key_of(row)
            for batch in EVERY[table].batches(tx, 3)
            for row in batch
        ]
    assert len(keys) == len(set(keys))
