"""The start that seals the rows of before also says who holds which role, once."""

from app.audit.entries.model import EntryFilter
from app.audit.reading.service import ReadingService
from app.wiring import Services
from tests.reconcile.test_sealing import as_before
from tests.tamper import sql


def stated(services: Services) -> list[tuple[str, list[list[str | None]]]]:
    """Whom the entries name as the system's, each with the roles; the newest first."""
    with services.database.read() as tx:
        entries = ReadingService(services.log).search(
            tx, EntryFilter(kind="directory.person", limit=500)
        )
    return [(entry.leaf["subjects"][0], entry.leaf["facts"]["roles"]) for entry in entries]


def test_a_directory_of_before_says_its_roles_when_it_is_sealed(sample: Services) -> None:
    with sample.database.read() as tx:
        holders = [one for one in sample.directory.people(tx) if one.roles]
        names = sample.log.pseudonyms(tx, [one.id for one in holders])
    before = stated(sample)
    as_before(sample, "DELETE FROM audit_adopted WHERE what = 'roles'")
    del sample.database.seals.positions["list:roles"]  # its log does not know them either
    sample.adopt()
    after = stated(sample)
    said = after[: len(after) - len(before)]
    assert dict(said) == {
        names[one.id]: sorted([role.name, role.region] for role in one.roles) for one in holders
    }
    with sample.database.read() as tx:
        assert [one for one in sample.directory.people(tx) if one.roles] == holders
    sample.adopt()
    assert stated(sample) == after, "once"
    found = sample.reconciler.examine(lambda *_: None).differences
    assert {one.chain for one in found} == {"list:roles"}, "the row that the test took away"


def test_a_list_of_roles_that_is_lost_states_nobody_anew(sample: Services) -> None:
    sql(sample.database, "DELETE FROM audit_adopted WHERE what = 'roles'")
    before = stated(sample)
    sample.adopt()
    assert stated(sample) == before
