"""Each value of a sealed row decides: changed to what another row has, it opens nothing.

The columns are those that the seals cover, so that one which is added is tried as well.
"""

import pytest
from sqlalchemy import select

from app.db.seals import SealedTable, first_bad
from app.directory.sessions import SESSIONS
from app.directory.tables import PEOPLE, VERSIONS
from tests.directory.company import Company

TABLES: dict[str, SealedTable] = {
    sealed.table.name: sealed for sealed in (PEOPLE, VERSIONS, SESSIONS)
}
LEFT_OUT: dict[str, set[str]] = {
    "person": {"name"},
    "person_version": set(),
    "person_session": set(),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_row_with_a_value_of_another_row_does_not_stand(table: str, company: Company) -> None:
    """Its seal is over every column but those named here."""
    sealed, services = TABLES[table], company.services
    with services.database.write() as tx:
        for person in ("E-3", "E-4"):
            services.sessions.start(tx, person, f"https://{person}", person, company.clock.now())
            company.clock.advance(60)
    rows = _rows(company, sealed)
    first, others = rows[0], rows[1:]
    covered = {column.name for column in sealed.table.c} - {"seal", *LEFT_OUT[table]}
    assert set(sealed.covered) == covered
    for name in sorted(covered):
        other = next((row[name] for row in others if row[name] != first[name]), None)
        forged = {**first, name: other}  # or with nothing at all, where every row has the same
        assert forged != first, f"no row tries {name}"
        with services.database.read() as tx:
            assert first_bad(tx, sealed, [first]) is None
            assert first_bad(tx, sealed, [forged]) is not None, name


def _rows(company: Company, sealed: SealedTable) -> list[dict[str, object]]:
    with company.services.database.read() as tx:
        return [dict(row) for row in tx.execute(select(sealed.table)).mappings()]
