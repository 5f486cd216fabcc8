"""Recordings: read strictly, played in order, counted; and an agent's whole life over HTTP."""

import json
from collections import Counter
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.consent.model import Act
from app.kernel.forms import AGENT_FORM
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Reason
from app.policy.knobs import REGISTRY
from app.sdk.agent.client import AgentClient
from app.sdk.agent.pairing import CodeShown, pair
from app.sdk.agent.recording import RecordingError, play, read_recording, run
from tests.agent_simulator import AgentSimulator, LeaseOffice, event
from tests.event.events import an_event

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[2] / "app" / "demo" / "data" / "events.jsonl"
LINE = an_event(at="2026-11-16T10:00:00+01:00")


def recording(tmp_path, *lines):
    path = tmp_path / "events.jsonl"
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(written) + "\n", encoding="utf-8")
    return path


def test_the_shipped_recording_can_be_read():
    events = read_recording(SAMPLE)
    assert len(events) >= 2_000
    assert {seen.signal for seen in events} == set(REGISTRY.signals_in(AGENT_FORM))


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("{", "line 2"),
        ("", "line 2"),
        ("[]", "line 2"),
        ({**LINE, "mood": "fine"}, "line 2: the event: has the member 'mood'"),
        ({**LINE, "at": "2026-11-16T10:00:00"}, "line 2: at"),
        ({**LINE, "at": "2026-11-16T09:00:00+01:00"}, "line 2: at"),
        ({**LINE, "signal": "smell"}, "line 2: signal"),
        ({**LINE, "title": 7}, "line 2: title"),
        ('{"title": "a", "title": "b"}', "line 2: the event: has the member 'title' twice"),
        ("[" * 20_000, "line 2"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, names):
    with pytest.raises(RecordingError, match=names):
        read_recording(recording(tmp_path, LINE, line))


def test_a_missing_or_binary_file_is_named(tmp_path):
    with pytest.raises(RecordingError, match=r"nothing\.jsonl"):
        read_recording(tmp_path / "nothing.jsonl")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordingError, match="binary"):
        read_recording(tmp_path / "binary")


def test_every_event_of_a_recording_is_counted_once(tmp_path, clock):
    agent = AgentSimulator(tmp_path / "agent", LeaseOffice(clock), clock)
    agent.poll()
    events = read_recording(SAMPLE)
    tally = play(agent.guard, events, clock.now())
    assert sum(tally.allowed.values()) + sum(tally.refused.values()) == len(events)
    assert {app for app, _ in tally.allowed} <= {"vscode", "slack"}
    assert tally.lease == agent.guard.lease.jti
    assert Refusal.EXCLUDED in tally.refused
    assert Refusal.APP_UNLISTED in tally.refused


def test_law_1_without_a_lease_every_event_is_refused(tmp_path, clock):
    agent = AgentSimulator(tmp_path / "agent", LeaseOffice(clock), clock)
    assert play(agent.guard, [event()] * 5, clock.now()).refused == {"no_lease": 5}


def test_a_recording_is_played_as_if_it_happened_now(tmp_path, clock):
    clock.advance(86_400 * 500)
    agent = AgentSimulator(tmp_path / "agent", LeaseOffice(clock), clock)
    agent.poll()
    tally = play(agent.guard, read_recording(SAMPLE), clock.now())
    assert tally.allowed
    assert Refusal.EVENT_OUTSIDE_LEASE not in tally.refused


def test_what_a_recording_has_in_excluded_places_is_counted_by_place(tmp_path, clock):
    agent = AgentSimulator(tmp_path / "agent", LeaseOffice(clock), clock)
    agent.poll()
    banking = event(field="password")
    tally = play(agent.guard, [banking, event(), banking], clock.now())
    assert tally.refused == {"excluded": 2}
    assert tally.excluded == {"banking": 2}


@pytest.fixture
def laptop(open_company, tmp_path):
    """A real agent, paired over HTTP with the engineer, against the real service."""
    from app.main import create_app

    http = TestClient(create_app(open_company.services), base_url="http://127.0.0.1:8000")
    steps = pair(
        "http://127.0.0.1:8000", tmp_path / "agent", "laptop", http=http,
        clock=open_company.clock, sleep=lambda _: None,
    )  # fmt: skip
    for step in steps:
        if isinstance(step, CodeShown):
            open_company.approve(step.user_code)
    clock = open_company.clock
    return AgentClient.open(tmp_path / "agent", http=http, clock=clock, elapsed=clock.elapsed)


def test_an_agents_life_from_capture_to_withdrawal(open_company, laptop):
    """Polls, captures, is withdrawn from, stops at the next poll, and reports both."""
    events = read_recording(SAMPLE)[:300]
    company = open_company

    def sleep(seconds: float) -> None:
        company.clock.advance(seconds)
        if len(steps) == 2:
            company.decide(Act.WITHDRAWN)

    steps: list = []
    for step in run(laptop, events, sleep=sleep):
        steps.append(step)  # noqa: PERF402 - sleep counts them as they come
    on, still, off = steps
    assert on.polled.capture
    assert on.tally.allowed
    assert still.polled.capture
    assert off.polled.reason is Reason.CONSENT_WITHDRAWN
    assert off.tally.allowed == {}
    assert off.tally.refused == {"consent_withdrawn": 100}
    assert off.reported
    first, last = company.entries("agent.reported")
    captured = sum(sum(step.tally.allowed.values()) for step in steps)
    assert first["facts"]["allowed"] == captured
    assert first["facts"]["policy"] is not None
    assert last["facts"]["refused"] == {"consent_withdrawn": 100}
    with company.read() as tx:
        totals = company.services.reports.totals(tx, "E-1000")
    assert sum(totals.by_app.values()) == captured
    assert set(totals.by_app) <= {"vscode", "slack"}
    excluded = sum((Counter(step.tally.excluded) for step in steps), Counter())
    assert dict(totals.excluded) == excluded
    assert excluded.total() == dict(totals.refused)["excluded"] > 0


def test_the_recording_can_be_played_again_and_again(open_company, laptop):
    life = run(laptop, read_recording(SAMPLE)[:150], again=True, sleep=open_company.clock.advance)
    steps = [next(life) for _ in range(4)]
    assert [step.events for step in steps] == [100, 50, 100, 50]
    assert [step.reported for step in steps] == [None, True, None, True]


def test_revoking_the_device_stops_it_at_the_next_poll_with_a_signed_reason(open_company, laptop):
    assert laptop.poll().capture
    with open_company.write() as tx:
        open_company.services.devices.revoke(
            tx, open_company.person(), laptop.identity.device_id, open_company.now
        )
    open_company.clock.advance(1)
    assert laptop.poll().reason is Reason.DEVICE_REVOKED
    open_company.clock.advance(3_600)  # the token has expired; there will be no other
    assert laptop.poll().reason is Refusal.SERVER_ANSWER
