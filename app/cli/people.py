"""``habeas people …``."""

from pathlib import Path
from typing import Annotated

import typer

from app.audit.model import SYSTEM
from app.directory.packs import read_people
from app.kernel.canonical import digest
from app.kernel.errors import InvalidInput
from app.settings import Settings
from app.wiring import build

verbs = typer.Typer(no_args_is_help=True, help="The people whose consent is held.")


@verbs.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(help="A CSV file; its columns are in docs/operate.md.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
) -> None:
    """Add and change people from a CSV file: all lines, or none if one is wrong."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}", cure="Name a CSV file.") from error
    people = read_people(data)
    services = build(Settings())
    if dry_run:
        with services.database.read() as tx:
            result = services.directory.plan(tx, people)
    else:
        with services.database.write() as tx:
            result = services.directory.import_people(
                tx, people, actor=SYSTEM, now=services.clock.now(), file_digest=digest(data)
            )
        services.integrator.integrate()
    verb = "would be" if dry_run else "were"
    print(
        f"{len(people)} people read: {result.added} {verb} added, {result.changed} {verb} changed, "
        f"{result.unchanged} stay as they are."
    )
    if result.returned:
        print(
            f"{result.returned} of the changed had left and {verb} taken back, because the file "
            "lists them. Nothing they agreed to before holds; they decide anew."
        )


@verbs.command()
def leave(
    person: Annotated[str, typer.Argument(help="The id of somebody who has left.")],
) -> None:
    """Say that somebody has left: their laptops are told off at the next poll."""
    services = build(Settings())
    with services.database.write() as tx:
        services.directory.leave(tx, person, SYSTEM, services.clock.now())
    services.integrator.integrate()
    print(f"{person} has left; what they agreed to no longer holds.")
