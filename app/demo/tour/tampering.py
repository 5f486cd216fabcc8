"""Somebody who owns the database deletes a withdrawal; a service of its own is there for it.

Its database is new and thrown away afterwards: the one that the rest of the tour is told to is
nobody's to harm.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.demo.server import SECRETS, demo_settings, free_port, running
from app.demo.tour import auditor, employee
from app.demo.tour.stage import EMPLOYEE, Stage
from app.demo.tour.step import StepResult, hold
from app.kernel.vocabulary import Reason
from app.sdk.verify import verify
from app.wiring import Services


def delete_a_withdrawal(stage: Stage) -> StepResult:
    """Somebody deletes a withdrawal with SQL."""
    with _another(stage.folder / "tampered") as (other, services, file):
        for step in (employee.sign_in, employee.pair_laptop, employee.opt_in):
            step(other)
        hold(other.until(lambda polled: polled.capture).capture, "the laptop may capture")
        withdrawn = employee.withdraw(other).index
        hold(not other.agent.poll().capture, "the withdrawal turns it off")
        deleted = _delete(file)
        polled = other.until(lambda polled: polled.reason is Reason.RECORD_DISPUTED)
        hold(not polled.capture, "a deleted withdrawal turns nothing on")
        hold(polled.reason is Reason.RECORD_DISPUTED, f"the laptop is told why: {polled.reason}")
        page = other.employee.get("/me").text
        hold("does not agree with the log" in page, "the employee reads why")
        alarm = other.newest("alarm.raised")
        said = (*_examined(services), *_verified(other))
    return StepResult(
        f"In a database of its own, past its guards: {deleted} row, the withdrawal of log "
        f"{withdrawn}. The next lease is off, and the employee reads why.",
        str(polled.reason),
        alarm,
        said,
    )


def _examined(services: Services) -> tuple[str, ...]:
    """What ``habeas doctor`` names."""
    differences = services.reconciler.examine(lambda *_: None).differences
    hold(bool(differences), "the doctor names the row")
    return tuple(f"habeas doctor: {difference.sentence}." for difference in differences)


def _verified(stage: Stage) -> tuple[str, ...]:
    """What a verifier of the log says of it: that the log is in order, and the tables are not."""
    auditor.export_log(stage)
    report = verify(stage.tar, stage.machine.get("/log/key").text.strip())
    hold(report.exit_code == 0, f"the log is in order: {report.policy.findings}")
    said = tuple(note for note in report.notes if "alarm" in note.lower())
    hold(any("is open" in note for note in said), "the verifier tells the open alarm")
    return said


@contextmanager
def _another(folder: Path) -> Iterator[tuple[Stage, Services, Path]]:
    """Another service, what it is made of, and the file of its database."""
    folder.mkdir(mode=0o700)
    file = folder / "habeas.sqlite"
    settings = demo_settings(free_port(), folder / "var", database_url=f"sqlite:///{file}")
    with (
        running(settings) as services,
        closing(Stage(settings.base_url, settings.var / SECRETS, folder)) as stage,
    ):
        yield stage, services, file


def _delete(file: Path) -> int:
    """Take the guards away, delete the employee's withdrawal, put the guards back."""
    with closing(sqlite3.connect(file)) as database, database:
        guards = database.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall()
        for name, _ in guards:
            database.execute(f'DROP TRIGGER "{name}"')
        deleted = database.execute(
            "DELETE FROM consent_decision WHERE person_id = ? AND act = 'withdrawn'", (EMPLOYEE,)
        )
        for _, statement in guards:
            database.execute(statement)
        return deleted.rowcount
