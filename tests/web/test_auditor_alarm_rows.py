"""An alarm in words: what it is about, what is wrong, what helps, and whether it will be back."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.db.ring import Flaw
from app.reconcile.alarms import OpenAlarm
from app.reconcile.reached import Reached
from app.web.auditor.rows.alarms import Compared, alarm_row, compared
from app.web.words.alarm_words import about, flaw_in_words

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
PERSON = "p_" + "0" * 32
ALARM = OpenAlarm(f"person:{PERSON}", 7, raised_at=NOW, why=Flaw.DIFFERS, table="person")


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
        (Reached(whole_at=NOW, bad={"catalogue"}), Compared.AGREES),
        (Reached(whole_at=NOW, bad={ALARM.chain}), Compared.DIFFERS),
        (Reached(whole_at=NOW - timedelta(seconds=1), bad={ALARM.chain}), Compared.DIFFERS),
    ],
)
def test_whether_an_alarm_would_come_back_follows_from_the_last_comparison(
    reached: Reached, said: Compared
) -> None:
    assert compared(ALARM, reached) is said


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
