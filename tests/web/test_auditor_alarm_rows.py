"""An alarm in words: what it is about, what is wrong, what helps, and whether it will be back."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.db.ring import Flaw
from app.reconcile.alarms import OpenAlarm
from app.reconcile.difference import Difference
from app.reconcile.reached import MOST_OF_CHAIN, ChainFindings, Reached, WrongRow
from app.reconcile.told import by_chain, told
from app.web.auditor.rows.alarms import Compared, alarm_row, compared
from app.web.words.alarm_words import about, flaw_in_words, step_for

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PERSON = "p_" + "0" * 32
ALARM = OpenAlarm(f"person:{PERSON}", 7, raised_at=NOW, why=Flaw.DIFFERS, table="person")
ONE = ChainFindings(count=1)


def differing(key: int, chain: str = ALARM.chain) -> Difference:
    return Difference(chain, Flaw.DIFFERS, "person_version", str(key))


def rows(*differences: Difference) -> tuple[WrongRow, ...]:
    return tuple(told(one)[1] for one in differences)


def test_a_row_names_what_it_is_about_what_is_wrong_and_what_helps() -> None:
    row = alarm_row(ALARM, Reached())
    assert (row.words, row.named, row.is_person) == (
        "What the directory has of a person", PERSON, True,
    )  # fmt: skip
    assert row.flaw == "A row says something else than its entry."
    assert row.step == "Import the person's line again."


def test_an_alarm_of_which_the_entry_is_lost_says_nothing_that_is_not_known() -> None:
    row = alarm_row(OpenAlarm("stop:DE", None), Reached(whole_at=NOW))
    assert (row.flaw, row.is_person, row.compared) == ("", False, Compared.EARLIER)


@pytest.mark.parametrize(
    ("reached", "said"),
    [
        (Reached(), Compared.NEVER),
        (Reached(whole_at=NOW - timedelta(seconds=1)), Compared.EARLIER),
        (Reached(whole_at=NOW, bad={"catalogue": ONE}), Compared.AGREES),
        (Reached(whole_at=NOW, bad={ALARM.chain: ONE}), Compared.DIFFERS),
        (Reached(whole_at=NOW - timedelta(seconds=1), bad={ALARM.chain: ONE}), Compared.DIFFERS),
    ],
)
def test_whether_an_alarm_would_come_back_follows_from_the_last_comparison(
    reached: Reached, said: Compared
) -> None:
    assert compared(ALARM, reached) is said


def test_an_alarm_about_the_log_says_why_it_cannot_be_believed_and_what_helps() -> None:
    row = alarm_row(OpenAlarm("log", None, broken="entry 5 cannot be read"), Reached())
    assert row.flaw == "The log is not what was signed: entry 5 cannot be read."
    assert row.step == "Restore the newest sound copy of the database."


def test_every_row_of_a_chain_that_disagrees_is_named_and_the_rest_counted() -> None:
    named = [differing(key) for key in range(MOST_OF_CHAIN + 3)]
    other = differing(0, "stop:DE")
    counts = {ALARM.chain: len(named) + 2, "stop:DE": 1, "stop:no code": 1}
    reached = Reached()
    reached.whole(NOW, 99, by_chain([*named, other], counts))
    found = alarm_row(ALARM, reached).found
    assert (found.named, found.more) == (rows(*named[:MOST_OF_CHAIN]), 5)
    assert reached.found("stop:DE") == ChainFindings(rows(other), 1)
    assert reached.found("stop").more == 1, "as the alarm about it is called"
    assert reached.found("catalogue") == ChainFindings()


def test_what_new_entries_show_is_named_with_what_the_last_comparison_found_once_each() -> None:
    reached = Reached()
    reached.also(map(told, [differing(1), differing(2)]))
    assert reached.found(ALARM.chain).named == rows(differing(1), differing(2))
    reached.whole(NOW, 1, by_chain([differing(1)], {ALARM.chain: 1}))
    assert reached.found(ALARM.chain).named == rows(differing(1)), "the whole says what is so now"
    reached.also(map(told, [differing(1), differing(3)]))
    assert reached.found(ALARM.chain) == ChainFindings(rows(differing(1), differing(3)), 2)


@pytest.mark.parametrize("flaw", Flaw)
def test_every_flaw_is_a_sentence(flaw: Flaw) -> None:
    assert re.fullmatch(r"(A row|The log) [a-z, ]+[.]", flaw_in_words(flaw))


def test_every_kind_of_chain_that_the_code_names_has_words() -> None:
    """A chain is written ``f"kind:{...}"`` where it is made; streams of the log look the same."""
    made = re.compile(r'f"([a-z]+):\{')
    other = {"purpose", "bytes", "changing"}
    kinds = {
        kind
        for room in ("consent", "directory", "policy", "agents", "access", "wiring")
        for file in Path("app", room).rglob("*.py")
        for kind in made.findall(file.read_text(encoding="utf-8"))
    } - other
    assert {kind for kind in kinds if about(f"{kind}:x").words == kind} == set()
    assert {"consent", "person", "session"} <= kinds


@pytest.mark.parametrize("chain", ["token:d_1", "pairing:d_1", "session:0123456789abcdef"])
def test_a_row_that_opens_nothing_and_is_made_anew_is_deleted(chain: str) -> None:
    """Nobody revokes a laptop because somebody wrote into the table of its tokens."""
    assert step_for(chain).startswith("Delete the row; ")
