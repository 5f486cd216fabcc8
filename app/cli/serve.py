"""``habeas serve`` and ``habeas openapi``: the application itself."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from app.api.server.serving import bounds_of, run
from app.main import create_app
from app.settings import Settings
from app.wiring import build

verbs = typer.Typer()


@verbs.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve pages and interfaces (settings: the HABEAS_* variables)."""
    settings = Settings()
    run(create_app(build(settings)), bounds_of(settings), host, port)


@verbs.command()
def openapi() -> None:
    """Print the description of the machine interfaces (OpenAPI 3.1)."""
    with tempfile.TemporaryDirectory() as folder:
        services = build(Settings(var=Path(folder) / "var", demo=True))
        description = create_app(services).openapi()
        services.database.engine.dispose()
    print(json.dumps(description, indent=1, sort_keys=True, ensure_ascii=False))
