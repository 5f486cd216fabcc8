"""The export as a third party gets it."""

import tarfile
from pathlib import Path

from app.audit import archive
from app.audit.export import export_log
from app.audit.integrator import Integrator
from app.audit.model import Actor
from app.audit.service import AuditService
from app.audit.tiles import tiles_of
from app.db.engine import Database
from app.kernel.canonical import digest
from app.sdk.verify import verify
from tests.audit import make
from tests.fakes import FakeClock

AUDITOR = Actor("person", "E-9000")


def test_an_export_of_a_thousand_entries_verifies(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
) -> None:
    make.fill(database, log, integrator, clock, 1_100)
    document = b'{"v":1}'
    done = export_log(
        database,
        log,
        integrator,
        tmp_path / "log.tar",
        actor=AUDITOR,
        now=clock.now(),
        documents=lambda tx: [
            *make.documents(tx),
            *make.documents(tx),
            (digest(document), document),
        ],
    )
    report = verify(done.path, integrator.vkey)
    assert report.ok, report
    assert report.exit_code == 0
    assert (report.size, report.root, report.key) == (1_101, done.root, "given")
    assert report.counts["decisions"] > 800
    assert "0 of" in report.policy.sentence
    with tarfile.open(done.path) as tar:
        names = tar.getnames()
        lines = tar.extractfile(archive.ENTRIES)
        assert lines is not None
        raws = lines.read().split(b"\n")
        tar.extractall(tmp_path / "unpacked", filter="data")
    assert raws.pop() == b""
    with database.read() as tx:
        assert raws == [log.entry(tx, idx).raw for idx in range(1_101)]
    assert {name for name in names if name.startswith("tile/")} == {
        tile.path for tile in tiles_of(1_101)
    }
    assert verify(tmp_path / "unpacked", integrator.vkey).ok
    assert list(tmp_path.glob("*.part")) == []


def test_the_export_is_an_entry_of_the_log_it_exports(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
) -> None:
    """Also of a log that nobody integrated before."""
    with database.write() as tx:
        log.open(tx, clock.now())
    for number in range(2):
        done = export_log(
            database,
            log,
            integrator,
            tmp_path / f"{number}.tar",
            actor=AUDITOR,
            now=clock.now(),
            documents=make.documents,
        )
        assert done.size == number + 2
        assert verify(done.path).ok
    with database.read() as tx:
        leaf = log.entry(tx, 2).leaf
        assert leaf["kind"] == "log.exported"
        assert leaf["actor"]["id"] == log.pseudonym(tx, "E-9000")
    assert leaf["facts"]["size"] == 2


def test_the_same_log_gives_the_same_bytes(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
) -> None:
    """Checked on the parts that the second export's own entry does not touch."""
    make.fill(database, log, integrator, clock, 300)
    paths = []
    for name in ("a.tar", "b.tar"):
        done = export_log(
            database,
            log,
            integrator,
            tmp_path / name,
            actor=AUDITOR,
            now=clock.now(),
            documents=make.documents,
        )
        paths.append(done.path)
    with tarfile.open(paths[0]) as first, tarfile.open(paths[1]) as second:
        assert [str(one) for one in first.getnames()][:3] == second.getnames()[:3]
        for member in first.getmembers():
            assert (member.mtime, member.uid, member.gid, member.mode) == (0, 0, 0, 0o644)
        early = first.extractfile("tile/0/000")
        late = second.extractfile("tile/0/000")
        assert early is not None
        assert late is not None
        assert early.read() == late.read()
