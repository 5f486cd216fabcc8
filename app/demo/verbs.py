"""``habeas demo`` and ``habeas tour``."""

import contextlib
import signal
import socket
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.demo.laptop import SampleLaptop
from app.demo.server import SECRETS, demo_settings, free_port, running
from app.demo.tour.telling import Tour
from app.demo.witness import sample_witness
from app.kernel.errors import Unavailable

verbs = typer.Typer()
console = Console(highlight=False)


@verbs.command()
def demo(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8000,
    var: Annotated[Path, typer.Option(help="Folder for keys and database.")] = Path("var"),
    *,
    laptop: Annotated[bool, typer.Option(help="Run the sample laptop as well.")] = True,
    witness: Annotated[bool, typer.Option(help="Run a sample witness as well.")] = True,
) -> None:
    """Serve sample people, sample policies, a local sign-in and one polling sample laptop."""
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    _require_free(port)
    with contextlib.ExitStack() as stack:
        watching = stack.enter_context(sample_witness(var / "witness")) if witness else None
        policy = watching.policy if watching else None
        settings = demo_settings(port, var, witnesses=policy)
        services = stack.enter_context(running(settings))
        console.print(f"Habeas is at [bold]{settings.base_url}[/]. Ctrl-C ends it.")
        if watching:
            watching.trust(services.integrator.vkey, settings.base_url)
            console.print(f"A sample witness is at [bold]{watching.url}[/].")
        if laptop:
            stack.enter_context(SampleLaptop(services, console))
        done.wait()
    console.print("Habeas has stopped.")


@verbs.command()
def tour(
    url: Annotated[
        str, typer.Option(help="A running demo; without, one is started with a temporary SQLite.")
    ] = "",
    var: Annotated[
        Path, typer.Option(help="The running demo's folder, for the consumers' secrets.")
    ] = Path("var"),
) -> None:
    """Tell the story over real HTTP; a step that does not hold ends it with exit code 1."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="habeas-tour-")))
        if not url:
            settings = demo_settings(free_port(), folder / "var")
            stack.enter_context(running(settings))
            url, var = settings.base_url, settings.var
        held = Tour(url, var / SECRETS, folder, console).tell()
    raise typer.Exit(0 if held else 1)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Unavailable(
                f"port {port} is taken", cure="Name another: habeas demo --port 8001"
            ) from error
