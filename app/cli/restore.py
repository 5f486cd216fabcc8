"""``habeas audit acknowledge-restore``; the group ``audit`` takes it in."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from app.audit.restore.service import Restore
from app.cli.files import read_file, write_new
from app.settings import Settings
from app.wiring import Services, restore


def acknowledge(
    signed: Annotated[
        Path | None, typer.Option(help="The statement, signed by two custodians.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The new file for the statement; else it is printed.")
    ] = None,
) -> None:
    """Go on with a log whose database was restored from a copy: two custodians must agree.

    Without --signed this writes what they must sign. Stop every process of this log first.
    """
    services, restored = restore(Settings())
    with closing(services):
        _acknowledge(services, restored, signed, out)


def _acknowledge(
    services: Services, restored: Restore, signed: Path | None, out: Path | None
) -> None:
    if signed is None:
        statement = restored.statement()
        if out is None:
            print(statement, end="")
        else:
            write_new(out, statement)
            print(f"{out}: two custodians sign this file, on machines of their own, with")
            print(f"  habeas custodian sign {out.name} --key THEIR-KEY")
        return
    note = read_file(signed)
    done = restored.acknowledge(note, services.consent.end_all, services.clock.now())
    print(f"Signed by {' and '.join(done.signers)}. The log goes on as {services.log.origin}.")
    ended = "1 consent was" if done.ended == 1 else f"{done.ended} consents were"
    print(f"{ended} ended; whoever gave it is asked anew. Start again now.")
