"""The demo's witness over real HTTP, and the command that a works council would run."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from app.audit.reading.service import ReadingService
from app.audit.tree.quorum import evaluate, parse_policy
from app.demo.server import demo_settings, free_port, running
from app.demo.witness import sample_witness
from app.wiring import Services
from tests.witness.conftest import NAME
from tests.witness.small_log import SmallLog


@contextmanager
def demo(var: Path) -> Iterator[Services]:
    with sample_witness(var / "witness") as watching:
        settings = demo_settings(free_port(), var, witnesses=watching.policy)
        with running(settings) as services:
            watching.trust(services.integrator.vkey, settings.base_url)
            yield services


def adoptions(services: Services) -> int:
    with services.database.read() as tx:
        return ReadingService(services.log).counts_by_kind(tx)["log.witnesses_adopted"]


def until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def test_the_demo_is_witnessed_and_again_after_a_restart(tmp_path: Path) -> None:
    with demo(tmp_path) as services, httpx2.Client(base_url=services.settings.base_url) as http:
        assert until(lambda: http.get("/log/witnesses").json()["quorum_size"] is not None)
        policy = parse_policy(http.get("/log/policy").content)
        verdict = evaluate(policy, http.get("/log/checkpoint").content, services.integrator.key)
        assert verdict.met
        assert adoptions(services) == 1
        text = (tmp_path / "witness" / "policy.txt").read_text(encoding="utf-8")
    with demo(tmp_path) as services:
        assert (tmp_path / "witness" / "policy.txt").read_text(encoding="utf-8") == text
        assert adoptions(services) == 1

        def met() -> bool:
            with services.database.read() as tx:
                return services.witnesses.state(tx).met

        assert until(met)


def test_a_witness_is_served_by_its_own_command(tmp_path: Path) -> None:
    log, port = SmallLog(), free_port()
    habeas, folder = Path(sys.executable).with_name("habeas"), tmp_path / "w"
    words = ["witness", "trust", log.vkey, "--var", folder, "--name", NAME]
    subprocess.run([habeas, *words], check=True, capture_output=True)
    serving = subprocess.Popen(
        [habeas, "witness", "serve", "--var", folder, "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        assert serving.stdout.readline().startswith(f"key: {NAME}+")
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http:
            assert until(lambda: answers(http))
            answer = http.post("/add-checkpoint", content=log.request(0, 5))
            assert answer.status_code == 200
            assert log.origin in http.get("/").text
    finally:
        serving.terminate()
        serving.communicate(timeout=20)


def answers(http: httpx2.Client) -> bool:
    try:
        return http.get("/key").is_success
    except httpx2.TransportError:
        return False
