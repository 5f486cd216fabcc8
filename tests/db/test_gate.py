"""The gate: who goes first, how many wait, and that no place is ever lost."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from app.db.connections import POOL_SIZE, RESERVED
from app.db.engine import Database, open_database
from app.db.gate import WAITS_S, Gate
from app.kernel.errors import Unavailable
from app.kernel.lanes import LONGEST, SHARE, Full, Lane, Queue, Ticket

LANES = st.sampled_from(Lane)
NO_TIME = dict.fromkeys(Lane, 0.0)


class Comings(RuleBasedStateMachine):
    """Whoever comes, goes in and gives up, in any order, at gates of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Queue(places=1)
        self.tickets: list[Ticket] = []
        self.before_log = 0

    @precondition(lambda self: not self.tickets)
    @rule(places=st.integers(1, 5), reserved=st.integers(0, 4), longest=st.integers(0, 3))
    def open(self, places: int, reserved: int, longest: int) -> None:
        others = (Lane.PEOPLE, Lane.AGENTS, Lane.CONSUMERS, Lane.STRANGERS)
        self.line = Queue(places, min(reserved, places - 1), dict.fromkeys(others, longest))
        self.before_log = 0

    @rule(lane=LANES)
    def come(self, lane: Lane) -> None:
        waiting, before = self.line.waiting(lane), self._states()
        longest = self.line.longest.get(lane)
        try:
            ticket = self.line.ask(lane)
        except Full:
            assert longest is not None
            assert waiting >= longest
            return
        self.tickets.append(ticket)
        self._judge(before)

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def leave_or_give_up(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        self.tickets.remove(ticket)
        before = self._states()
        self.line.leave(ticket)
        self.line.leave(ticket)
        assert ticket.state == "gone"
        self._judge(before)

    def _states(self) -> dict[int, bool]:
        return {id(ticket): ticket.is_in for ticket in self.tickets}

    def _judge(self, before: dict[int, bool]) -> None:
        """Whoever has just gone in had the best claim of all who waited."""
        called = [t for t in self.tickets if t.is_in and not before.get(id(t), False)]
        for ticket in called:
            self.before_log = 0 if ticket.lane is Lane.LOG else self.before_log + 1
            first = next(
                t for t in self.tickets if t.lane is ticket.lane and t in (*called, *self._waits())
            )
            assert first in called
        if not any(ticket.lane is Lane.LOG for ticket in self._waits()):
            self.before_log = 0
        assert self.before_log <= SHARE + len(called)

    def _waits(self) -> list[Ticket]:
        return [ticket for ticket in self.tickets if ticket.state == "waits"]

    @invariant()
    def no_place_is_lost(self) -> None:
        for lane in Lane:
            inside = [t for t in self.tickets if t.lane is lane and t.is_in]
            assert self.line.inside(lane) == len(inside)
            assert self.line.waiting(lane) == len([t for t in self._waits() if t.lane is lane])

    @invariant()
    def no_more_are_inside_than_there_are_places(self) -> None:
        inside = [ticket for ticket in self.tickets if ticket.is_in]
        assert len(inside) <= self.line.places
        others = [ticket for ticket in inside if ticket.lane is not Lane.OUT]
        assert len(others) <= max(1, self.line.places - self.line.reserved)

    @invariant()
    def nobody_waits_before_an_open_place(self) -> None:
        inside = [ticket for ticket in self.tickets if ticket.is_in]
        others = [ticket for ticket in inside if ticket.lane is not Lane.OUT]
        if len(inside) < self.line.places:
            assert not any(ticket.lane is Lane.OUT for ticket in self._waits())
            if len(others) < self.line.places - self.line.reserved:
                assert not self._waits()


Comings.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestWhoeverComesAndGoesTheGateKeepsItsRules = Comings.TestCase


def test_lower_lanes_go_first_and_within_a_lane_who_came_first() -> None:
    line = Queue(places=1)
    inside = line.ask(Lane.PEOPLE)
    waiting = [line.ask(lane) for lane in (*reversed(Lane), *reversed(Lane))]
    order = []
    while inside:
        line.leave(inside)
        inside = next((ticket for ticket in waiting if ticket.is_in), None)
        order += [inside] if inside else []
    assert [ticket.lane for ticket in order] == [lane for lane in Lane for _ in range(2)]
    firsts = [ticket for ticket in order if ticket.lane is Lane.AGENTS]
    assert firsts == [ticket for ticket in waiting if ticket.lane is Lane.AGENTS]


@pytest.mark.parametrize("lane", [lane for lane in Lane if lane is not Lane.LOG])
@pytest.mark.parametrize(("places", "reserved"), [(1, 0), (3, 1), (15, 2)])
def test_whoever_floods_the_gate_the_log_gets_its_share(
    lane: Lane, places: int, reserved: int
) -> None:
    line = Queue(places, reserved, longest={})
    flood = [line.ask(lane) for _ in range(200)]
    log, gone = line.ask(Lane.LOG), 0
    while not log.is_in:
        line.leave(next(ticket for ticket in flood if ticket.is_in))
        gone += 1
    assert gone <= SHARE


def test_opting_out_finds_a_place_where_all_others_have_theirs() -> None:
    line = Queue(POOL_SIZE, RESERVED, longest={})
    flood = [line.ask(lane) for lane in Lane if lane is not Lane.OUT for _ in range(100)]
    assert sum(ticket.is_in for ticket in flood) == POOL_SIZE - RESERVED
    assert [line.ask(Lane.OUT).is_in for _ in range(RESERVED + 1)] == [True] * RESERVED + [False]


def test_what_is_too_much_of_a_lane_is_sent_away_and_opting_out_never_is() -> None:
    gate = Gate(1, waits_s=NO_TIME)
    inside = gate.enter(Lane.PEOPLE)
    line = Queue(places=1)
    line.ask(Lane.PEOPLE)
    for lane in Lane:
        queued = [line.ask(lane) for _ in range(LONGEST.get(lane, 1_000))]
        assert len(queued) == LONGEST.get(lane, 1_000)
        if lane in {Lane.OUT, Lane.LOG}:
            line.ask(lane)
            continue
        with pytest.raises(Full):
            line.ask(lane)
    with pytest.raises(Unavailable) as refused:
        gate.enter(Lane.OUT)  # it waited as long as it may
    assert refused.value.kind == "busy"
    gate.leave(inside)
    gate.leave(gate.enter(Lane.STRANGERS))


def test_a_place_that_comes_in_the_last_moment_is_taken_or_passed_on() -> None:
    gate, outcomes = Gate(2, waits_s=dict.fromkeys(Lane, 0.001)), []

    def ask() -> None:
        for lane in Lane:
            try:
                ticket = gate.enter(lane)
            except Unavailable:
                outcomes.append(False)
            else:
                outcomes.append(True)
                gate.leave(ticket)

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(outcomes) == len(threads) * len(Lane)
    places = [gate.enter(Lane.OUT), gate.enter(Lane.OUT)]
    with pytest.raises(Unavailable):
        gate.enter(Lane.OUT)
    assert all(ticket.is_in for ticket in places)


def test_an_interrupt_while_waiting_gives_the_place_on(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(1)
    inside = gate.enter(Lane.PEOPLE)

    def interrupted(_event: threading.Event, _timeout: float) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Event, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            gate.enter(Lane.PEOPLE)
    assert gate.waiting(Lane.PEOPLE) == 0
    gate.leave(inside)
    gate.leave(gate.enter(Lane.PEOPLE))


@pytest.fixture
def held(database: Database) -> Iterator[Database]:
    """A database of which somebody holds whatever others than opting out may hold."""
    one = select(1)
    held = [database.read(Lane.AGENTS) for _ in range(POOL_SIZE - RESERVED)]
    for each in held:
        each.__enter__().execute(one)
    yield database
    for each in held:
        each.__exit__(None, None, None)


def test_opting_out_has_connections_where_polls_have_all_of_theirs(held: Database) -> None:
    with held.read(Lane.OUT) as tx:
        assert tx.execute(select(1)).scalar() == 1
    assert WAITS_S[Lane.AGENTS] < WAITS_S[Lane.OUT]


def test_a_transaction_that_fails_gives_its_ticket_back(database: Database) -> None:
    for _ in range(POOL_SIZE + 1):
        with pytest.raises(ZeroDivisionError), database.write() as tx:
            tx.execute(text("SELECT 1"))
            raise ZeroDivisionError
        with pytest.raises((Unavailable, ProgrammingError)), database.read() as tx:
            tx.execute(text("SELECT * FROM nothing_like_it"))
    with database.write() as tx:
        assert tx.execute(text("SELECT 1")).scalar() == 1


def test_a_gap_between_two_transactions_of_another_process_is_enough(tmp_path: Path) -> None:
    """As of a verb beside the service that writes in pieces, with a short pause after each."""
    file = tmp_path / "one.sqlite"
    file.touch(mode=0o600)
    database = open_database(f"sqlite:///{file}")
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE t (n INTEGER)")
    waits, gaps, stop = threading.Event(), 0, threading.Event()

    def pieces() -> None:
        nonlocal gaps
        while not stop.is_set():
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO t VALUES (1)")
            waits.set()
            stop.wait(0.4)  # past where SQLite's own handler asks every 100 ms only
            other.execute("COMMIT")
            gaps += 1
            stop.wait(0.01)

    verb = threading.Thread(target=pieces)
    verb.start()
    waits.wait(10)
    for _ in range(3):
        begun = gaps
        with database.write(Lane.OUT) as tx:
            tx.execute(text("INSERT INTO t VALUES (2)"))
        assert gaps - begun <= 2, "it should have got in at one of the first gaps"
    stop.set()
    verb.join(10)
    other.close()
    database.engine.dispose()
