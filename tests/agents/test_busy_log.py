"""While the log does not keep up: nothing opens, and what narrows is told all the same."""

from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.audit.growing.backlog import Backlog
from app.consent.model import Act
from app.kernel.signing import LocalSigner, read_token, thumbprint
from app.kernel.tokens import LEASE_TYPE
from app.main import create_app
from tests.agents.conftest import assertion
from tests.agents.test_api import BASE, ask


@pytest.fixture
def busy(open_company):
    """The application over a log that lets nothing more wait."""
    backlog = Backlog(-1, timedelta(minutes=1))
    return TestClient(create_app(replace(open_company.services, backlog=backlog)), base_url=BASE)


@pytest.fixture
def bearer(open_company, busy):
    key = LocalSigner.generate()
    device = open_company.pair(key=key)
    token = ask(busy, assertion(key, device.id, open_company.now)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_a_lease_that_says_on_is_not_given_and_one_that_says_off_is(open_company, busy, bearer):
    on = busy.get("/v1/agent/lease", headers=bearer)
    assert (on.status_code, on.json()["type"]) == (503, "urn:habeas:problem:log-busy")
    assert int(on.headers["Retry-After"]) >= 1
    open_company.decide(Act.WITHDRAWN)
    off = busy.get("/v1/agent/lease", headers=bearer)
    assert off.status_code == 200, off.text
    public = open_company.services.keys.signer("lease").public
    assert read_token(off.text, LEASE_TYPE, {thumbprint(public): public})["capture"] == "off"
    again = busy.get("/v1/agent/lease", headers={**bearer, "If-None-Match": off.headers["etag"]})
    assert again.status_code == 304


def test_a_poll_that_cannot_be_read_is_told_so_and_not_asked_to_come_back(busy, bearer):
    answer = busy.get("/v1/agent/lease?place=nowhere", headers=bearer)
    assert answer.status_code in {422, 400}, answer.text
