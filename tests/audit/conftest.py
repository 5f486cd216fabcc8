"""A log of its own on each database; the keys of all of them are made once in a process."""

import secrets
from collections.abc import Callable

import pytest

from app.audit.entries.service import AuditService
from app.audit.entries.vault import Vault
from app.audit.growing.integrator import Integrator
from app.db.engine import Database, open_database
from app.kernel.signing import LocalSigner
from app.settings import Settings
from tests.fakes import FakeClock
from tests.templates import Grow

ORIGIN = "audit.example.com/5f0c/2026"
VAULT, SIGNER = Vault(secrets.token_bytes(32)), LocalSigner.generate()

Fill = Callable[[Database, AuditService, Integrator, FakeClock], None]


@pytest.fixture
def log() -> AuditService:
    return AuditService(VAULT, ORIGIN)


@pytest.fixture
def integrator(database: Database, clock: FakeClock) -> Integrator:
    return Integrator(database, SIGNER, ORIGIN, clock)


def filled_by(fill: Fill) -> Grow:
    """An instance (tests/templates.py) whose log is filled, with the keys that ``log`` has."""

    def grow(settings: Settings) -> None:
        database, clock = open_database(settings.database_url), FakeClock()
        integrator = Integrator(database, SIGNER, ORIGIN, clock)
        fill(database, AuditService(VAULT, ORIGIN), integrator, clock)
        database.engine.dispose()

    return grow
