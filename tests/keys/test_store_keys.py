"""A data store takes the signed key set as laptops do; each attack on it ends in a refusal."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.kernel.signing import LocalSigner, sign_token
from app.kernel.tokens import GRANT_TYPE, LEASE_TYPE
from app.keys.model import SKEW, PublishedKey, Root
from app.sdk.keys import AGAIN_S, EVERY_S
from app.sdk.lease import Lease, check_lease
from app.sdk.store.grants import Grant, GrantRefused, RedeemedInMemory, check_grant
from app.sdk.store.keys import KeysRefused, StoreKeys
from tests.access.test_attacks import claims
from tests.agents.test_client import BASE
from tests.keys.office import LIFE, KeyOffice, Owner, answer

HOUR, SECOND = timedelta(seconds=EVERY_S), timedelta(seconds=1)


class Store:
    """A data store with a folder of its own; ``grants`` signs what the service issues."""

    def __init__(self, folder: Path, office: KeyOffice, http: httpx2.Client) -> None:
        self.folder, self.office, self.http = folder, office, http
        self.grants = LocalSigner.generate()
        named = PublishedKey(GRANT_TYPE, self.grants.public)
        office.publish(replace(office.current, keys=(*office.current.keys, named)))
        office.roots[1] = office.newest
        self.restart()

    def restart(self, root: Root | None = None, folder: Path | None = None) -> None:
        clock = self.office.clock
        self.keys = StoreKeys(
            folder or self.folder, BASE, root=root, http=self.http, clock=clock,
            elapsed=clock.elapsed,
        )  # fmt: skip

    def grant(self, **changes: Any) -> str:
        return sign_token(
            self.grants, GRANT_TYPE, claims(self.office.clock, **{"iss": BASE, **changes})
        )

    def check(self, token: str) -> Grant:
        now = self.office.clock.now()
        return check_grant(token, "pipeline", self.keys.for_token(token), now, RedeemedInMemory())

    def ended(self, *, revoked: bool = False) -> LocalSigner:
        """The key of grants has ended now, and another follows; return the one before."""
        office, before = self.office, self.grants
        self.grants, now = LocalSigner.generate(), office.clock.now()
        keys = tuple(
            replace(key, ends=now, revoked=revoked) if key.public == before.public else key
            for key in office.current.keys
        )
        new = PublishedKey(GRANT_TYPE, self.grants.public, now)
        version = office.current.version + 1
        office.publish(replace(office.current, version=version, keys=(*keys, new)))
        return before


@pytest.fixture
def store(tmp_path: Path, office: KeyOffice) -> Iterator[Store]:
    with office.wire() as http:
        made = Store(tmp_path / "store", office, http)
        made.check(made.grant())
        yield made


def test_a_grant_of_a_key_that_follows_is_believed_at_once(store: Store) -> None:
    store.ended()
    store.office.clock.advance(timedelta(seconds=AGAIN_S))
    assert store.check(store.grant()).consumer == "pipeline"


def test_an_older_set_is_refused_also_after_a_restart(store: Store) -> None:
    old = store.office.newest
    store.ended(revoked=True)
    store.office.clock.advance(HOUR)
    store.check(store.grant())
    store.office.newest = old
    store.office.clock.advance(HOUR)
    for _ in range(2):
        with pytest.raises(KeysRefused, match="was seen before"):
            store.check(store.grant())
        store.restart()


def test_a_set_that_nobody_signed_is_refused(store: Store) -> None:
    store.office.newest = store.office.current.text.encode()
    store.office.clock.advance(HOUR)
    with pytest.raises(KeysRefused):
        store.check(store.grant())


def test_the_unsigned_keys_are_never_asked_for(store: Store) -> None:
    store.office.lie = lambda _: httpx2.Response(404)
    store.restart(folder=store.folder / "new")
    with pytest.raises(KeysRefused, match="no key set yet"):
        store.check(store.grant())


@pytest.mark.parametrize("name", ["root.habeas.example", "root.evil.example"])
def test_a_set_of_another_root_is_refused(store: Store, name: str) -> None:
    thief, office = Owner((name,)), store.office
    mine = PublishedKey(GRANT_TYPE, LocalSigner.generate().public)
    version = office.current.version + 1
    office.publish(replace(office.current, version=version, keys=(mine,)), by=thief)
    office.clock.advance(HOUR)
    with pytest.raises(KeysRefused, match="not signed by its root"):
        store.check(store.grant())


def test_a_store_that_was_given_the_root_learns_no_other_at_its_first_fetch(store: Store) -> None:
    office, root = store.office, store.office.owner.root()
    store.restart(root, store.folder / "given")
    assert store.check(store.grant())
    thief = Owner()
    office.publish(replace(office.current, root=thief.root()), by=thief)
    store.restart(root, store.folder / "other")
    with pytest.raises(KeysRefused):
        store.check(store.grant())
    store.restart(None, store.folder / "learned")
    assert store.check(store.grant()), "whoever is given none takes the one that it is shown"


def test_a_store_that_was_given_the_root_follows_its_changes(store: Store) -> None:
    root = store.office.owner.root()
    store.office.turn_root()
    store.office.turn_root()
    store.restart(root, store.folder / "given")
    assert store.check(store.grant())
    del store.office.roots[2]
    store.restart(root, store.folder / "gap")
    with pytest.raises(KeysRefused):
        store.check(store.grant())


def test_what_a_revoked_key_signed_is_refused_whenever_it_did(store: Store) -> None:
    token = store.grant()
    store.ended(revoked=True)
    store.office.clock.advance(SECOND)
    store.office.clock.advance(timedelta(seconds=30))
    store.restart()
    with pytest.raises(GrantRefused):
        store.check(token)


def test_a_grant_that_was_issued_after_its_key_ended_is_refused(store: Store) -> None:
    """What the key signed in its time is still believed, within a minute for two clocks."""
    before = store.ended()
    store.office.clock.advance(SKEW - SECOND)
    after, store.grants = store.grants, before
    assert store.check(store.grant())
    store.office.clock.advance(SECOND)
    with pytest.raises(GrantRefused):
        store.restart()
        store.check(store.grant())
    store.grants = after
    assert store.check(store.grant())


def test_a_grant_of_another_issuer_or_type_of_key_is_refused(store: Store) -> None:
    with pytest.raises(GrantRefused, match="issuer"):
        store.check(store.grant(iss="https://other.example"))
    store.grants = store.office.leases.signer
    with pytest.raises(GrantRefused):
        store.check(store.grant())


def test_a_set_that_has_expired_is_believed_no_longer(store: Store) -> None:
    held = store.keys.for_token(store.grant())
    store.office.clock.advance(LIFE)
    with pytest.raises(KeysRefused, match="expired"):
        store.check(store.grant())
    token, now = store.grant(), store.office.clock.now()
    with pytest.raises(GrantRefused, match="expired"):
        check_grant(token, "pipeline", held, now, RedeemedInMemory())


def test_a_silent_service_makes_no_set_live_longer(store: Store) -> None:
    store.office.lie = lambda _: httpx2.Response(404)
    store.office.clock.advance(LIFE)
    with pytest.raises(KeysRefused, match="expired"):
        store.check(store.grant())


def test_a_set_that_is_damaged_on_disk_is_not_learned_anew(store: Store) -> None:
    (file,) = store.folder.glob("*.json")
    file.write_bytes(file.read_bytes().replace(b"publish", b"Publish"))
    with pytest.raises(KeysRefused, match="cannot be read"):
        store.restart()


@pytest.mark.parametrize("junk", ["", "x", "x.y.z", answer(b"").__name__])
def test_what_is_no_token_is_refused(store: Store, junk: str) -> None:
    with pytest.raises(KeysRefused):
        store.check(junk)


def test_a_lease_is_judged_by_the_set_as_well(store: Store) -> None:
    """Of its key in its time: a stolen key of a lease that has ended covers nothing new."""
    office = store.office
    token = office.leases.send(iss=BASE).token
    held = store.keys.for_token(token)
    device = office.leases.device_id
    assert isinstance(check_lease(token, office.clock.now(), device, held), Lease)
    ended = office.clock.now() - SKEW - SECOND
    keys = tuple(replace(key, ends=ended) if key.typ == LEASE_TYPE else key for key in held.keys)
    late = check_lease(token, office.clock.now(), device, replace(held, keys=keys))
    assert not isinstance(late, Lease)
