"""``habeas consumers …``."""

from typing import Annotated

import typer

from app.cli.opened import opened

verbs = typer.Typer(
    name="consumers", no_args_is_help=True, help="Who may ask to read captured data."
)


@verbs.callback()
def _group() -> None:
    """Keep ``register`` a verb of its own while it is the only one."""


@verbs.command()
def register(
    consumer: Annotated[str, typer.Argument(help="Its id: a-z, 0-9, dot, hyphen, underscore.")],
    name: Annotated[str, typer.Option(help="Its name, for people.")],
    by: Annotated[str, typer.Option(help="The person, an admin, who registers it.")],
    purpose: Annotated[list[str] | None, typer.Option(help="What it may ask for; repeat.")] = None,
    function: Annotated[list[str] | None, typer.Option(help="What it is for; repeat.")] = None,
) -> None:
    """Register a consumer, or give it a new secret; the secret is shown once."""
    with opened() as services:
        with services.database.write() as tx:
            secret = services.consumers.register(
                tx,
                services.directory.person(tx, by),
                consumer,
                name,
                purpose or [],
                function or [],
                services.clock.now(),
            )
        services.integrator.integrate()
    print(f"{consumer} is registered. Its secret, shown only now:\n{secret}")
