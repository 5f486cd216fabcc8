"""A restore takes back no key set: not for laptops that have it, and not for what it revoked."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import httpx2
import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.audit.entries import store
from app.audit.entries.halt import rolled_back
from app.audit.entries.service import AuditService
from app.audit.growing.lock import LockStore, NotedKeySet
from app.demo.custodians import NAMES
from app.kernel.errors import Conflict, Unavailable
from app.kernel.lanes import Lane
from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner, read_token, sign_token, signing_key_of
from app.kernel.tokens import RECEIPT_TYPE, TYPE_OF, keys_for
from app.keys.following import rotated
from app.keys.model import KeySet, PublishedKey, read_key_set
from app.keys.service import LIFE, KeyService
from app.main import create_app
from app.sdk.agent.client import AgentClient
from app.sdk.agent.pairing import CodeShown, pair
from app.sdk.keys import kept_key_set
from app.wiring import Services, build, look
from app.wiring.shipped import Shipped
from tests.architecture.test_every_change_is_an_entry import EMPLOYEE, Story
from tests.audit.restore.instance import Instance, consents, write
from tests.fakes import FakeClock
from tests.keys.office import Owner
from tests.tamper import sql

pytestmark = pytest.mark.slow

LEASE, RECEIPT = TYPE_OF["lease"], TYPE_OF["receipt"]


def in_force(services: Services) -> KeySet:
    with services.database.read() as tx:
        note = services.key_sets.newest(tx)
    assert note is not None
    return read_key_set(note)


def publish(services: Services, after: KeySet, *signers: Callable[[bytes], bytes]) -> None:
    statement = after.text.encode()
    for sign in signers:
        statement = sign(statement)
    services.key_sets.publish(statement, services.clock.now())
    services.integrator.integrate()
    services.key_sets.follow()


def rotate(services: Services, name: str, *, revoke: bool = False) -> None:
    now = services.clock.now()
    publish(services, services.key_sets.propose_rotation(name, now, revoke=revoke))


@dataclass
class Polling:
    """A laptop of the employee; what it knows is on its disk."""

    instance: Instance
    folder: Path

    def pair(self, services: Services) -> None:
        def approve(code: str) -> object:
            def pairs(story: Story) -> object:
                person, now = story.person(EMPLOYEE), story.now
                request = services.pairing.pending(story.tx, person, code, now)
                return services.pairing.approve(story.tx, person, request, now)

            return write(services, pairs)

        with self.wire(services) as http:
            steps = pair(
                str(http.base_url),
                self.folder,
                "laptop",
                http=http,
                clock=self.instance.clock,
                sleep=lambda _: None,
            )
            for step in steps:
                if isinstance(step, CodeShown):
                    approve(step.user_code)

    def wire(self, services: Services) -> httpx2.Client:
        return TestClient(create_app(services), base_url=services.settings.issuer)

    def poll(self, services: Services) -> Refusal | None:
        """Why capture is off; None where it is on."""
        clock = self.instance.clock
        with self.wire(services) as http:
            agent = AgentClient.open(self.folder, http=http, clock=clock, elapsed=clock.elapsed)
            return agent.poll().reason

    @property
    def version(self) -> int:
        held = kept_key_set(self.folder)
        return 0 if held is None else held.version


@pytest.fixture
def laptop(instance: Instance, tmp_path: Path) -> Polling:
    return Polling(instance, tmp_path / "laptop")


def test_a_laptop_that_has_a_set_which_was_lost_goes_on_after_the_restore(
    instance: Instance, laptop: Polling
) -> None:
    services = instance.start()
    write(services, consents)
    laptop.pair(services)
    assert laptop.poll(services) is None
    instance.back_up()
    services = instance.start()
    rotate(services, "lease")
    rotate(services, "receipt", revoke=True)
    instance.clock.advance(timedelta(minutes=20))
    services.integrator.integrate()
    assert (laptop.poll(services), laptop.version) == (None, 3)
    lost = in_force(services)
    instance.put_back()

    services = instance.acknowledge()
    assert in_force(services) == lost == services.key_sets.in_force()
    assert str(laptop.poll(services)) not in {"None", Refusal.KEYS_REFUSED}
    write(services, consents)
    instance.clock.advance(timedelta(minutes=1))
    assert (laptop.poll(services), laptop.version) == (None, 3)


def lose_a_revocation(instance: Instance) -> tuple[LocalSigner, str]:
    """The copy, a revoked receipt key, and the copy comes back; the key, and what it has signed."""
    services = instance.start()
    old = services.ring.held("receipt")
    token = sign_token(old, RECEIPT, {"iss": services.settings.issuer})
    assert read_token(token, RECEIPT_TYPE, keys_for(services.jwks, RECEIPT_TYPE))
    instance.back_up()
    rotate(instance.start(), "receipt", revoke=True)
    instance.put_back()
    return old, token


def believes(services: Services, token: str) -> bool:
    if signing_key_of(token) not in {key["kid"] for key in services.jwks["keys"]}:
        return False  # also where no key of its type is left
    read_token(token, RECEIPT_TYPE, keys_for(services.jwks, RECEIPT_TYPE))
    return True


def test_what_a_revoked_key_signs_is_refused_after_a_restore_that_lost_the_revocation(
    instance: Instance,
) -> None:
    old, token = lose_a_revocation(instance)
    instance.recover()
    waiting = instance.running[-1]
    assert not believes(waiting, token), "nobody has acknowledged anything yet"
    assert waiting.ring.held("receipt").public != old.public
    services = instance.acknowledge()
    assert not believes(services, token)
    assert services.ring.held("receipt").public != old.public
    (published,) = (key for key in in_force(services).of(RECEIPT) if key.public == old.public)
    assert published.revoked


@pytest.mark.parametrize("instance", ["sqlite"], indirect=True)
def test_a_revoked_key_does_not_come_back_with_a_copy_whose_set_was_taken_away(
    instance: Instance,
) -> None:
    """In the copy only an entry says which keys there are, and it is from before."""
    old, token = lose_a_revocation(instance)
    found = instance.recover()
    sql(found.database, "DELETE FROM audit_adopted WHERE what = 'keys'")
    instance.stop()
    instance.recover()
    waiting = instance.running[-1]
    assert not believes(waiting, token)
    assert waiting.ring.held("receipt").public != old.public


def test_sets_that_custodians_signed_come_back_as_they_signed_them(
    instance: Instance, laptop: Polling
) -> None:
    """Root 2 was lost, too; a laptop that knows only root 1 finds its way."""
    services = instance.start()
    write(services, consents)
    laptop.pair(services)
    assert laptop.poll(services) is None
    instance.back_up()
    services = instance.start()

    def sign(statement: bytes) -> bytes:
        return instance.signed(statement.decode(), *NAMES[:2])

    with services.database.read() as tx:
        root = services.key_sets.propose_root(tx, instance.clock.now())
    publish(services, root, sign)
    publish(
        services,
        services.key_sets.propose_rotation("receipt", instance.clock.now(), revoke=True),
        sign,
    )
    lost = in_force(services)
    instance.put_back()

    services = instance.acknowledge()
    assert in_force(services) == lost
    assert lost.root.version == 2
    write(services, consents)
    instance.clock.advance(timedelta(minutes=1))
    assert (laptop.poll(services), laptop.version) == (None, 3)


class Refusing(AuditService):
    """Keeps no document: as a database that fails between the note and the commit."""

    def keep_document(self, *_: object) -> str:
        raise Unavailable("the database does not answer", cure="Try again.", kind="busy")


def failing(sets: KeyService) -> KeyService:
    log = Refusing(**{each.name: getattr(sets.log, each.name) for each in fields(sets.log)})
    return replace(sets, kept=replace(sets.kept, log=log))


def test_a_set_that_was_kept_and_not_committed_comes_when_it_is_published_again(
    sample: Services,
) -> None:
    """No laptop can have seen it, and whoever published it was told."""
    sets, now = sample.key_sets, sample.clock.now()
    after = sets.propose_rotation("grant", now, revoke=True)
    with pytest.raises(Unavailable, match="Key set 2 is kept in the lock store") as refused:
        failing(sets).publish(after.text.encode(), now)
    assert (refused.value.kind, "at the next start" in refused.value.cure) == ("busy", True)
    assert in_force(sample).version == 1
    assert sample.lock.newest_key_set() == 2, "kept before it is committed"
    publish(sample, after)  # whoever was interrupted types it again
    assert in_force(sample) == after


def test_a_halted_log_keeps_no_set(sample: Services) -> None:
    """Nothing was changed, and so nothing comes at the next start."""
    sets, now = sample.key_sets, sample.clock.now()
    after = sets.propose_rotation("grant", now, revoke=True)
    sample.log.halt.stop(rolled_back("as a test"))
    with pytest.raises(Unavailable, match="rolled back"):
        sets.publish(after.text.encode(), now)
    assert sample.lock.newest_key_set() == 1


def test_a_kept_set_whose_keys_have_ended_waits_for_a_start(
    sample: Services, clock: FakeClock, shipped: Shipped
) -> None:
    """A process that runs would go on signing with a key that laptops believe no more."""
    sets = sample.key_sets
    after = sets.propose_rotation("lease", clock.now())
    with pytest.raises(Unavailable):
        failing(sets).publish(after.text.encode(), clock.now())
    clock.advance(timedelta(hours=1))
    for again in (after, sets.propose_rotation("grant", clock.now())):
        with pytest.raises(Conflict, match="key set 2 is kept in the lock store and is late"):
            sets.publish(again.text.encode(), clock.now())
    assert sample.lock.newest_key_set() == 2
    with closing(build(sample.settings, clock=clock, shipped=shipped)) as started:
        assert in_force(started) == after


class Watching(LockStore):
    """Has somebody else write while it is asked to keep a key set."""

    writes: Callable[[], object]

    def note_key_set(self, noted: NotedKeySet, after: int | None = None) -> None:
        self.writes()
        super().note_key_set(noted, after)


def test_who_writes_waits_for_no_lock_store(sample: Services) -> None:
    """Another thread writes, under the log's lock, while the lock store has not answered yet."""
    sets, now = sample.key_sets, sample.clock.now()
    after = sets.propose_rotation("grant", now)
    wrote: list[object] = []

    def write_now() -> None:
        with sample.database.write(Lane.STRANGERS) as tx:
            store.lock(tx)
            wrote.append(tx.execute(text("SELECT 1")).scalar())

    def asked() -> None:
        other = Thread(target=write_now)
        other.start()
        other.join(1)
        assert wrote, "somebody who writes waits for the lock store"

    watching = Watching(sample.lock.database)
    object.__setattr__(watching, "writes", asked)
    replace(sets, kept=replace(sets.kept, lock=watching)).publish(after.text.encode(), now)
    assert in_force(sample) == after


def test_a_set_in_the_lock_store_that_the_root_did_not_sign_is_not_believed(
    instance: Instance,
) -> None:
    services = instance.start()
    held, now = in_force(services), instance.clock.now()
    own = PublishedKey(LEASE, LocalSigner.generate().public)
    forged = Owner().sign(rotated(held, own, timedelta(), now).text.encode())
    services.lock.note_key_set(NotedKeySet(held.version + 1, forged, now))
    instance.stop()
    with pytest.raises(Unavailable, match="does not follow") as refused:
        instance.start()
    assert refused.value.kind == "another-log"


def test_another_set_of_the_version_in_force_is_noticed(sample: Services) -> None:
    """Two databases went on from one copy, and the lock store is of the other."""
    sets, now = sample.key_sets, sample.clock.now()
    other = sets.propose_rotation("lease", now)
    publish(sample, sets.propose_rotation("grant", now))
    with sample.lock.database.write() as tx:
        tx.execute(
            text("UPDATE lock_key_set SET note = :note WHERE version = 2"),
            {"note": other.text.encode()},
        )
    with sample.database.read() as tx, pytest.raises(Unavailable) as refused:
        sets.open(tx, begun=True)
    assert refused.value.kind == "another-log"


def test_sets_of_an_earlier_release_are_kept_from_the_next_start_on(instance: Instance) -> None:
    """It kept none: two sets, of which the first has expired by then."""
    services = instance.start()
    rotate(services, "lease")
    with services.lock.database.write() as tx:
        tx.execute(text("DELETE FROM lock_key_set"))
    instance.back_up()
    instance.clock.advance(LIFE + timedelta(days=1))
    services = instance.start()
    assert [noted.version for noted in services.lock.key_sets(beyond=0)] == [1, 2, 3]
    rotate(services, "grant", revoke=True)
    lost = in_force(services)
    instance.put_back()
    assert in_force(instance.acknowledge()) == lost


def test_whoever_restores_an_old_folder_of_keys_as_well_goes_on_with_new_keys(
    instance: Instance,
) -> None:
    """The keys of the lost range are gone: the restore is acknowledged, and others follow."""
    lose_a_revocation(instance)
    (instance.settings.var / "keys" / "receipt.2.key").unlink()
    found = instance.recover()
    note = instance.signed(found.statement(), *NAMES)
    found.acknowledge(note, instance.running[-1].consent.end_all, instance.clock.now())
    instance.stop()
    with pytest.raises(Unavailable) as refused:
        instance.start()
    assert refused.value.kind == "another-key"
    assert "habeas keys rotate receipt --revoke" in refused.value.cure
    verb = look(instance.settings, lacking=True)
    instance.running.append(verb)
    rotate(verb, "receipt", revoke=True)
    instance.stop()
    services = instance.start()
    first, second, third = in_force(services).of(RECEIPT)
    assert (first.revoked, second.revoked, third.revoked) == (True, True, False)
    assert services.ring.held("receipt").public == third.public
