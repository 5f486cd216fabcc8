"""What seals cost: polls and decisions with and without them, in one run, on both databases.

Two offices that are alike, each with a database of its own; in one of them the functions that seal
and judge rows (app/db/seals.py) are replaced by such as believe everything, by this program alone.
The two take turns, call by call, and who begins changes with each pair; the cost is the median of
the ratios, so that other work on the machine weighs on both. Each call is a request to the whole
application, as somebody sends it, without a network between. A PostgreSQL of the tests does not
wait for the disk, SQLite does.

``python bench/seals.py 300`` makes that many pairs of each call. Ends with status 1 where seals
cost more than 5 % of a poll or 10 % of a decision.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the tests' PostgreSQL

from app.db import seals
from app.db.engine import Tx
from app.db.ring import Names
from app.directory.model import Person
from app.kernel.signing import LocalSigner, jwk
from app.main import create_app
from app.settings import Settings
from app.wiring import Services, build
from app.wiring.shipped import Shipped, read_shipped
from tests import postgresql
from tests.access.office import ALICE, Office
from tests.fakes import FakeClock
from tests.make import person

PAIRS, WARM = 200, 20
LEASE = "/v1/agent/lease"
Answered = tuple[int, dict[str, str], bytes]
MOST = {"poll": 1.05, "consent decision": 1.10, "access decision": 1.10}


class Believed(Names):
    """Everybody is called by their id."""

    def known(self, tx: Tx, people: Collection[str], *, fresh: bool = False) -> Mapping[str, str]:
        """See ``Names``."""
        del tx, fresh
        return {person: person for person in people}


SWITCHED_OFF: Mapping[str, Callable[..., Any]] = {
    "stands": lambda *_, **__: True,
    "first_bad": lambda *_: None,
    "fitting": lambda _tx, _sealed, rows: list(rows),
    "seal": lambda *_: None,
    "with_seal": lambda _tx, _sealed, row: dict(row),
    "fetch": lambda *_: None,
    "remembered": lambda *_: True,
    "orphaned": lambda *_: False,
    "note": lambda *_: None,
}
SWITCHED_ON = {name: getattr(seals, name) for name in SWITCHED_OFF}


def switch(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Let every room use these functions."""
    known = {id(SWITCHED_ON[name]): name for name in SWITCHED_ON}
    known |= {id(SWITCHED_OFF[name]): name for name in SWITCHED_OFF}
    for module in [each for name, each in sys.modules.items() if name.startswith("app.")]:
        for attribute, value in list(vars(module).items()):
            if id(value) in known:
                setattr(module, attribute, functions[known[id(value)]])


class Door:
    """An application as a server sees it: requests come in one after the other."""

    def __init__(self, services: Services) -> None:
        self._app = create_app(services)
        self._runner = asyncio.Runner()

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answered:
        """Send a request; return status, headers and body."""
        return self._runner.run(self._ask(method, path, headers, body))

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answered:
        address, _, query = path.partition("?")
        named = {"host": "127.0.0.1:8000", "content-length": str(len(body)), **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": address,
            "raw_path": address.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], answered, b"".join(each.get("body", b"") for each in sent[1:])


@dataclass
class Side:
    """An office with a laptop, with seals or without."""

    office: Office
    functions: Mapping[str, Callable[..., Any]]
    people: list[Person]
    door: Door
    headers: dict[str, str] = field(default_factory=dict)
    question: bytes = b""
    sessions: list[tuple[str, str]] = field(default_factory=list)

    def prepare(self) -> None:
        """Open the office, let people opt in, pair a laptop, give it a lease."""
        switch(self.functions)
        services, office = self.office.services, self.office
        if self.functions is SWITCHED_OFF:
            services.database.seals.names = Believed()
        office.open()
        office.hire(*self.people)
        office.captured(ALICE, *self.people)
        key = LocalSigner.generate()
        with services.database.write() as tx:
            begun = services.pairing.start(tx, "laptop", jwk(key.public), office.now)
            device = services.pairing.approve(tx, ALICE, begun.request, office.now)
            token = services.pairing._issue(tx, device, office.now)  # noqa: SLF001 - not what is measured
        self.headers = {"authorization": f"Bearer {token.value}"}
        _, answered, _ = self.door.ask("GET", LEASE, self.headers)
        self.headers["if-none-match"] = answered["etag"]
        self.question = question(office)
        self.sessions = [self.signed_in(one) for one in self.people]
        services.integrator.integrate()

    def signed_in(self, one: Person) -> tuple[str, str]:
        """The cookie of a session, and the token of its forms."""
        services, now = self.office.services, self.office.now
        with services.database.write() as tx:
            cookie = services.sessions.start(tx, one.id, "issuer", one.id, now)
        with services.database.read() as tx:
            session = services.sessions.find(tx, cookie, now)
        assert session is not None
        return cookie, session.csrf

    def poll(self) -> None:
        """A poll of today: answered 304 by reading."""
        status, _, _ = self.door.ask("GET", LEASE, self.headers)
        assert status == 304

    def decide(self) -> None:
        """Somebody who opted in pauses, on their page."""
        cookie, csrf = self.sessions.pop()
        headers = {
            "cookie": f"habeas={cookie}",
            "origin": "http://127.0.0.1:8000",
            "content-type": "application/x-www-form-urlencoded",
        }
        body = urlencode({"act": "paused", "minutes": "60", "csrf": csrf}).encode()
        status, _, _ = self.door.ask("POST", "/me/decisions", headers, body)
        assert status == 303

    def ask(self) -> None:
        """A consumer asks and gets a grant."""
        secret = self.office.secrets["pipeline"]
        headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
        _, _, body = self.door.ask("POST", "/access/v1/evaluation", headers, self.question)
        assert json.loads(body)["decision"] is True, body

    def timed(self, name: str) -> float:
        """How long one call takes, seconds."""
        switch(self.functions)
        call = {"poll": self.poll, "consent decision": self.decide, "access decision": self.ask}
        started = time.perf_counter()
        call[name]()
        return time.perf_counter() - started


def question(office: Office) -> bytes:
    """May the pipeline read the clicks of an hour?"""
    asked = office.request(ALICE)
    properties = {
        "persons": list(asked.persons),
        "signals": list(asked.signals),
        "captured_from": f"{asked.captured_from:%Y-%m-%dT%H:%M:%SZ}",
        "captured_to": f"{asked.captured_to:%Y-%m-%dT%H:%M:%SZ}",
    }
    return json.dumps(
        {
            "subject": {"type": asked.subject_type, "id": asked.subject_id},
            "action": {"name": asked.action},
            "resource": {
                "type": asked.resource_type,
                "id": asked.resource_id,
                "properties": properties,
            },
            "context": {"purpose": asked.purpose},
        }
    ).encode()


@contextmanager
def sides(
    urls: tuple[str, str], folder: Path, shipped: Shipped, people: int
) -> Iterator[tuple[Side, Side]]:
    """An office with seals and one without."""
    with ExitStack() as opened:
        made = []
        for url, functions in zip(urls, (SWITCHED_ON, SWITCHED_OFF), strict=True):
            switch(functions)
            clock = FakeClock()
            var = folder / f"var{len(made)}"
            settings = Settings(var=var, database_url=url, demo=True)
            services = build(settings, clock=clock, shipped=shipped)
            opened.callback(services.close)
            hired = [person(f"P-{number}", manager="E-2") for number in range(people)]
            side = Side(Office(services, clock), functions, hired, Door(services))
            side.prepare()
            made.append(side)
        yield made[0], made[1]


def measured(sealed: Side, plain: Side, name: str, pairs: int) -> tuple[float, float, float]:
    """The medians with and without seals, seconds, and that of the ratios of pairs."""
    times: dict[int, list[float]] = {0: [], 1: []}
    for turn in range(pairs + WARM):
        for which in (0, 1) if turn % 2 else (1, 0):
            taken = (sealed, plain)[which].timed(name)
            if turn >= WARM:
                times[which].append(taken)
        if turn % 50 == 49:
            for side in (sealed, plain):
                switch(side.functions)
                side.office.services.integrator.integrate()
    ratios = [one / other for one, other in zip(times[0], times[1], strict=True)]
    return statistics.median(times[0]), statistics.median(times[1]), statistics.median(ratios)


def main(pairs: int) -> bool:
    """Measure and print; whether all is as cheap as it must be."""
    shipped, good = read_shipped(Settings(demo=True).policies), True
    with tempfile.TemporaryDirectory() as name, postgresql.server() as server:
        for number in (0, 1):
            postgresql.copy_database(server, f"bench{number}", None)
        urls = {
            "sqlite": (f"sqlite:///{name}/sealed.sqlite", f"sqlite:///{name}/plain.sqlite"),
            "postgresql": (server.format(db="bench0"), server.format(db="bench1")),
        }
        for kind, both in urls.items():
            folder = Path(name) / kind
            folder.mkdir()
            with sides(both, folder, shipped, pairs + WARM) as (sealed, plain):
                for what, most in MOST.items():
                    with_seals, without, ratio = measured(sealed, plain, what, pairs)
                    good = good and ratio <= most
                    print(
                        f"{kind:10}  {what:16}  {1000 * with_seals:7.3f} ms with,"
                        f" {1000 * without:7.3f} ms without: {100 * (ratio - 1):+5.1f} %"
                        f" (at most {100 * (most - 1):.0f} %)"
                    )
    return good


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS) else 1)
