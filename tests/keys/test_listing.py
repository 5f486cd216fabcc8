"""Every key stands in the list once, with what it does now and what to do next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.tree.checkpoint import VerifierKey
from app.audit.tree.cosignature import WitnessKey
from app.kernel.signing import LocalSigner, b64u, thumbprint
from app.kernel.tokens import LEASE_TYPE, TYPE_OF
from app.keys.listing import (
    AHEAD,
    GRACE,
    OLD,
    ConsumerKey,
    Holdings,
    KeyRow,
    KeyState,
    Listing,
    SetState,
    Todo,
    listed,
)
from app.keys.model import MOST_BYTES, KeySet, PublishedKey, Root
from app.web.words.key_words import next_in_words

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SEEDS = tuple(bytes([number]) * 32 for number in range(1, 40))
PUBLICS = tuple(LocalSigner.from_seed(seed).public for seed in SEEDS)
HOST = "https://habeas.example"
OWN = Root(1, (VerifierKey("root.habeas.example", PUBLICS[0]),), 1)
COUNCIL, DPO, AUDITOR = (
    VerifierKey(name, public)
    for name, public in zip(("council", "dpo", "auditor"), PUBLICS[1:4], strict=True)
)
LOG = VerifierKey("log.example", PUBLICS[4])
LEASE, NEXT, OTHER = PUBLICS[5:8]
FIRST = dict(zip(TYPE_OF, PUBLICS[8:13], strict=True)) | {"lease": LEASE}


def key_set(*keys: PublishedKey, root: Root = OWN, expires: datetime = NOW + 90 * DAY) -> KeySet:
    others = (PublishedKey(TYPE_OF[name], FIRST[name]) for name in TYPE_OF if name != "lease")
    return KeySet(HOST, 3, expires, root, (*keys, *others))


def holdings(held: KeySet | None = None, **changes: object) -> Holdings:
    """An instance in order, ten days after its log began."""
    held = held or key_set(PublishedKey(LEASE_TYPE, LEASE))
    here = {name: [FIRST[name]] for name in TYPE_OF}
    here["lease"] = [key.public for key in held.of(LEASE_TYPE)]
    began = NOW - 10 * DAY
    made = Holdings(
        issuer=HOST,
        began=began,
        key_set=held,
        in_force_since=began,
        agrees=True,
        renews=held.expires - 45 * DAY,
        since={key.public: began for key in held.keys},
        here={**here, "root": [PUBLICS[0]]},
        log=LOG,
        vault="d0d0c4fbf8e1ba6d",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def leases(of: Holdings, now: datetime = NOW) -> list[KeyRow]:
    return [row for row in listed(of, now).keys if row.use == "lease"]


def test_an_instance_in_order_asks_for_nothing() -> None:
    made = listed(holdings(), NOW)
    assert made.due(NOW) == ()
    assert made.key_set.state is SetState.IN_FORCE
    assert [row.use for row in made.keys] == ["root", *TYPE_OF, "log", "vault", "sign-in"]
    assert {row.state for row in made.keys if row.use in TYPE_OF} == {KeyState.SIGNS}


def test_a_key_of_the_first_set_is_as_old_as_the_log_and_a_later_one_as_its_begin() -> None:
    rotated = key_set(
        PublishedKey(LEASE_TYPE, LEASE, ends=NOW - 2 * DAY),
        PublishedKey(LEASE_TYPE, NEXT, begins=NOW - 3 * DAY),
    )
    new, old = leases(holdings(rotated))
    assert (new.id, new.state, new.age(NOW)) == (thumbprint(NEXT), KeyState.SIGNS, 3 * DAY)
    assert (old.id, old.state, old.age(NOW)) == (thumbprint(LEASE), KeyState.VERIFIES, 10 * DAY)
    assert old.ends == NOW - 2 * DAY


def test_the_next_key_waits_and_has_no_age_yet() -> None:
    at = NOW + DAY
    waiting = key_set(
        PublishedKey(LEASE_TYPE, LEASE, ends=at + DAY), PublishedKey(LEASE_TYPE, NEXT, begins=at)
    )
    now, later = leases(holdings(waiting))
    assert (now.state, later.state) == (KeyState.SIGNS, KeyState.WAITS)
    assert (later.since, later.age(NOW)) == (at, None)
    assert now.todo is None
    assert [row.state for row in leases(holdings(waiting), at)] == [
        KeyState.SIGNS,
        KeyState.VERIFIES,
    ]


def test_a_revoked_key_is_last_and_says_so() -> None:
    revoked = key_set(PublishedKey(LEASE_TYPE, LEASE, revoked=True), PublishedKey(LEASE_TYPE, NEXT))
    assert [row.state for row in leases(holdings(revoked))] == [KeyState.SIGNS, KeyState.REVOKED]


def test_a_file_that_no_set_names_is_told_apart() -> None:
    row = leases(holdings(here={**holdings().here, "lease": [LEASE, OTHER]}))[1]
    assert (row.id, row.state, row.todo) == (thumbprint(OTHER), KeyState.UNNAMED, Todo.NAME)


def test_a_file_of_a_key_that_left_the_set_asks_for_nothing() -> None:
    row = leases(holdings(here={**holdings().here, "lease": [OTHER, LEASE]}))[1]
    assert (row.id, row.state, row.todo) == (thumbprint(OTHER), KeyState.UNNAMED, None)


@pytest.mark.parametrize(("age", "due"), [(OLD - DAY, False), (OLD, True)])
def test_a_key_that_is_a_year_old_is_to_be_rotated(age: timedelta, due: bool) -> None:
    of = holdings(since=dict.fromkeys(FIRST.values(), NOW - age))
    row = leases(of)[0]
    assert (row.todo, row.due) == (Todo.ROTATE, NOW - age + OLD)
    assert (row in listed(of, NOW).due(NOW)) is due
    assert listed(of, NOW).urgent(NOW) == ()


@pytest.mark.parametrize("ends", [NOW - DAY, NOW, NOW + DAY])
def test_a_key_that_ends_without_a_follower_is_urgent(ends: datetime) -> None:
    of = holdings(key_set(PublishedKey(LEASE_TYPE, LEASE, ends=ends)))
    urgent = listed(of, NOW).urgent(NOW)
    assert [(row.todo, row.ends) for row in urgent] == [(Todo.FOLLOW, ends)]


def test_a_key_that_signs_and_whose_file_is_gone_is_urgent() -> None:
    of = holdings(here={**holdings().here, "lease": []})
    assert [row.todo for row in listed(of, NOW).urgent(NOW)] == [Todo.PUT_BACK]


def set_of(of: Holdings, now: datetime = NOW) -> tuple[SetState, Todo | None, bool]:
    made = listed(of, now)
    return made.key_set.state, made.key_set.todo, made.key_set in made.urgent(now)


def test_a_set_of_this_machine_is_missed_a_day_after_its_time() -> None:
    renews = NOW - GRACE
    in_force = (SetState.IN_FORCE, None, False)
    assert set_of(holdings(renews=renews + timedelta(seconds=1))) == in_force
    assert set_of(holdings(renews=renews)) == (SetState.IN_FORCE, Todo.RENEW, True)
    expired = holdings(key_set(PublishedKey(LEASE_TYPE, LEASE), expires=NOW), renews=NOW)
    assert set_of(expired) == (SetState.EXPIRED, Todo.RENEW, True)


@pytest.mark.parametrize(
    ("left", "state", "urgent"),
    [
        (AHEAD + DAY, SetState.IN_FORCE, False),
        (AHEAD, SetState.IN_FORCE, True),
        (timedelta(), SetState.EXPIRED, True),
    ],
)
def test_a_set_of_custodians_is_to_be_signed_sixty_days_before_it_expires(
    left: timedelta,
    state: SetState,
    urgent: bool,
) -> None:
    assert set_of(of_custodians(NOW + left)) == (state, Todo.SIGN, urgent)


def of_custodians(expires: datetime, *named: VerifierKey) -> Holdings:
    root = Root(2, (COUNCIL, DPO), 2)
    held = key_set(PublishedKey(LEASE_TYPE, LEASE), root=root, expires=expires)
    return holdings(held, renews=None, custodians=named or (COUNCIL, DPO))


def test_custodians_who_are_not_the_root_are_told_how_to_become_it() -> None:
    assert set_of(holdings(custodians=(COUNCIL, DPO))) == (
        SetState.IN_FORCE, Todo.HAND_OVER, False,
    )  # fmt: skip
    later = of_custodians(NOW + 300 * DAY, COUNCIL, AUDITOR)
    assert set_of(later) == (SetState.IN_FORCE, Todo.HAND_OVER, False)


def test_a_custodian_of_the_root_stands_once_and_the_old_root_file_is_named() -> None:
    made = listed(of_custodians(NOW + 300 * DAY, COUNCIL, AUDITOR), NOW)
    told = [(row.use, row.name, row.state) for row in made.keys[:4]]
    assert told == [
        ("custodian", "council", KeyState.SIGNS),
        ("root", "dpo", KeyState.SIGNS),
        ("custodian", "auditor", KeyState.IN_USE),
        ("root", "", KeyState.UNNAMED),
    ]
    assert (made.key_set.threshold, made.key_set.roots) == (2, 2)


def test_a_set_that_does_not_agree_with_the_log_is_said_whether_it_can_be_read_or_not() -> None:
    assert set_of(holdings(agrees=False)) == (SetState.DISPUTED, Todo.ALARM, True)
    unread = replace(holdings(agrees=False), key_set=None)
    assert set_of(unread) == (SetState.DISPUTED, Todo.ALARM, True)
    assert leases(unread)[0].state is KeyState.SIGNS


def test_a_set_of_another_address_is_urgent() -> None:
    assert set_of(holdings(issuer="https://new.example")) == (
        SetState.IN_FORCE, Todo.ADDRESS, True,
    )  # fmt: skip


def test_before_the_first_start_there_is_no_set() -> None:
    made = listed(replace(holdings(), key_set=None), NOW)
    assert (made.key_set.state, made.key_set.todo) == (SetState.NONE, Todo.START)
    assert Listing().key_set.todo is Todo.START


def test_two_secrets_of_a_consumer_are_told_while_both_open() -> None:
    consumer = ConsumerKey("lake", "Data lake", NOW - 2 * DAY, NOW + DAY)
    of = holdings(consumers=[consumer])
    rows = [row for row in listed(of, NOW).keys if row.use == "consumer"]
    assert [(row.state, row.ends) for row in rows] == [
        (KeyState.IN_USE, None),
        (KeyState.VERIFIES, NOW + DAY),
    ]
    assert len([row for row in listed(of, NOW + DAY).keys if row.use == "consumer"]) == 1


def test_a_witness_is_told_with_its_key_and_when_it_was_named() -> None:
    key = WitnessKey("witness.example", PUBLICS[20])
    row = listed(holdings(witnesses=[key], since={key.public: NOW - OLD}), NOW).keys[-1]
    assert (row.use, row.id, row.todo, row.due) == ("witness", key.vkey, Todo.ROTATE, NOW)


AT = st.none() | st.integers(-400, 400).map(lambda days: NOW + days * DAY)
TERM = st.tuples(st.sampled_from(list(TYPE_OF)), AT, AT, st.booleans(), st.booleans())


def _published(terms: Sequence[tuple[str, datetime | None, datetime | None, bool, bool]]) -> KeySet:
    keys = tuple(
        PublishedKey(TYPE_OF[name], public, begins, ends, revoked)
        for (name, begins, ends, revoked, _), public in zip(terms, PUBLICS[5:], strict=False)
    )
    return KeySet(HOST, 1, NOW + 30 * DAY, OWN, keys)


@given(st.lists(TERM, max_size=14), st.lists(st.sampled_from(list(TYPE_OF)), max_size=6))
def test_each_published_key_stands_once_and_one_signs_unless_all_have_ended(
    terms: list[tuple[str, datetime | None, datetime | None, bool, bool]], extra: list[str]
) -> None:
    held = _published(terms)
    here: dict[str, list[bytes]] = {name: [] for name in TYPE_OF}
    for (name, *_, is_here), key in zip(terms, held.keys, strict=True):
        here[name] += [key.public] if is_here else []
    for name, public in zip(extra, reversed(PUBLICS), strict=False):
        here[name].append(public)
    made = listed(holdings(held, here={**here, "root": [PUBLICS[0]]}), NOW)
    ids = [row.id for row in made.keys]
    for name, typ in TYPE_OF.items():
        rows = [row for row in made.keys if row.use == name]
        signing = [row.id for row in rows if row.state is KeyState.SIGNS]
        used = held.in_use(typ, NOW)
        assert signing == ([] if used is None else [used.kid])
        if held.of(typ) and used is None:
            assert [row.todo for row in rows].count(Todo.FOLLOW) == 1
    for key in (*held.keys, *(PublishedKey("", key) for key in PUBLICS[-len(extra) :] if extra)):
        assert ids.count(key.kid) == 1
    assert not any(told in repr(made) for seed in SEEDS for told in (seed.hex(), b64u(seed)))


def test_of_two_things_about_a_set_the_one_that_turns_capture_off_is_told() -> None:
    later = of_custodians(NOW + AHEAD, COUNCIL, AUDITOR)
    assert set_of(later) == (SetState.IN_FORCE, Todo.SIGN, True)


def test_a_set_that_is_more_than_half_full_is_warned_of() -> None:
    """Before no key can be rotated any more."""

    def of_receipts(number: int) -> KeySet:
        keys = (
            PublishedKey(TYPE_OF["receipt"], LocalSigner.from_seed(seed.to_bytes(32)).public)
            for seed in range(100, 100 + number)
        )
        return key_set(PublishedKey(LEASE_TYPE, LEASE), *keys)

    sizes = [of_receipts(number).bytes_signed for number in range(0, 500, 100)]
    one = (sizes[-1] - sizes[0]) // 400
    half = (MOST_BYTES // 2 - sizes[0]) // one
    assert set_of(holdings(of_receipts(half - 2))) == (SetState.IN_FORCE, None, False)
    assert set_of(holdings(of_receipts(half + 2))) == (SetState.IN_FORCE, Todo.SPARE, False)
    row = listed(holdings(of_receipts(half + 2)), NOW).key_set
    told = next_in_words(row, NOW).words
    assert f"{row.filled:.0%}" in told
    assert "lease and grant leave" in told
    assert "receipt, submission and erasure stay" in told
