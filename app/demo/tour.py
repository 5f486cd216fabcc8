"""The story of Habeas over real HTTP, step by step; a step that does not hold ends it.

Each step does something as a person, an agent, a consumer or an auditor would, and then looks
whether what Habeas promises is so. What it prints, the reason and the log index come from the
answers of the service, never from here.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console

from app.demo.laptop import RECORDING
from app.demo.step import NotSo, Told, TourClock, hold
from app.demo.visitor import PlainBrowser
from app.kernel.errors import HabeasError
from app.kernel.signing import BadToken, read_token
from app.kernel.tokens import GRANT_TYPE, RECEIPT_TYPE, keys_for
from app.sdk.agent.client import AgentClient, CodeShown, PairingFailed, Polled, pair
from app.sdk.agent.recording import play, read_recording
from app.sdk.store.grants import GrantRefused, RedeemedInMemory, UseRefused, check_grant, report_use
from app.sdk.verify import verify

EMPLOYEE, AUDITOR = "E-0043", "E-0119"
CONSUMER = "training-pipeline"
TRAINING, EVALUATION = "ai_training.computer_use", "performance_evaluation"
EVENTS = 1_500
PATIENCE_S = 20.0
EXPORT_PATIENCE_S = 30.0
LONGEST_LEASE_S = 900


@dataclass
class Tour:
    """One telling against one service.

    Args:
        url: the service's base URL.
        secrets: JSON file with the sample consumers' secrets.
        folder: an empty folder for the device's key and the export.
        console: where the story is printed.
    """

    url: str
    secrets: Path
    folder: Path
    console: Console
    _jwks: dict[str, Any] = field(default_factory=dict, init=False)

    def tell(self) -> bool:
        """Tell it; True if every step held."""
        self.console.print(f"Habeas at {self.url}\n")
        try:
            for number, (title, told) in enumerate(self._steps(), 1):
                self._print(number, title, told)
        except (
            HabeasError,
            PairingFailed,
            httpx2.HTTPError,
            BadToken,
            GrantRefused,
            UseRefused,
            OSError,
            LookupError,
        ) as error:
            self.console.print(f"\nThis does not hold: {error}", markup=False)
            return False
        self.console.print("\nEvery step held.")
        return True

    def _print(self, number: int, title: str, told: Told) -> None:
        index = f"log {told.index}" if told.index is not None else ""
        self.console.print(f"{number:3}  [bold]{title}[/]")
        self.console.print(f"     {told.what}", markup=False)
        if told.why or index:
            self.console.print(f"     {'  '.join(filter(None, (told.why, index)))}", style="dim")

    def _steps(self) -> Iterator[tuple[str, Told]]:
        self._employee, self._auditor = PlainBrowser(self.url), PlainBrowser(self.url)
        self._machine = httpx2.Client(base_url=self.url, timeout=20)
        self._clock = TourClock()
        try:
            for step in self._story():
                yield (step.__doc__ or "").rstrip("."), step()
        finally:
            self._employee.close()
            self._auditor.close()
            self._machine.close()

    def _story(self) -> tuple[Callable[[], Told], ...]:
        return (
            self._sign_in,
            self._notice,
            self._pair,
            self._opt_in,
            self._lease,
            self._capture,
            self._expiry,
            self._refuse_evaluation,
            self._permit_training,
            self._close_grant,
            self._withdraw,
            self._stops,
            self._refuse_training,
            self._export,
            self._verify,
            self._flip,
        )

    # The person

    def _sign_in(self) -> Told:
        """Sign in."""
        self._jwks = self._machine.get("/.well-known/jwks.json").json()
        self._employee.sign_in(EMPLOYEE)
        self._auditor.sign_in(AUDITOR)
        page = self._employee.get("/me").text
        hold("Nothing is captured" in page, "somebody who never decided is not captured")
        return Told(
            "Through OpenID Connect, code and PKCE. The page says: Nothing is captured.",
            "session.started",
            self._newest("session.started"),
        )

    def _notice(self) -> Told:
        """Read the notice."""
        page = self._employee.get("/me/decide?language=de")
        hold('lang="de"' in page.text, "the notice can be read in German")
        self._employee.get("/me/decide?language=en")
        return Told(
            "The offer that was shown is kept: later decisions are bound to it.",
            "notice.shown",
            self._newest("notice.shown"),
        )

    def _pair(self) -> Told:
        """Pair a laptop."""
        for step in pair(self.url, self.folder / "agent", "tour laptop", sleep=lambda _: None):
            if isinstance(step, CodeShown):
                path = "/me/devices/pair"
                self._employee.submit(f"{path}?code={step.user_code}", path, code=step.user_code)
        self._agent = AgentClient.open(self.folder / "agent", clock=self._clock)
        polled = self._agent.poll()
        hold(polled.answered, "a paired laptop gets an answer")
        hold(not polled.capture, "nobody decided yet, so capture is off")
        self._events = read_recording(RECORDING)[:EVENTS]
        tally = play(self._agent.guard, self._events, self._agent.now)
        hold(not tally.allowed, "the guard refuses every event before a decision")
        return Told(
            f"The first lease says off; the guard refused {sum(tally.refused.values())} events.",
            str(polled.reason),
            self._newest("lease.changed"),
        )

    def _opt_in(self) -> Told:
        """Opt in."""
        receipt = self._decide("/me/decide", "given")
        self._captured_from = datetime.now(UTC)
        return Told(
            f"A signed receipt: {receipt['record_id']}.",
            "consent.given",
            self._index(receipt["log"]["event"]),
        )

    def _lease(self) -> Told:
        """The laptop fetches its lease."""
        polled = self._until(lambda polled: polled.capture)
        hold(polled.capture, "after opting in the next lease says on")
        lease = self._agent.guard.lease
        hold(lease is not None and lease.policy is not None, "the lease names its policy document")
        assert lease is not None
        return Told(
            f"On for {lease.expires - lease.issued} s, under policy {str(lease.policy)[:19]}…",
            "lease.changed",
            self._newest("lease.changed"),
        )

    def _capture(self) -> Told:
        """Capture."""
        tally = play(self._agent.guard, self._events, self._agent.now)
        kept, refused = sum(tally.allowed.values()), sum(tally.refused.values())
        hold(kept > 0, "events in listed apps are captured")
        hold(tally.refused.get("excluded", 0) > 0, "excluded places are refused")
        hold(tally.refused.get("app_unlisted", 0) > 0, "unlisted places are refused")
        by_reason = ", ".join(
            f"{count} {reason}" for reason, count in sorted(tally.refused.items())
        )
        hold(self._agent.report(tally), "the service takes the report")
        return Told(
            f"{kept} events captured, {refused} refused: {by_reason}.",
            "agent.reported",
            self._newest("agent.reported"),
        )

    def _expiry(self) -> Told:
        """Without the service capture ends by itself."""
        lease = self._agent.guard.lease
        hold(lease is not None, "a lease is held")
        assert lease is not None
        life = lease.expires - lease.issued
        hold(life <= LONGEST_LEASE_S, f"a lease lives {LONGEST_LEASE_S} s at most, not {life}")
        try:
            self._clock.ahead = timedelta(seconds=life + 1)
            tally = play(self._agent.guard, self._events, self._agent.now)
        finally:
            self._clock.ahead = timedelta()
        hold(not tally.allowed, "nothing is captured under a lease that has ended")
        return Told(
            f"With the network cut for {life + 1} s, all {len(self._events)} events are refused.",
            ", ".join(tally.refused),
        )

    # The consumer

    def _refuse_evaluation(self) -> Told:
        """A consumer asks for performance evaluation."""
        answer = self._ask(EVALUATION)
        codes = [reason["code"] for reason in answer["context"]["reasons"]]
        hold(answer["decision"] is False, "performance evaluation is refused")
        hold("purpose_prohibited" in codes, "it is refused for its purpose")
        hold(answer["context"]["grant"] is None, "a refusal carries no grant")
        for spelled in ("Performance-Evaluation", "Leistungsbeurteilung", "hr.scoring"):
            hold(self._ask(spelled)["decision"] is False, f"{spelled} is refused as well")
        return Told(
            answer["context"]["reasons"][0]["sentence"],
            "purpose_prohibited",
            self._index(answer["context"]["log_event"]),
        )

    def _permit_training(self) -> Told:
        """The consumer asks for training."""
        self._captured_to = datetime.now(UTC)
        answer = self._ask(TRAINING)
        hold(answer["decision"] is True, f"training is permitted: {answer['context']['reasons']}")
        grant = check_grant(
            answer["context"]["grant"],
            CONSUMER,
            keys_for(self._jwks, GRANT_TYPE),
            datetime.now(UTC),
            RedeemedInMemory(),
        )
        hold(grant.purpose == TRAINING, "the grant is for this purpose only")
        self._grant = grant.id
        consent = self._index(answer["context"]["consent_event"])
        return Told(
            f"Permitted for {CONSUMER}, on the consent at log {consent}; "
            f"the grant ends in {grant.expires - int(time.time())} s.",
            "access.decided",
            self._index(answer["context"]["log_event"]),
        )

    def _close_grant(self) -> Told:
        """The consumer says what it read."""
        event = report_use(self._machine, self._secret, self._grant, rows=len(self._events))
        again = report_use(self._machine, self._secret, self._grant, rows=len(self._events))
        hold(event == again, "the same word twice is one entry")
        return Told(
            f"{len(self._events)} rows; the entry stands in the log of each person they are about.",
            "access.used",
            self._index(event),
        )

    def _withdraw(self) -> Told:
        """Withdraw."""
        started = time.monotonic()
        receipt = self._decide("/me", "withdrawn")
        self._withdrawn = time.monotonic()
        return Told(
            f"One click; acknowledged in {1000 * (self._withdrawn - started):.0f} ms.",
            "consent.withdrawn",
            self._index(receipt["log"]["event"]),
        )

    def _stops(self) -> Told:
        """The next poll."""
        polled = self._agent.poll()
        passed = time.monotonic() - self._withdrawn
        hold(not polled.capture, "the very next poll after a withdrawal says off")
        tally = play(self._agent.guard, self._events, self._agent.now)
        hold(not tally.allowed, "nothing is captured after a withdrawal")
        return Told(
            f"Off {1000 * passed:.0f} ms after the withdrawal; "
            f"{sum(tally.refused.values())} events refused.",
            str(polled.reason),
            self._newest("lease.changed"),
        )

    def _refuse_training(self) -> Told:
        """The consumer asks for training again."""
        answer = self._ask(TRAINING)
        codes = [reason["code"] for reason in answer["context"]["reasons"]]
        hold(answer["decision"] is False, "after a withdrawal training is refused")
        hold("consent_now" in codes, f"it is refused for want of consent: {codes}")
        return Told(
            answer["context"]["reasons"][0]["sentence"],
            ", ".join(codes),
            self._index(answer["context"]["log_event"]),
        )

    # The auditor

    def _export(self) -> Told:
        """Export the log."""
        job = self._auditor.submit("/auditor/export", "/auditor/export").url.path
        end = time.monotonic() + EXPORT_PATIENCE_S
        while (told := self._auditor.get(f"{job}/progress").json())["state"] == "running":
            hold(time.monotonic() < end, f"the export ends: {told['words']}")
            time.sleep(0.1)
        hold(told["state"] == "ready", f"the export is ready: {told['words']}")
        file = self._auditor.get(f"{job}/file").content
        self._tar = self.folder / "habeas-log.tar"
        self._tar.write_bytes(file)
        return Told(f"{len(file):,} bytes.", "log.exported", self._newest("log.exported"))

    def _verify(self) -> Told:
        """Verify it without server and database."""
        report = verify(self._tar, self._machine.get("/log/key").text.strip())
        hold(report.exit_code == 0, f"the export verifies: {report.integrity.sentence}")
        return Told(
            f"{report.integrity.sentence} {report.completeness.sentence}", report.policy.sentence
        )

    def _flip(self) -> Told:
        """Flip one byte."""
        data = bytearray(self._tar.read_bytes())
        match = re.search(rb'\{"actor":[^\n]*"kind":"consent.withdrawn"[^\n]*', data)
        hold(match is not None, "the withdrawal is in the export")
        assert match is not None
        line: dict[str, Any] = json.loads(match.group())
        at = match.start() + match.group().index(b"consent.withdrawn") + len("consent.")
        data[at] ^= 1
        bad = self.folder / "flipped.tar"
        bad.write_bytes(data)
        report = verify(bad, None)
        hold(report.exit_code != 0, "a flipped byte is found")
        hold(
            report.integrity.first_bad == line["idx"],
            f"the flipped entry is named: {report.integrity.first_bad}, not {line['idx']}",
        )
        return Told(report.integrity.sentence, f"entry {report.integrity.first_bad}")

    # How things are done

    def _decide(self, page: str, act: str) -> dict[str, Any]:
        """Decide on a page; return the receipt's claims after checking their signature."""
        answer = self._employee.submit(page, "/me/decisions", ("act", act))
        hold("/me/receipts/" in str(answer.url), "a decision is answered with a receipt")
        kept = self._employee.get(f"{answer.url.path}.json").json()
        claims = read_token(kept["token"], RECEIPT_TYPE, keys_for(self._jwks, RECEIPT_TYPE))
        hold(claims == kept["claims"], "the receipt shows what is signed")
        return claims

    @property
    def _secret(self) -> str:
        return str(json.loads(self.secrets.read_text(encoding="utf-8"))[CONSUMER])

    def _ask(self, purpose: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        question = {
            "subject": {"type": "consumer", "id": CONSUMER},
            "action": {"name": "read"},
            "resource": {
                "type": "captured_data",
                "id": "ui-events",
                "properties": {
                    "persons": [EMPLOYEE],
                    "signals": ["click", "menu"],
                    "captured_from": self._captured_from.isoformat(),
                    "captured_to": getattr(self, "_captured_to", now).isoformat(),
                },
            },
            "context": {"purpose": purpose},
        }
        answer = self._machine.post(
            "/access/v1/evaluation",
            json=question,
            headers={"Authorization": f"Bearer {self._secret}", "X-Request-ID": "tour"},
        )
        hold(answer.status_code == httpx2.codes.OK, f"an answer, not {answer.status_code}")
        hold(answer.headers.get("x-request-id") == "tour", "the request's id comes back")
        found: dict[str, Any] = answer.json()
        return found

    def _until(self, settled: Callable[[Polled], bool]) -> Polled:
        end = time.monotonic() + PATIENCE_S
        while True:
            polled = self._agent.poll()
            if settled(polled) or time.monotonic() > end:
                return polled
            time.sleep(0.2)

    def _index(self, event: str) -> int:
        """The log index of an event, which the integrator gives within moments."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            answer = self._machine.get(f"/log/events/{event}")
            if answer.is_success:
                return int(answer.json()["index"])
            time.sleep(0.05)
        raise NotSo(f"event {event} never reached the log")

    def _newest(self, kind: str) -> int:
        """The index of the newest entry of a kind, as the auditor's page shows it."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            page = self._auditor.get(f"/auditor?kind={kind}").text
            if found := re.search(r"/auditor/entries/(\d+)", page):
                return int(found.group(1))
            time.sleep(0.1)
        raise NotSo(f"no entry of kind {kind} ever reached the log")
