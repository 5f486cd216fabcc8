"""The key set as pure rules: what is read, what is believed, what may follow."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.restore.custody import statement_text
from app.audit.tree.checkpoint import VerifierKey
from app.kernel.signing import LocalSigner, b64u
from app.kernel.tokens import LONGEST_LIFE, TYPE_OF
from app.keys.following import ON_THE_WAY, rooted, rotated
from app.keys.model import (
    MOST_BYTES,
    MOST_STEPS,
    PUBLISH,
    SKEW,
    BadKeySet,
    Doubt,
    KeySet,
    PublishedKey,
    first_key_set,
    next_key_set,
    read_key_set,
    read_text,
)
from tests.keys.office import Owner

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OWNER = Owner()
PUBLICS = [LocalSigner.from_seed(bytes([number]) * 32).public for number in range(12)]
HELD = KeySet(
    "https://habeas.example",
    7,
    AT + 90 * DAY,
    OWNER.root(),
    (PublishedKey("habeas-lease+jwt", PUBLICS[0]), PublishedKey("habeas-grant+jwt", PUBLICS[1])),
)


def note(key_set: KeySet, *owners: Owner) -> bytes:
    text = key_set.text.encode()
    for owner in owners or (OWNER,):
        text = owner.sign(text)
    return text


def doubt(act: Callable[[], object]) -> Doubt:
    with pytest.raises(BadKeySet) as told:
        act()
    return told.value.doubt


# What is read

instants = st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC, microsecond=0)
)
published = st.builds(
    PublishedKey,
    st.sampled_from(["habeas-lease+jwt", "habeas-grant+jwt", "x"]),
    st.sampled_from(PUBLICS),
    st.none() | instants,
    st.none() | instants,
    st.booleans(),
)
key_sets = st.builds(
    KeySet,
    st.just("https://habeas.example"),
    st.integers(1, 999_999_999),
    instants,
    st.sampled_from([OWNER.root(), Owner(("b", "a", "c")).root(3, 2)]),
    st.lists(published, max_size=6, unique_by=lambda key: key.public).map(tuple),
)


@given(key_sets)
def test_what_is_written_is_read_as_it_was(key_set: KeySet) -> None:
    read = read_text(key_set.text)
    assert read.text == key_set.text
    assert (read.version, read.expires, read.keys) == (
        key_set.version,
        key_set.expires,
        key_set.keys,
    )
    assert set(read.root.keys) == set(key_set.root.keys)


def with_facts(**changes: str | None) -> str:
    lines = HELD.text.removesuffix("\n").split("\n")[2:]
    facts = dict(line.split(" ", 1) for line in lines) | changes
    return statement_text(PUBLISH, {key: value for key, value in facts.items() if value})


def with_key(**changes: object) -> str:
    key = {"typ": "t", "x": b64u(PUBLICS[0]), **changes}
    written = {name: value for name, value in key.items() if value is not ...}
    return with_facts(keys=json.dumps([written], separators=(",", ":"), sort_keys=True))


OTHER = VerifierKey("other", PUBLICS[3])
SEVENTEEN = [VerifierKey(f"k{n:02}", LocalSigner.generate().public).vkey for n in range(17)]
UNREADABLE = {
    "nothing": "",
    "a checkpoint": "log.example/1\n7\nAAAA\n",
    "another action": HELD.text.replace(PUBLISH, "acknowledge-restore"),
    "a fact too many": with_facts(colour="red"),
    "a fact too few": with_facts(issuer=None),
    "version 0": with_facts(version="0"),
    "a version below 0": with_facts(version="-1"),
    "a version with a zero before it": with_facts(version="07"),
    "a version in other digits": with_facts(version="\u0667"),
    "a version of ten digits": with_facts(version="1000000000"),
    "a version that is no number": with_facts(version="latest"),
    "an expiry that is no instant": with_facts(expires="soon"),
    "an expiry in another zone": with_facts(expires="2027-02-26T12:00:00+01:00"),
    "a threshold of 0": with_facts(threshold="0"),
    "a threshold above its keys": with_facts(threshold="2"),
    "a key twice in the root": with_facts(
        root=f"{VerifierKey('b', PUBLICS[3]).vkey} {OTHER.vkey}", threshold="2"
    ),
    "a name twice in the root": with_facts(
        root=" ".join(sorted((OTHER.vkey, VerifierKey("other", PUBLICS[4]).vkey))), threshold="2"
    ),
    "seventeen keys in the root": with_facts(root=" ".join(SEVENTEEN)),
    "a root out of order": with_facts(
        root=" ".join(sorted((OTHER.vkey, OWNER.root().keys[0].vkey), reverse=True))
    ),
    "keys that are no JSON": with_facts(keys="[{]"),
    "keys nested too deeply": with_facts(keys="[" * 20_000),
    "keys that are an object": with_facts(keys="{}"),
    "keys that are numbers": with_facts(keys="[1]"),
    "keys with spaces": HELD.text.replace('","', '", "'),
    "a key with a member that is not understood": with_key(colour="red"),
    "a key without its type": with_key(typ=...),
    "a key whose type is a number": with_key(typ=7),
    "a key without its point": with_key(x=...),
    "a key whose point is a number": with_key(x=7),
    "a key of 31 bytes": with_key(x=b64u(bytes(31))),
    "a key that begins at a number": with_key(**{"from": 10**400}),
    "a key that ends at no instant": with_key(until="never"),
    "a key that is revoked by a number": with_key(revoked=1),
    "a key that is not revoked, and says so": with_key(revoked=False),
    "a key that is revoked by null": with_key(revoked=None),
    "a key twice": with_facts(
        keys=json.dumps([{"typ": t, "x": b64u(PUBLICS[0])} for t in "ab"], separators=(",", ":"))
    ),
}  # fmt: skip


def test_what_the_texts_below_were_made_from_is_read() -> None:
    assert read_text(with_facts()) == HELD
    assert read_text(with_key(revoked=True)).keys == (PublishedKey("t", PUBLICS[0], revoked=True),)
    assert read_text(with_facts(root=" ".join(SEVENTEEN[:16]), threshold="16")).root.threshold == 16


@pytest.mark.parametrize("name", UNREADABLE)
def test_no_key_set_is(name: str) -> None:
    assert doubt(lambda: read_text(UNREADABLE[name])) is Doubt.UNREADABLE


def test_a_note_of_more_bytes_is_not_read() -> None:
    text = note(HELD)
    line = text.rpartition(b"\n\n")[2]
    long = text + line * ((MOST_BYTES - len(text)) // len(line) + 1)
    assert len(long) > MOST_BYTES
    assert doubt(lambda: read_key_set(long)) is Doubt.UNREADABLE


# What is believed of it


@pytest.mark.parametrize(
    ("seconds", "begun", "over"), [(-61, False, False), (-60, True, False), (59, True, False),
                                   (60, True, True)],
)  # fmt: skip
def test_what_a_key_signed_is_believed_in_its_time_and_a_minute_around_it(
    seconds: int, begun: bool, over: bool
) -> None:
    at = AT + timedelta(seconds=seconds)
    assert PublishedKey("t", PUBLICS[0], begins=AT).signed(at) is begun
    assert PublishedKey("t", PUBLICS[0], ends=AT).signed(at) is not over
    assert SKEW == MINUTE


def test_a_revoked_key_is_believed_for_nothing_at_any_time() -> None:
    key = PublishedKey("t", PUBLICS[0], revoked=True)
    held = replace(HELD, keys=(key,))
    for at in (AT - 900 * DAY, AT, AT + 900 * DAY):
        assert not key.signs(at)
        assert not held.has_signed(key.kid, "t", at)
    assert held.believed("t") == {}
    assert held.in_use("t", AT) is None


def test_a_key_is_believed_for_its_own_type_of_token_only() -> None:
    kid = HELD.keys[0].kid
    assert HELD.has_signed(kid, "habeas-lease+jwt", AT)
    assert not HELD.has_signed(kid, "habeas-grant+jwt", AT)
    assert kid not in HELD.believed("habeas-grant+jwt")


@given(st.lists(st.timedeltas(timedelta(0), 3 * DAY), min_size=1, max_size=6), instants)
def test_at_each_instant_one_key_signs_however_often_keys_are_rotated(
    leads: list[timedelta], began: datetime
) -> None:
    """And what signs was published before, and is believed at the time."""
    held, now = HELD, began
    for lead, public in zip(leads, PUBLICS[2:], strict=False):
        new = PublishedKey("habeas-lease+jwt", public, begins=now + lead)
        held = rotated(held, new, 5 * MINUTE, now)
        for at in (now, now + lead / 2, now + lead):
            used = held.in_use("habeas-lease+jwt", at)
            assert used is not None
            assert held.has_signed(used.kid, used.typ, at)
        used = held.in_use("habeas-lease+jwt", now + lead)
        assert used is not None
        assert used.public == public
        now += lead
    assert held.of("habeas-grant+jwt") == HELD.of("habeas-grant+jwt")


def test_a_rotation_that_revokes_leaves_no_other_key_of_its_type() -> None:
    waits = rotated(HELD, PublishedKey("habeas-lease+jwt", PUBLICS[2], AT + DAY), MINUTE, AT)
    after = rotated(waits, PublishedKey("habeas-lease+jwt", PUBLICS[3]), MINUTE, AT, revoke=True)
    assert list(after.believed("habeas-lease+jwt").values()) == [PUBLICS[3]]
    used = after.in_use("habeas-lease+jwt", AT)
    assert used is not None
    assert used.public == PUBLICS[3]


# Which keys leave

BOUNDED, FOR_EVER = ("habeas-lease+jwt", "habeas-grant+jwt"), (
    "habeas-receipt+jwt", "habeas-submission+jwt", "habeas-erasure+jwt",
)  # fmt: skip


def of_all_types(number: int, typ: str, at: datetime) -> PublishedKey:
    public = LocalSigner.from_seed(number.to_bytes(32)).public
    return PublishedKey(typ, public, at)


def test_each_type_of_token_has_a_longest_life_or_is_believed_for_ever() -> None:
    assert {*BOUNDED, *FOR_EVER} == set(TYPE_OF.values())
    assert set(LONGEST_LIFE) == set(BOUNDED)


@pytest.mark.parametrize("typ", BOUNDED)
@pytest.mark.parametrize("revoked", [False, True])
def test_a_key_leaves_once_nothing_that_it_signed_is_needed(typ: str, revoked: bool) -> None:
    """Not a microsecond sooner; and what it signed is then believed by nobody."""
    old = PublishedKey(typ, PUBLICS[0], ends=AT, revoked=revoked)
    held = replace(HELD, keys=(old, PublishedKey(typ, PUBLICS[1], AT)))
    over = AT + SKEW + LONGEST_LIFE[typ] + ON_THE_WAY
    new = PublishedKey(typ, PUBLICS[2], over)
    assert old in rotated(held, new, MINUTE, over - timedelta(microseconds=1)).keys
    after_ = rotated(held, new, MINUTE, over)
    assert [key.public for key in after_.keys] == [PUBLICS[1], PUBLICS[2]]
    assert not after_.has_signed(old.kid, typ, AT - DAY)
    assert old.kid not in after_.believed(typ)
    assert next_key_set(held, [note(after_)], AT) == after_


@pytest.mark.parametrize("typ", FOR_EVER)
def test_a_key_for_what_is_believed_for_ever_stays(typ: str) -> None:
    held = replace(HELD, keys=(PublishedKey(typ, PUBLICS[0]),))
    after_ = rotated(held, PublishedKey(typ, PUBLICS[1], AT), MINUTE, AT)
    late = AT + 20_000 * DAY
    after_ = rotated(after_, PublishedKey(typ, PUBLICS[2], late), MINUTE, late)
    assert after_.has_signed(held.keys[0].kid, typ, AT - DAY)


@given(st.lists(st.tuples(st.sampled_from(BOUNDED), st.booleans()), max_size=40), instants)
def test_however_often_keys_of_bounded_life_are_rotated_the_set_stays_small(
    rotations: list[tuple[str, bool]], now: datetime
) -> None:
    """With time between them: of each type one key signs, and few others are still needed."""
    held = HELD
    for number, (typ, revoke) in enumerate(rotations, 100):
        now += 20 * DAY
        new = of_all_types(number, typ, now)
        new = replace(new, begins=None) if revoke else new
        held = rotated(held, new, 5 * MINUTE, now, revoke=revoke)
        assert len(held.of(typ)) <= 4
        used = held.in_use(typ, now)
        assert used is not None
        assert used.public == new.public
    assert held.bytes_signed < MOST_BYTES / 20


def test_a_thousand_rotations_leave_room_for_the_next() -> None:
    held, now = HELD, AT
    for number in range(100, 1_100):
        now += DAY
        new = of_all_types(number, "habeas-lease+jwt", now)
        held = rotated(held, new, 5 * MINUTE, now)
    assert held.bytes_signed == len(note(held)) < MOST_BYTES / 8


# What may follow


def after(steps: int = 1, **changes: object) -> KeySet:
    return replace(HELD, version=HELD.version + steps, **changes)


def test_the_same_set_again_and_a_higher_version_are_taken() -> None:
    assert next_key_set(HELD, [note(HELD)], AT) == HELD
    for steps in (1, 2, MOST_STEPS):
        assert next_key_set(HELD, [note(after(steps))], AT).version == HELD.version + steps


FOLLOWS = {
    "a lower version": (after(-1), Doubt.ROLLED_BACK),
    "another text of the same version": (after(0, expires=AT + DAY), Doubt.FORKED),
    "a version a thousand and one further": (after(MOST_STEPS + 1), Doubt.JUMPED),
    "another issuer": (after(issuer="https://other.example"), Doubt.OTHER_ISSUER),
    "one that has expired": (after(expires=AT), Doubt.EXPIRED),
    "another root of the same version": (after(root=Owner().root()), Doubt.OTHER_ROOT),
    "the same root with another threshold": (
        after(root=replace(HELD.root, keys=(*HELD.root.keys, OTHER))), Doubt.OTHER_ROOT,
    ),
    "the root after the next": (after(root=OWNER.root(3)), Doubt.SKIPPED),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLLOWS)
def test_no_set_follows_that_is(name: str) -> None:
    new, why = FOLLOWS[name]
    assert doubt(lambda: next_key_set(HELD, [note(new)], AT)) is why


def test_a_set_under_a_root_that_was_left_does_not_follow() -> None:
    held = replace(HELD, root=OWNER.root(2))
    assert doubt(lambda: next_key_set(held, [note(after())], AT)) is Doubt.ROLLED_BACK


def test_a_change_of_the_root_needs_both_roots() -> None:
    new = Owner(("a", "b", "c"))
    turned = rooted(HELD, new.root(2, 2).keys, 2)
    two = Owner(new.names[:2], new.signers[:2])
    one = Owner(new.names[:1], new.signers[:1])
    assert next_key_set(HELD, [note(turned, OWNER, two)], AT).root.version == 2
    for owners in ((OWNER,), (two,), (OWNER, one), (one, two)):
        signed = note(turned, *owners)
        assert doubt(lambda signed=signed: next_key_set(HELD, [signed], AT)) is Doubt.UNSIGNED


def test_a_first_set_is_signed_by_as_many_as_its_root_says() -> None:
    """Whoever is paired with an impostor's address is another matter: see docs/adr/0039."""
    three = Owner(("a", "b", "c"))
    signed_by = [Owner(three.names[:n], three.signers[:n]) for n in (1, 2, 3)]
    first = replace(HELD, root=three.root(1, 2))
    assert doubt(lambda: first_key_set(note(first, signed_by[0]), AT)) is Doubt.UNSIGNED
    for owner in signed_by[1:]:
        assert first_key_set(note(first, owner), AT).root.threshold == 2
    assert doubt(lambda: first_key_set(note(first, three), HELD.expires)) is Doubt.EXPIRED


@given(st.integers(0, 5_000), st.integers(0, 255))
def test_no_byte_of_a_signed_set_can_be_another(at: int, value: int) -> None:
    signed = note(after())
    changed = bytearray(signed)
    changed[at % len(signed)] = value
    if bytes(changed) == signed:
        assert next_key_set(HELD, [bytes(changed)], AT) == after()
    else:
        with pytest.raises(BadKeySet):
            next_key_set(HELD, [bytes(changed)], AT)
