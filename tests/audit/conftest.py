"""A log of its own on each database."""

import secrets

import pytest

from app.audit.entries.service import AuditService
from app.audit.entries.vault import Vault
from app.audit.growing.integrator import Integrator
from app.db.engine import Database
from app.kernel.signing import LocalSigner
from tests.fakes import FakeClock

ORIGIN = "audit.example.com/5f0c/2026"


@pytest.fixture
def log() -> AuditService:
    return AuditService(Vault(secrets.token_bytes(32)), ORIGIN)


@pytest.fixture
def integrator(database: Database, clock: FakeClock) -> Integrator:
    return Integrator(database, LocalSigner.generate(), ORIGIN, clock)
