"""Projections: what other programs read, line by line, and what a spreadsheet must not run."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.entries.model import Actor, Entry, Kind, outcome
from app.audit.entries.service import AuditService
from app.audit.export import parquet
from app.audit.export.ocsf import CLASSES, ocsf_event
from app.audit.export.parquet import write_parquet
from app.audit.export.projections import COLUMNS, LINES, ExportForm, cells, read_cell, safe_cell
from app.audit.export.writing import export_log
from app.audit.growing.integrator import Integrator
from app.audit.reading.selection import Selection
from app.audit.reading.service import ReadingService
from app.audit.tree.merkle import leaf_hash
from app.db.engine import Database
from app.kernel.canonical import canonical, parse_canonical
from app.kernel.clock import instant
from app.kernel.errors import Unavailable
from app.wiring import Services
from tests import typed
from tests.audit import make
from tests.audit.conftest import ORIGIN, filled_by
from tests.fakes import FakeClock
from tests.templates import Templates

pytestmark = pytest.mark.slow

AUDITOR = Actor("person", "E-9000")
Projected = Callable[..., bytes]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path
) -> Iterator[str]:
    """A copy of a log of 400 entries, which was filled once."""
    templates.add("projected", "empty", filled_by(partial(make.fill, count=400)))
    with templates.copy(request.param, "projected", tmp_path) as url:
        yield url


@pytest.fixture
def project(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock, tmp_path: Path
) -> Projected:
    """Export the log of 400 entries in a form; the bytes of the file."""
    with database.read() as tx:
        clock.at = instant(ReadingService(log).entry(tx, 399).leaf["integrated_at"])

    def run(form: ExportForm, **more: Any) -> bytes:
        done = export_log(
            database,
            log,
            integrator,
            tmp_path / f"log{form.suffix}",
            actor=AUDITOR,
            now=clock.now(),
            documents=make.documents,
            form=form,
            **more,
        )
        return done.path.read_bytes()

    return run


@pytest.fixture
def leaves(project: Projected, database: Database, log: AuditService) -> list[Entry]:
    with database.read() as tx:
        return [ReadingService(log).entry(tx, idx) for idx in range(400)]


def entry(**changes: Any) -> Entry:
    """A leaf as it is; with a text somebody would like to smuggle in."""
    leaf = {
        "v": 1, "idx": 7, "event": "00000000-0000-4000-8000-000000000007",
        "kind": "device.paired", "occurred_at": "2026-11-16T09:00:00.123456Z",
        "integrated_at": "2026-11-16T09:00:01.000000Z",
        "actor": {"kind": "device", "id": "d-1"}, "subjects": [], "purpose": None, "facts": {},
        "commitment": None, "streams": {}, "submission": "sha256:" + "0" * 64,
    } | changes  # fmt: skip
    raw = canonical(leaf)
    return Entry(leaf["idx"], raw, leaf, leaf_hash(raw))


# Every form -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", sorted(LINES))
def test_each_line_names_its_entry(
    project: Projected, leaves: list[Entry], form: ExportForm
) -> None:
    data = project(form)
    if form is ExportForm.CSV:
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    else:
        rows = [json.loads(line) for line in data.decode().splitlines()]
        rows = [row.get("unmapped") or row.get("data") or row for row in rows]
    assert [int(row["idx"]) for row in rows] == list(range(401))
    hashes = [row["leaf_hash"] for row in rows[:400]]
    assert hashes == [leaf.leaf_hash.hex() for leaf in leaves]


@pytest.mark.parametrize("form", sorted(set(ExportForm) - {ExportForm.TAR}))
def test_the_same_entries_give_the_same_bytes(leaves: list[Entry], form: ExportForm) -> None:
    def write() -> bytes:
        if form is ExportForm.PARQUET:
            file = io.BytesIO()
            write_parquet(file, leaves)
            return file.getvalue()
        return b"".join(LINES[form].line(leaf, ORIGIN) for leaf in leaves)

    assert write() == write()


def test_two_exports_differ_by_their_own_entries_only(project: Projected) -> None:
    first, second = project(ExportForm.JSONL), project(ExportForm.JSONL)
    assert second.startswith(first)
    assert second.count(b"\n") == first.count(b"\n") + 1


def test_a_projection_of_a_selection_holds_that_selection(project: Projected) -> None:
    data = project(ExportForm.JSONL, selection=Selection(kinds=("consent.withdrawn",)))
    kinds = [json.loads(line)["entry"]["kind"] for line in data.splitlines()]
    assert set(kinds[:-1]) == {"consent.withdrawn"}
    assert kinds[-1] == "log.exported"
    said = json.loads(data.splitlines()[-1])["entry"]["facts"]
    assert said["format"] == "jsonl"
    assert said["selection"]["kinds"] == ["consent.withdrawn"]


# CSV --------------------------------------------------------------------------------------------

ATTACKS = (
    "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1",  # noqa: RUF001
    'a"b', "a,b", "a\nb", "\x1b[31mred", "'", "''", "",
)  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_no_cell_is_a_formula_and_each_reads_back(text: str) -> None:
    """In every field that holds text."""
    hostile = entry(
        actor={"kind": "device", "id": text}, purpose=text, subjects=[text], submission=text,
        event=text, commitment=text, facts={"note": text},
    )  # fmt: skip
    line = LINES[ExportForm.CSV].line(hostile, ORIGIN).decode()
    [row] = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert len(row) == len(COLUMNS)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for cell in row)  # noqa: RUF001
    assert [read_cell(cell) for cell in row] == [str(cells(hostile)[name]) for name in COLUMNS]
    assert line.endswith("\r\n")


@given(st.text())
def test_a_cell_is_no_formula_and_reads_back_whatever_it_holds(text: str) -> None:
    assert read_cell(safe_cell(text)) == text
    assert safe_cell(text)[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n", "\0"}


def test_the_csv_of_a_log_is_what_the_log_says(project: Projected, leaves: list[Entry]) -> None:
    rows = list(csv.DictReader(io.StringIO(project(ExportForm.CSV).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    for row, one in zip(rows[: len(leaves)], leaves, strict=True):
        assert parse_canonical(row["facts"].encode()) == one.leaf["facts"]
        assert row["subjects"].split() == one.leaf["subjects"]
        assert row["outcome"] == (outcome(one.leaf) or "")
        assert row["actor"] == one.leaf["actor"]["id"]


# Lines of JSON ----------------------------------------------------------------------------------


def test_a_line_of_json_holds_the_leafs_very_bytes(project: Projected, leaves: list[Entry]) -> None:
    for line, one in zip(
        project(ExportForm.JSONL).splitlines()[: len(leaves)], leaves, strict=True
    ):
        assert parse_canonical(line)["entry"] == one.leaf
        raw = line[len(b'{"entry":') : -len(b',"idx":%d,"leaf_hash":""}' % one.idx) - 64]
        assert leaf_hash(raw) == one.leaf_hash


def test_control_characters_do_not_break_a_line() -> None:
    """A line break or a terminal's escape within a text stays within its line."""
    hostile = entry(facts={"note": "a\nb\r\x1b[2J"}, actor={"kind": "device", "id": "d\n1"})
    for form in (ExportForm.JSONL, ExportForm.OCSF, ExportForm.CLOUDEVENTS):
        line = LINES[form].line(hostile, ORIGIN)
        assert line.count(b"\n") == 1
        assert b"\x1b" not in line
        assert b"\r" not in line


def test_cloudevents_have_what_version_1_asks_for(project: Projected, leaves: list[Entry]) -> None:
    lines = project(ExportForm.CLOUDEVENTS).splitlines()[: len(leaves)]
    for line, one in zip(lines, leaves, strict=True):
        event = parse_canonical(line)
        assert event["specversion"] == "1.0"
        assert (event["id"], event["source"]) == (one.leaf["event"], ORIGIN)
        assert event["type"] == f"habeas.{one.leaf['kind']}"
        assert instant(event["time"]) == instant(one.leaf["occurred_at"])
        assert event.get("subject") == (one.leaf["subjects"][0] if one.leaf["subjects"] else None)
        assert event["data"]["entry"] == one.leaf
        assert all(name.isalnum() and name.islower() for name in event)


def test_a_cloudevent_about_several_people_names_none_of_them_as_its_subject() -> None:
    event = parse_canonical(
        LINES[ExportForm.CLOUDEVENTS].line(entry(subjects=["p_a", "p_b"]), ORIGIN).rstrip()
    )
    assert "subject" not in event
    assert event["data"]["entry"]["subjects"] == ["p_a", "p_b"]


# OCSF -------------------------------------------------------------------------------------------


def test_every_kind_of_entry_has_a_class() -> None:
    assert set(CLASSES) == set(Kind)


REQUIRED = {
    3002: {"user", "service"},
    3004: {"entity"},
    6003: {"actor", "api", "src_endpoint"},
}
"""What the classes ask for beyond every event: ocsf-schema, events/iam and events/application."""


@pytest.mark.parametrize("kind", sorted(Kind))
def test_an_ocsf_event_has_what_its_class_asks_for(kind: Kind) -> None:
    leaf = entry(kind=kind.value, facts={"outcome": "deny"}, purpose="ai_training.evaluation")
    event = ocsf_event(leaf, ORIGIN)
    for name in ("activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid"):
        assert isinstance(event[name], int), name
    uid = event["class_uid"]
    assert isinstance(uid, int)
    assert event["type_uid"] == uid * 100 + int(str(event["activity_id"]))
    assert event["category_uid"] == uid // 1000
    assert set(event) >= REQUIRED[uid] | {"metadata", "actor"}
    metadata = event["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["uid"] == leaf.leaf["event"]
    assert metadata["version"].startswith("1.")
    assert {"name", "vendor_name"} <= set(metadata["product"])
    assert event["time"] == 1_794_819_600_123
    assert event["status_id"] == 2
    unmapped = event["unmapped"]
    assert isinstance(unmapped, dict)
    assert (unmapped["purpose"], unmapped["decision"]) == ("ai_training.evaluation", "deny")


@pytest.mark.parametrize(
    ("kind", "type_uid"),
    [
        ("consent.given", 300401),
        ("consent.withdrawn", 300404),
        ("policy.published", 300403),
        ("directory.person", 300403),
        ("access.decided", 600302),
        ("session.started", 300201),
        ("session.ended", 300202),
    ],
)
def test_the_types_that_monitors_look_for(kind: str, type_uid: int) -> None:
    assert ocsf_event(entry(kind=kind), ORIGIN)["type_uid"] == type_uid


def test_an_ocsf_actor_is_a_user_or_a_program() -> None:
    person = ocsf_event(entry(actor={"kind": "person", "id": "p_1"}), ORIGIN)
    device = ocsf_event(entry(facts={"device": "d-1"}), ORIGIN)
    assert person["actor"] == {"user": {"uid": "p_1"}}
    assert device["actor"] == {"app_name": "device", "app_uid": "d-1"}
    assert device["entity"] == {"type": "device", "uid": "d-1"}
    nameless = ocsf_event(entry(kind="subject.erased", subjects=["p_2"]), ORIGIN)
    assert nameless["entity"] == {"type": "subject", "uid": "p_2"}


# Parquet ----------------------------------------------------------------------------------------


def test_parquet_holds_the_columns_of_csv(
    project: Projected, leaves: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 150)
    file = pq.ParquetFile(io.BytesIO(project(ExportForm.PARQUET)))
    assert file.metadata.num_rows == 401
    assert file.metadata.num_row_groups == 3
    assert tuple(file.schema_arrow.names) == COLUMNS
    for row, one in zip(file.read().to_pylist(), leaves, strict=False):
        expected = cells(one)
        assert row["occurred_at"] == instant(one.leaf["occurred_at"])
        assert row["integrated_at"] == instant(one.leaf["integrated_at"])
        assert {name: row[name] for name in COLUMNS if not name.endswith("_at")} == {
            name: expected[name] for name in COLUMNS if not name.endswith("_at")
        }


def test_without_pyarrow_nothing_is_recorded_and_the_way_out_is_said(
    project: Projected, database: Database, log: AuditService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "app.audit.export.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with database.read() as tx:
        before = (log.size(tx), log.pending(tx))
    with pytest.raises(Unavailable, match="pyarrow") as caught:
        project(ExportForm.PARQUET)
    assert "habeas[parquet]" in caught.value.cure
    with database.read() as tx:
        assert (log.size(tx), log.pending(tx)) == before


# The command ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", ["sqlite"], indirect=True)
def test_the_verb_writes_a_selection_in_a_form_and_says_what_is_wrong(
    sample: Services, tmp_path: Path
) -> None:
    def habeas(*words: str) -> typed.Done:
        settings = {
            "HABEAS_DEMO": "1",
            "HABEAS_VAR": str(sample.settings.var),
            "HABEAS_DATABASE_URL": sample.settings.database_url,
        }
        return typed.habeas("audit", "export", *words, settings=settings)

    target = tmp_path / "log.csv"
    done = habeas(str(target), "--format", "csv", "--kind", "directory.person", "--region", "DE")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8"), newline="")))
    assert {row["kind"] for row in rows[:-1]} == {"directory.person"}
    assert all("DE" in row["regions"].split() for row in rows[:-1])
    assert "proves nothing" in done.stdout
    assert "Traceback" not in done.stderr
    wrong = habeas(str(target), "--since", "yesterday", "--kind", "nonsense")
    assert wrong.returncode == 2
    assert "since: This is no time" in wrong.stderr
    assert "kinds: A kind is not one of the log's" in wrong.stderr
    assert habeas(str(target), "--format", "xml").returncode == 2
