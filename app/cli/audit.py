"""``habeas audit …``."""

import contextlib
import os
import sys
import time
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from app.audit.entries.model import Entry
from app.audit.export.projections import LINES, ExportForm, LineWriter
from app.audit.reading.selection import read_selection
from app.cli import restore
from app.cli.opened import opened

verbs = typer.Typer(name="audit", no_args_is_help=True, help="The append-only log.")
verbs.command("acknowledge-restore")(restore.acknowledge)
console = Console(highlight=False)
_stderr = Console(stderr=True, highlight=False)


class LineForm(StrEnum):
    """The forms that come line by line (``LINES``)."""

    JSONL = ExportForm.JSONL.value
    CSV = ExportForm.CSV.value
    OCSF = ExportForm.OCSF.value
    CLOUDEVENTS = ExportForm.CLOUDEVENTS.value


FLUSH_EVERY = 256
"""Lines a tail hands over at once while there are more."""


Since = Annotated[
    str, typer.Option(help="Only what was integrated at or after: 2026-11-16, or an RFC 3339 time.")
]
Until = Annotated[str, typer.Option(help="Only what was integrated before this.")]
Kinds = Annotated[list[str] | None, typer.Option(help="Only this kind; may be given again.")]
Person = Annotated[str, typer.Option(help="Only entries about this person (a pseudonym).")]
Purpose = Annotated[str, typer.Option(help="Only entries with this purpose.")]
Region = Annotated[str, typer.Option(help="Only entries that concern this region, such as DE.")]


@verbs.command()
def export(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Where to write the export.",
            show_default=f"habeas-log{ExportForm.TAR.suffix}, or as the form ends",
        ),
    ] = None,
    form: Annotated[
        ExportForm, typer.Option("--format", help="tar is the one that verifies; the others show.")
    ] = ExportForm.TAR,
    since: Since = "",
    until: Until = "",
    kind: Kinds = None,
    person: Person = "",
    purpose: Purpose = "",
    region: Region = "",
) -> None:
    """Write the log, or a selection of it, into one file; a file of that name is replaced."""
    target = file or Path(f"habeas-log{form.suffix}")
    selection = read_selection(
        since=since, until=until, kinds=kind or (), person=person, purpose=purpose, region=region
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        opened() as services,
        Progress(*columns, TimeRemainingColumn(), transient=True, console=_stderr) as bar,
    ):
        task = bar.add_task("exporting", total=None)
        done = services.exports.write(
            target,
            form,
            selection,
            lambda count, total: bar.update(task, completed=count, total=total),
        )
    console.print(f"{done.entries} of {done.size} entries written to {target}", markup=False)
    if form is not ExportForm.TAR:
        console.print("This form proves nothing: the tar does, by idx and leaf_hash.")
        return
    console.print(f"root {done.root.hex()}")
    console.print(
        f"check it: habeas verify {target} --key '{services.integrator.vkey}'",
        markup=False,
        soft_wrap=True,
    )


@verbs.command("tail")
def follow_log(
    start: Annotated[int, typer.Option("--from", min=0, help="The first index.")] = 0,
    form: Annotated[LineForm, typer.Option("--format", help="What a line is.")] = LineForm.JSONL,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many entries.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more until Ctrl-C.")] = False,
) -> None:
    """Print published entries in order, one a line; the index at the end says where to go on."""
    with opened() as services:
        entries = services.exports.tail(
            start, ExportForm(form), limit=limit, follow=_wait if follow else None
        )
        reached = print_lines(
            sys.stdout.buffer, entries, LINES[ExportForm(form)], services.log.origin, start
        )
    _stderr.print(f"go on with --from {reached}", markup=False)


def _wait(seconds: float) -> bool:
    sys.stdout.buffer.flush()
    time.sleep(seconds)
    return False


def print_lines(
    out: BinaryIO, entries: Iterable[Entry], lines: LineWriter, origin: str, start: int
) -> int:
    """Write a line for each entry until there are no more or the reader is gone.

    Returns:
        The index to go on with: after the last entry of which all was handed over.
    """
    reached = printed = start
    try:
        with contextlib.suppress(KeyboardInterrupt):
            out.write(lines.header)
            for entry in entries:
                out.write(lines.line(entry, origin))
                printed = entry.idx + 1
                if printed % FLUSH_EVERY == 0:
                    out.flush()
                    reached = printed
        out.flush()
        reached = printed
    except BrokenPipeError:
        # The interpreter flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return reached
