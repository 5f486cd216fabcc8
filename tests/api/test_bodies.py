"""A body is there, whole and in time, before anything else happens."""

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from app.api.server.bodies import SMALL, BodyRoom, Pace, WholeBody
from app.api.server.connections import ConnectionBounds
from app.kernel.errors import Unavailable
from app.main import create_app
from app.wiring import Services
from tests.api.served import served, status
from tests.loops import run_async

LARGEST = 200_000


class Sender:
    """A client whose parts come at instants of its own clock."""

    def __init__(self, parts: Iterable[tuple[float, bytes]], *, leaves: bool = False) -> None:
        self.now = 0.0
        self.parts = list(parts)
        self.leaves = leaves

    async def receive(self) -> Message:
        if not self.parts:
            return {"type": "http.disconnect"}
        after, part = self.parts.pop(0)
        self.now += after
        more = bool(self.parts) or self.leaves
        return {"type": "http.request", "body": part, "more_body": more}


class Asked:
    """An application that keeps what it received; at ``/held`` it waits before it answers."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.messages += [await receive(), await receive()]
        if scope["path"] == "/held":
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def sent_to(
    app: WholeBody,
    sender: Sender,
    length: int | None = None,
    source: str = "192.0.2.7",
    path: str = "/",
) -> list[Message]:
    """What a request is answered; without a length its body comes in chunks."""
    named = (b"content-length", str(length).encode()) if length is not None else None
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [named or (b"transfer-encoding", b"chunked")],
        "client": (source, 1),
    }
    answers: list[Message] = []

    async def send(message: Message) -> None:
        answers.append(message)

    await app(scope, sender.receive, send)
    return answers


def answered(
    asked: Asked, sender: Sender, length: int | None = None, pace: Pace | None = None
) -> list[Message]:
    app = WholeBody(asked, LARGEST, pace or Pace(), monotonic=lambda: sender.now)
    return run_async(sent_to(app, sender, length))


def test_the_application_receives_the_body_at_once_and_then_that_the_client_went() -> None:
    asked = Asked()
    answers = answered(asked, Sender([(1, b"ab"), (1, b""), (1, b"c")]))
    assert answers[0]["status"] == 200
    assert asked.messages == [
        {"type": "http.request", "body": b"abc", "more_body": False},
        {"type": "http.disconnect"},
    ]


@pytest.mark.parametrize("every_s", [2, 4, 9])
def test_a_body_that_dribbles_is_refused_before_anything_happens(every_s: float) -> None:
    asked, sender = Asked(), Sender([(every_s, b"a")] * 100)
    answers = answered(asked, sender, 100)
    assert answers[0]["status"] == 408
    assert (b"connection", b"close") in answers[0]["headers"]
    assert b"urn:habeas:problem:too-slow" in answers[1]["body"]
    assert asked.messages == []
    assert sender.now < 10 + 2 * every_s


def test_a_body_on_a_slow_line_has_the_time_that_its_bytes_buy() -> None:
    asked = Asked()
    answers = answered(asked, Sender([(1, b"a" * 2_000)] * 50), 100_000)
    assert answers[0]["status"] == 200


def test_no_body_has_more_than_the_whole_time() -> None:
    sender = Sender([(1, b"a" * 2_000)] * 100)
    answers = answered(Asked(), sender, LARGEST, Pace(within_s=60))
    assert answers[0]["status"] == 408
    assert sender.now <= 61


def test_a_body_of_which_nothing_comes_any_more_is_refused() -> None:
    """By the clock of the event loop, since nothing arrives that could be looked at."""

    async def run() -> list[Message]:
        sender, never = Sender([]), asyncio.Event()

        async def receive() -> Message:
            await never.wait()
            raise AssertionError

        sender.receive = receive  # type: ignore[method-assign]
        return await sent_to(WholeBody(Asked(), LARGEST, Pace(within_s=0.05)), sender, 10)

    assert run_async(run())[0]["status"] == 408


def test_a_client_that_goes_away_has_done_nothing() -> None:
    asked = Asked()
    assert answered(asked, Sender([(0, b"ab")], leaves=True), 10) == []
    assert asked.messages == []


@pytest.mark.parametrize("length", [LARGEST + 1, None])
def test_a_body_that_is_too_large_is_refused(length: int | None) -> None:
    asked, sender = Asked(), Sender([(0, b"a" * 100_000)] * 4)
    answers = answered(asked, sender, length)
    assert answers[0]["status"] == 413
    assert asked.messages == []
    # A length that says so is not read at all; what comes without one is read to the limit.
    assert len(sender.parts) == (4 if length else 1)


@pytest.mark.parametrize("length", [0, LARGEST])
def test_what_the_limits_allow_passes(length: int) -> None:
    asked = Asked()
    assert answered(asked, Sender([(0, b"a" * length)]), length)[0]["status"] == 200


def test_a_source_that_fills_the_memory_is_refused_and_nobody_else_is() -> None:
    async def run() -> list[int]:
        asked = Asked()
        app = WholeBody(asked, LARGEST, Pace())

        async def posted(size: int, source: str = "192.0.2.7", path: str = "/") -> int:
            answers = await sent_to(app, Sender([(0, b"a" * size)]), size, source, path)
            return int(answers[0]["status"])

        held = [asyncio.create_task(posted(LARGEST, path="/held")) for _ in range(20)]
        await asyncio.sleep(0)  # lets each begin
        statuses = [await posted(LARGEST), await posted(SMALL), await posted(LARGEST, "192.0.2.8")]
        asked.go.set()
        await asyncio.gather(*held)
        return [*statuses, await posted(LARGEST)]

    assert run_async(run()) == [503, 200, 200, 200]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=30))
def test_memory_is_bounded_and_comes_back(sizes: list[tuple[str, int]]) -> None:
    room, taken = BodyRoom(per_source=12, total=20), []
    for source, size in sizes:
        mine = sum(each for name, each in taken if name == source)
        fits = mine + size <= 12 and sum(each for _, each in taken) + size <= 20
        try:
            room.take(source, size)
            taken.append((source, size))
        except Unavailable:
            assert not fits
        else:
            assert fits
    for source, size in taken:
        room.give(source, size)
    room.take("d", 12)
    room.take("e", 8)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0.1, 600))
def test_more_bytes_never_have_less_time(first: int, second: int, within_s: float) -> None:
    pace = Pace(within_s)
    low, high = sorted((first, second))
    assert pace.allowed_s(low) <= pace.allowed_s(high) <= within_s


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_person_is_refused_with_a_page_and_a_machine_with_a_problem(
    client: TestClient, services: Services, accept: str
) -> None:
    large = b"a" * (services.settings.max_body_bytes + 1)
    answer = client.post("/me/decisions", content=large, headers={"Accept": accept})
    assert answer.status_code == 413
    assert "Nothing was changed" in answer.text
    if accept == "text/html":
        assert "<h1>That is too large</h1>" in answer.text
        assert "script-src" in answer.headers["content-security-policy"]
    else:
        assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


def test_a_crowd_of_stalled_uploads_takes_no_thread_and_no_connection_to_the_database(
    services: Services,
) -> None:
    """More of them than there are threads; somebody else is answered at once."""
    head = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    with served(create_app(services), ConnectionBounds()) as running:
        paths = ("/v1/agent/token", "/v1/agent/pairings", "/me/decisions", "/access/v1/evaluation")
        lines = [running.connect("127.0.0.2") for _ in range(80)]
        for index, line in enumerate(lines):
            line.send(f"POST {paths[index % 4]} HTTP/1.1\r\n".encode() + head)
        with running.connect() as other:
            other.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert status(other.answer()) == 200
        assert services.database.engine.pool.checkedout() == 0
        for line in lines:
            line.socket.close()
