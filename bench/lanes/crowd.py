"""Those who ask, each over a connection of its own, in a process of their own.

Whoever is of the crowd asks again as soon as it is answered; strangers pay no heed to Retry-After,
laptops and consumers wait a twentieth of it. People take a breath between two pages.

``python -m bench.lanes.crowd`` reads what to do (``Errand``, one line of JSON), and goes on until
its input ends; then it prints what was heard.
"""

import asyncio
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode

import uvloop

from bench.lanes.line import Answer, Line, request

SOURCES = 5
"""From how many addresses strangers come."""
BUSY = frozenset({429, 503})


@dataclass(frozen=True)
class Company:
    """What is known of a prepared service.

    Attributes:
        ports: of its processes.
        base_url: where pages say they are.
        keys: public keys of laptops that want to be paired (the ``x`` of a JWK).
        devices: tokens of paired laptops.
        secrets: of consumers, by name.
        subjects: ids of people whose data is asked for.
        asked: what is asked about them (the properties of the resource).
        readers: cookies of people who look at their page.
        leavers: cookie and form token of people who agreed, and can withdraw once.
        cookie: what the cookie is called.
    """

    ports: Sequence[int]
    base_url: str
    keys: Sequence[str]
    devices: Sequence[str]
    secrets: Mapping[str, str]
    subjects: Sequence[str]
    asked: Mapping[str, Any]
    readers: Sequence[str]
    leavers: Sequence[Sequence[str]]
    cookie: str = "habeas"

    @property
    def host(self) -> str:
        """The host that pages are on."""
        return self.base_url.partition("://")[2]


@dataclass(frozen=True)
class Errand:
    """What a process does.

    Attributes:
        connections: how many of each kind (``KINDS``).
        pause_s: between two requests of people.
    """

    company: Company
    connections: Mapping[str, int]
    pause_s: float = 0.05


@dataclass
class Heard:
    """What one kind of asker heard.

    Attributes:
        statuses: how often each.
        bare: refusals for the moment without Retry-After.
        times: how long each answer took, seconds.
        lasted_s: how long they asked.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    bare: int = 0
    times: list[float] = field(default_factory=list)
    lasted_s: float = 0.0

    def take(self, answer: Answer) -> None:
        """Count an answer."""
        self.statuses[answer.called] += 1
        self.times.append(answer.seconds)
        if answer.status in BUSY and not answer.field(b"retry-after"):
            self.bare += 1


@dataclass(frozen=True)
class Asker:
    """What one connection asks, and how it goes on after an answer.

    Attributes:
        next: the next request; None: it has nothing left to ask.
        told: is given each answer.
        pause_s: after each answer.
        patience: which part of Retry-After it waits.
        source: the address that it comes from.
    """

    next: Callable[[], bytes | None]
    told: Callable[[Answer], None] = lambda _: None
    pause_s: float = 0.0
    patience: float = 0.0
    source: str = "127.0.0.1"


def stranger(company: Company, number: int, _errand: Errand) -> Asker:
    """Starts pairings, and now and then shows a token request that nobody signed."""
    sent = cycle(
        [*islice((_pairing(company, key) for key in cycle(company.keys)), 7), _forged(company)]
    )
    return Asker(lambda: next(sent), source=f"127.0.1.{1 + number % SOURCES}")


def laptop(company: Company, number: int, _errand: Errand) -> Asker:
    """Polls for one laptop after the other, with the lease it was given before."""
    tokens = company.devices[number::7] or company.devices
    held: dict[str, str] = {}
    turn = cycle(tokens)
    now = [""]

    def ask() -> bytes:
        now[0] = next(turn)
        fields = {"authorization": f"Bearer {now[0]}"}
        if now[0] in held:
            fields["if-none-match"] = held[now[0]]
        return request("GET", "/v1/agent/lease", company.host, fields)

    def told(answer: Answer) -> None:
        if answer.status == 200:
            held[now[0]] = answer.field(b"etag").decode()

    return Asker(ask, told, patience=0.05, source="127.0.2.1")


def consumer(company: Company, number: int, _errand: Errand) -> Asker:
    """Asks for the clicks of one person after the other."""
    names = sorted(company.secrets)
    name = names[number % len(names)]
    sent = cycle([_question(company, name, one) for one in company.subjects[number % 5 :: 5]])
    return Asker(lambda: next(sent), patience=0.05, source="127.0.3.1")


def reader(company: Company, number: int, errand: Errand) -> Asker:
    """Looks at the page of one person after the other."""
    sent = cycle(
        request("GET", "/me", company.host, {"cookie": f"{company.cookie}={cookie}"})
        for cookie in company.readers[number::4]
    )
    return Asker(lambda: next(sent), pause_s=errand.pause_s)


def leaver(company: Company, number: int, errand: Errand) -> Asker:
    """Withdraws for one person after the other, each once."""
    of_it = errand.connections["leavers"]
    sent = (_withdrawal(company, *one) for one in company.leavers[number::of_it])
    return Asker(lambda: next(sent, None), pause_s=errand.pause_s)


KINDS: Mapping[str, Callable[[Company, int, Errand], Asker]] = {
    "strangers": stranger,
    "laptops": laptop,
    "consumers": consumer,
    "readers": reader,
    "leavers": leaver,
}


def _pairing(company: Company, key: str) -> bytes:
    body = {"name": "a laptop", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": key}}
    return _json(company, "/v1/agent/pairings", body)


def _forged(company: Company) -> bytes:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "e30.e30.e30",
    }
    fields = {"content-type": "application/x-www-form-urlencoded"}
    return request("POST", "/v1/agent/token", company.host, fields, urlencode(form).encode())


def _question(company: Company, name: str, person: str) -> bytes:
    body = {
        "subject": {"type": "consumer", "id": name},
        "action": {"name": "read"},
        "resource": {
            "type": "captured_data",
            "id": "ui-events",
            "properties": {**company.asked, "persons": [person]},
        },
        "context": {"purpose": "ai_training.computer_use"},
    }
    bearer = {"authorization": f"Bearer {company.secrets[name]}"}
    return _json(company, "/access/v1/evaluation", body, bearer)


def _withdrawal(company: Company, cookie: str, csrf: str) -> bytes:
    fields = {
        "cookie": f"{company.cookie}={cookie}",
        "origin": company.base_url,
        "content-type": "application/x-www-form-urlencoded",
    }
    body = urlencode({"act": "withdrawn", "csrf": csrf}).encode()
    return request("POST", "/me/decisions", company.host, fields, body)


def _json(
    company: Company, path: str, body: object, fields: Mapping[str, str] | None = None
) -> bytes:
    named = {"content-type": "application/json", **(fields or {})}
    return request("POST", path, company.host, named, json.dumps(body).encode())


async def ask_on(asker: Asker, port: int, heard: Heard, stop: asyncio.Event) -> None:
    """Let one connection ask until it has nothing left, or all are to stop."""
    line = Line(port, asker.source)
    while not stop.is_set() and (asked := asker.next()) is not None:
        answer = await line.ask(asked)
        heard.take(answer)
        asker.told(answer)
        if pause_s := asker.pause_s + asker.patience * int(answer.field(b"retry-after") or 0):
            await asyncio.sleep(pause_s)
    line.close()


async def run(errand: Errand, stop: asyncio.Event) -> dict[str, Heard]:
    """Let everybody ask; what they heard, by kind."""
    heard = {kind: Heard() for kind in errand.connections}
    ports = cycle(errand.company.ports)
    tasks = [
        asyncio.create_task(ask_on(asker, next(ports), heard[kind], stop))
        for kind, asker in _askers(errand)
    ]
    began = time.perf_counter()
    await asyncio.gather(*tasks)
    await asyncio.sleep(0)  # the loop's next turn closes connections
    for one in heard.values():
        one.lasted_s = time.perf_counter() - began
    return heard


def _askers(errand: Errand) -> Iterator[tuple[str, Asker]]:
    for kind, how_many in errand.connections.items():
        for number in range(how_many):
            yield kind, KINDS[kind](errand.company, number, errand)


def read_errand(line: str) -> Errand:
    """Read what to do."""
    said = json.loads(line)
    return Errand(**{**said, "company": Company(**said["company"])})


async def _main(lines: Iterable[str]) -> None:
    given, stop, loop = iter(lines), asyncio.Event(), asyncio.get_running_loop()
    errand = read_errand(next(given))

    def wait_for_end() -> None:
        for _ in given:
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    heard = await run(errand, stop)
    print(json.dumps({kind: vars(one) for kind, one in heard.items()}), flush=True)


if __name__ == "__main__":
    uvloop.run(_main(sys.stdin))
