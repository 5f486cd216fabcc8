"""The sample laptop of the demo: a real agent, paired with Lane Sample, that polls each second."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

from app.demo.seed import DATA
from app.kernel.errors import HabeasError
from app.sdk.agent.client import AgentClient
from app.sdk.agent.identity import NotPaired, PairingFailed
from app.sdk.agent.pairing import CodeShown, pair
from app.sdk.agent.recording import PlayedStep, read_recording, run
from app.wiring import Services

PERSON = "E-0042"
RECORDING = DATA / "events.jsonl"


class SampleLaptop:
    """Runs the agent in a thread over real HTTP while the block lasts."""

    def __init__(self, services: Services, console: Console) -> None:
        self._services = services
        self._console = console
        self._folder: Path = services.settings.var / "sample-laptop"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sample-laptop", daemon=True)

    def __enter__(self) -> Self:
        """Start the agent."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it before its next poll."""
        self._ended.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            client = self._client()
            before = ""
            for step in run(client, read_recording(RECORDING), again=True, sleep=self._sleep):
                state = "on" if step.polled.capture else f"off, {step.polled.reason}"
                for sentence in step.polled.news:
                    self._console.print(f"Lane's sample laptop: {sentence}", markup=False)
                if state != before:
                    self._say(state, step)
                    before = state
        except _LaptopEnded:
            pass
        except (HabeasError, PairingFailed, OSError) as error:
            self._console.print(f"The sample laptop has stopped: {error}", markup=False)

    def _client(self) -> AgentClient:
        try:
            return AgentClient.open(self._folder)
        except NotPaired:
            steps = pair(
                self._services.settings.issuer,
                self._folder,
                "Lane's sample laptop",
                sleep=lambda _: None,
            )
            for step in steps:
                if isinstance(step, CodeShown):
                    self._approve(step.user_code)
            return AgentClient.open(self._folder)

    def _approve(self, user_code: str) -> None:
        """Do what Lane would do on the page."""
        services = self._services
        with services.database.write() as tx:
            person = services.directory.person(tx, PERSON)
            now = services.clock.now()
            request = services.pairing.pending(tx, person, user_code, now)
            services.pairing.approve(tx, person, request, now)

    def _sleep(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise _LaptopEnded

    def _say(self, state: str, step: PlayedStep) -> None:
        kept, refused = sum(step.tally.allowed.values()), sum(step.tally.refused.values())
        self._console.print(
            f"Lane's sample laptop: [bold]{state}[/]"
            + (f" ({kept} of the last {kept + refused} events captured)" if kept else "")
        )


class _LaptopEnded(Exception):
    """The block is over."""
