"""Opting out works when everything else is broken (law 7), at once (law 3), and twice is once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from app.audit.entries.model import SYSTEM, Actor
from app.consent.model import Act, State
from app.kernel.errors import InvalidInput, NotFound
from tests.consent.booth import Booth, notice, offer

NEEDED = {"person", "person_version", "consent_decision", "notice_shown", "notice_text", "row_seal"}
"""The tables that opting out may use, in addition to those of the log."""


def no_notice(booth: Booth) -> None:
    booth.adopt()


def another_notice(booth: Booth) -> None:
    booth.adopt(notice(version=9))


def unknown_region(booth: Booth) -> None:
    booth.move(region="ZZ", place="ZZ", entity="ZZ/Nowhere Ltd")


def left(booth: Booth) -> None:
    with booth.database.write() as tx:
        booth.directory.leave(tx, "ada", SYSTEM, booth.clock.now())


def everything_else_gone(booth: Booth) -> None:
    """No policy, no floor, no session, no device, no access: their tables are not there."""
    with booth.database.write() as tx:
        for table in inspect(booth.database.engine).get_table_names():
            if table not in NEEDED and not table.startswith("audit"):
                tx.execute(text(f"ALTER TABLE {table} RENAME TO gone_{table}"))


def year_gone(booth: Booth) -> None:
    booth.clock.advance(timedelta(days=400))


def clock_backwards(booth: Booth) -> None:
    booth.clock.advance(timedelta(days=-400))


BROKEN = (
    no_notice,
    another_notice,
    unknown_region,
    left,
    everything_else_gone,
    year_gone,
    clock_backwards,
)


@pytest.mark.every_pair("broken", "given_before", "no", "database_url")
@pytest.mark.parametrize("no", [Act.WITHDRAWN, Act.REFUSED])
@pytest.mark.parametrize("given_before", [True, False], ids=["given before", "never asked"])
@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.__name__)
def test_withdrawing_refusing_and_pausing_work_with(
    booth: Booth, broken: Callable[[Booth], None], given_before: bool, no: Act
) -> None:
    if given_before:
        booth.give()
    broken(booth)
    if given_before:
        # A fault may be mended and what was given stand again: then the pause must be there.
        assert booth.pause(30).decision.act is Act.PAUSED
    assert booth.decide(no).decision.act is no
    assert booth.standing().state.value == no


@pytest.mark.parametrize("act", ["withdrawn", "refused"])
def test_opting_out_pays_no_heed_to_a_bad_notice_id(booth: Booth, act: str) -> None:
    booth.give()
    booth.decide(act, shown_id="nonsense", offer=offer(apps=()))
    assert booth.standing().state.value == act


@pytest.mark.parametrize("act", ["withdrawn", "refused"])
def test_twice_is_once_and_gives_the_first_receipt(booth: Booth, act: str) -> None:
    booth.give()
    first = booth.decide(act)
    booth.clock.advance(60)
    assert booth.decide(act) == first
    assert len(booth.entries(f"consent.{act}")) == 1


@pytest.mark.parametrize("acts", [("withdrawn", "refused"), ("refused", "withdrawn")])
def test_a_no_in_other_words_is_the_no_that_stands(booth: Booth, acts: tuple[str, str]) -> None:
    """By turns, too: nobody fills the log, or the lane of opting out, by saying no."""
    booth.give()
    first = booth.decide(acts[0])
    for act in acts * 3:
        booth.clock.advance(60)
        assert booth.decide(act) == first
    assert booth.standing().state.value == acts[0]
    assert [decision.act.value for decision in booth.history()] == ["given", acts[0]]


@pytest.mark.parametrize("act", ["withdrawn", "refused"])
def test_over_somebody_elses_stop_ones_own_no_is_written_once(booth: Booth, act: str) -> None:
    booth.give()
    with booth.database.write() as tx:
        who, dan = booth.directory.person(tx, "ada"), Actor("person", "dan")
        booth.consent.revoke(tx, who, dan, "why", booth.clock.now())
    own = booth.decide(act)
    assert own.decision.act.value == act
    assert [booth.decide(again) for again in ("withdrawn", "refused")] == [own, own]


def test_withdrawing_again_after_a_new_yes_is_a_new_decision(booth: Booth) -> None:
    booth.give()
    first = booth.decide("withdrawn")
    booth.give()
    assert booth.decide("withdrawn") != first
    assert [decision.act.value for decision in booth.history()] == ["given", "withdrawn"] * 2


def test_a_pause_ends_by_itself_and_what_held_before_holds_again(booth: Booth) -> None:
    booth.give()
    booth.pause(30)
    assert booth.standing().state is State.PAUSED
    booth.clock.advance(timedelta(minutes=30))
    assert booth.standing().state is State.GIVEN


@pytest.mark.parametrize("minutes", [-30, 0, 4.9, 7 * 24 * 60 + 0.1])
def test_a_pause_outside_five_minutes_to_seven_days_is_refused(
    booth: Booth, minutes: float
) -> None:
    booth.give()
    with pytest.raises(InvalidInput) as refused:
        booth.pause(minutes)
    assert refused.value.faults[0].field == "minutes"
    assert "5 minutes to 7 days" in refused.value.faults[0].problem.replace(" and ", " to ")
    assert booth.standing().state is State.GIVEN


@pytest.mark.parametrize("until", [None, datetime(2026, 11, 16, 9, 30)])  # noqa: DTZ001
def test_a_pause_without_an_end_or_a_zone_is_refused(booth: Booth, until: datetime | None) -> None:
    booth.give()
    with pytest.raises(InvalidInput, match="minutes"):
        booth.decide("paused", until=until)


@pytest.mark.parametrize("minutes", [5, 7 * 24 * 60])
def test_the_shortest_and_the_longest_pause_are_taken(booth: Booth, minutes: int) -> None:
    booth.give()
    assert booth.pause(minutes).decision.until == booth.clock.now() + timedelta(minutes=minutes)


def test_nobody_opts_out_for_somebody_who_is_not_there(booth: Booth) -> None:
    stranger = replace(booth.person(), id="nobody")
    with pytest.raises(NotFound), booth.database.write() as tx:
        booth.consent.decide(tx, stranger, Act.WITHDRAWN, booth.clock.now())


def refuse(booth: Booth, table: str, condition: str) -> None:
    """Let the database refuse some rows of a table, as a full disk or a broken index would."""
    with booth.database.write() as tx:
        if booth.database.dialect == "sqlite":
            tx.execute(
                text(
                    f"CREATE TRIGGER broken BEFORE INSERT ON {table} WHEN {condition} "
                    "BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END"
                )
            )
        else:
            tx.execute(
                text(
                    "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    "RAISE EXCEPTION 'broken on purpose'; END $$"
                )
            )
            tx.execute(
                text(
                    f"CREATE TRIGGER broken BEFORE INSERT ON {table} FOR EACH ROW "
                    f"WHEN ({condition}) EXECUTE FUNCTION broken()"
                )
            )


def mend(booth: Booth, table: str) -> None:
    with booth.database.write() as tx:
        on = "" if booth.database.dialect == "sqlite" else f" ON {table}"
        tx.execute(text(f"DROP TRIGGER broken{on}"))


def test_without_its_entry_there_is_no_decision(booth: Booth) -> None:
    """Law 2: a decision and its entry are kept or lost together."""
    booth.give()
    magic = b"consent.withdrawn".hex().upper()
    condition = (
        f"hex(NEW.submission) LIKE '%{magic}%'"
        if booth.database.dialect == "sqlite"
        else f"upper(encode(NEW.submission, 'hex')) LIKE '%{magic}%'"
    )
    refuse(booth, "audit_pending", condition)
    with pytest.raises(DBAPIError, match="broken on purpose"):
        booth.decide("withdrawn")
    assert [decision.act.value for decision in booth.history()] == ["given"]
    mend(booth, "audit_pending")
    booth.decide("withdrawn")
    assert booth.standing().state is State.WITHDRAWN


def test_without_its_decision_there_is_no_entry(booth: Booth) -> None:
    booth.give()
    refuse(booth, "consent_decision", "NEW.act = 'withdrawn'")
    with pytest.raises(DBAPIError, match="broken on purpose"):
        booth.decide("withdrawn")
    assert booth.entries("consent.withdrawn") == []
    mend(booth, "consent_decision")
    booth.decide("withdrawn")
    assert len(booth.entries("consent.withdrawn")) == 1


def race(*calls: Callable[[], object]) -> list[object]:
    """Make all calls at once, each in a thread; return what they answered or raised."""
    gate = threading.Barrier(len(calls))
    answers: list[object] = [None] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        gate.wait()
        try:
            answers[place] = call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            answers[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_decisions_made_at_once_are_numbered_one_after_the_other(booth: Booth) -> None:
    booth.give()
    answers = race(*[partial(booth.pause, 30 + minute) for minute in range(8)])
    assert [str(one) for one in answers if isinstance(one, Exception)] == []
    history = booth.history()
    assert [one.seq for one in history] == list(range(1, len(history) + 1))
    assert booth.standing().until == booth.clock.now() + timedelta(minutes=37), "the longest"


def test_two_withdrawals_at_once_are_one(booth: Booth) -> None:
    booth.give()
    first, second = race(*[lambda: booth.decide("withdrawn")] * 2)
    assert first == second
    assert len(booth.history()) == 2


def test_a_yes_and_a_no_at_once_end_as_they_were_recorded(booth: Booth) -> None:
    shown = booth.show()
    for _ in range(5):
        answers = race(
            lambda: booth.decide("given", shown_id=shown.id), lambda: booth.decide("withdrawn")
        )
        assert [str(one) for one in answers if isinstance(one, Exception)] == []
        assert (
            booth.standing().state.value
            == [one.act for one in booth.history() if one.act is not Act.PAUSED][-1]
        )
