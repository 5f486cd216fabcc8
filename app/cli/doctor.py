"""``habeas doctor``: does every table agree with the log?"""

import json
import sys
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli.files import read_file
from app.cli.opened import looked_at
from app.db.ring import Flaw
from app.kernel.errors import InvalidInput
from app.reconcile.examination import RowFindings
from app.reconcile.sealing import SealedNow
from app.wiring import Services

verbs = typer.Typer()
_stderr = Console(stderr=True, highlight=False)


@verbs.command()
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    rebuild: Annotated[
        bool,
        typer.Option(help="Seal all rows again that the log confirms; two custodians must sign."),
    ] = False,
    signed: Annotated[
        Path | None, typer.Option(help="With --rebuild: the statement that two custodians signed.")
    ] = None,
) -> None:
    """Compare every row with the log, and say which do not agree; the end is 1 if any does not.

    It works next to a running service, and writes nothing but alarms about what it finds; the end
    is 2 where the log is not the log that was signed. --rebuild without --signed prints what must
    be signed.
    """
    if signed is not None and not rebuild:
        raise InvalidInput("--signed says nothing here", cure="Leave it out, or add --rebuild.")
    with looked_at() as services:
        if rebuild:
            _rebuild(services, signed)
            return
        findings = _reported(services, as_json=as_json)
    if findings.count:
        sys.exit(2 if any(one.flaw is Flaw.LOG for one in findings.differences) else 1)


def _reported(services: Services, *, as_json: bool) -> RowFindings:
    """Examine, say what was found, and bring its alarms into the log."""
    began = monotonic()
    findings = _examined(services)
    if as_json:
        print(json.dumps(_as_json(findings), indent=2))
    else:
        _say(findings, monotonic() - began)
    if findings.count:
        services.integrator.integrate()
    return findings


def _examined(services: Services) -> RowFindings:
    with _bar() as bar:
        task = bar.add_task("reading", total=None)
        return services.reconciler.examine(
            lambda what, count, total: bar.update(
                task, description=f"{what}: {count:,}" + (f" of {total:,}" if total else "")
            )
        )


def _bar() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, transient=True, console=_stderr)


def _say(findings: RowFindings, seconds: float) -> None:
    for difference in findings.differences:
        print(f"{difference.sentence}.")
    if findings.count > len(findings.differences):
        print(f"and {findings.count - len(findings.differences)} more.")
    read = f"{findings.entries:,} entries and {findings.rows:,} rows in {seconds:.1f} s"
    if findings.count:
        print(f"{findings.count} do not agree with the log ({read}). Nothing they say opens")
        print("anything; alarms are raised. See docs/operate.md, When tables and log disagree.")
    else:
        print(f"In order: every row agrees with the log ({read}).")


def _as_json(findings: RowFindings) -> dict[str, object]:
    return {
        "entries": findings.entries,
        "rows": findings.rows,
        "count": findings.count,
        "differences": [
            {
                "chain": one.chain,
                "flaw": one.flaw.value,
                "table": one.table,
                "row": one.row_key,
                "columns": list(one.columns),
                "entry": one.idx,
            }
            for one in findings.differences
        ],
    }


def _rebuild(services: Services, signed: Path | None) -> None:
    if signed is None:
        with services.database.read() as tx:
            print(services.reconciler.statement(tx), end="")
        return
    note = read_file(signed)
    with _bar() as bar:
        task = bar.add_task("sealing", total=None)
        done = services.reconciler.rebuild(
            note,
            lambda what, count, _: bar.update(task, description=f"{what}: {count:,}"),
            services.clock.now(),
        )
    services.integrator.integrate()
    _say_sealed(done)


def _say_sealed(done: SealedNow) -> None:
    print(f"{done.sealed:,} rows are sealed again.")
    for difference in done.findings.differences:
        print(f"{difference.sentence}.")
    if done.findings.count:
        print(f"{done.findings.count} were not: the log does not confirm them. Alarms are raised.")
