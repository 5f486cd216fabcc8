"""Law 7 while the service is busy or the network is lost: the lease that is held, and its end."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Reason
from app.sdk.agent import memory
from app.sdk.agent.client import AgentClient, Polled
from app.sdk.agent.guard import Allowed
from app.sdk.agent.identity import Identity
from app.sdk.agent.tally import Tally
from app.sdk.agent.waiting import MARGIN_S, MOST_ASKED_S, MOST_SPAN_S, wait_s
from tests.agent_simulator import DEVICE, TTL_S, LeaseOffice, event
from tests.agents import misbehaving
from tests.agents.misbehaving import MisbehavingServer, misbehaving_server
from tests.agents.test_client import (
    BASE,
    PROBLEM,
    REFUSING,
    SILENT,
    UNREADABLE,
    Service,
    page,
    says,
    too_slow,
    unreachable,
)
from tests.fakes import FakeClock

POLL_S = 15
"""What a lease says here."""


def laptop(
    folder: Path,
    base: str,
    service: Service,
    http: httpx2.Client,
    clock: FakeClock,
    seed: int = 1,
) -> AgentClient:
    """A paired laptop whose waits are by chance, but the same in each run."""
    if not (folder / "guard.json").exists():
        memory.begin(folder, DEVICE)
    identity = Identity(base, DEVICE, "laptop", service.office.keys)
    return AgentClient(
        folder, identity, http=http, clock=clock, elapsed=clock.elapsed, chance=chances(seed)
    )


def chances(seed: int) -> Callable[[], float]:
    return Random(seed).random  # noqa: S311 - the same in each run


def captures(agent: AgentClient) -> bool:
    return isinstance(agent.guard.may_capture(event(at=agent.now)), Allowed)


# On a real socket


@pytest.fixture
def service(clock) -> Service:
    return Service(LeaseOffice(clock))


@pytest.fixture
def server(service) -> Iterator[MisbehavingServer]:
    with misbehaving_server(service) as running:
        yield running


@pytest.fixture
def agent(tmp_path, server, service, clock) -> Iterator[AgentClient]:
    """It holds a lease that it took over a socket."""
    with httpx2.Client(timeout=20, trust_env=False) as http:
        agent = laptop(tmp_path, server.address, service, http, clock)
        assert agent.poll().capture
        http.timeout = httpx2.Timeout(1)
        yield agent
        http.timeout = httpx2.Timeout(20)
        server.act = None
        clock.advance(3_600)
        assert agent.poll().capture, "the next honest answer is taken"


@pytest.mark.parametrize("answer", misbehaving.SILENT)
def test_law_7_a_lease_is_bridged_to_its_end_and_no_further(agent, server, clock, answer):
    server.act = misbehaving.SILENT[answer]
    clock.advance(TTL_S - 1)
    polled = agent.poll()
    assert (polled.answered, polled.capture) == (False, True)
    assert captures(agent)
    clock.advance(1)
    assert not captures(agent)
    assert agent.guard.state is Refusal.LEASE_EXPIRED


def test_law_7_nobody_who_answers_in_turn_makes_a_lease_longer(agent, server, clock):
    """All that a network can do, one after the other, as long as the laptop asks."""
    began, tries = clock.now(), 0
    for act in misbehaving.SILENT.values():
        server.act = act
        polled, tries = agent.poll(), tries + 1
        lasted_s = (clock.now() - began).total_seconds()
        assert captures(agent) == polled.capture == (lasted_s < TTL_S)
        clock.advance(polled.poll_s)
    assert not captures(agent)


def test_law_7_a_port_where_nobody_listens_is_silence(tmp_path, service, clock):
    with httpx2.Client(timeout=5, trust_env=False) as http:
        with misbehaving_server(service) as server:
            agent = laptop(tmp_path, server.address, service, http, clock)
            agent.poll()
        assert agent.poll().capture
        clock.advance(TTL_S)
        assert agent.poll().reason is Refusal.LEASE_EXPIRED


def test_law_7_what_the_service_says_acts_at_once(agent, service, server, clock):
    clock.advance(1)
    service.office.withdraw()
    assert agent.poll().reason is Reason.CONSENT_WITHDRAWN
    assert not captures(agent)
    service.office.consent_seq += 1
    service.office.off_for()
    clock.advance(1)
    assert agent.poll().capture
    problem = {"Content_Type": "application/problem+json"}
    for refusal in (
        misbehaving.says(403, b"{}", **problem),
        misbehaving.says(401, b'{"error": "invalid_client"}', Content_Type="application/json"),
        misbehaving.says(401),
    ):
        server.act = refusal
        assert agent.poll().reason is Refusal.SERVER_ANSWER
        assert not captures(agent)
        server.act = None
        clock.advance(1)
        assert agent.poll().capture


def test_a_report_over_a_bad_network_counts_once(tmp_path, agent, server, service, clock):
    """The service takes it; the answer is lost; the laptop sends it again after a restart, too."""
    server.loses_answers = True
    assert not agent.report(Tally({("vscode", "click"): 3}))
    server.loses_answers = False
    server.act = misbehaving.says(200, misbehaving.PAGE, Content_Type=misbehaving.HTML)
    clock.advance(60)
    assert not agent.report(Tally())
    server.act = None
    with httpx2.Client(timeout=20, trust_env=False) as http:
        again = laptop(tmp_path, server.address, service, http, clock)
        assert again.report(Tally())
        assert again.report(Tally())
    first, second = service.reports
    assert first == second
    assert first["allowed"][0]["events"] == 3


# Any sequence of answers


class Witness(Service):
    """A service that knows until when its last good lease lives."""

    def __init__(self, office: LeaseOffice) -> None:
        super().__init__(office)
        self.ends: float | None = None
        self.token_lives_s = 1  # so that each poll asks for a token, too

    def lease(self, request: httpx2.Request, **claims: object) -> httpx2.Response:
        answer = super().lease(request, **claims)
        if answer.status_code == 200:
            self.ends = None if self.office.reasons else int(self.office.clock.elapsed()) + TTL_S
        return answer

    @property
    def covers(self) -> bool:
        """Whether a lease that says on covers this instant; nothing after it took it back."""
        return self.ends is not None and self.office.clock.elapsed() < self.ends

    # What comes to pass with the next poll

    def good(self) -> None:
        if self.office.reasons:
            self.office.consent_seq += 1
            self.office.off_for()

    def withdrawn(self) -> None:
        self.office.withdraw()

    def silent(self, lie: str) -> None:
        path, handler = SILENT_HERE[lie]
        self.lies[path] = handler

    def busy(self, retry_after: str) -> None:
        headers = {**PROBLEM, "Retry-After": retry_after}
        self.lies["/v1/agent"] = says(503, headers=headers, content=b"{}")

    def refused(self, lie: str) -> None:
        path, handler = {**REFUSING, **UNREADABLE}[lie]
        self.lies[path] = handler
        self.ends = None

    def unshown(self) -> None:
        """A newer lease names a document that does not come."""
        self.good()
        self.office.publish(screenshot_min_interval_s=60 + self.office.policy_seq)
        self.lies["/v1/agent/policies"] = says(503)


SILENT_HERE = {
    **SILENT,
    "nobody is reached": ("/", unreachable),
    "the answer is too slow": ("/v1/agent/lease", too_slow),
    "the portal's page comes for keys": ("/.well-known", page),
}
RETRY_AFTER = ["", "0", "30", "86400", "-1", "soon", "30, 60", "Mon, 16 Nov 2026 10:00:00 GMT"]
HAPPENS = st.one_of(
    st.just(("good",)),
    st.just(("good",)),
    st.tuples(st.just("silent"), st.sampled_from(sorted(SILENT_HERE))),
    st.tuples(st.just("busy"), st.sampled_from(RETRY_AFTER)),
    st.just(("withdrawn",)),
    st.tuples(st.just("refused"), st.sampled_from(sorted({**REFUSING, **UNREADABLE}))),
    st.just(("unshown",)),
)
WAITS = st.one_of(st.none(), st.floats(0, 1_500))
"""Seconds until the next poll; None: as the client says."""


@contextmanager
def witnessed(seed: int) -> Iterator[tuple[AgentClient, Witness, FakeClock]]:
    """A laptop on a wire to a service that can be told what to answer."""
    clock = FakeClock()
    service = Witness(LeaseOffice(clock))
    with (
        TemporaryDirectory() as folder,
        httpx2.Client(transport=httpx2.MockTransport(service)) as http,
    ):
        yield laptop(Path(folder), BASE, service, http, clock, seed), service, clock


@settings(max_examples=60)
@given(st.lists(st.tuples(HAPPENS, WAITS), min_size=1, max_size=12), st.integers(0, 2**32))
def test_law_7_whatever_is_answered_capture_ends_with_the_last_good_lease_and_not_before(
    steps, seed
):
    """Not before, that is: unless the service itself said so."""
    with witnessed(seed) as (agent, service, clock):
        for (name, *how), wait_s in steps:
            service.lies.clear()
            getattr(service, name)(*how)
            polled = agent.poll()
            if name == "unshown":
                service.ends = None
            assert polled.capture == captures(agent) == service.covers
            assert_waits_within_bounds(polled, service, clock)
            until = clock.elapsed() + (polled.poll_s if wait_s is None else wait_s)
            if service.ends is not None and clock.elapsed() < service.ends <= until:
                clock.advance(service.ends - clock.elapsed() - 0.001)
                assert captures(agent)
                clock.advance(0.001)
            clock.advance(until - clock.elapsed())
            assert captures(agent) == service.covers


def assert_waits_within_bounds(polled: Polled, service: Witness, clock: FakeClock) -> None:
    """As said, after an answer; later, but once more while the lease lives, after none."""
    if polled.answered:
        assert polled.poll_s == POLL_S
        return
    assert POLL_S <= polled.poll_s <= MOST_ASKED_S + MOST_SPAN_S
    left_s = service.ends - clock.elapsed() if service.ends is not None else 0
    if left_s > POLL_S + MARGIN_S:
        assert polled.poll_s <= left_s - MARGIN_S


# What is told


def test_an_outage_is_told_once_when_it_begins_and_once_when_it_ends():
    with witnessed(1) as (agent, service, clock):
        assert agent.poll().news == ()
        service.busy("30")
        clock.advance(15)
        told = []
        for _ in range(5):
            polled = agent.poll()
            told += polled.news
            clock.advance(polled.poll_s)
        (sentence,) = told
        said = "(status 503, application/problem+json): the lease held goes on for 885 s"
        assert sentence == f"{BASE} does not answer with a lease {said}"
        began = clock.elapsed()
        service.lies.clear()
        (again,) = agent.poll().news
        assert again.startswith(f"{BASE} answers again, after ")
        assert again.endswith(" and 5 polls in vain")
        assert agent.poll().news == ()
        assert clock.elapsed() == began


def test_an_outage_from_the_start_says_that_capture_is_off():
    with witnessed(1) as (agent, service, _):
        service.silent("nobody is reached")
        (told,) = agent.poll().news
        assert told == f"{BASE} does not answer with a lease (no route to host): capture is off"


# When it comes back


def test_a_laptop_waits_as_long_as_it_is_asked_to_but_asks_before_its_lease_ends():
    with witnessed(1) as (agent, service, clock):
        agent.poll()
        service.busy("120")
        assert 120 <= agent.poll().poll_s <= 135
        clock.advance(TTL_S - 100)
        assert 35 <= agent.poll().poll_s <= 100 - MARGIN_S
        clock.advance(100)
        assert 120 <= agent.poll().poll_s <= 180, "there is no lease to ask for in time"


def test_after_an_answer_a_laptop_asks_as_often_as_before():
    with witnessed(1) as (agent, service, _):
        service.busy("")
        waits = [agent.poll().poll_s for _ in range(10)]
        assert max(waits) > 100
        service.lies.clear()
        assert agent.poll().poll_s == POLL_S
        service.busy("")
        assert agent.poll().poll_s <= 2 * POLL_S


def test_after_an_outage_a_hundred_thousand_laptops_come_back_one_by_one():
    """Within any second of the five minutes come hardly more than if they took turns."""
    chance = chances(7)
    seconds = Counter(int(wait_s(POLL_S, 9, 0, None, chance())) for _ in range(100_000))
    assert min(seconds) >= POLL_S
    assert max(seconds) < POLL_S + MOST_SPAN_S
    assert max(seconds.values()) < 2 * 100_000 / MOST_SPAN_S


def test_laptops_that_are_asked_to_wait_beyond_their_leases_come_back_one_by_one_too():
    chance = chances(7)
    seconds = Counter(int(wait_s(POLL_S, 1, 300, 330, chance())) for _ in range(100_000))
    assert (min(seconds), max(seconds)) == (150, 299)
    assert max(seconds.values()) < 2 * 100_000 / 150


# Reports


def test_law_7_while_polls_are_in_vain_no_report_is_sent_and_after_them_each_is_sent_once():
    with witnessed(1) as (agent, service, clock):
        service.token_lives_s = 3_600
        agent.poll()
        service.lies["/v1/agent/lease"] = says(503)
        agent.poll()
        asked = len(service.asked)
        for _ in range(40):
            assert not agent.report(Tally({("vscode", "click"): 1}))
        assert len(service.asked) == asked
        service.lies.clear()
        clock.advance(60)
        agent.poll()
        assert [report["allowed"][0]["events"] for report in service.reports] == [1, 39]
        agent.poll()
        assert len(service.reports) == 2


def test_a_report_that_is_not_taken_is_not_sent_again_at_once():
    with witnessed(1) as (agent, service, clock):
        service.lies["/v1/agent/reports"] = says(503, headers={"Retry-After": "100"})
        agent.poll()
        for _ in range(10):
            assert not agent.report(Tally({("vscode", "click"): 1}))
        assert paths(service).count("/v1/agent/reports") == 1
        clock.advance(99)
        assert not agent.report(Tally())
        assert paths(service).count("/v1/agent/reports") == 1
        clock.advance(100)
        assert not agent.report(Tally())
        assert paths(service).count("/v1/agent/reports") == 2


def test_a_report_that_waits_is_sent_after_the_next_good_poll_without_being_asked():
    with witnessed(1) as (agent, service, clock):
        service.lies["/v1/agent/reports"] = says(503)
        agent.poll()
        assert not agent.report(Tally({("vscode", "click"): 1}))
        service.lies.clear()
        clock.advance(60)
        assert agent.poll().capture
        assert len(service.reports) == 1


def test_a_report_that_is_refused_for_good_is_let_go_and_that_is_told_once():
    with witnessed(1) as (agent, service, _):
        agent.poll()
        service.lies["/v1/agent/reports"] = says(422, headers=PROBLEM, content=b"{}")
        assert not agent.report(Tally({("gone", "click"): 1}))
        service.lies.clear()
        assert agent.report(Tally())
        assert agent.poll().news == (
            "the service refuses a report for good: its counts are let go",
        )
        assert service.reports == []


def paths(service: Service) -> list[str]:
    return [request.url.path for request in service.asked]
