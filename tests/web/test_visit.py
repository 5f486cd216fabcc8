"""The order of a visit: who, with which right, then one transaction; undone before it is reread."""

import pytest
from fastapi import Request
from starlette.testclient import TestClient

from app.audit.entries.halt import rolled_back
from app.main import create_app
from app.web.shell.door import Visitor
from app.web.shell.visit import Visit
from app.wiring import Services
from tests import make
from tests.web.visiting import employ, visit

ANN = make.person("E-1", "legal@GB")


@pytest.fixture
def staffed(services: Services) -> Services:
    employ(services, [ANN, make.person("E-2")])
    return services


def test_what_was_written_is_undone_before_the_same_visit_reads(staffed: Services) -> None:
    """And the request holds one connection at a time."""
    now = staffed.clock.now()
    with staffed.database.write() as tx, staffed.database.read() as reader:
        token = staffed.sessions.start(tx, ANN.id, "https://idp", ANN.id, now)
        session = staffed.sessions.find(tx, token, now)
        assert session is not None
        before = Visit(
            Request({"type": "http"}), Visitor(ANN, session, token), staffed, tx, now, reader
        )
        after = before.to_read()
        assert staffed.sessions.find(after.tx, token, now) is None
        assert not tx.begun
    with staffed.database.read() as later:
        assert staffed.sessions.find(later, token, now) is None


@pytest.fixture
def client(staffed: Services) -> TestClient:
    """HTTP without the integrator, which would find the log in order again."""
    application = create_app(staffed)
    return TestClient(application, base_url=staffed.settings.base_url, follow_redirects=False)


def test_without_the_right_nobody_hears_how_the_log_is(
    client: TestClient, staffed: Services
) -> None:
    """The right is asked for before the transaction, which a halted log refuses."""
    ann, other = visit(client, staffed, ANN.id), visit(client, staffed, "E-2")
    staffed.log.halt.stop(rolled_back("for this test"))
    form = {"region": "GB", "reason": "A leak.", "sure": "yes"}
    assert other.post("/legal/stop", **form).status_code == 403
    assert ann.post("/legal/stop", **form).status_code == 503


def test_a_form_from_elsewhere_is_refused_before_the_right_is_asked_for(
    client: TestClient, staffed: Services
) -> None:
    other = visit(client, staffed, "E-2")
    other.csrf = "another"
    answer = other.post("/legal/stop")
    assert answer.status_code == 403
    assert "earlier sign-in" in answer.text
