"""New entries against their rows: the number of a version follows from the versions before it."""

import pytest
from sqlalchemy import func, select

from app.audit.entries.model import SYSTEM
from app.db.ring import Flaw
from app.directory.tables import VERSIONS
from app.reconcile.difference import Difference
from app.reconcile.reached import ComparedSoFar
from app.reconcile.recent import compare_recent
from app.wiring import Services
from tests.tamper import sql

LEAVER = "E-0013"


@pytest.fixture
def left(sample: Services) -> tuple[Services, int]:
    """Somebody left: a second version of them; and how many entries there were before."""
    sample.integrator.integrate()
    before = sample.fold.tree.size
    with sample.database.write() as tx:
        sample.directory.leave(tx, LEAVER, SYSTEM, sample.clock.now())
    sample.integrator.integrate()
    return sample, before


def compare(
    services: Services, *ends: int, bookmark: ComparedSoFar | None = None
) -> tuple[ComparedSoFar, list[Difference]]:
    """Compare up to each of the ends, one after the other."""
    bookmark, found = bookmark or ComparedSoFar(), []
    for end in ends:
        with services.database.read() as tx:
            bookmark, new = compare_recent(tx, services.reconciler.examination, bookmark, end)
        found += new
    return bookmark, found


def chain_of(services: Services) -> str:
    with services.database.read() as tx:
        return f"person:{services.log.pseudonym_of(tx, LEAVER)}"


def test_as_many_versions_are_counted_as_there_are_rows(left: tuple[Services, int]) -> None:
    services, _ = left
    bookmark, found = compare(services, services.fold.tree.size)
    table = VERSIONS.table
    with services.database.read() as tx:
        query = select(table.c.person_id, func.count().label("number")).group_by(table.c.person_id)
        rows = {row.person_id: row.number for row in tx.execute(query)}
        names = services.log.pseudonyms(tx, rows)
    assert found == []
    assert bookmark.counts == {f"person:{names[person]}": count for person, count in rows.items()}
    assert bookmark.counts[chain_of(services)] == rows[LEAVER] >= 2


def test_it_comes_to_the_same_wherever_the_log_is_cut(left: tuple[Services, int]) -> None:
    services, before = left
    size = services.fold.tree.size
    whole = compare(services, size)
    for cut in (1, before // 2, before, size - 1):
        assert compare(services, cut, size) == whole
    assert compare(services, *range(before, size + 1)) == whole


def test_a_place_is_taken_further_and_not_changed(left: tuple[Services, int]) -> None:
    services, before = left
    bookmark, _ = compare(services, before)
    counts = dict(bookmark.counts)
    first = compare(services, services.fold.tree.size, bookmark=bookmark)
    assert bookmark.counts == counts
    assert compare(services, services.fold.tree.size, bookmark=bookmark) == first


@pytest.mark.parametrize(
    ("attack", "flaw", "columns"),
    [
        ("UPDATE person_version SET region = 'GB'", Flaw.DIFFERS, ("region",)),
        ("DELETE FROM person_version", Flaw.BEHIND, ()),
    ],
)
@pytest.mark.parametrize("newest", [True, False])
def test_of_several_versions_the_one_that_was_tampered_with_is_named(
    left: tuple[Services, int],
    attack: str,
    flaw: Flaw,
    columns: tuple[str, ...],
    newest: bool,
) -> None:
    services, before = left
    which = "max" if newest else "min"
    number = f"(SELECT {which}(version) FROM person_version WHERE person_id = '{LEAVER}')"
    where = f"WHERE person_id = '{LEAVER}' AND version = {number}"
    chain = chain_of(services)
    with services.database.read() as tx:
        versions = services.directory.versions(tx, LEAVER)
    assert sql(services.database, f"{attack} {where}", keys=False) == 1
    _, found = compare(services, before, services.fold.tree.size)
    key = f"{chain.partition(':')[2]}/{len(versions) if newest else 1}"
    assert [(one.chain, one.flaw, one.row_key, one.columns) for one in found] == [
        (chain, flaw, key, columns)
    ]
    (difference,) = found
    assert difference.idx is not None
    assert (difference.idx >= before) is newest
