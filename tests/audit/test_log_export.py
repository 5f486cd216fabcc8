"""The export as a third party gets it."""

import io
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.audit.entries import cosigned, documents, store
from app.audit.entries.model import SYSTEM, Actor
from app.audit.entries.service import AuditService
from app.audit.export import archive
from app.audit.export.writing import WITNESSES_WITHIN_S, Exported, _Told, _write_archive, export_log
from app.audit.growing.integrator import Integrator
from app.audit.reading import lookup
from app.audit.reading.selection import Selection
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import parse_note
from app.audit.tree.cosignature import Cosignature, WitnessKey, cosign
from app.audit.tree.tiles import tiles_of
from app.db.engine import Database, Tx
from app.kernel.canonical import digest
from app.kernel.errors import Unavailable
from app.kernel.signing import LocalSigner
from app.sdk.verify import Report, verify
from app.wiring import Services
from tests.audit import make
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow

AUDITOR = Actor("person", "E-9000")
Export = Callable[..., Exported]


@pytest.fixture
def export(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock, tmp_path: Path
) -> Export:
    def run(name: str = "log.tar", **more: Any) -> Exported:
        return export_log(
            database,
            log,
            integrator,
            tmp_path / name,
            actor=AUDITOR,
            now=clock.now(),
            **{"documents": make.documents, **more},
        )

    return run


def is_whole(report: Report) -> bool:
    """The entries of these tests are made up: what they decide does not follow from the log."""
    return bool(report.integrity.ok and report.completeness.ok)


def test_an_export_of_a_thousand_entries_verifies(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
    export: Export,
) -> None:
    make.fill(database, log, integrator, clock, 1_100)
    document = b'{"v":1}'
    done = export(
        documents=lambda tx: [
            *make.documents(tx),
            *make.documents(tx),
            (digest(document), document),
        ],
    )
    report = verify(done.path, integrator.vkey)
    assert is_whole(report), report
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
        assert raws == [ReadingService(log).entry(tx, idx).raw for idx in range(1_101)]
    assert {name for name in names if name.startswith("tile/")} == {
        tile.path for tile in tiles_of(1_101)
    }
    assert archive.SELECTION not in names
    assert is_whole(verify(tmp_path / "unpacked", integrator.vkey))
    assert list(tmp_path.glob("*.part")) == []


def test_the_export_of_the_sample_organisation_passes_all_three_verdicts(
    sample: Services, tmp_path: Path
) -> None:
    done = export_log(
        sample.database,
        sample.log,
        sample.integrator,
        tmp_path / "log.tar",
        actor=SYSTEM,
        now=sample.clock.now(),
        documents=sample.exports.documents,
    )
    report = verify(done.path, sample.integrator.vkey)
    assert report.ok, report
    assert report.exit_code == 0


def test_the_export_is_an_entry_of_the_log_it_exports(
    database: Database, log: AuditService, clock: FakeClock, export: Export
) -> None:
    """Also of a log that nobody integrated before."""
    with database.write() as tx:
        log.open(tx, clock.now())
    for number in range(2):
        done = export(f"{number}.tar")
        assert (done.size, done.entries) == (number + 2, number + 2)
        assert is_whole(verify(done.path))
    with database.read() as tx:
        leaf = ReadingService(log).entry(tx, 2).leaf
        assert leaf["kind"] == "log.exported"
        assert leaf["actor"]["id"] == log.pseudonym(tx, "E-9000")
    assert leaf["facts"]["size"] == 2


def test_an_export_says_how_and_of_what_it_was_made(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock, export: Export
) -> None:
    make.fill(database, log, integrator, clock, 20)
    selection = Selection(kinds=("consent.withdrawn",))
    roots = [export().root, export(selection=selection).root]
    with database.read() as tx:
        whole, some = (ReadingService(log).entry(tx, idx).leaf["facts"] for idx in (20, 21))
    assert whole == {"size": 20, "root": whole["root"], "format": "tar", "selection": None}
    assert some["root"] == roots[0].hex()
    assert (some["size"], some["selection"]) == (21, selection.facts)


def test_the_same_log_gives_the_same_bytes(
    database: Database, integrator: Integrator, log: AuditService, clock: FakeClock
) -> None:
    """Each export adds its own entry, so one checkpoint is written twice here."""
    make.fill(database, log, integrator, clock, 700)

    def written() -> bytes:
        file = io.BytesIO()
        with database.read() as tx:
            signed = store.last_checkpoint(tx)
            assert signed is not None
            whole = lookup.everything(signed.size)
            _write_archive(tx, file, signed, integrator.vkey, make.documents, whole, _Told(None))
        return file.getvalue()

    first = written()
    assert written() == first
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        for member in tar.getmembers():
            assert (member.mtime, member.uid, member.gid, member.mode) == (0, 0, 0, 0o644)


def test_a_file_of_that_name_is_replaced_and_a_failed_export_leaves_it(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
    export: Export,
) -> None:
    make.fill(database, log, integrator, clock, 20)
    target = tmp_path / "log.tar"
    target.write_bytes(b"last year's")

    def broken(_tx: Tx) -> list[tuple[str, bytes]]:
        raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="No space left"):
        export(documents=broken)
    assert target.read_bytes() == b"last year's"
    assert list(tmp_path.glob("*.part")) == []
    export()
    assert is_whole(verify(target, integrator.vkey))


def test_two_exports_to_one_name_do_not_write_into_each_other(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
    export: Export,
) -> None:
    make.fill(database, log, integrator, clock, 20)
    seen: list[bool] = []

    def meanwhile(_tx: Tx) -> list[tuple[str, bytes]]:
        seen.append(len(list(tmp_path.glob("*.part"))) == 1)
        second = export(documents=make.documents)
        seen.append(is_whole(verify(second.path, integrator.vkey)))
        return make.documents(_tx)

    first = export(documents=meanwhile)
    assert is_whole(verify(first.path, integrator.vkey))
    assert seen == [True, True]
    assert list(tmp_path.glob("*.part")) == []


def test_a_link_where_the_file_goes_is_replaced_and_not_followed(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    tmp_path: Path,
    export: Export,
) -> None:
    make.fill(database, log, integrator, clock, 3)
    precious = tmp_path / "precious"
    precious.write_bytes(b"somebody's")
    for name in ("log.tar", "log.tar.part"):
        (tmp_path / name).symlink_to(precious)
    export()
    assert precious.read_bytes() == b"somebody's"
    assert not (tmp_path / "log.tar").is_symlink()


def test_an_entry_whose_checkpoint_is_not_published_is_not_exported(
    database: Database, log: AuditService, integrator: Integrator, clock: FakeClock, export: Export
) -> None:
    """An integrator that numbers and cannot publish must not lead to a file that looks whole."""
    make.fill(database, log, integrator, clock, 20)

    class Numbering(Integrator):
        def publish(self, previous: bytes | None = None) -> None:
            assert previous is None

    numbering = Numbering(database, integrator.signer, integrator.origin, clock)
    with pytest.raises(Unavailable, match="not published"):
        export_log(
            database,
            log,
            numbering,
            export().path,
            actor=AUDITOR,
            now=clock.now(),
            documents=make.documents,
        )


# Witnesses --------------------------------------------------------------------------------------


@pytest.fixture
def witness(database: Database, clock: FakeClock) -> LocalSigner:
    """A witness that the policy in force asks for."""
    signer = LocalSigner.generate()
    vkey = WitnessKey("council.example", signer.public).vkey
    policy = f"witness council {vkey}\nquorum council\n".encode()
    with database.write() as tx:
        documents.adopt(tx, cosigned.ADOPTED, documents.keep(tx, policy, clock.now()), clock.now())
    return signer


def test_an_export_waits_a_moment_for_witnesses_and_carries_their_lines(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    witness: LocalSigner,
    export: Export,
) -> None:
    make.fill(database, log, integrator, clock, 20)

    def look() -> bool:
        with database.write() as tx:
            newest = cosigned.newest(tx)
            policy = documents.in_force(tx, cosigned.ADOPTED)
            if newest is None or newest.size < 21:
                return False
            line = cosign(
                parse_note(newest.note.encode()).text, "council.example", witness, 1_794_819_600
            )
            key = WitnessKey("council.example", witness.public)
            cosigned.add(tx, newest.size, Cosignature(key, 1_794_819_600, line), clock.now())
            cosigned.add_quorum(tx, str(policy), newest.size, clock.now())
            return True

    def watch() -> None:
        while not look():
            time.sleep(0.05)

    council = threading.Thread(target=watch)
    council.start()
    done = export()
    council.join()
    with tarfile.open(done.path) as tar:
        note = tar.extractfile(archive.CHECKPOINT)
        assert note is not None
        lines = parse_note(note.read()).signatures
    assert [line.name for line in lines] == [integrator.origin, "council.example"]


def test_an_export_does_not_wait_for_ever_for_a_witness_that_is_away(
    database: Database,
    log: AuditService,
    integrator: Integrator,
    clock: FakeClock,
    witness: LocalSigner,
    export: Export,
) -> None:
    make.fill(database, log, integrator, clock, 20)
    start = time.monotonic()
    assert export().entries == 21
    assert WITNESSES_WITHIN_S <= time.monotonic() - start < 4 * WITNESSES_WITHIN_S


def test_an_export_is_its_owners(export: Export) -> None:
    assert export().path.stat().st_mode & 0o077 == 0
