"""Who is let in before any thread is taken."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import replace
from typing import cast

import httpx2 as httpx
import pytest
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from app.api.admission import BOUNDS, LANE, NEWCOMERS, PAUSING, THREADS, VISITOR, Admission, Bounds
from app.api.problems import problem_response
from app.kernel.errors import HabeasError
from app.kernel.lanes import Lane
from app.main import create_app
from app.wiring import Services
from tests.loops import run_async

COOKIE = {"Cookie": "habeas=anything"}
ADDRESS: Mapping[Lane, tuple[str, str]] = {
    Lane.OUT: ("POST", "/me/decisions"),
    Lane.LOG: ("GET", "/healthz"),
    Lane.PEOPLE: ("GET", "/me"),
    Lane.AGENTS: ("GET", "/v1/agent/lease"),
    Lane.CONSUMERS: ("POST", "/access/v1/evaluation"),
    Lane.STRANGERS: ("POST", "/v1/agent/pairings"),
}
PATIENT = {lane: replace(bound, wait_s=60, pause_s=0.01) for lane, bound in BOUNDS.items()}
SHORT = {lane: replace(bound, wait_s=0.05) for lane, bound in BOUNDS.items()}


class House:
    """An application that keeps everybody inside until it is told to answer."""

    def __init__(self) -> None:
        self.inside: Counter[Lane] = Counter()
        self.open = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if COOKIE["Cookie"] in Headers(scope=scope).get("cookie", ""):
            scope[VISITOR] = "somebody"
        self.inside[scope[LANE]] += 1
        form = await Request(scope, receive).body()
        await self.open.wait()
        self.inside[scope[LANE]] -= 1
        await PlainTextResponse(form.decode())(scope, receive, send)


def refused(_scope: Scope, error: HabeasError) -> Response:
    return problem_response(error)


def knock(
    door: Admission, lane: Lane, source: str = "192.0.2.1", cookie: str = COOKIE["Cookie"]
) -> "asyncio.Task[httpx.Response]":
    """Ask once, at the address of a lane."""
    method, path = ADDRESS[lane]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(door, client=(source, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://habeas") as client:
            form = {"act": "withdrawn"} if lane is Lane.OUT else None
            return await client.request(method, path, data=form, headers={"Cookie": cookie})

    return asyncio.create_task(ask())


def run(
    story: Callable[[House, Admission], Awaitable[None]], bounds: Mapping[Lane, Bounds] = BOUNDS
) -> None:
    """Tell a story at a door of its own."""

    async def tell() -> None:
        house = House()
        door = Admission(house, "habeas", refused, bounds)
        house.open.set()
        await knock(door, Lane.PEOPLE)  # their session is known to be good
        house.open.clear()
        await story(house, door)

    run_async(asyncio.wait_for(tell(), 20))


async def settle() -> None:
    """Let everybody go as far as they can."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize("flood", [lane for lane in Lane if lane != Lane.OUT])
def test_opting_out_is_let_in_while_any_other_lane_is_full(flood: Lane) -> None:
    async def story(house: House, door: Admission) -> None:
        crowd = [knock(door, flood, f"192.0.2.{n}") for n in range(200)]
        await settle()
        seen = Lane.PEOPLE if flood is Lane.LOG else flood  # the probe is a visitor inside
        assert house.inside[seen] == BOUNDS[flood].inside
        asks = knock(door, Lane.OUT)
        await settle()
        assert house.inside[Lane.OUT] == 1
        house.open.set()
        assert (await asks).text == "act=withdrawn", "the form that was looked at is still there"
        await asyncio.gather(*crowd)

    run(story)


def test_of_each_lane_who_comes_beyond_is_asked_to_come_back_and_of_the_first_nobody() -> None:
    async def story(house: House, door: Admission) -> None:
        crowds = {
            lane: [knock(door, lane, f"10.0.{n // 256}.{n % 256}") for n in range(400)]
            for lane in Lane
        }
        await settle()
        house.open.set()
        for lane, crowd in crowds.items():
            answers = Counter(answer.status_code for answer in await asyncio.gather(*crowd))
            waiting = BOUNDS[lane].waiting
            taken = 400 if waiting is None else min(400, BOUNDS[lane].inside + waiting)
            assert answers == Counter({200: taken, 503: 400 - taken}), lane.name

    run(story, PATIENT)


def test_who_is_sent_away_reads_when_to_come_back() -> None:
    async def story(house: House, door: Admission) -> None:
        crowd = [knock(door, Lane.AGENTS) for _ in range(BOUNDS[Lane.AGENTS].inside + 1)]
        answer = await crowd[-1]
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["type"] == "urn:habeas:problem:busy"
        house.open.set()
        await asyncio.gather(*crowd)
        house.open.clear()
        crowd = [knock(door, Lane.AGENTS) for _ in range(BOUNDS[Lane.AGENTS].inside)]
        await settle()
        assert house.inside[Lane.AGENTS] == len(crowd), "whoever was sent away holds no place"
        house.open.set()
        await asyncio.gather(*crowd)

    run(story, SHORT)


def test_who_finds_no_room_is_told_so_a_moment_later_and_of_very_many_some_at_once() -> None:
    none = Bounds(0, 0, 0.01, pause_s=1.5)
    scope = {"type": "http", "method": "GET", "path": "/v1/agent/lease", "headers": []}

    async def story(_: House, door: Admission) -> None:
        told = 0

        async def send(message: Message) -> None:
            nonlocal told
            told += message["type"] == "http.response.start"

        def still_there() -> Receive:
            messages: list[Message] = [{"type": "http.request"}]

            async def receive() -> Message:
                if not messages:
                    await asyncio.Event().wait()
                return messages.pop()

            return receive

        async def refused_at() -> None:
            await door(dict(scope), still_there(), send)

        crowd = [asyncio.create_task(refused_at()) for _ in range(PAUSING)]
        await settle()
        assert told == 0
        await refused_at()
        assert told == 1, "one more is told at once"
        await asyncio.gather(*crowd)
        assert told == PAUSING + 1
        late = asyncio.create_task(refused_at())
        await settle()
        assert told == PAUSING + 1, "whoever was told counts no more"
        late.cancel()

    run(story, dict.fromkeys(Lane, none))


def test_a_stranger_who_floods_pushes_out_nobody_from_elsewhere() -> None:
    async def story(house: House, door: Admission) -> None:
        hostile = [knock(door, Lane.STRANGERS, "192.0.2.66") for _ in range(400)]
        await settle()
        honest = [knock(door, Lane.STRANGERS, f"198.51.100.{n}") for n in range(5)]
        await settle()
        house.open.set()
        assert {answer.status_code for answer in await asyncio.gather(*honest)} == {200}
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*hostile))
        bounds = BOUNDS[Lane.STRANGERS]
        assert bounds.waiting is not None
        assert statuses[200] == bounds.inside + bounds.waiting - len(honest)

    run(story)


def test_a_place_is_free_again_after_an_answer_an_error_and_somebody_who_went_away() -> None:
    class Failing(House):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/healthz":
                raise ZeroDivisionError
            await super().__call__(scope, receive, send)

    async def story() -> None:
        house = Failing()
        door = Admission(house, "habeas", refused)
        for _ in range(BOUNDS[Lane.LOG].inside + 1):
            with pytest.raises(ZeroDivisionError):
                await knock(door, Lane.LOG)
        gone = [knock(door, Lane.AGENTS) for _ in range(BOUNDS[Lane.AGENTS].inside + 3)]
        await settle()
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        house.open.set()
        answers = [await knock(door, Lane.AGENTS) for _ in range(BOUNDS[Lane.AGENTS].inside + 1)]
        assert {answer.status_code for answer in answers} == {200}

    run_async(asyncio.wait_for(story(), 20))


@pytest.mark.parametrize("lane", [Lane.AGENTS, Lane.CONSUMERS, Lane.LOG])
def test_one_source_that_floods_turns_nobody_elsewhere_off(lane: Lane) -> None:
    """Not the laptops, not the consumers, not the probe of a balancer."""

    async def story(house: House, door: Admission) -> None:
        hostile = [knock(door, lane, "192.0.2.66", "") for _ in range(400)]
        await settle()
        honest = [knock(door, lane, f"198.51.100.{n}", "") for n in range(20)]
        await settle()
        house.open.set()
        assert {answer.status_code for answer in await asyncio.gather(*honest)} == {200}
        await asyncio.gather(*hostile)

    run(story)


def test_one_person_who_repeats_their_no_stands_before_nobody_else() -> None:
    async def story(house: House, door: Admission) -> None:
        house.open.set()
        await knock(door, Lane.PEOPLE, cookie="habeas=anything; other=1")
        house.open.clear()
        order: list[str] = []
        loud = [knock(door, Lane.OUT) for _ in range(50)]
        await settle()
        quiet = knock(door, Lane.OUT, cookie="habeas=of-another-process")
        quiet.add_done_callback(lambda _task: order.append("quiet"))
        loud[-1].add_done_callback(lambda _task: order.append("loud"))
        await settle()
        house.open.set()
        await asyncio.gather(quiet, *loud)
        assert order == ["quiet", "loud"]

    run(story)


class Client:
    """A request over bare ASGI, whose client can hang up."""

    def __init__(self, door: Admission, form: bytes, cookie: str) -> None:
        self.left = asyncio.Event()
        self.status: int | None = None
        self._form: bytes | None = form
        headers = [(b"cookie", cookie.encode())]
        path = "/me/decisions"
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "client": None}
        self.task = asyncio.create_task(door(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, object]:
        if self._form is not None:
            body, self._form = self._form, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, object]) -> None:
        if message["type"] == "http.response.start":
            self.status = cast("int", message["status"])


@pytest.mark.parametrize(
    ("cookie", "taken"), [(COOKIE["Cookie"], True), ("habeas=invented", False)]
)
def test_a_flood_that_hangs_up_is_not_carried_out_and_a_no_of_somebody_known_is(
    cookie: str, taken: bool
) -> None:
    async def story(house: House, door: Admission) -> None:
        crowd = [knock(door, Lane.OUT) for _ in range(BOUNDS[Lane.OUT].inside)]
        crowd += [knock(door, Lane.OUT, cookie="habeas=b") for _ in range(9)]
        await settle()
        waits = Client(door, b"act=withdrawn", cookie)
        await settle()
        assert waits.status is None
        waits.left.set()
        await settle()
        house.open.set()
        await asyncio.gather(*crowd, waits.task)
        assert (waits.status == 200) is taken

    run(story)


def test_a_person_who_is_sent_away_gets_a_page(services: Services) -> None:
    bounds = dict.fromkeys(Lane, Bounds(0, 0, 0.01))
    app = create_app(services, bounds)

    async def ask(accept: str) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as one:
            return await one.get("/v1/agent/lease", headers={"Accept": accept})

    page = run_async(ask("text/html"))
    assert page.status_code == 503
    assert "<h1>" in page.text
    assert "Try again in a moment" in page.text
    assert run_async(ask("*/*")).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("lane", NEWCOMERS)
def test_invented_sessions_stand_before_nobody_who_was_here_before(lane: Lane) -> None:
    async def story(house: House, door: Admission) -> None:
        invented = [
            knock(door, lane, f"10.0.{n // 256}.{n % 256}", f"habeas=invented-{n}")
            for n in range(300)
        ]
        await settle()
        assert house.inside[lane] == NEWCOMERS[lane].inside
        honest = knock(door, lane)
        await settle()
        assert house.inside[lane] == NEWCOMERS[lane].inside + 1
        house.open.set()
        assert (await honest).status_code == 200
        await asyncio.gather(*invented)

    run(story)


def test_whose_session_is_new_here_opts_out_all_the_same() -> None:
    async def story(house: House, door: Admission) -> None:
        crowd = [knock(door, lane, str(lane)) for lane in Lane for _ in range(50)]
        await settle()
        new = knock(door, Lane.OUT, cookie="habeas=of-another-process")
        house.open.set()
        assert (await new).status_code == 200
        await asyncio.gather(*crowd)

    run(story)


def test_there_are_more_threads_than_requests_inside() -> None:
    places = [*BOUNDS.values(), *NEWCOMERS.values()]
    assert sum(bound.inside for bound in places) < THREADS
