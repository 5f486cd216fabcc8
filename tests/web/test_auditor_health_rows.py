"""The health of the log in words: what is in order says so, what is not says what to do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.audit.entries.cosigned import Alarm
from app.audit.entries.model import Entry
from app.audit.reading.search import kinds_of
from app.audit.reading.selection import Selection
from app.audit.tree.checkpoint import Checkpoint
from app.audit.witnesses.state import Problem, WitnessSeen, WitnessState
from app.keys.listing import KeyRow, KeyState, Listing, SetRow, SetState, Todo
from app.reconcile.reached import Reached
from app.web.auditor.rows.health import (
    Check,
    CheckMark,
    LogState,
    checks,
    export_row,
    headline,
    selection_in_words,
)

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
SIGNED = Checkpoint("origin", 5_000, b"\x01" * 32)
SEEN = WitnessSeen("council", "council+key", "https://w.example", 5_000, NOW, None)
WITNESSED = WitnessState(True, True, 5_000, 5_000, NOW - timedelta(seconds=4), (SEEN,), ())
BEHIND = replace(SEEN, last_size=4_900)


def seen_by(*witnesses: WitnessSeen) -> WitnessState:
    return replace(WITNESSED, witnesses=witnesses)


ALONE = WitnessState(False, False, 5_000, None, None, (), ())
SET = SetRow(
    SetState.IN_FORCE, 3, 2, 2, 3, NOW - timedelta(days=9), datetime(2027, 12, 31, tzinfo=UTC),
    todo=None,
)  # fmt: skip
LEASE = KeyRow("lease", "a-kid", KeyState.SIGNS, since=NOW)
GOOD = LogState(
    size=5_000,
    signed=SIGNED,
    pending=0,
    waiting_since=None,
    overdue=(),
    within=timedelta(seconds=10),
    lock=SIGNED,
    lock_at=NOW - timedelta(minutes=2),
    lock_answers=True,
    witnesses=WITNESSED,
    custodians=("council", "dpo"),
    restores=(),
    keys=Listing(SET, (LEASE,)),
)


def _keys(held: SetRow = SET, key: KeyRow = LEASE) -> LogState:
    return replace(GOOD, keys=Listing(held, (key,)))


def _check(state: LogState, name: str) -> Check:
    return next(check for check in checks(state, NOW) if check.name == name)


def test_a_log_in_order_says_so_in_every_row() -> None:
    found = checks(GOOD, NOW)
    assert {check.mark for check in found} == {CheckMark.OK}
    assert headline(found) == "The log is in order."
    said = _check(GOOD, "Checkpoint")
    assert said.sentence == "5,000 entries signed, published 2 minutes ago."
    assert said.digest == "01" * 32


ODD = Entry(7, b"", {}, b"")

CASES: dict[str, tuple[LogState, str, CheckMark, str]] = {
    "nothing signed yet": (
        replace(GOOD, signed=None, size=0), "Checkpoint", CheckMark.LOOK, "Nothing is signed yet.",
    ),
    "entries not signed": (
        replace(GOOD, size=5_003), "Checkpoint", CheckMark.LOOK, "3 entries more not signed yet",
    ),
    "not published anew": (
        replace(GOOD, lock_at=NOW - timedelta(hours=1)), "Checkpoint", CheckMark.LOOK,
        "should be published anew",
    ),
    "something waits": (
        replace(GOOD, pending=2, waiting_since=NOW - timedelta(seconds=3)), "Promised entries",
        CheckMark.OK, "2 events waiting, since 3 seconds ago",
    ),
    "something is overdue": (
        replace(GOOD, pending=1, overdue=("aaaa",)), "Promised entries", CheckMark.LOOK,
        "1 event should be in the log by now and is not: aaaa.",
    ),
    "many are overdue": (
        replace(GOOD, overdue=("a", "b", "c", "d")), "Promised entries", CheckMark.LOOK,
        "are not: a, b and c and more.",
    ),
    "the lock store does not answer": (
        replace(GOOD, lock_answers=False, lock=None, lock_at=None), "Copy outside the database",
        CheckMark.LOOK, "does not answer",
    ),
    "the lock store is empty": (
        replace(GOOD, lock=None, lock_at=None), "Copy outside the database", CheckMark.LOOK,
        "holds no checkpoint",
    ),
    "the lock store is ahead": (
        replace(GOOD, lock=replace(SIGNED, size=6_000)),
        "Copy outside the database", CheckMark.LOOK,
        "6,000 entries; the database knows 5,000",
    ),
    "the lock store is behind": (
        replace(GOOD, lock=replace(SIGNED, size=4_000)),
        "Copy outside the database", CheckMark.LOOK,
        "earlier size: 4,000",
    ),
    "the lock store holds another root": (
        replace(GOOD, lock=replace(SIGNED, root=b"\x02" * 32)), "Copy outside the database",
        CheckMark.LOOK, "another log",
    ),
    "the key set lasts": (
        GOOD, "Keys", CheckMark.OK, "Key set 3 is believed until 31 Dec 2027.",
    ),
    "a key is a year old": (
        _keys(key=replace(LEASE, todo=Todo.ROTATE, due=NOW)), "Keys", CheckMark.OK,
        "Key set 3 is believed",
    ),
    "the key set expires soon": (
        _keys(replace(SET, todo=Todo.SIGN, due=NOW)), "Keys", CheckMark.LOOK,
        "believed until 31 Dec 2027. Have it signed anew before 31 Dec 2027: habeas keys publish",
    ),
    "the key set is to be signed later": (
        _keys(replace(SET, todo=Todo.SIGN, due=NOW + timedelta(seconds=1))), "Keys", CheckMark.OK,
        "Key set 3 is believed",
    ),
    "the key set has expired": (
        _keys(replace(SET, state=SetState.EXPIRED, ends=NOW, renews=NOW, todo=Todo.RENEW)), "Keys",
        CheckMark.LOOK, "expired on 16 Nov 2026. Laptops capture nothing until the next is in",
    ),
    "the key set is renewed late": (
        _keys(replace(SET, renews=NOW, todo=Todo.RENEW)), "Keys", CheckMark.LOOK,
        "It is late. See whether the service runs",
    ),
    "the key set does not agree with the log": (
        _keys(SetRow(SetState.DISPUTED, todo=Todo.ALARM)), "Keys", CheckMark.LOOK,
        "The key set does not agree with the log. What the database holds",
    ),
    "no key set yet": (
        _keys(SetRow()), "Keys", CheckMark.LOOK, "No key set is in force yet. Start the service",
    ),
    "the key set is of another address": (
        _keys(replace(SET, todo=Todo.ADDRESS)), "Keys", CheckMark.LOOK, "names another address",
    ),
    "a key has ended": (
        _keys(key=replace(LEASE, ends=NOW, todo=Todo.FOLLOW)), "Keys", CheckMark.LOOK,
        "The key for leases: No key signs now. Rotate it: habeas keys rotate lease",
    ),
    "a key ends and none follows": (
        _keys(key=replace(LEASE, ends=NOW + timedelta(days=1), todo=Todo.FOLLOW)), "Keys",
        CheckMark.LOOK, "It ends on 17 Nov 2026, and no key follows. Rotate it:",
    ),
    "a key's file is missing": (
        _keys(key=replace(LEASE, todo=Todo.PUT_BACK)), "Keys", CheckMark.LOOK,
        "The key for leases: Its file is missing or is no key.",
    ),
    "no witnesses": (
        replace(GOOD, witnesses=ALONE), "Witness quorum", CheckMark.NONE, "No witness is asked.",
    ),
    "quorum met for an older size": (
        replace(GOOD, witnesses=replace(WITNESSED, quorum_size=4_900)), "Witness quorum",
        CheckMark.LOOK, "Met for 4,900 entries, 4 seconds ago; the log has 5,000.",
    ),
    "quorum never met": (
        replace(GOOD, witnesses=replace(WITNESSED, quorum_size=None, quorum_at=None)),
        "Witness quorum", CheckMark.LOOK, "Met for no checkpoint yet.",
    ),
    "a witness that does not answer": (
        replace(
            GOOD,
            witnesses=replace(
                WITNESSED,
                witnesses=(
                    replace(
                        SEEN,
                        last_size=4_000,
                        problem=Problem("silent", "it does not answer", NOW - timedelta(hours=2)),
                    ),
                ),
            ),
        ),
        "Witness council", CheckMark.LOOK,
        "It does not answer, since 2 hours ago. Cosigned 4,000 entries, just now.",
    ),
    "a witness that never cosigned": (
        replace(
            GOOD,
            witnesses=replace(WITNESSED, witnesses=(replace(SEEN, last_size=None, last_at=None),)),
        ),
        "Witness council", CheckMark.WAIT, "Has cosigned nothing yet.",
    ),
    "a witness that nobody asks and that never cosigned": (
        replace(GOOD, witnesses=seen_by(replace(SEEN, url=None, last_size=None, last_at=None))),
        "Witness council", CheckMark.LOOK, "Has cosigned nothing yet.",
    ),
    "quorum while a witness is being asked": (
        replace(GOOD, witnesses=replace(seen_by(BEHIND), quorum_size=4_900)),
        "Witness quorum", CheckMark.WAIT,
        "So far met for 4,900 entries; the witnesses are asked for 5,000.",
    ),
    "quorum while the first checkpoint is being cosigned": (
        replace(GOOD, witnesses=replace(seen_by(BEHIND), quorum_size=None, quorum_at=None)),
        "Witness quorum", CheckMark.WAIT, "So far met for no checkpoint;",
    ),
    "quorum while a witness is being asked and another has a problem": (
        replace(
            GOOD,
            witnesses=replace(
                seen_by(BEHIND, replace(BEHIND, problem=Problem("slow", "It is slow.", NOW))),
                quorum_size=4_900,
            ),
        ),
        "Witness quorum", CheckMark.LOOK, "Met for 4,900 entries, 4 seconds ago; the log has 5,000",
    ),
    "quorum that waits for a witness that nobody asks": (
        replace(GOOD, witnesses=replace(seen_by(replace(BEHIND, url=None)), quorum_size=4_900)),
        "Witness quorum", CheckMark.LOOK, "Met for 4,900 entries",
    ),
    "a witness a little behind": (
        replace(GOOD, witnesses=replace(WITNESSED, witnesses=(replace(SEEN, last_size=4_999),))),
        "Witness council", CheckMark.OK, "Cosigned 4,999 entries, just now. The log has 5,000.",
    ),
    "an alarm": (
        replace(
            GOOD,
            witnesses=replace(
                WITNESSED, alarms=(Alarm("council+key", "contradicted", 9, "Two trees.", NOW),)
            ),
        ),
        "Alarm of a witness", CheckMark.LOOK, "At 9 entries, just now: Two trees.",
    ),
    "continued after a restore": (
        replace(GOOD, restores=(ODD,)),
        "Restores", CheckMark.OK, "continued 1 time after a restore",
    ),
    "no custodians": (
        replace(GOOD, custodians=()), "Custodians", CheckMark.NONE, "None are named.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_check_says_what_is_known(case: str) -> None:
    state, name, mark, words = CASES[case]
    check = _check(state, name)
    assert check.mark is mark
    assert words in f"{check.sentence} {check.forward}"
    found = checks(state, NOW)
    assert (headline(found) == "The log is in order.") == (
        {CheckMark.LOOK, CheckMark.WAIT}.isdisjoint(one.mark for one in found)
    )


def test_what_wants_a_look_is_named_in_the_headline() -> None:
    state = replace(GOOD, size=5_001, overdue=("a",))
    assert headline(checks(state, NOW)) == "Look at checkpoint and promised entries."


def test_what_is_still_being_checked_is_not_called_a_thing_to_look_at() -> None:
    starting = replace(GOOD, witnesses=replace(seen_by(BEHIND), quorum_size=4_900))
    assert headline(checks(starting, NOW)) == "Checking has not finished yet: witness quorum."
    late = replace(starting, overdue=("a",))
    assert headline(checks(late, NOW)) == "Look at promised entries."


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (None, "The whole log"),
        ({"v": 9}, "A part of it"),
        ("all", "A part of it"),
        (Selection(kinds=tuple(sorted(kinds_of("access")))).facts, "Access to captured data"),
        (
            Selection(
                kinds=("consent.given", "consent.refused"),
                person="p_" + "a" * 32,
                purpose="hr",
                region="DE",
            ).facts,
            "Consent given or Consent refused; about p_aaaaaa…aaaa; for hr; in DE",
        ),
        (
            Selection(since=NOW, until=NOW + timedelta(days=1)).facts,
            "from 2026-11-16 09:00; until 2026-11-17 09:00",
        ),
    ],
)
def test_what_an_export_held_is_said_in_words(said: object, words: str) -> None:
    assert selection_in_words(said) == words


def test_an_export_row_names_who_and_in_which_form() -> None:
    leaf = {
        "occurred_at": "2026-11-16T08:00:00.000000Z",
        "actor": {"kind": "person", "id": "p_" + "a" * 32},
        "facts": {"format": "csv", "selection": None},
    }
    row = export_row(Entry(9, b"", leaf, b""))
    assert (row.idx, row.pseudonym, row.form, row.what) == (
        9,
        True,
        "Table (.csv)",
        "The whole log",
    )
    older = export_row(Entry(9, b"", leaf | {"facts": {}}, b""))
    assert older.form == ""


def test_open_alarms_lead_to_their_page_and_the_last_comparison_has_an_age() -> None:
    reached = Reached(entries=70, whole_at=NOW - timedelta(minutes=3))
    quiet = _check(replace(GOOD, reached=reached), "Tables")
    assert quiet.mark is CheckMark.OK
    assert quiet.page == ""
    known = f"entry 70 of {GOOD.size:,}; all tables were compared 3 minutes ago."
    assert quiet.sentence.endswith(known)
    alarmed = _check(replace(GOOD, reached=reached, alarms=2), "Tables")
    assert (alarmed.mark, alarmed.page) == (CheckMark.LOOK, "/auditor/alarms")
    assert alarmed.sentence.startswith("2 open alarms. Compared")
