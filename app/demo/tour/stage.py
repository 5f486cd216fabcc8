"""Who and what is on the stage: two people, a laptop, a consumer, and how they do things."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from app.demo.tour.step import NotSo, TourClock, hold
from app.demo.visitor import Astray, PlainBrowser
from app.event.model import UiEvent
from app.kernel.signing import read_token
from app.kernel.tokens import RECEIPT_TYPE, keys_for
from app.sdk.agent.client import AgentClient, Polled

EMPLOYEE, AUDITOR = "E-0043", "E-0119"
AUTHOR, APPROVER = "E-0109", "E-0110"
CONSUMER = "training-pipeline"
PATIENCE_S = 20.0


@dataclass
class Stage:
    """What the steps share; a step leaves here what a later step needs.

    Attributes:
        url: the service's base URL.
        secrets: JSON file with the sample consumers' secrets.
        folder: an empty folder for the device's key and the export.
        receipt: what the receipt of opting in says.
        captured_from, captured_to: the time of the sample capture.
        grant: id of the consumer's grant.
        withdrawn: when the employee withdrew, in seconds that never go back.
        tar: the export.
    """

    url: str
    secrets: Path
    folder: Path
    clock: TourClock = field(default_factory=TourClock)
    jwks: dict[str, Any] = field(default_factory=dict)
    agent: AgentClient = field(init=False)
    events: Sequence[UiEvent] = ()
    receipt: dict[str, Any] = field(default_factory=dict)
    captured_from: datetime = field(init=False)
    captured_to: datetime | None = None
    grant: str = ""
    withdrawn: float = 0.0
    tar: Path = field(init=False)

    def __post_init__(self) -> None:
        self.employee, self.auditor = PlainBrowser(self.url), PlainBrowser(self.url)
        self.machine = httpx2.Client(base_url=self.url, timeout=20)

    def close(self) -> None:
        """Close the connections."""
        self.employee.close()
        self.auditor.close()
        self.machine.close()

    def decide(self, page: str, act: str) -> dict[str, Any]:
        """Decide on a page; return the receipt's claims after checking their signature."""
        answer = self.employee.submit(page, "/me/decisions", ("act", act))
        hold("/me/receipts/" in str(answer.url), "a decision is answered with a receipt")
        kept = self.employee.get(f"{answer.url.path}.json").json()
        claims = read_token(kept["token"], RECEIPT_TYPE, keys_for(self.jwks, RECEIPT_TYPE))
        hold(claims == kept["claims"], "the receipt shows what is signed")
        return claims

    @property
    def secret(self) -> str:
        """The consumer's, from the sample's file."""
        return str(json.loads(self.secrets.read_text(encoding="utf-8"))[CONSUMER])

    @property
    def document(self) -> Mapping[str, Any]:
        """The policy document that the laptop holds."""
        document = self.agent.guard.document
        hold(document is not None, "the laptop holds a policy document")
        assert document is not None
        return document

    def ask(self, purpose: str) -> dict[str, Any]:
        """Ask, as the consumer, for what was captured of the employee."""
        question = {
            "subject": {"type": "consumer", "id": CONSUMER},
            "action": {"name": "read"},
            "resource": {
                "type": "captured_data",
                "id": "ui-events",
                "properties": {
                    "persons": [EMPLOYEE],
                    "signals": ["click", "menu"],
                    "captured_from": self.captured_from.isoformat(),
                    "captured_to": (self.captured_to or datetime.now(UTC)).isoformat(),
                },
            },
            "context": {"purpose": purpose},
        }
        answer = self.machine.post(
            "/access/v1/evaluation",
            json=question,
            headers={"Authorization": f"Bearer {self.secret}", "X-Request-ID": "tour"},
        )
        hold(answer.status_code == httpx2.codes.OK, f"an answer, not {answer.status_code}")
        hold(answer.headers.get("x-request-id") == "tour", "the request's id comes back")
        body: dict[str, Any] = answer.json()
        return body

    def until(self, settled: Callable[[Polled], bool]) -> Polled:
        """Let the laptop poll until an answer is as it should be, or too much time has passed."""
        end = time.monotonic() + PATIENCE_S
        while True:
            polled = self.agent.poll()
            if settled(polled) or time.monotonic() > end:
                return polled
            time.sleep(0.2)

    def index(self, event: str) -> int:
        """The log index of an event, which the integrator gives within moments."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            answer = self.machine.get(f"/log/events/{event}")
            if answer.is_success:
                return int(answer.json()["index"])
            time.sleep(0.05)
        raise NotSo(f"event {event} never reached the log")

    def proved(self, receipt: str) -> str:
        """The file of a receipt, once a checkpoint holds its entry."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            file = self.employee.get(receipt).text
            if json.loads(file)["log"] is not None:
                return file
            time.sleep(0.05)
        raise NotSo("the entry of a decision was never published")

    def newest(self, kind: str, after: int = -1) -> int:
        """The index of the newest entry of a kind, as the auditor's page shows it.

        Args:
            kind: of the entry.
            after: the index of an earlier entry; a newer one is waited for.
        """
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            page = self.auditor.get(f"/auditor?kind={kind}").text
            link = re.search(r"/auditor/entries/(\d+)", page)
            if link and int(link.group(1)) > after:
                return int(link.group(1))
            time.sleep(0.1)
        raise NotSo(f"no such entry of kind {kind} ever reached the log")

    def entry(self, index: int) -> str:
        """The auditor's page of an entry, once a checkpoint holds it."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.auditor.get(f"/auditor/entries/{index}").text
            except Astray:
                if time.monotonic() > end:
                    raise
            time.sleep(0.05)
