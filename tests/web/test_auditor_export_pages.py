"""Taking the log with you: choose, count, write in the background, download, on both databases."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.audit.entries.model import EntryFilter
from app.audit.export.jobs import KEPT_S, Job, JobState, Progress
from app.audit.export.projections import ExportForm
from app.audit.export.service import file_name
from app.audit.reading.service import ReadingService
from app.main import create_app
from app.sdk.verify import verify
from app.web.words.export_words import (
    FORMS,
    bytes_in_words,
    minutes_left,
    progress_in_words,
)
from app.wiring import Services
from tests import make
from tests.fakes import FakeClock
from tests.web.visiting import Visit, employ, text_of, visit

ALF, ADA, EVE = "E-1", "E-2", "E-3"


@pytest.fixture
def people(services: Services) -> None:
    employ(
        services,
        [
            make.person(ALF, "auditor", name="Alf Sample"),
            make.person(ADA, "auditor", name="Ada Sample"),
            make.person(EVE, name="Eve Sample"),
        ],
    )
    services.integrator.integrate()


def _begun(page: Response) -> str:
    assert page.status_code == 303, text_of(page)
    found = re.fullmatch(r"/auditor/export/jobs/[0-9a-f]{32}", page.headers["location"])
    assert found is not None
    return found[0]


def _ended(who: Visit, job: str) -> dict[str, object]:
    for _ in range(400):
        body = who.get(f"{job}/progress").json()
        if body["state"] != "running":
            return dict(body)
        time.sleep(0.02)
    raise AssertionError("the export did not end")


def _exported(services: Services) -> dict[str, object]:
    services.integrator.integrate()
    with services.database.read() as tx:
        return dict(
            ReadingService(services.log)
            .search(tx, EntryFilter(kind="log.exported", limit=1))[0]
            .leaf
        )


def _eve(services: Services) -> str:
    with services.database.read() as tx:
        return services.log.pseudonym(tx, EVE)


def test_the_whole_log_is_written_and_verifies(
    alf: Visit, services: Services, tmp_path: Path
) -> None:
    assert "the whole log" in text_of(alf.get("/auditor/export"))
    job = _begun(alf.post("/auditor/export"))
    assert _ended(alf, job)["state"] == "ready"
    text = text_of(alf.get(job))
    assert "The export is ready." in text
    assert "kept here for you alone, 60 minutes more" in text
    answer = alf.get(f"{job}/file")
    leaf = _exported(services)
    name = f"habeas-export-{leaf['idx'] + 1}.tar"  # type: ignore[operator]
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["cache-control"] == "no-store"
    file = tmp_path / name
    file.write_bytes(answer.content)
    report = verify(file, services.integrator.vkey)
    assert report.ok, report


def test_a_part_is_counted_first_and_written_as_a_table(alf: Visit, services: Services) -> None:
    page = alf.get("/auditor/export?kind=directory.person")
    assert "3 of " in text_of(page)
    assert "that none of them is missing cannot" in text_of(page)
    assert '<input type="hidden" name="kind" value="directory.person">' in page.text
    job = _begun(alf.post("/auditor/export", kind="directory.person", form="csv"))
    assert _ended(alf, job)["state"] == "ready"
    answer = alf.get(f"{job}/file")
    assert answer.headers["content-type"].startswith("text/csv")
    kinds = [line.split(",")[4] for line in answer.text.splitlines()[1:]]
    assert kinds == ["directory.person"] * 3 + ["log.exported"]
    assert "-part.csv" in answer.headers["content-disposition"]
    assert "proves nothing by itself" in text_of(alf.get(job))


def test_nothing_chosen_is_said_and_is_no_mistake(alf: Visit, services: Services) -> None:
    page = alf.get(f"/auditor/export?person={_eve(services)}&kind=policy")
    assert page.status_code == 200
    assert "0 entries of" in text_of(page)


def test_a_time_can_be_proved_complete(alf: Visit, services: Services) -> None:
    today = services.clock.now().date().isoformat()
    assert "proves that none of them is missing" in text_of(
        alf.get(f"/auditor/export?since={today}&until={today}")
    )


@pytest.mark.parametrize("form", ["jsonl", "ocsf", "cloudevents"])
def test_each_form_can_be_had(alf: Visit, form: str) -> None:
    job = _begun(alf.post("/auditor/export", form=form))
    assert _ended(alf, job)["state"] == "ready"
    lines = alf.get(f"{job}/file").text.splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert len(lines) > 10


def test_reading_a_persons_entries_needs_a_reason_and_is_in_their_stream(
    alf: Visit, services: Services
) -> None:
    eve = _eve(services)
    assert "Why you take these entries out" in text_of(alf.get(f"/auditor/export?person={eve}"))
    refused = alf.post("/auditor/export", person=eve)
    assert refused.status_code == 422
    assert "Say why this person's entries are taken out." in text_of(refused)
    with services.database.read() as tx:
        assert ReadingService(services.log).search(tx, EntryFilter(kind="log.exported")) == ()
    job = _begun(alf.post("/auditor/export", person=eve, reason="She asked for it."))
    assert _ended(alf, job)["state"] == "ready"
    leaf = _exported(services)
    assert leaf["subjects"] == [eve]
    with services.database.read() as tx:
        assert ReadingService(services.log).body(tx, str(leaf["event"])) == {
            "reason": "She asked for it."
        }


def test_counting_a_persons_entries_is_reading_them(alf: Visit, services: Services) -> None:
    eve = _eve(services)
    alf.get(f"/auditor/export?person={eve}")
    services.integrator.integrate()
    with services.database.read() as tx:
        (read,) = ReadingService(services.log).search(tx, EntryFilter(kind="log.read", subject=eve))
    assert read.leaf["facts"] == {
        "kind": None, "subject": eve, "count": 1, "asked": {"as": "export"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"person": "Eve"}, "under a pseudonym"),
        ({"person": "p_" + "0" * 32, "reason": "x"}, "Nobody stands in the log"),
        ({"kind": "Anna Muster was ill"}, "not one of the choices"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "lies before the first"),
        ({"form": "docx"}, "not one of the forms"),
    ],
)
def test_what_makes_no_sense_is_mended_and_nothing_begins(
    alf: Visit, services: Services, fields: dict[str, str], said: str
) -> None:
    page = alf.post("/auditor/export", **fields)
    assert page.status_code == 422
    assert said in text_of(page)
    assert services.exports.jobs.mine(ALF) == ()


@pytest.mark.parametrize("asked", ["side=by", "outcome=deny"])
def test_what_an_export_cannot_choose_by_is_said(
    alf: Visit, services: Services, asked: str
) -> None:
    page = alf.get(f"/auditor/export?person={_eve(services)}&{asked}")
    assert page.status_code == 422
    assert "An export " in text_of(page)


def test_asking_for_an_export_of_nobody_is_an_entry(alf: Visit, services: Services) -> None:
    nobody = "p_" + "0" * 32
    alf.post("/auditor/export", person=nobody, reason="A guess.")
    services.integrator.integrate()
    with services.database.read() as tx:
        newest = ReadingService(services.log).search(tx, EntryFilter(kind="log.read"))[0]
    assert newest.leaf["facts"] == {
        "kind": None, "subject": nobody, "count": 0, "asked": {"as": "export"},
    }  # fmt: skip


def test_each_download_is_an_entry_about_whose_entries_they_are(
    alf: Visit, services: Services
) -> None:
    eve = _eve(services)
    job = _begun(alf.post("/auditor/export", person=eve, reason="She asked.", form="csv"))
    _ended(alf, job)
    for _ in range(2):
        assert alf.get(f"{job}/file").status_code == 200
    services.integrator.integrate()
    with services.database.read() as tx:
        reads = ReadingService(services.log).search(tx, EntryFilter(kind="log.read", subject=eve))
    fetched = {"kind": None, "subject": eve, "count": 1, "asked": {"as": "download", "form": "csv"}}
    assert [read.leaf["facts"] for read in reads] == [fetched, fetched]


def test_another_auditor_does_not_see_it(
    alf: Visit, client: TestClient, services: Services
) -> None:
    job = _begun(alf.post("/auditor/export"))
    _ended(alf, job)
    ada = visit(client, services, ADA)
    for path in ("", "/progress", "/file"):
        assert ada.get(f"{job}{path}").status_code == 404
    for act in ("cancel", "remove"):
        assert ada.post(f"{job}/{act}").status_code == 404
    assert "Your exports" not in text_of(ada.get("/auditor/export"))
    assert "Your exports" in text_of(alf.get("/auditor/export"))
    assert alf.get(f"{job}/file").status_code == 200


def test_an_auditor_no_longer_gets_no_file(alf: Visit, services: Services) -> None:
    job = _begun(alf.post("/auditor/export"))
    _ended(alf, job)
    employ(services, [make.person(ALF, name="Alf Sample"), make.person(ADA, "auditor")])
    assert alf.get(f"{job}/file").status_code == 403


def test_after_an_hour_it_is_gone_and_the_page_says_why(
    alf: Visit, client: TestClient, services: Services, clock: FakeClock
) -> None:
    job = _begun(alf.post("/auditor/export"))
    _ended(alf, job)
    clock.advance(KEPT_S)
    again = visit(client, services, ALF)
    gone = again.get(job)
    assert gone.status_code == 404
    assert "removed an hour after it was written" in text_of(gone)
    assert again.get(f"{job}/file").status_code == 404


def test_it_can_be_removed_at_once(alf: Visit, services: Services) -> None:
    job = _begun(alf.post("/auditor/export"))
    _ended(alf, job)
    assert alf.post(f"{job}/remove").headers["location"] == "/auditor/export"
    assert alf.get(job).status_code == 404
    assert list(services.exports.jobs.folder.glob("[0-9a-f]" * 32)) == []


def test_a_running_export_says_how_far_it_is_without_a_script_and_can_be_cancelled(
    alf: Visit, services: Services
) -> None:
    def slow(_target: Path, progress: Progress) -> str:
        for done in range(100_000):
            progress(done, 100_000)
            time.sleep(0.005)
        return "never.tar"

    started = services.exports.jobs.start(ALF, {"form": "tar", "kind": "policy"}, slow)
    job = f"/auditor/export/jobs/{started.id}"
    page = alf.get(job)
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page.text
    assert '<progress class="job-bar" aria-label="How much is written" max="100"' in page.text
    assert "Policy and stops" in text_of(page)
    assert alf.get(f"{job}/progress").json()["state"] == "running"
    assert alf.get(f"{job}/file").status_code == 404
    assert alf.post(f"{job}/remove").status_code == 409
    assert alf.post(f"{job}/cancel").status_code == 303
    assert _ended(alf, job) == {
        "state": "cancelled",
        "percent": 0,
        "words": "The export was cancelled.",
    }
    cancelled = alf.get(job)
    assert "You cancelled it." in text_of(cancelled)
    assert "http-equiv" not in cancelled.text
    assert 'href="/auditor/export?kind=policy"' in cancelled.text


def test_a_third_at_once_is_told_to_wait_and_keeps_what_was_chosen(
    alf: Visit, services: Services
) -> None:
    def slow(_target: Path, progress: Progress) -> str:
        for done in range(100_000):
            progress(done, 100_000)
            time.sleep(0.005)
        return "never.tar"

    jobs = services.exports.jobs
    running = [jobs.start(ADA, {"form": "tar"}, slow) for _ in range(2)]
    page = alf.post("/auditor/export", kind="policy", form="jsonl", reason="A sample.")
    assert page.status_code == 422
    assert "2 exports are being written now." in text_of(page)
    assert 'value="jsonl" checked' in page.text
    assert 'value="A sample."' in page.text
    for job in running:
        jobs.cancel(job.id, ADA)
    for job in running:
        while jobs.find(job.id, ADA).ended_at is None:
            time.sleep(0.02)


def test_what_an_earlier_process_left_is_removed_at_the_start(
    alf: Visit, services: Services, clock: FakeClock
) -> None:
    job = _begun(alf.post("/auditor/export"))
    _ended(alf, job)
    folder = services.exports.jobs.folder / job.rpartition("/")[2]
    for seconds, is_kept in ((KEPT_S - 1, True), (1, False)):
        clock.advance(seconds)
        with TestClient(create_app(services)):
            assert folder.exists() is is_kept


def test_how_far_it_is_in_words(clock: FakeClock) -> None:
    job = Job("0" * 32, ALF, {}, JobState.RUNNING, clock.now())
    assert progress_in_words(job).startswith("Begun.")
    assert progress_in_words(replace(job, done=1_200, total=2_400)) == (
        "1,200 of 2,400 steps written, 50 %."
    )
    assert replace(job, done=9, total=9).percent == 99
    assert progress_in_words(replace(job, cancelling=True)).startswith("Cancelling.")
    assert progress_in_words(replace(job, state=JobState.CRASHED)) == "The export broke off."


def test_words_about_a_file() -> None:
    assert [bytes_in_words(size) for size in (1, 812, 4_100, 1_200_000_000)] == [
        "1 byte", "812 bytes", "4.1 kB", "1.2 GB",
    ]  # fmt: skip
    assert bytes_in_words(5 * 10**16) == "50000.0 TB"
    assert file_name(9, ExportForm.TAR, whole=True) == "habeas-export-9.tar"
    assert set(FORMS) == set(ExportForm)
    assert minutes_left(None, None) == 0  # type: ignore[arg-type]
