"""Clocks that go wrong, at the service and on the laptop: no more is captured, nobody locked out.

The service, the wall of the laptop and the time since boot are three clocks here. Only the last one
cannot be set.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Reason
from app.sdk.agent import memory
from app.sdk.agent.memory import Memory
from app.sdk.agent.timekeeping import since_boot
from app.sdk.lease import MAX_LIFE_S, SKEW_S, read_lease
from tests.agent_simulator import TTL_S, AgentSimulator, LeaseOffice, Sent
from tests.fakes import FakeClock

DAY_S = 86_400
YEAR_S = 365 * DAY_S


@dataclass
class Clocks:
    """A service and a laptop, each with a clock of its own that can go wrong."""

    folder: Path
    service: FakeClock = field(default_factory=FakeClock)
    laptop: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.office = LeaseOffice(self.service)
        self.agent = AgentSimulator(self.folder, self.office, self.laptop)

    def wait(self, seconds: float) -> None:
        """Time passes everywhere."""
        self.service.advance(seconds)
        self.agent.wait(seconds)

    def set_both(self, seconds: float) -> None:
        """Both take their time from a source that is wrong, or is right again."""
        self.service.advance(seconds)
        self.laptop.advance(seconds)


@pytest.fixture
def clocks(tmp_path: Path) -> Clocks:
    clocks = Clocks(tmp_path / "agent")
    clocks.agent.poll()
    assert clocks.agent.captures
    return clocks


# One wild time


@pytest.mark.parametrize("wild", [YEAR_S, 10 * YEAR_S, 120, -YEAR_S, -120])
@pytest.mark.parametrize("restarted", [False, True])
def test_law_7_a_wild_time_that_was_signed_does_not_lock_the_laptop(clocks, wild, restarted):
    clocks.set_both(wild)
    clocks.agent.poll()
    clocks.wait(30)
    clocks.set_both(-wild)
    if restarted:
        clocks.agent.restart()
    assert not clocks.agent.captures
    assert clocks.agent.guard.needs_nonce
    clocks.agent.poll()
    assert clocks.agent.captures


@pytest.mark.parametrize("restarted", [False, True])
def test_law_1_a_wild_lease_captures_nothing_once_the_clocks_are_right(clocks, restarted):
    clocks.set_both(YEAR_S)
    wild = clocks.agent.poll()
    clocks.set_both(-YEAR_S)
    assert clocks.agent.state is Refusal.CLOCK_ROLLED_BACK
    if restarted:
        clocks.agent.restart()
    assert clocks.agent.take(wild, nonce=nonce_of(clocks, wild)) is Refusal.LEASE_FROM_FUTURE
    assert not clocks.agent.captures


def nonce_of(clocks: Clocks, sent: Sent) -> str | None:
    return read_lease(sent.token, clocks.office.keys).nonce


def test_law_1_a_wild_lease_is_not_good_when_its_time_has_come(clocks):
    """Whoever kept it would have a permission from a year before, whatever was stopped since."""
    clocks.set_both(YEAR_S)
    clocks.agent.poll()
    clocks.wait(60)
    wild = clocks.agent.poll()
    assert nonce_of(clocks, wild) is None
    clocks.wait(5)
    clocks.set_both(-YEAR_S)
    clocks.agent.poll()
    clocks.office.reasons = (Reason.STOPPED,)
    clocks.wait(YEAR_S - 120)
    clocks.agent.poll()
    clocks.wait(60)
    assert clocks.agent.take(wild) is Refusal.LEASE_ROLLED_BACK
    assert not clocks.agent.captures


def test_law_1_a_wild_lease_that_was_refused_is_not_good_either_when_its_time_has_come(clocks):
    clocks.wait(10)
    clocks.service.advance(300)
    wild = clocks.office.send()
    assert clocks.agent.take(wild) is Refusal.LEASE_FROM_FUTURE
    clocks.service.advance(-300)
    clocks.agent.restart()
    clocks.office.reasons = (Reason.STOPPED,)
    clocks.agent.poll()
    clocks.wait(301)
    assert clocks.agent.take(wild) is Refusal.LEASE_ROLLED_BACK
    assert not clocks.agent.captures


def test_until_the_wild_time_is_past_each_lease_is_asked_for_with_a_nonce(clocks):
    clocks.set_both(3_600)
    clocks.agent.poll()
    clocks.set_both(-3_600)
    for _ in range(12):
        assert clocks.agent.guard.needs_nonce
        clocks.agent.poll()
        assert clocks.agent.captures
        clocks.wait(300)
    clocks.wait(SKEW_S + 1)
    clocks.agent.poll()
    assert not clocks.agent.guard.needs_nonce
    clocks.agent.poll()
    assert nonce_of(clocks, clocks.agent.answered) is None


def test_seq_is_never_taken_back(clocks):
    """A nonce says that a lease is new. It does not undo a withdrawal that the laptop saw."""
    clocks.office.withdraw()
    clocks.wait(5)
    clocks.agent.poll()
    clocks.office.reasons = ()
    for seq in ({"policy": 5, "consent": 3}, {"policy": 4, "consent": 4}):
        sent = clocks.office.send(nonce="of-this-request", seq=seq)
        assert clocks.agent.take(sent, nonce="of-this-request") is Refusal.LEASE_ROLLED_BACK
    assert not clocks.agent.captures


def test_a_wild_time_is_on_disk_before_a_lease_that_takes_it_back_counts(clocks):
    clocks.set_both(DAY_S)
    clocks.agent.poll()
    wild = clocks.agent.remembered()["issued"]
    assert "wild" not in clocks.agent.remembered()
    clocks.set_both(-DAY_S)
    clocks.agent.poll()
    kept = clocks.agent.remembered()
    assert (kept["issued"], kept["wild"]) == (wild - DAY_S, wild)


def test_what_two_runs_saw_is_joined():
    one = Memory("d_1", policy_seq=7, consent_seq=2, issued=100, says="a", wild=900)
    other = Memory("d_1", policy_seq=5, consent_seq=3, issued=200, says="b")
    together = Memory("d_1", policy_seq=7, consent_seq=3, issued=200, says="b", wild=900)
    assert one.joined(other) == other.joined(one) == together


def test_a_memory_without_a_wild_time_is_as_it_was_before_there_were_any(tmp_path):
    memory.write(tmp_path, Memory("d_1", 2, 3, 4, "x"))
    assert b"wild" not in (tmp_path / "guard.json").read_bytes()
    memory.write(tmp_path, Memory("d_1", 2, 3, 4, "x", 9))
    assert memory.read(tmp_path, "d_1") == Memory("d_1", 2, 3, 4, "x", 9)


# Nonces


def test_law_1_a_lease_made_for_an_earlier_request_does_not_take_the_time_back(clocks):
    recorded = clocks.office.send(nonce="of-an-earlier-request")
    clocks.wait(600)
    clocks.agent.poll()
    taken = clocks.agent.take(recorded, nonce="of-this-request")
    assert taken is Refusal.LEASE_NOT_FRESH
    assert not clocks.agent.captures


def test_law_1_a_lease_with_a_nonce_answers_no_request_without_one(clocks):
    """It was made for a request that somebody else has the answer of."""
    clocks.wait(5)
    kept_back = clocks.office.send(nonce="of-a-request-without-answer")
    clocks.wait(5)
    assert clocks.agent.take(kept_back) is Refusal.LEASE_NOT_FRESH


def test_law_1_a_nonce_does_not_make_an_expired_lease_good(clocks):
    sent = clocks.office.send(nonce="of-this-request")
    clocks.wait(TTL_S)
    assert clocks.agent.take(sent, nonce="of-this-request") is Refusal.LEASE_EXPIRED


def test_law_1_a_clock_turned_back_does_not_revive_a_lease_not_even_with_its_nonce(clocks):
    sent = clocks.office.send(nonce="of-this-request")
    assert clocks.agent.take(sent, nonce="of-this-request") is None
    clocks.wait(TTL_S)
    clocks.agent.turn_clock(-TTL_S)
    assert clocks.agent.state is Refusal.LEASE_EXPIRED
    assert not clocks.agent.captures
    clocks.agent.restart()
    fresh = clocks.office.send(nonce="of-the-next-request")
    taken = clocks.agent.take(fresh, nonce="of-the-next-request")
    assert taken is Refusal.LEASE_FROM_FUTURE


def test_law_1_a_lease_shown_again_under_a_clock_turned_back_a_little_lives_no_longer(clocks):
    clocks.wait(1)
    same = clocks.agent.poll()
    clocks.agent.turn_clock(-50)
    assert clocks.agent.take(same) is None
    clocks.wait(TTL_S - 1)
    assert clocks.agent.captures
    clocks.wait(1)
    assert clocks.agent.state is Refusal.LEASE_EXPIRED


# A wall clock that is set within a run


@pytest.mark.parametrize("seconds", [-61, -600, 61, 600])
def test_while_the_wall_clock_is_off_nothing_is_captured(clocks, seconds):
    """Hours are judged by it: who sets it could move the evening into the day."""
    clocks.wait(120)
    clocks.agent.poll()
    clocks.agent.turn_clock(seconds)
    expected = Refusal.CLOCK_ROLLED_BACK if seconds < 0 else Refusal.CLOCK_JUMPED
    assert clocks.agent.state is expected
    assert not clocks.agent.captures
    clocks.agent.turn_clock(-seconds)
    assert clocks.agent.captures


def test_a_clock_turned_back_after_a_while_is_noticed_by_the_time_that_has_run(clocks):
    """It is still after the last signed time; what has run since boot tells."""
    clocks.wait(600)
    clocks.agent.turn_clock(-500)
    assert clocks.agent.state is Refusal.CLOCK_ROLLED_BACK


def test_law_1_a_lease_that_was_kept_back_is_not_good_under_a_clock_turned_back(clocks):
    clocks.wait(450)
    kept_back = clocks.office.send()
    clocks.wait(3_000)
    clocks.agent.turn_clock(-2_990)
    assert clocks.agent.take(kept_back) is Refusal.CLOCK_ROLLED_BACK
    assert not clocks.agent.captures


def test_a_clock_that_was_corrected_is_right_from_the_next_poll_on(clocks):
    clocks.set_both(300)
    assert clocks.agent.state is Refusal.CLOCK_JUMPED
    clocks.agent.poll()
    assert clocks.agent.captures


def test_the_clock_since_boot_runs_forward_with_the_time():
    before, waited = since_boot(), time.monotonic()
    while time.monotonic() == waited:
        pass
    assert before < since_boot() < before + 60


# Histories

moves = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 300, TTL_S, 4_000])),
    st.tuples(st.just("set service"), st.sampled_from([-YEAR_S, -300, -2, 2, 300, YEAR_S])),
    st.tuples(st.just("wild answer"), st.sampled_from([300, YEAR_S])),
    st.tuples(st.just("set laptop"), st.sampled_from([-YEAR_S, -300, -50, 50, 300, YEAR_S])),
    st.tuples(st.just("set both"), st.sampled_from([-YEAR_S, -4_000, 300, YEAR_S])),
    st.tuples(st.just("poll"), st.just(0)),
    st.tuples(st.just("poll"), st.just(0)),
    st.tuples(st.just("replay"), st.integers(0, 4)),
    st.tuples(st.just("withdraw"), st.just(0)),
    st.tuples(st.just("stop"), st.just(0)),
    st.tuples(st.just("agree"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
)


class History:
    """What happened to one laptop; everything that was ever sent to it is kept for a replay."""

    def __init__(self, folder: Path) -> None:
        self.clocks = Clocks(folder)
        self.sent: list[Sent] = []
        self.newest_consent = 0
        self.taken_at = 0.0  # by the clock since boot: the last honest answer that was taken
        self.said_off = True  # what that answer said

    def make(self, move: str, number: int) -> None:
        clocks, office, agent = self.clocks, self.clocks.office, self.clocks.agent
        moves: dict[str, Callable[[], object]] = {
            "wait": lambda: clocks.wait(number),
            "set service": lambda: clocks.service.advance(number),
            "set laptop": lambda: agent.turn_clock(number),
            "set both": lambda: clocks.set_both(number),
            "wild answer": lambda: self.wild_answer(number),
            "poll": self.poll,
            "replay": lambda: [agent.take(sent) for sent in self.sent[-1 - number :][:1]],
            "withdraw": office.withdraw,
            "stop": lambda: office.off_for(Reason.PRECONDITION_MISSING),  # no seq grows with it
            "agree": office.off_for,
            "restart": agent.restart,
        }
        moves[move]()

    def wild_answer(self, seconds: float) -> None:
        """The service's clock is wild for one answer."""
        self.clocks.service.advance(seconds)
        self.poll()
        self.clocks.service.advance(-seconds)

    def poll(self) -> None:
        agent = self.clocks.agent
        if agent.ask() is None:
            lease = agent.guard.lease
            self.newest_consent = max(self.newest_consent, lease.consent_seq)
            self.taken_at, self.said_off = agent.since_boot, not lease.capture
        self.sent.append(agent.answered)

    def check(self) -> None:
        agent = self.clocks.agent
        kept = agent.remembered()
        assert kept["consent"] >= self.newest_consent
        if not agent.captures:
            return
        lease, now = agent.guard.lease, self.clocks.laptop.now().timestamp()
        assert lease.capture
        assert lease.consent_seq >= self.newest_consent
        assert lease.issued - SKEW_S <= now < lease.believed_until
        assert not self.said_off, "a lease that was kept turned capture on again"
        assert agent.since_boot - self.taken_at < MAX_LIFE_S + SKEW_S, "kept alive by replays"


@settings(max_examples=150, deadline=None)
@given(st.lists(moves, max_size=25))
def test_law_7_no_history_of_clocks_and_replays_captures_what_the_last_answer_does_not_say(
    tmp_path_factory, history
):
    """A kept lease revives nothing, and once the clocks are right, all is well."""
    played = History(tmp_path_factory.mktemp("laptop") / "agent")
    for move, number in history:
        played.make(move, number)
        played.check()
    clocks = played.clocks
    clocks.service.at = clocks.laptop.at = FakeClock().at + timedelta(
        seconds=clocks.agent.since_boot
    )
    clocks.office.off_for()
    assert clocks.agent.ask() is None or clocks.agent.ask() is None
    assert clocks.agent.captures
