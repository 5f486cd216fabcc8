"""Kill -9 in the middle of traffic: what was acknowledged is there, and the log tells the same."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest

from app.audit.reading.service import ReadingService
from app.demo.server import demo_settings, free_port
from app.demo.visitor import Astray, PlainBrowser
from app.kernel.canonical import parse_canonical
from app.wiring import Services, build

ROUNDS = 4
PEOPLE = ("E-0041", "E-0042", "E-0043")
SEED = 20261122


class Server:
    """The demo in a process of its own, which can be killed."""

    def __init__(self, port: int, var: Path, database_url: str) -> None:
        self.port, self.var, self.database_url = port, var, database_url
        self.url = f"http://127.0.0.1:{port}"

    def start(self) -> None:
        command = [
            Path(sys.executable).with_name("habeas"), "demo", "--no-laptop",
            "--port", str(self.port), "--var", str(self.var),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, env={**os.environ, "HABEAS_DATABASE_URL": self.database_url},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        with httpx2.Client(timeout=2, trust_env=False) as client:
            self._await(client, time.monotonic() + 60)

    def _await(self, client: httpx2.Client, deadline: float) -> None:
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"the server ended: {self.process.stderr.read().decode()[-2000:]}")
            try:
                if client.get(f"{self.url}/healthz").is_success:
                    return
            except httpx2.HTTPError:
                time.sleep(0.05)
        pytest.fail("the server did not start")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process.stderr.close()


class Traffic:
    """One person who changes their mind as fast as the pages allow, and keeps every receipt."""

    def __init__(self, url: str, person: str) -> None:
        self.url, self.person = url, person
        self.acknowledged: list[tuple[str, str]] = []

    def run(self, stop: threading.Event) -> None:
        visitor = PlainBrowser(self.url)
        try:
            visitor.sign_in(self.person)
            # What the last round ended with is on the page: whoever is captured withdraws first.
            captured = visitor.offers("/me", "/me/decisions", ("act", "withdrawn"))
            while not stop.is_set():
                page, act = ("/me", "withdrawn") if captured else ("/me/decide", "given")
                answer = visitor.submit(page, "/me/decisions", ("act", act))
                self.acknowledged.append((act, str(answer.url).rsplit("/", 1)[-1]))
                captured = not captured
        except (Astray, httpx2.HTTPError):
            pass  # the server died under the request: nothing was acknowledged
        finally:
            visitor.close()


@pytest.mark.slow
@pytest.mark.timeout(600)  # each of its rounds may wait a minute for a slow machine
def test_every_acknowledged_decision_survives_and_equals_the_replayed_log(
    database_url: str, tmp_path: Path
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - where to strike, not a secret
    server = Server(free_port(), tmp_path / "var", database_url)
    acknowledged: dict[str, list[tuple[str, str]]] = {person: [] for person in PEOPLE}
    for _ in range(ROUNDS):
        stop = threading.Event()
        traffic = [Traffic(server.url, person) for person in PEOPLE]
        threads = [threading.Thread(target=one.run, args=(stop,)) for one in traffic]
        try:
            server.start()
            for thread in threads:
                thread.start()
            await_traffic(traffic)
            time.sleep(chance.uniform(0.0, 1.0))
        finally:
            server.kill()
            stop.set()
        for thread in threads:
            thread.join(30)
        for one in traffic:
            acknowledged[one.person] += one.acknowledged

    services = build(demo_settings(server.port, tmp_path / "var", database_url=database_url))
    try:
        services.integrator.integrate()
        for person, acts in acknowledged.items():
            check(services, person, acts)
    finally:
        services.database.engine.dispose()


def await_traffic(traffic: list[Traffic]) -> None:
    """Strike only in the middle of traffic, however slow the machine is."""
    deadline = time.monotonic() + 60
    while sum(len(one.acknowledged) for one in traffic) < 5:
        assert time.monotonic() < deadline, "the traffic never got going"
        time.sleep(0.02)


def check(services: Services, person_id: str, acts: list[tuple[str, str]]) -> None:
    with services.database.read() as tx:
        person = services.directory.person(tx, person_id)
        history = services.consent.history(tx, person_id)
        pseudonym = services.log.pseudonym(tx, person_id)
        now = services.clock.now()
        state = services.consent.standing(tx, person, now).state
        size = services.log.size(tx)
        leaves = [
            parse_canonical(ReadingService(services.log).entry(tx, index).raw)
            for index in range(size)
        ]
    kept = {decision.id: str(decision.act) for decision in history}
    assert [kept.get(receipt) for _, receipt in acts] == [act for act, _ in acts]

    told = [
        (leaf["facts"]["decision"], leaf["kind"].removeprefix("consent."))
        for leaf in leaves
        if leaf["kind"].startswith("consent.") and pseudonym in leaf["subjects"]
    ]
    assert told == [(decision.id, str(decision.act)) for decision in history]
    assert [decision.seq for decision in history] == list(range(1, len(history) + 1))
    last = history[-1].act if history else None
    assert (str(state) == "given") == (str(last) == "given")
