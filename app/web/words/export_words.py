"""The forms in which the log leaves, and the state of an export, in words. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app.audit.export.jobs import Job, JobState
from app.audit.export.projections import ExportForm
from app.web.words.policy_words import counted


class FormWords(NamedTuple):
    """A form: its name, and what it is good for."""

    name: str
    use: str


FORMS: Mapping[str, FormWords] = {
    ExportForm.TAR: FormWords(
        "Verifiable export (.tar)",
        "The entries with every hash of the tree, the policies and the keys. The only form that "
        "proves anything: habeas verify checks it without this server.",
    ),
    ExportForm.CSV: FormWords("Table (.csv)", "For a spreadsheet. No cell can be a formula."),
    ExportForm.JSONL: FormWords("JSON Lines (.jsonl)", "The entries as they are, one a line."),
    ExportForm.OCSF: FormWords("OCSF (.ocsf.jsonl)", "For a SIEM that reads the Open Cybersecurity "
    "Schema."),
    ExportForm.CLOUDEVENTS: FormWords("CloudEvents (.cloudevents.jsonl)", "For programs that take "
    "events, CloudEvents 1.0."),
    ExportForm.PARQUET: FormWords("Parquet (.parquet)", "For a data lake."),
}  # fmt: skip
"""Every form, the one that proves first."""

STATES: Mapping[JobState, str] = {
    JobState.RUNNING: "is being written",
    JobState.READY: "is ready",
    JobState.CANCELLED: "was cancelled",
    JobState.FAILED: "failed",
    JobState.CRASHED: "broke off",
}


def headline(job: Job) -> str:
    """A job as a sentence."""
    return f"The export {STATES[job.state]}."


def progress_in_words(job: Job) -> str:
    """How far a job is; what the page and the script both say."""
    if job.state is not JobState.RUNNING:
        return headline(job)
    if job.cancelling:
        return "Cancelling. It stops at the next entry."
    if not job.total:
        return "Begun. The entry about this export gets its place in the log first."
    return f"{job.done:,} of {counted(job.total, 'step')} written, {job.percent} %."


def bytes_in_words(size: int) -> str:
    """A size of a file: ``812 bytes``, ``4.1 kB``, ``1.2 GB`` (powers of 1,000)."""
    if size < 1_000:  # noqa: PLR2004 - the next unit
        return counted(size, "byte")
    amount, unit = float(size), "bytes"
    for name in ("kB", "MB", "GB", "TB"):
        amount, unit = amount / 1_000, name
        if amount < 1_000:  # noqa: PLR2004 - the next unit
            break
    return f"{amount:.1f} {unit}"


def minutes_left(until: datetime | None, now: datetime) -> int:
    """How many minutes a file stays, rounded up; 0 where it goes at once."""
    return max(0, -(-int((until - now).total_seconds()) // 60)) if until else 0
