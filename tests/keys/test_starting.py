"""A process starts with the keys that its database was signed with, or it does not start."""

from contextlib import closing
from datetime import timedelta

import pytest

from app.audit.entries import documents, store
from app.audit.entries.documents import KEYS
from app.audit.entries.model import Kind
from app.consent.model import Act
from app.db.engine import Database
from app.kernel.errors import Unavailable
from app.kernel.signing import LocalSigner, thumbprint
from app.kernel.tokens import TYPE_OF
from app.keys.following import ON_THE_WAY
from app.keys.model import read_key_set
from app.keys.service import LIFE
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.fakes import FakeClock
from tests.keys.test_holdings import publish
from tests.tamper import sql

OTHER = b"x" * 32
DOCUMENT = (
    "DELETE FROM audit_document"
    " WHERE digest IN (SELECT digest FROM audit_adopted WHERE what = 'keys')"
)


@pytest.fixture
def before(settings: Settings, database: Database, clock: FakeClock, shipped: Shipped) -> Settings:
    """A log that has begun and of whose keys it says nothing, as an earlier release left it."""
    settings = settings.model_copy(update={"var": settings.var / "before"})
    build(settings, clock=clock, database=database, serving=False, shipped=shipped)
    for name in TYPE_OF:
        made = settings.var / "keys" / f"{name}.key"
        made.write_bytes(name.encode().ljust(32))
    return settings


@pytest.mark.parametrize("name", TYPE_OF)
def test_a_worker_with_another_key_does_not_start(
    services: Services, clock: FakeClock, shipped: Shipped, name: str
) -> None:
    """The sentence names the key that is used and the one that the worker has."""
    file = services.settings.var / "keys" / f"{name}.key"
    used = thumbprint(LocalSigner.from_seed(file.read_bytes()).public)
    file.write_bytes(OTHER)
    with pytest.raises(Unavailable) as refused:
        build(services.settings, clock=clock, database=services.database, shipped=shipped)
    assert refused.value.kind == "another-key"
    here = thumbprint(LocalSigner.from_seed(OTHER).public)
    assert refused.value.problem == f"the {name} key in use is {used}; this folder has {here}"


def test_a_verb_may_be_the_first_to_come_and_the_service_starts_after_it(
    settings: Settings, database: Database, clock: FakeClock, shipped: Shipped
) -> None:
    """People are imported before anything is served; nothing was signed for laptops by then."""
    fresh = settings.model_copy(update={"var": settings.var / "fresh"})
    build(fresh, clock=clock, database=database, serving=False, shipped=shipped)
    served = build(fresh, clock=clock, database=database, shipped=shipped)
    assert len(served.jwks["keys"]) == len(TYPE_OF)


def test_a_second_worker_with_the_same_keys_starts_and_says_nothing_new(
    services: Services, clock: FakeClock, shipped: Shipped
) -> None:
    with services.database.read() as tx:
        before = services.log.size(tx)
    again = build(services.settings, clock=clock, database=services.database, shipped=shipped)
    assert again.jwks == services.jwks
    with services.database.read() as tx:
        assert services.log.size(tx) == before


def test_the_first_start_says_in_the_log_which_keys_sign(services: Services) -> None:
    with services.database.read() as tx:
        note = services.key_sets.newest(tx)
    assert note is not None
    published = read_key_set(note)
    assert {key.kid for key in published.keys} == {
        thumbprint(services.keys.signer(name).public) for name in TYPE_OF
    }
    assert (published.version, published.root.version) == (1, 1)


def test_the_keys_of_an_earlier_release_are_adopted_once(
    before: Settings, database: Database, clock: FakeClock, shipped: Shipped
) -> None:
    first = build(before, clock=clock, database=database, shipped=shipped)
    public = LocalSigner.from_seed(b"lease".ljust(32)).public
    assert first.key_sets.publics(TYPE_OF["lease"]) == (public,)
    again = build(before, clock=clock, database=database, shipped=shipped)
    assert [leaf["kind"] for leaf in leaves(again)].count(Kind.KEYS_ADOPTED) == 1


@pytest.mark.parametrize("name", TYPE_OF)
def test_a_key_that_an_earlier_release_made_is_not_made_anew(
    before: Settings, database: Database, clock: FakeClock, shipped: Shipped, name: str
) -> None:
    (before.var / "keys" / f"{name}.key").unlink()
    with pytest.raises(Unavailable) as refused:
        build(before, clock=clock, database=database, shipped=shipped)
    assert refused.value.kind == "key-lost"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_adopted WHERE what = 'keys'",
        "UPDATE audit_adopted SET what = 'roles' WHERE what = 'keys'",
        DOCUMENT,
    ],
)
def test_where_the_key_set_was_taken_away_none_is_made_and_saying_no_works(
    sample: Services, clock: FakeClock, shipped: Shipped, statement: str
) -> None:
    """Otherwise a worker with foreign keys could publish them as the first set."""
    sql(sample.database, statement)
    with closing(build(sample.settings, clock=clock, shipped=shipped)) as again:
        with again.database.read() as tx:
            assert again.key_sets.newest(tx) is None
            person = next(iter(again.directory.people(tx)))
        assert again.jwks == sample.jwks
        with again.database.write() as tx:
            again.consent.decide(tx, person, Act.REFUSED, clock.now())
        assert [leaf["kind"] for leaf in leaves(again)].count(Kind.KEYS_ADOPTED) == 1


def leaves(services: Services) -> list[dict[str, object]]:
    services.integrator.integrate()
    with services.database.read() as tx:
        entries = store.entries_between(tx, 0, services.log.size(tx))
        return [dict(entry.leaf) for entry in entries]


NEWEST = (
    "DELETE FROM audit_adopted WHERE what = 'keys' AND number ="
    " (SELECT max(number) FROM audit_adopted WHERE what = 'keys')"
)
ITS_TEXT = (
    "DELETE FROM audit_document WHERE digest ="
    " (SELECT digest FROM audit_adopted WHERE what = 'keys' ORDER BY number DESC LIMIT 1)"
)
UNREADABLE = "UPDATE audit_leaf SET entry = CAST('x' AS {bytes}) WHERE idx = 3"


@pytest.mark.parametrize("attack", ["the row", "its text", "both", "the row and an entry"])
def test_a_key_that_was_revoked_does_not_come_back(
    sample: Services, clock: FakeClock, shipped: Shipped, attack: str
) -> None:
    """What the log says of keys counts, whatever became of the row and the text."""
    grant, sets = TYPE_OF["grant"], sample.key_sets
    old = sets.in_force().in_use(grant, clock.now())
    assert old is not None
    publish(sample, sets.propose_rotation("grant", clock.now(), revoke=True))
    used = sample.keys.held("grant")[-1].public
    unreadable = UNREADABLE.format(bytes="BLOB" if sample.database.dialect == "sqlite" else "BYTEA")
    done = {
        "the row": (NEWEST,),
        "its text": (ITS_TEXT,),
        "both": (ITS_TEXT, NEWEST),
        "the row and an entry": (NEWEST, unreadable),
    }
    sql(sample.database, *done[attack])
    with closing(build(sample.settings, clock=clock, shipped=shipped)) as again:
        assert old.public not in again.key_sets.publics(grant)
        assert again.ring.held("grant").public == used
        with again.database.read() as tx:
            assert again.key_sets.newest(tx) is None
            person = next(iter(again.directory.people(tx)))
        with again.database.write() as tx:
            again.consent.decide(tx, person, Act.REFUSED, clock.now())


def test_a_renewal_whose_commit_failed_is_tried_again(sample: Services, clock: FakeClock) -> None:
    sets = sample.key_sets
    before = sets.in_force()
    clock.advance(LIFE / 2)

    def interrupted() -> None:
        coming = sets.prepare(clock.now())
        with sample.database.write() as tx:
            store.lock(tx)
            sets.adopt(tx, coming, clock.now())
            raise Unavailable("the commit is lost", cure="Try again.")

    with pytest.raises(Unavailable, match="lost"):
        interrupted()
    assert sets.in_force() == before
    sets.follow()
    with sample.database.read() as tx:
        note = sets.newest(tx)
    assert note is not None
    assert read_key_set(note) == sets.in_force()
    assert sets.in_force().version == before.version + 1


def test_a_verb_renews_no_set_and_gives_it_no_other_address(
    sample: Services, clock: FakeClock, shipped: Shipped
) -> None:
    before = sample.key_sets.in_force()
    clock.advance(LIFE / 2)
    elsewhere = sample.settings.model_copy(update={"base_url": "https://elsewhere.example"})
    with closing(build(elsewhere, clock=clock, serving=False, shipped=shipped)) as verb:
        verb.integrator.integrate()
        with verb.database.read() as tx:
            note = verb.key_sets.newest(tx)
    assert note is not None
    assert read_key_set(note) == before


def test_a_set_whose_text_was_away_for_a_moment_is_followed_all_the_same(
    sample: Services, clock: FakeClock, shipped: Shipped
) -> None:
    with closing(build(sample.settings, clock=clock, shipped=shipped)) as other:
        after = sample.key_sets.propose_rotation("lease", clock.now())
        sample.key_sets.publish(after.text.encode(), clock.now())
        with sample.database.read() as tx:
            name = documents.in_force(tx, KEYS)
        sql(sample.database, f"UPDATE audit_document SET digest = 'away' WHERE digest = '{name}'")
        other.integrator.integrate()
        sql(sample.database, f"UPDATE audit_document SET digest = '{name}' WHERE digest = 'away'")
        other.integrator.integrate()
        assert other.key_sets.in_force().version == 2


def test_a_key_that_revokes_is_none_that_waited_in_the_folder(
    sample: Services, clock: FakeClock
) -> None:
    """Whoever copied the folder has that one, too."""
    waiting = sample.key_sets.propose_rotation("lease", clock.now()).keys[-1]
    assert sample.key_sets.propose_rotation("lease", clock.now()).keys[-1].kid == waiting.kid
    after = sample.key_sets.propose_rotation("lease", clock.now(), revoke=True)
    assert after.keys[-1].kid != waiting.kid


@pytest.mark.parametrize("revoke", [False, True])
def test_a_key_that_left_the_set_never_comes_back(
    sample: Services, clock: FakeClock, revoke: bool
) -> None:
    """Its file is still there; it is not taken for one that was made and waits."""
    sets, lease = sample.key_sets, TYPE_OF["lease"]
    first = sets.in_force().of(lease)[0]
    publish(sample, sets.propose_rotation("lease", clock.now(), revoke=revoke))
    clock.advance(ON_THE_WAY + timedelta(days=1))
    for _ in range(3):
        publish(sample, sets.propose_rotation("lease", clock.now()))
        clock.advance(timedelta(days=1))
        assert first.kid not in {key.kid for key in sets.in_force().keys}
        assert first.public not in sets.publics(lease)
        assert sample.ring.held("lease").public != first.public
    assert first.public in {key.public for key in sample.keys.held("lease")}
