"""TUF's attacks on the key set (specification 1.0, §1.5.2), each against a paired laptop.

Whoever attacks answers in the service's place, at every address. What they can never have is the
root's private keys; where a test gives them the key for leases, it says so.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner, jwk
from app.kernel.tokens import KEY_USE, LEASE_TYPE
from app.keys.model import MOST_BYTES, MOST_ROOTS, MOST_STEPS, PublishedKey
from app.sdk.agent.identity import NotPaired, PairingFailed
from app.sdk.keys import AGAIN_S, EVERY_S, KEY_SET
from tests.agents.test_client import BASE
from tests.keys.office import LIFE, Handler, KeyOffice, Laptop, Owner, answer

HOUR = timedelta(seconds=EVERY_S)


def forged(office: KeyOffice, by: Owner) -> LocalSigner:
    """Leases are signed by the attacker's key, and a set that ``by`` signed names it."""
    office.leases.signer = LocalSigner.generate()
    mine = PublishedKey(LEASE_TYPE, office.leases.signer.public)
    after = replace(office.current, version=office.current.version + 1, keys=(mine,))
    office.publish(after, by=by)
    return office.leases.signer


def test_an_honest_service_is_believed(laptop: Laptop) -> None:
    assert laptop.poll() is None
    assert laptop.version == 1


@pytest.mark.parametrize("name", ["root.habeas.example", "root.evil.example"])
def test_arbitrary_software_a_set_that_the_root_did_not_sign_is_refused(
    laptop: Laptop, office: KeyOffice, name: str
) -> None:
    """Wrong root: the attacker's own key under the root's name, or another."""
    assert laptop.poll() is None
    forged(office, Owner((name,)))
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED
    assert laptop.version == 1


def test_a_set_with_its_signature_stripped_is_refused(laptop: Laptop, office: KeyOffice) -> None:
    text, _, _ = office.publish().rpartition(b"\n\n")
    office.newest = text + b"\n"
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED


def test_the_keys_of_the_other_address_are_not_asked_by_a_laptop_that_knows_a_root(
    laptop: Laptop, office: KeyOffice
) -> None:
    """``jwks.json`` is not signed: a key that only it names signs no lease."""
    office.leases.signer = LocalSigner.generate()
    named = {**jwk(office.leases.signer.public), KEY_USE: LEASE_TYPE}
    office.service.lies["/.well-known/jwks.json"] = lambda _: httpx2.Response(
        200, json={"keys": [named]}
    )
    assert laptop.poll() is Refusal.LEASE_UNREADABLE


def test_rollback_an_older_set_is_refused_also_after_a_restart(
    laptop: Laptop, office: KeyOffice
) -> None:
    stolen, before = office.leases.signer, office.newest
    office.rotate(revoke=True)
    assert laptop.poll() is None
    assert laptop.version == 2
    office.newest, office.leases.signer = before, stolen
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED
    laptop.restart()
    assert laptop.poll() is Refusal.KEYS_REFUSED
    assert laptop.version == 2


def test_indefinite_freeze_a_set_that_has_expired_is_believed_no_longer(
    laptop: Laptop, office: KeyOffice
) -> None:
    """The attacker has the key for leases and keeps from the laptop that it was revoked."""
    frozen = office.newest
    office.rotate(revoke=True)
    office.newest = frozen
    office.leases.signer = LocalSigner.generate()
    office.clock.advance(LIFE)
    assert laptop.poll() in {Refusal.KEYS_REFUSED, Refusal.KEYS_EXPIRED}


def test_indefinite_freeze_by_silence_ends_with_the_set(laptop: Laptop, office: KeyOffice) -> None:
    def silent(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("no route")

    office.lie = silent
    office.clock.advance(LIFE - timedelta(seconds=10))
    assert laptop.poll() is None
    office.clock.advance(10)
    assert laptop.poll() is Refusal.KEYS_EXPIRED


def test_a_clock_that_was_turned_back_does_not_make_a_set_live_longer(
    laptop: Laptop, office: KeyOffice
) -> None:
    """Leases say what the time is; the owner of the laptop says another."""
    office.lie = lambda _: httpx2.Response(503)
    office.clock.advance(LIFE)
    at = int(office.clock.now().timestamp())
    office.claims |= {"iat": at, "exp": at + 900}
    office.clock.advance(-timedelta(seconds=30))
    assert laptop.poll() is Refusal.KEYS_EXPIRED


@pytest.mark.parametrize("steps", [MOST_STEPS + 1, 2**20])
def test_fast_forward_a_version_that_leaps_is_neither_believed_nor_remembered(
    laptop: Laptop, office: KeyOffice, steps: int
) -> None:
    """Also if the root signed it, by mistake: every honest set would be behind it for ever."""
    honest = office.current
    office.publish(replace(honest, version=honest.version + steps))
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED
    office.publish(replace(honest, version=honest.version + 1))
    office.clock.advance(HOUR)
    assert laptop.poll() is None
    assert laptop.version == 2


def test_mix_and_match_two_sets_of_one_version_are_not_both_believed(
    laptop: Laptop, office: KeyOffice
) -> None:
    assert laptop.poll() is None
    office.publish(replace(office.current, expires=office.current.expires + timedelta(days=1)))
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED


def test_mix_and_match_a_lease_of_another_issuer_does_not_belong_to_the_set(
    laptop: Laptop, office: KeyOffice
) -> None:
    office.claims["iss"] = "https://other.example"
    assert laptop.poll() is Refusal.KEYS_REFUSED


def test_mix_and_match_a_set_of_another_issuer_is_refused(
    laptop: Laptop, office: KeyOffice
) -> None:
    office.publish(replace(office.current, version=2, issuer="https://other.example"))
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED


@pytest.mark.parametrize("late", [timedelta(seconds=61), timedelta(days=30)])
def test_mix_and_match_a_key_that_has_ended_signs_no_new_lease(
    laptop: Laptop, office: KeyOffice, late: timedelta
) -> None:
    """The attacker has the key that was used until then."""
    old = office.leases.signer
    office.rotate()
    assert laptop.poll() is None
    office.leases.signer = old
    office.leases.consent_seq += 1  # so that it is not answered with 304
    office.clock.advance(late)
    assert laptop.poll() is Refusal.KEYS_REFUSED


def test_mix_and_match_a_key_signs_no_lease_before_its_time(
    laptop: Laptop, office: KeyOffice
) -> None:
    begins = office.clock.now() + timedelta(days=1)
    office.leases.signer = LocalSigner.generate()
    next_key = PublishedKey(LEASE_TYPE, office.leases.signer.public, begins)
    office.publish(replace(office.current, version=2, keys=(*office.current.keys, next_key)))
    assert laptop.poll() is Refusal.KEYS_REFUSED


def endless() -> Iterator[bytes]:
    while True:
        yield b"\n" * 4_096


@pytest.mark.parametrize("size", [MOST_BYTES + 1, 10_000_000])
def test_endless_data_is_cut_off_and_as_good_as_silence(
    laptop: Laptop, office: KeyOffice, size: int
) -> None:
    assert_as_good_as_silence(laptop, office, answer(b"x" * size))


def test_data_without_an_end_is_cut_off(laptop: Laptop, office: KeyOffice) -> None:
    plain = {"Content-Type": "text/plain"}
    assert_as_good_as_silence(
        laptop, office, lambda _: httpx2.Response(200, headers=plain, content=endless())
    )


def test_the_page_of_a_captive_portal_is_as_good_as_silence(
    laptop: Laptop, office: KeyOffice
) -> None:
    assert_as_good_as_silence(laptop, office, answer(b"<title>Welcome</title>", "text/html"))


def assert_as_good_as_silence(laptop: Laptop, office: KeyOffice, lie: Handler) -> None:
    """The set that is held goes on until it expires, and no longer."""
    office.lie = lie
    office.clock.advance(LIFE - timedelta(seconds=10))
    assert laptop.poll() is None
    assert laptop.version == 1
    office.clock.advance(10)
    assert laptop.poll() is Refusal.KEYS_EXPIRED


def test_the_page_of_a_captive_portal_stands_for_no_root(laptop: Laptop, office: KeyOffice) -> None:
    assert laptop.poll() is None
    office.turn_root()

    def page_for_roots(asked: httpx2.Request) -> httpx2.Response:
        media_type = "text/plain" if asked.url.path == KEY_SET else "text/html"
        return answer(office.newest, media_type)(asked)

    office.lie = page_for_roots
    office.clock.advance(HOUR)
    assert laptop.poll() is None
    assert laptop.version == 1


def test_slow_retrieval_ends_and_what_is_held_goes_on(laptop: Laptop, office: KeyOffice) -> None:
    """Each answer of a chain of roots comes just in time; together they take too long."""
    for _ in range(MOST_ROOTS):
        office.turn_root()
    show = office.service.lies[KEY_SET]

    def slow(asked: httpx2.Request) -> httpx2.Response:
        office.clock.advance(19)
        return show(asked)

    office.service.lies[KEY_SET] = slow
    assert laptop.poll() is None
    assert laptop.version == 1
    assert len(office.asked) < 8


def test_key_compromise_a_revoked_key_ends_at_once_what_it_signed(
    laptop: Laptop, office: KeyOffice
) -> None:
    """The laptop holds a lease of the stolen key when it learns of it, and gets no other."""
    assert laptop.poll() is None
    stolen = office.leases.signer
    office.rotate(revoke=True)
    office.leases.signer = stolen
    office.clock.advance(HOUR)
    assert laptop.poll() is not None
    held = laptop.agent.guard.lease
    assert held is None


def test_key_compromise_the_next_poll_after_a_revocation_captures_again(
    laptop: Laptop, office: KeyOffice
) -> None:
    assert laptop.poll() is None
    office.rotate(revoke=True)
    office.leases.policy_seq += 1  # so that it is not answered with 304
    office.leases.consent_seq += 1
    assert laptop.poll() is None
    assert laptop.version == 2


@pytest.mark.parametrize("signs", ["old", "new"])
def test_a_new_root_that_only_one_of_the_two_roots_signed_is_refused(
    laptop: Laptop, office: KeyOffice, signs: str
) -> None:
    old, new = office.owner, Owner(("other.example",))
    after = replace(office.current, version=2, root=new.root(2))
    office.newest = office.roots[2] = (old if signs == "old" else new).sign(after.text.encode())
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED
    assert laptop.version == 1


def test_a_laptop_that_slept_through_changes_of_the_root_follows_each(
    laptop: Laptop, office: KeyOffice
) -> None:
    """Skipped versions: also where the sets in between have expired since."""
    for _ in range(3):
        office.turn_root()
        office.clock.advance(LIFE)
        office.rotate()
    laptop.restart()
    assert laptop.poll() is None
    assert laptop.version == office.current.version == 7


def test_a_chain_of_roots_with_a_gap_is_refused(laptop: Laptop, office: KeyOffice) -> None:
    office.turn_root()
    office.turn_root()
    del office.roots[2]
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED


def test_a_root_that_was_left_signs_nothing_any_more(laptop: Laptop, office: KeyOffice) -> None:
    """Compromise of the old root: its thief writes a set under it, and one that leads back."""
    stolen = office.owner
    office.turn_root()
    office.clock.advance(HOUR)
    assert laptop.poll() is None
    back = replace(office.current, version=3, root=stolen.root(3))
    for after in (replace(office.current, version=3), back):
        office.newest = office.roots[3] = stolen.sign(after.text.encode())
        office.clock.advance(HOUR)
        assert laptop.poll() is Refusal.KEYS_REFUSED


def test_one_of_two_custodians_alone_signs_no_set(laptop: Laptop, office: KeyOffice) -> None:
    both = Owner(("works-council", "data-protection"))
    office.turn_root(both)
    office.clock.advance(HOUR)
    assert laptop.poll() is None
    forged(office, Owner(both.names[:1], both.signers[:1]))
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED


def test_one_custodian_who_signs_twice_is_one(laptop: Laptop, office: KeyOffice) -> None:
    both = Owner(("works-council", "data-protection"))
    office.turn_root(both)
    office.clock.advance(HOUR)
    assert laptop.poll() is None
    forged(office, Owner(both.names[:1] * 2, both.signers[:1] * 2))
    head, gap, line = office.newest.rpartition(b"\n\n")
    office.newest = head + gap + line + line
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED


# At pairing, and on disk


@pytest.mark.parametrize(
    "spoil",
    [
        lambda office: office.publish(by=Owner()),
        lambda office: office.clock.advance(LIFE),
        lambda office: office.publish(replace(office.current, issuer="https://other.example")),
        lambda office: setattr(office, "lie", answer(b"<html>", "text/html")),
        lambda office: setattr(office, "lie", answer(b"x")),
    ],
    ids=["not signed by its root", "expired", "of another issuer", "a page", "no set"],
)
def test_at_pairing_a_set_that_cannot_be_believed_ends_it(
    laptop: Laptop, office: KeyOffice, spoil: Callable[[KeyOffice], object]
) -> None:
    spoil(office)
    with pytest.raises(PairingFailed):
        laptop.pair()


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes().replace(b"version 1", b"version 9")),
        lambda file: file.write_bytes(b"[" * 100_000),
    ],
)
def test_a_set_that_is_missing_or_damaged_on_disk_is_not_learned_anew(
    laptop: Laptop, damage: Callable[..., object]
) -> None:
    damage(laptop.folder / "keys.json")
    with pytest.raises(NotPaired):
        laptop.restart()


def test_a_set_is_on_disk_before_anything_is_believed_by_it(
    laptop: Laptop, office: KeyOffice
) -> None:
    office.rotate()
    laptop.folder.joinpath("keys.json").unlink()
    laptop.folder.joinpath("keys.json").mkdir()  # so that it cannot be written
    assert laptop.poll() is Refusal.STATE_UNREADABLE


def test_a_service_that_names_unknown_keys_for_ever_is_not_asked_for_sets_for_ever(
    laptop: Laptop, office: KeyOffice
) -> None:
    laptop.poll()
    office.asked.clear()
    for _ in range(20):
        office.leases.signer = LocalSigner.generate()
        office.leases.consent_seq += 1  # so that it is not answered with 304
        office.clock.advance(15)
        laptop.poll()
    assert 2 <= len(office.asked) <= 5


def test_a_laptop_paired_before_there_were_key_sets_learns_the_root_from_the_same_address(
    laptop: Laptop, office: KeyOffice
) -> None:
    office.lie = lambda _: httpx2.Response(404)
    laptop.pair()
    assert laptop.poll() is None
    assert laptop.version == 0
    office.lie = None
    office.clock.advance(HOUR)
    assert laptop.poll() is None
    assert laptop.version == 1
    laptop.restart()
    office.rotate()
    assert laptop.poll() is None


def test_a_laptop_paired_before_takes_no_root_that_knows_none_of_its_keys(
    laptop: Laptop, office: KeyOffice
) -> None:
    office.lie = lambda _: httpx2.Response(404)
    laptop.pair()
    assert laptop.poll() is None
    office.lie = None
    forged(office, office.owner)
    office.clock.advance(HOUR)
    assert laptop.poll() is Refusal.KEYS_REFUSED
    assert office.current.issuer == BASE


def test_a_laptop_of_before_that_learned_the_root_does_not_forget_it(
    laptop: Laptop, office: KeyOffice
) -> None:
    """Whoever deletes the set that is held does not bring back the keys of the pairing."""
    office.lie = lambda _: httpx2.Response(404)
    laptop.pair()
    assert laptop.poll() is None
    office.lie = None
    office.clock.advance(HOUR)
    laptop.poll()
    assert laptop.version == 1
    (laptop.folder / "keys.json").unlink()
    with pytest.raises(NotPaired):
        laptop.restart()


def test_capture_stays_off_until_a_set_that_can_be_believed_is_shown(
    laptop: Laptop, office: KeyOffice
) -> None:
    assert laptop.poll() is None
    office.lie = answer(b"rubbish\n\n")
    office.clock.advance(HOUR)
    for _ in range(6):
        assert laptop.poll() == Refusal.KEYS_REFUSED
        office.clock.advance(15)
    office.lie = lambda _: httpx2.Response(503)
    office.clock.advance(AGAIN_S)
    assert laptop.poll() == Refusal.KEYS_REFUSED, "silence takes nothing back"
    office.lie = None
    office.clock.advance(AGAIN_S)
    assert laptop.poll() is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_service_at_the_address_of_a_root_turns_nothing_off(
    laptop: Laptop, office: KeyOffice, status: int
) -> None:
    assert laptop.poll() is None
    office.turn_root()

    def busy(asked: httpx2.Request) -> httpx2.Response:
        if asked.url.path == KEY_SET:
            return answer(office.newest)(asked)
        return httpx2.Response(status)

    office.lie = busy
    office.clock.advance(HOUR)
    assert laptop.poll() is None
    office.lie = None
    office.clock.advance(HOUR)
    assert laptop.poll() is None
    assert laptop.version == office.current.version
