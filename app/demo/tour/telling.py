"""The story of Habeas over real HTTP, step by step; a step that does not hold ends it.

Each step does something as a person, an agent, a consumer or an auditor would, and then looks
whether what Habeas promises is so. What it prints, the reason and the log index come from the
answers of the service, never from here.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx2
from rich.console import Console

from app.demo.tour import auditor, consumer, employee, guarding, legal, tampering
from app.demo.tour.stage import Stage
from app.demo.tour.step import StepResult
from app.kernel.errors import HabeasError
from app.kernel.signing import BadToken
from app.sdk.agent.identity import PairingFailed
from app.sdk.store.grants import GrantRefused, UseRefused

STORY: tuple[Callable[[Stage], StepResult], ...] = (
    employee.sign_in,
    employee.read_notice,
    employee.pair_laptop,
    employee.opt_in,
    employee.check_receipt,
    employee.fetch_lease,
    employee.capture,
    guarding.ask_the_guard,
    guarding.read_counts,
    employee.lose_the_network,
    consumer.ask_for_evaluation,
    consumer.ask_for_training,
    consumer.close_grant,
    legal.widen,
    legal.agree_to_more,
    legal.keep_hours,
    employee.withdraw,
    employee.poll_again,
    consumer.ask_for_training_again,
    auditor.export_log,
    auditor.verify_export,
    auditor.flip_one_byte,
    tampering.delete_a_withdrawal,
)
"""The steps in order; each one's docstring is its title."""

BROKEN = (
    HabeasError,
    PairingFailed,
    httpx2.HTTPError,
    BadToken,
    GrantRefused,
    UseRefused,
    OSError,
    LookupError,
)
"""What a step raises that does not hold."""


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

    def tell(self) -> bool:
        """Tell it; True if every step held."""
        self.console.print(f"Habeas at {self.url}\n")
        with closing(Stage(self.url, self.secrets, self.folder)) as stage:
            try:
                for number, step in enumerate(STORY, 1):
                    self._print(number, (step.__doc__ or "").rstrip("."), step(stage))
            except BROKEN as error:
                self.console.print(f"\nThis does not hold: {error}", markup=False)
                return False
        self.console.print("\nEvery step held.")
        return True

    def _print(self, number: int, title: str, result: StepResult) -> None:
        index = f"log {result.index}" if result.index is not None else ""
        self.console.print(f"{number:3}  [bold]{title}[/]")
        for line in (result.what, *(f"- {line}" for line in result.lines)):
            self.console.print(f"     {line}", markup=False)
        if result.why or index:
            self.console.print(f"     {'  '.join(filter(None, (result.why, index)))}", style="dim")
