"""``habeas people …``."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.audit.entries.model import SYSTEM
from app.cli.files import read_file
from app.cli.opened import opened
from app.cli.progress import ImportShown
from app.directory.imports import ImportProgress, PeopleImport
from app.directory.model import ImportResult
from app.directory.packs import read_people
from app.directory.plan import ImportPlan
from app.kernel.canonical import digest
from app.kernel.errors import Conflict
from app.kernel.keys import create_once
from app.rights.model import GROUNDS, ErasureBasis
from app.rights.service import scrub_erased
from app.wiring import Services

verbs = typer.Typer(name="people", no_args_is_help=True, help="The people whose consent is held.")


NUMBERED_EVERY = 10
"""After how many pieces the entries get their index, so that the log is never behind by much."""


@verbs.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(help="A CSV file; its columns are in docs/operate.md.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
    plan: Annotated[
        str, typer.Option("--plan", help="Go on only if the plan has this digest.")
    ] = "",
) -> None:
    """Add and change people from a CSV file: all lines are right, or nothing is done.

    It is done in pieces. If it stops, the same command goes on.
    """
    data = read_file(file)
    with opened() as services:
        people = read_people(data, _floors(services))
        with services.database.read() as tx:
            planned = services.directory.plan(tx, people, digest(data))
        _require_plan(planned, plan)
        if not (dry_run or plan):
            _require_nobody_erased(planned)
        result = planned.result if dry_run else _apply(services, planned)
    _say_imported(planned, result, dry_run=dry_run)


def _require_plan(planned: ImportPlan, wanted: str) -> None:
    if wanted and wanted != planned.digest:
        raise Conflict(
            f"this run imported nothing: the plan is now {planned.digest}",
            cure="File or directory changed since. Look with --dry-run, and name the new digest.",
        )


def _require_nobody_erased(planned: ImportPlan) -> None:
    """Whoever was erased after an import stopped is not brought back by it unseen."""
    if planned.may_bring_back:
        raise Conflict(
            f"this run imported nothing: since the import began, {planned.erased} were erased, and "
            f"the rest adds {planned.result.added} people, who may be the same",
            cure="Take who was erased out of the file. If it has none of them, look with "
            "--dry-run, and name the digest with --plan.",
        )


def _apply(services: Services, planned: ImportPlan) -> ImportResult:
    work = PeopleImport(services.database, services.directory, services.clock, SYSTEM)
    shown = ImportShown()

    def after(progress: ImportProgress) -> None:
        if progress.pieces % NUMBERED_EVERY == 0 or progress.pieces == progress.of_pieces:
            services.integrator.integrate()
        shown.say(progress)

    try:
        return work.apply(planned, after)
    finally:
        shown.close()


def _say_imported(planned: ImportPlan, result: ImportResult, *, dry_run: bool) -> None:
    verb = "would be" if dry_run else "were"
    read = "1 person" if len(planned.people) == 1 else f"{len(planned.people)} people"
    print(
        f"{read} read: {result.added} {verb} added, {result.changed} {verb} changed, "
        f"{result.unchanged} stay as they are."
    )
    if result.returned:
        print(
            f"{result.returned} of the changed had left and {verb} taken back, because the file "
            "lists them. Nothing they agreed to before holds; they decide anew."
        )
    if planned.run is not None:
        print(f"This goes on with an import that had {_pieces(planned.done)} behind it.")
        print(f"It began with the plan {planned.begun}; what follows is the rest of it.")
    elif not dry_run and (kept := planned.to_write - result.added - result.changed):
        print(f"{kept} of the plan were not written: meanwhile they left, or were so already.")
    print(f"Plan {planned.digest}, in {_pieces(len(planned.pieces))}.")


def _pieces(number: int) -> str:
    return "1 piece" if number == 1 else f"{number} pieces"


@verbs.command()
def places() -> None:
    """List those whose home, place of work or employer is recorded so that no law can be found."""
    with opened() as services:
        floors = _floors(services)
        with services.database.read() as tx:
            listed = services.directory.misplaced(tx, floors)
    for person, wrong in listed:
        for column, why in wrong.items():
            print(f"{person.id}, {column}: {why.problem}. {why.cure}")
    if not listed:
        print("Everybody's home, place of work and employer are places.")
        return
    verb = "1 person is" if len(listed) == 1 else f"{len(listed)} people are"
    print(
        f"{verb} recorded so. Capture is off for those whose home or place of work it is. "
        "Correct the file of people and import it again."
    )


@verbs.command()
def leave(
    person: Annotated[str, typer.Argument(help="The id of somebody who has left.")],
) -> None:
    """Say that somebody has left: their laptops are told off at the next poll."""
    with opened() as services:
        with services.database.write() as tx:
            services.directory.leave(tx, person, SYSTEM, services.clock.now())
        services.integrator.integrate()
    print(f"{person} has left; what they agreed to no longer holds.")


@verbs.command()
def erase(
    person: Annotated[str, typer.Argument(help="The id of somebody of the directory.")],
    basis: Annotated[ErasureBasis, typer.Option(help="The legal ground.")],
    signed: Annotated[
        Path | None, typer.Option(help="The statement with two custodians' signatures.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the statement, or the receipt.")
    ] = None,
) -> None:
    """Erase somebody for good: first the statement to sign, then, with it signed, the erasure."""
    with opened() as services:
        if signed is None:
            _write_statement(services, person, basis, out or Path("erase-person.statement"))
        else:
            _erase(services, person, basis, read_file(signed), out)


def _write_statement(services: Services, person: str, basis: ErasureBasis, file: Path) -> None:
    with services.database.write() as tx:
        statement = services.rights.statement(tx, person, basis)
    _write_new(file, statement.encode())
    print(statement, end="")
    print(f"\n{GROUNDS[basis]}; nothing is erased yet.")
    print(f"Two custodians sign {file}: habeas custodian sign {file} --key THEIRS")
    print(f"Then: habeas people erase {person} --basis {basis.value} --signed {file}")


def _erase(
    services: Services, person: str, basis: ErasureBasis, note: bytes, out: Path | None
) -> None:
    with services.database.write() as tx:
        erased = services.rights.erase(tx, person, basis, note, services.clock.now())
    services.integrator.integrate()
    left = scrub_erased(services.database)
    token = services.rights.receipt(erased)
    if out is not None:
        _write_new(out, f"{token}\n".encode())
    claims = services.rights.claims(erased)
    print(json.dumps({**claims, "receipt": token}, indent=1))
    if left is not None:
        print(
            f"habeas: the person is erased, but {left}. "
            "Run habeas database scrub, or deleted rows stay in the files.",
            file=sys.stderr,
        )
        raise typer.Exit(1)


def _floors(services: Services) -> frozenset[str]:
    """The regions that have a floor now."""
    with services.database.read() as tx:
        return services.policy.floors_at(tx, services.clock.now())


def _write_new(file: Path, content: bytes) -> None:
    if file.exists():
        raise Conflict(f"{file} is there already", cure="Name a new file with --out.")
    create_once(file, content)
