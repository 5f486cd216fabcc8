"""``habeas serve`` and ``habeas openapi``: the application itself."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

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
    with tempfile.TemporaryDirectory() as folder:
        services = build(Settings(var=Path(folder) / "var", demo=True))
        description = create_app(services).openapi()
        services.database.engine.dispose()
    print(json.dumps(description, indent=1, sort_keys=True, ensure_ascii=False))
