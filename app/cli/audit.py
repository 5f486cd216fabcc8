"""``habeas audit …`` and ``habeas verify``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from app.audit.export import export_log
from app.audit.model import SYSTEM
from app.kernel.errors import InvalidInput
from app.sdk.verify import as_json, render
from app.sdk.verify import verify as verify_export
from app.settings import Settings
from app.wiring import build

verbs = typer.Typer(no_args_is_help=True, help="The append-only log.")
console = Console(highlight=False)


@verbs.callback()
def _group() -> None:
    """Keep ``export`` a verb of its own while it is the only one."""


@verbs.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write the export.")] = Path(
        "habeas-log.tar"
    ),
) -> None:
    """Write the whole log, with everything that is needed to verify it, into one tar file."""
    services = build(Settings())
    with Progress(transient=True) as progress:
        task = progress.add_task("exporting", total=None)
        done = export_log(
            services.database,
            services.log,
            services.integrator,
            file,
            actor=SYSTEM,
            now=services.clock.now(),
            documents=services.documents,
        )
        progress.update(task, completed=1, total=1)
    console.print(f"{done.size} entries written to {file}")
    console.print(f"root {done.root.hex()}")
    console.print(
        f"check it: habeas verify {file} --key '{services.integrator.vkey}'",
        markup=False,
        soft_wrap=True,
    )


def verify(
    path: Annotated[
        Path,
        typer.Argument(help="An export, its unpacked folder, a proof file, or a receipt (JSON)."),
    ],
    key: Annotated[
        str, typer.Option(help="The log's verifier key, got from somewhere else than the export.")
    ] = "",
    kept: Annotated[
        Path | None,
        typer.Option(help="A checkpoint kept from before; the export must continue it."),
    ] = None,
    *,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check an export without server and database: integrity, completeness, policy."""
    if not path.exists():
        raise InvalidInput(f"{path} is not there", cure="Name an export, a folder or a proof file.")
    report = verify_export(path, key or None, kept)
    if as_json_:
        print(json.dumps(as_json(report), indent=1))
    else:
        print(render(report))
    raise typer.Exit(report.exit_code)
