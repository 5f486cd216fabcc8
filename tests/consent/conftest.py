"""Consent on its own: a real database, a real log, a real directory; no policy, no web."""

import pytest

from app.audit.entries.model import SYSTEM
from app.audit.entries.service import AuditService
from app.consent.notices import NoticeService, texts_of
from app.consent.service import ConsentService
from app.db.engine import Database
from app.directory.service import DirectoryService
from app.kernel.signing import LocalSigner
from tests.consent.booth import Booth, Nobody, OnlyDpo, above, notice
from tests.fakes import FakeClock
from tests.make import person
from tests.sealing import VAULT, give_seals

SIGNER = LocalSigner.from_seed(b"r" * 32)


@pytest.fixture
def signer() -> LocalSigner:
    return SIGNER


@pytest.fixture
def booth(database: Database, clock: FakeClock) -> Booth:
    """Two people, a notice in two languages, and the calls that tests make of them."""
    give_seals(database)
    log = AuditService(VAULT, "audit.example/test")
    directory = DirectoryService(log, Nobody())
    notices = NoticeService(log, directory, texts_of((notice(), notice(language="de"))))
    consent = ConsentService(
        log=log,
        directory=directory,
        notices=notices,
        authority=OnlyDpo(),
        chain=above,
        signer=SIGNER,
        issuer="https://habeas.example",
    )
    with database.write() as tx:
        directory.import_people(
            tx,
            (
                person("ada", region="DE", place="DE", entity="DE/Sample Devices GmbH"),
                person("ben"),
                person("dan", "dpo@EU"),
                person("eli", "dpo@FR"),
            ),
            actor=SYSTEM,
            now=clock.now(),
            file_digest="sha256:" + "0" * 64,
        )
        notices.adopt(tx, clock.now())
    return Booth(database, clock, log, directory, consent)
