"""How long a lease poll and an access decision take, next to references in the same run.

The poll (304, nothing changed) is compared with a 304 for a static file from the same server over
the same connection. The decision is compared with one durable commit of one row of the same size
in a SQLite file with the same settings. Medians of interleaved rounds; one client, no concurrency.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx2
from sqlalchemy import text

from app.db.engine import open_database
from app.demo.server import SECRETS, demo_settings, free_port, running
from app.demo.visitor import PlainBrowser
from app.sdk.agent.client import AgentClient
from app.sdk.agent.pairing import CodeShown, pair

PERSON, CONSUMER = "E-0043", "training-pipeline"
ROUNDS, CALLS = 5, 60


def median_ms(call: Callable[[], object]) -> float:
    """Time a call; the median in milliseconds."""
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def paired(url: str, folder: Path) -> AgentClient:
    """Sign in, opt in, pair: the ordinary way."""
    visitor = PlainBrowser(url)
    visitor.sign_in(PERSON)
    visitor.submit("/me/decide", "/me/decisions", ("act", "given"))
    for step in pair(url, folder, "bench laptop", sleep=lambda _: None):
        if isinstance(step, CodeShown):
            path = "/me/devices/pair"
            visitor.submit(f"{path}?code={step.user_code}", path)
    visitor.close()
    return AgentClient.open(folder)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = demo_settings(free_port(), folder / "var")
        with running(settings):
            agent = paired(settings.base_url, folder / "agent")
            machine = httpx2.Client(base_url=settings.base_url)
            style = machine.get("/static/habeas.css")
            held = {"If-None-Match": style.headers["etag"]}
            secret = json.loads((settings.var / SECRETS).read_text())[CONSUMER]
            captured_from = datetime.now(UTC)
            time.sleep(0.2)
            captured_to = datetime.now(UTC)
            question = {
                "subject": {"type": "consumer", "id": CONSUMER},
                "action": {"name": "read"},
                "resource": {
                    "type": "captured_data",
                    "id": "ui-events",
                    "properties": {
                        "persons": [PERSON],
                        "signals": ["click"],
                        "captured_from": captured_from.isoformat(),
                        "captured_to": captured_to.isoformat(),
                    },
                },
                "context": {"purpose": "ai_training.computer_use"},
            }
            scratch = open_database(f"sqlite:///{folder / 'scratch.sqlite'}")
            with scratch.write() as tx:
                tx.execute(text("CREATE TABLE row_ (body TEXT)"))

            def static() -> None:
                assert machine.get("/static/habeas.css", headers=held).status_code == 304

            def poll() -> None:
                assert agent.poll().capture

            def commit() -> None:
                with scratch.write() as tx:
                    tx.execute(text("INSERT INTO row_ VALUES (:body)"), {"body": "x" * 1500})

            def decide() -> None:
                answer = machine.post(
                    "/access/v1/evaluation",
                    json=question,
                    headers={"Authorization": f"Bearer {secret}"},
                )
                assert answer.json()["decision"] is True, answer.text

            assert agent.poll().capture
            rounds = [
                (median_ms(static), median_ms(poll), median_ms(commit), median_ms(decide))
                for _ in range(ROUNDS)
            ]
    static_ms, poll_ms, commit_ms, decide_ms = (
        statistics.median(c) for c in zip(*rounds, strict=True)
    )
    print(f"static file, 304      {static_ms:7.2f} ms")
    print(f"lease poll, 304       {poll_ms:7.2f} ms   {poll_ms / static_ms:5.1f} x the static file")
    print(f"one durable commit    {commit_ms:7.2f} ms")
    print(f"decision with grant   {decide_ms:7.2f} ms   {decide_ms / commit_ms:5.1f} x the commit")


if __name__ == "__main__":
    main()
