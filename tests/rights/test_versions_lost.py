"""Versions of a person that are lost and that no copy has: an erasure is the way on."""

from sqlalchemy import select

from app.audit.entries.model import SYSTEM
from app.directory.tables import person_table
from app.wiring import Services
from tests.rights.test_erasure import erase, opened  # noqa: F401
from tests.tamper import sql


def test_who_is_erased_and_imported_again_is_in_doubt_no_more(opened: Services) -> None:  # noqa: F811
    with opened.database.read() as tx:
        one = opened.directory.person(tx, "E-0026")
    sql(opened.database, "DELETE FROM person_version WHERE person_id = 'E-0026'", keys=False)
    while opened.reconciler.follow():
        pass
    opened.integrator.integrate()
    with opened.database.read() as tx:
        assert opened.directory.person(tx, one.id).disputed
    erase(opened, one.id)
    with opened.database.write() as tx:
        now = opened.clock.now()
        opened.directory.import_people(tx, [one], actor=SYSTEM, now=now, file_digest="0" * 64)
    opened.integrator.integrate()
    assert opened.reconciler.examine(lambda *_: None).count == 0
    with opened.database.read() as tx:
        assert tx.execute(select(person_table.c.id).where(person_table.c.id == one.id)).scalar()
        back = opened.directory.person(tx, one.id)
        assert not back.disputed
        assert not opened.directory.past(tx, one.id).disputed
        assert back == one
