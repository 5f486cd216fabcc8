"""The auditor takes the log away, verifies it, and finds one flipped byte."""

import json
import re
import time
from typing import Any

from app.demo.tour.stage import Stage
from app.demo.tour.step import StepResult, hold
from app.sdk.verify import verify

EXPORT_PATIENCE_S = 30.0


def export_log(stage: Stage) -> StepResult:
    """Export the log."""
    job = stage.auditor.submit("/auditor/export", "/auditor/export").url.path
    end = time.monotonic() + EXPORT_PATIENCE_S
    while (progress := stage.auditor.get(f"{job}/progress").json())["state"] == "running":
        hold(time.monotonic() < end, f"the export ends: {progress['words']}")
        time.sleep(0.1)
    hold(progress["state"] == "ready", f"the export is ready: {progress['words']}")
    file = stage.auditor.get(f"{job}/file").content
    stage.tar = stage.folder / "habeas-log.tar"
    stage.tar.write_bytes(file)
    return StepResult(f"{len(file):,} bytes.", "log.exported", stage.newest("log.exported"))


def verify_export(stage: Stage) -> StepResult:
    """Verify it without server and database."""
    report = verify(stage.tar, stage.machine.get("/log/key").text.strip())
    hold(report.exit_code == 0, f"the export verifies: {report.integrity.sentence}")
    return StepResult(
        f"{report.integrity.sentence} {report.completeness.sentence}", report.policy.sentence
    )


def flip_one_byte(stage: Stage) -> StepResult:
    """Flip one byte."""
    data = bytearray(stage.tar.read_bytes())
    match = re.search(rb'\{"actor":[^\n]*"kind":"consent.withdrawn"[^\n]*', data)
    hold(match is not None, "the withdrawal is in the export")
    assert match is not None
    line: dict[str, Any] = json.loads(match.group())
    at = match.start() + match.group().index(b"consent.withdrawn") + len("consent.")
    data[at] ^= 1
    bad = stage.folder / "flipped.tar"
    bad.write_bytes(data)
    report = verify(bad, None)
    hold(report.exit_code != 0, "a flipped byte is found")
    hold(
        report.integrity.first_bad == line["idx"],
        f"the flipped entry is named: {report.integrity.first_bad}, not {line['idx']}",
    )
    return StepResult(report.integrity.sentence, f"entry {report.integrity.first_bad}")
