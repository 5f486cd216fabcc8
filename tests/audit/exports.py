"""Exports of small logs for the verifier's tests."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from app.audit.entries.model import Actor
from app.audit.entries.service import AuditService
from app.audit.entries.vault import Vault
from app.audit.export.writing import export_log
from app.audit.growing.integrator import Integrator
from app.audit.reading.service import ReadingService
from app.audit.tree.checkpoint import VerifierKey
from app.db.engine import open_database
from app.kernel.signing import LocalSigner
from tests.audit import make
from tests.audit.conftest import ORIGIN
from tests.fakes import FakeClock

SIGNER = LocalSigner.from_seed(b"the log's key, known to it alone")
VKEY = VerifierKey(ORIGIN, SIGNER.public).vkey
FORGER = LocalSigner.from_seed(b"a key that is not the log's own ")


@dataclass(frozen=True)
class Export:
    path: Path
    proof: Path
    kept: Path


def make_export(template: Path, folder: Path, count: int) -> Export:
    """An export with ``count`` entries, a proof of its fourth, and an earlier checkpoint."""
    shutil.copyfile(template, folder / "log.sqlite")
    database = open_database(f"sqlite:///{folder / 'log.sqlite'}")
    clock, log = FakeClock(), AuditService(Vault(b"v" * 32), ORIGIN)
    integrator = Integrator(database, SIGNER, ORIGIN, clock)
    make.fill(database, log, integrator, clock, count - 3)
    with database.read() as tx:
        (folder / "kept").write_text(log.checkpoint(tx) or "", encoding="utf-8")
    with database.write() as tx:
        for number in (8, 9):
            log.append(tx, make.decision(number), clock.now())
    export_log(
        database,
        log,
        integrator,
        folder / "log.tar",
        actor=Actor("person", "E-9000"),
        now=clock.now(),
        documents=make.documents,
    )
    with database.read() as tx:
        (folder / "4.tlog-proof").write_text(
            ReadingService(log).tlog_proof(tx, 3), encoding="utf-8"
        )
    database.engine.dispose()
    return Export(folder / "log.tar", folder / "4.tlog-proof", folder / "kept")
