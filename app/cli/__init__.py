"""``habeas …``: each verb parses, calls one service, and prints."""

import json
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console

from app.cli import agent, audit, consumers, custodian, database, people, restore, verify, witness
from app.kernel.errors import HabeasError
from app.main import create_app
from app.settings import Settings
from app.wiring import build

verbs = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Consent and policy governance for capture agents.",
)
verbs.add_typer(people.verbs, name="people")
verbs.add_typer(database.verbs, name="database")
verbs.add_typer(consumers.verbs, name="consumers")
verbs.add_typer(custodian.verbs, name="custodian")
verbs.add_typer(agent.verbs, name="agent")
verbs.add_typer(audit.verbs, name="audit")
verbs.add_typer(witness.verbs, name="witness")
audit.verbs.command("acknowledge-restore")(restore.acknowledge)
verbs.command("verify")(verify.verify)


@verbs.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve pages and interfaces (settings: the HABEAS_* variables)."""
    uvicorn.run(
        create_app(build(Settings())),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        server_header=False,
        log_level="warning",
    )


@verbs.command()
def openapi() -> None:
    """Print the description of the machine interfaces (OpenAPI 3.1)."""
    import tempfile  # noqa: PLC0415 - this verb alone needs a throw-away folder
    from pathlib import Path  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        services = build(Settings(var=Path(folder), demo=True))
        description = create_app(services).openapi()
        services.database.engine.dispose()
    print(json.dumps(description, indent=1, sort_keys=True, ensure_ascii=False))


def main(run: Callable[[], Any] = verbs) -> None:
    """Run a verb; say an error of the domain as sentences and end with 2."""
    stderr = Console(stderr=True, highlight=False)
    try:
        run()
    except HabeasError as error:
        stderr.print(f"habeas: {error.problem}", markup=False)
        for fault in error.faults:
            cure = f" {fault.cure}" if fault.cure else ""
            stderr.print(f"  {fault.field}: {fault.problem}.{cure}", markup=False)
        if error.cure:
            stderr.print(f"  {error.cure}", markup=False)
        sys.exit(2)
    except ValidationError as error:
        stderr.print("habeas: the settings do not hold", markup=False)
        for finding in error.errors():
            variable = "".join(f"HABEAS_{str(part).upper()}: " for part in finding["loc"])
            sentence = finding["msg"].removeprefix("Value error, ")
            stderr.print(f"  {variable}{sentence}", markup=False)
        sys.exit(2)
