"""``habeas agent …``: the reference agent. It replays a recording instead of watching a screen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.kernel.clock import zone_named
from app.kernel.errors import InvalidInput, Unavailable, wrong_field
from app.sdk.agent.client import AgentClient
from app.sdk.agent.identity import NotPaired, PairingFailed
from app.sdk.agent.pairing import CodeShown, Paired, pair
from app.sdk.agent.recording import PlayedStep, RecordingError, read_recording, run
from app.sdk.agent.tally import Tally

verbs = typer.Typer(
    name="agent", no_args_is_help=True, help="The reference agent: pair, run, status."
)
console = Console(highlight=False)

State = Annotated[
    Path, typer.Option("--state", help="Folder of this device: its key and its memory.")
]
Personal = Annotated[
    bool, typer.Option("--personal", help="The device is the person's own. Kept from pairing on.")
]
Zone = Annotated[
    str | None, typer.Option("--zone", help="Time zone of the device; else as it is set.")
]
_DEFAULT_STATE = Path("var/agent")


@verbs.command("pair")
def pair_device(
    url: Annotated[str, typer.Option(help="The service.")] = "http://127.0.0.1:8000",
    name: Annotated[str, typer.Option(help="How its person will know it.")] = "sample laptop",
    state: State = _DEFAULT_STATE,
    *,
    personal: Personal = False,
) -> None:
    """Show a link and a code; wait until somebody signed in has opened or entered it."""
    with _sentences():
        for step in pair(url, state, name, personal=personal):
            if isinstance(step, CodeShown):
                console.print(f"Open {step.verification_uri_complete}", soft_wrap=True)
                console.print(f"Or open {step.verification_uri} and enter the code below.")
                console.print(f"Pair it if the page shows this code: [bold]{step.user_code}[/]")
            elif isinstance(step, Paired):
                console.print(f"Paired. This device is {step.device_id}.")


@verbs.command("run")
def run_agent(
    recording: Annotated[Path, typer.Argument(help="Events to replay, one JSON object a line.")],
    state: State = _DEFAULT_STATE,
    *,
    again: Annotated[bool, typer.Option("--again", help="Replay for ever.")] = False,
    personal: Personal = False,
    zone: Zone = None,
) -> None:
    """Poll, replay the recording through the guard, report; say what was captured and refused."""
    total = Tally()
    with _sentences():
        where = _zone(zone)
        client = AgentClient.open(state, personal=personal, zone=where)
        for step in run(client, read_recording(recording), again=again):
            total.add(step.tally)
            console.print(line(step))
            for sentence in step.polled.news:
                console.print(f"       {sentence}", markup=False)
    console.print(summary(total))


@verbs.command()
def status(state: State = _DEFAULT_STATE) -> None:
    """Ask once; say whether capture is on, and if not, why."""
    with _sentences():
        client = AgentClient.open(state)
        polled = client.poll()
    console.print(f"device  {client.identity.device_id} ({client.identity.name})")
    console.print(f"service {client.identity.base_url}")
    console.print(f"capture {'on' if polled.capture else f'off, {polled.reason}'}")


def line(step: PlayedStep) -> str:
    """One line about one round."""
    state = "on" if step.polled.capture else f"off, {step.polled.reason}"
    kept, refused = sum(step.tally.allowed.values()), sum(step.tally.refused.values())
    return f"{step.number:5}  {state:28}  {kept:4} captured  {refused:4} refused"


def summary(total: Tally) -> Table:
    """What was captured by app and signal, refused by reason, and excluded by place."""
    table = Table("", "", "events", box=None, pad_edge=False)
    for (app, signal), events in sorted(total.allowed.items()):
        table.add_row("captured", f"{app} {signal}", str(events))
    for reason, events in sorted(total.refused.items(), key=lambda row: -row[1]):
        table.add_row("refused", reason, str(events))
    for exclusion, events in sorted(total.excluded.items(), key=lambda row: -row[1]):
        table.add_row("excluded", exclusion, str(events))
    return table


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    zone = zone_named(name)
    if zone is None:
        cure = "Give a name of the IANA time zone database, such as America/Los_Angeles."
        raise wrong_field("--zone", f"{name} is no time zone that is known here", cure)
    return zone


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except NotPaired as error:
        raise InvalidInput(str(error), cure="habeas agent pair --help") from error
    except PairingFailed as error:
        raise Unavailable(str(error)) from error
    except RecordingError as error:
        raise InvalidInput(str(error)) from error
