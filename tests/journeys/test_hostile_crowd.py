"""A hostile crowd at the door of a real service, and one person who does what people do there."""

import asyncio
import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx2
import pytest

from app.demo.seed import CONSUMERS
from app.demo.server import SECRETS, free_port
from app.demo.visitor import PlainBrowser
from app.sdk.agent.client import AgentClient
from app.sdk.agent.pairing import CodeShown, pair
from bench.lanes.crowd import Company, Errand, Heard, run
from bench.lanes.line import Answer, Line, request
from tests.journeys.test_kill import Server
from tests.templates import Templates

HONEST, GUESSER = "E-0043", "E-0042"
CONNECTIONS = {"strangers": 100, "laptops": 8, "consumers": 4}
SLOW, BIG, GUESSES = 20, 5, 5
LARGE = 2_000_000
PAIR = "/me/devices/pair"
DECISIONS = "/me/decisions"


@dataclass
class Crowd:
    """Everybody hostile, in a thread of this process, until the block ends.

    Attributes:
        heard: by the bench's own crowd, of each kind.
        answers: to guessed codes and to large bodies.
    """

    company: Company
    guesser: str
    heard: dict[str, Heard] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._all(),))
        self._thread.start()
        assert self._begun.wait(60), "the crowd never got an answer"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        self._loop.close()

    async def _all(self) -> None:
        port = self.company.ports[0]
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SLOW)]
        for _, writer in slow:
            writer.write(self._slow_form())
        crowd = asyncio.create_task(run(Errand(self.company, CONNECTIONS), self._stop))
        big = [ask_once(port, self._large()) for _ in range(BIG)]
        guesses = [ask_once(port, self._guess(number)) for number in range(GUESSES)]
        self.answers = {
            "big": await asyncio.gather(*big),
            "guesses": await asyncio.gather(*guesses),
        }
        self._begun.set()
        self.heard = await crowd
        for _, writer in slow:
            writer.close()
            with suppress(OSError):  # the service closed it before
                await writer.wait_closed()

    def _slow_form(self) -> bytes:
        """Half of a form, the rest of which never comes."""
        return request("POST", DECISIONS, self.company.host, {"cookie": "habeas=x"}, b"act=")[:-2]

    def _large(self) -> bytes:
        fields = {"content-type": "application/json"}
        body = b'{"name":"' + b"x" * LARGE
        return request("POST", "/v1/agent/pairings", self.company.host, fields, body)

    def _guess(self, number: int) -> bytes:
        fields = {"cookie": self.guesser, "sec-fetch-site": "same-origin"}
        code = "BCDF-GH" + "JKLMN"[number] + "P"
        return request("GET", f"{PAIR}?code={code}", self.company.host, fields)


async def ask_once(port: int, asked: bytes) -> Answer:
    line = Line(port)
    answer = await line.ask(asked)
    line.close()
    return answer


@pytest.fixture(params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path
) -> Iterator[Server]:
    """The demo in a process of its own."""
    with templates.copy(request.param, "sample", tmp_path) as url:
        opened = Server(free_port(), tmp_path / "var", url)
        opened.start()
        yield opened
        opened.kill()


def company(server: Server) -> Company:
    secrets = json.loads((server.var / SECRETS).read_text(encoding="utf-8"))
    name = next(iter(CONSUMERS))
    return Company(
        ports=[server.port],
        base_url=server.url,
        keys=[base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode() for _ in range(4)],
        devices=["nobody's"],
        secrets={name: secrets[name]},
        subjects=[HONEST] * 5,
        asked={
            "signals": ["click"],
            "captured_from": "2026-11-16T09:00:00Z",
            "captured_to": "2026-11-16T10:00:00Z",
        },
        readers=[],
        leavers=[],
    )


@contextmanager
def signed_in(server: Server, person: str) -> Iterator[PlainBrowser]:
    visitor = PlainBrowser(server.url)
    visitor.sign_in(person)
    yield visitor
    visitor.close()


def paired(server: Server, visitor: PlainBrowser, folder: Path, http: httpx2.Client) -> AgentClient:
    """Pair a laptop as its person does: open the link that it shows."""
    for step in pair(server.url, folder, "honest laptop", http=http, sleep=lambda _: None):
        if isinstance(step, CodeShown):
            visitor.submit(step.verification_uri_complete.removeprefix(server.url), PAIR)
    return AgentClient.open(folder, http=http)


@pytest.mark.slow
def test_a_person_pairs_opts_in_and_opts_out_in_the_middle_of_a_hostile_crowd(
    server: Server, tmp_path: Path
) -> None:
    with (
        signed_in(server, HONEST) as visitor,
        signed_in(server, GUESSER) as guesser,
        httpx2.Client(timeout=20, trust_env=False) as http,
    ):
        cookie = f"habeas={guesser._http.cookies['habeas']}"
        with Crowd(company(server), cookie) as crowd:
            laptop = paired(server, visitor, tmp_path / "laptop", http)
            visitor.submit("/me/decide", DECISIONS, ("act", "given"))
            assert visitor.offers("/me", DECISIONS, ("act", "withdrawn"))
            visitor.submit("/me", DECISIONS, ("act", "withdrawn"))
            assert not visitor.offers("/me", DECISIONS, ("act", "withdrawn"))
        polled = laptop.poll()
        assert polled.answered
        assert not polled.capture

    refusals = {kind: set(heard.statuses) for kind, heard in crowd.heard.items()}
    assert refusals["strangers"] <= {"201", "401", "429", "503"}
    assert refusals["laptops"] <= {"401", "429", "503"}
    assert refusals["consumers"] <= {"200", "429", "503"}
    for kind, heard in crowd.heard.items():
        assert sum(heard.statuses.values()) >= CONNECTIONS[kind], "each of them was answered"
        assert not heard.bare, "whoever is refused for the moment reads when to come back"
    assert {answer.status for answer in crowd.answers["big"]} <= {413, 0}
    assert {answer.status for answer in crowd.answers["guesses"]} <= {403, 422, 429}
