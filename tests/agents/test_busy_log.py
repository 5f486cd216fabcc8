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
from tests.agents.conftest import POLICY, assertion
from tests.agents.test_api import BASE, ask


@pytest.fixture
def busy(open_company):
    """The application over a log that lets nothing more wait."""
    backlog = Backlog(-1, timedelta(minutes=1))
    return TestClient(create_app(replace(open_company.services, backlog=backlog)), base_url=BASE)


@pytest.fixture
def key():
    return LocalSigner.generate()


@pytest.fixture
def device(open_company, key):
    return open_company.pair(key=key)


@pytest.fixture
def bearer(open_company, busy, key, device):
    token = ask(busy, assertion(key, device.id, open_company.now)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def said(company, answer):
    public = company.services.keys.signer("lease").public
    return read_token(answer.text, LEASE_TYPE, {thumbprint(public): public})


def tighten(company):
    """Legal takes an app out of the policy, at once."""
    author, text = company.person("L-1"), POLICY.replace("[vscode, slack]", "[vscode]")
    with company.write() as tx:
        workflow = company.services.policy.workflow
        workflow.tighten(tx, author, "US-CA", text, "At once.", company.now)


def test_a_lease_that_says_on_is_not_given_and_one_that_says_off_is(open_company, busy, bearer):
    on = busy.get("/v1/agent/lease", headers=bearer)
    assert (on.status_code, on.json()["type"]) == (503, "urn:habeas:problem:log-busy")
    assert int(on.headers["Retry-After"]) >= 1
    open_company.decide(Act.WITHDRAWN)
    off = busy.get("/v1/agent/lease", headers=bearer)
    assert off.status_code == 200, off.text
    assert said(open_company, off)["capture"] == "off"
    again = busy.get("/v1/agent/lease", headers={**bearer, "If-None-Match": off.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("integrated", [True, False], ids=["numbered", "waiting"])
def test_a_laptop_that_is_on_is_told_that_it_may_do_less(
    open_company, busy, device, bearer, integrated
):
    open_company.lease(device)
    wide = said(open_company, busy.get("/v1/agent/lease", headers=bearer))
    tighten(open_company)
    if integrated:
        open_company.services.integrator.integrate()
    answer = busy.get("/v1/agent/lease", headers=bearer)
    assert answer.status_code == 200, answer.text
    narrow = said(open_company, answer)
    assert (wide["capture"], narrow["capture"]) == ("on", "on")
    assert narrow["policy"] != wide["policy"]


def test_a_renewal_writes_nothing_and_is_not_sent_away(open_company, busy, device, bearer):
    open_company.lease(device)
    first = busy.get("/v1/agent/lease", headers=bearer)
    held = {**bearer, "If-None-Match": first.headers["etag"]}
    assert (first.status_code, busy.get("/v1/agent/lease", headers=held).status_code) == (200, 304)
    assert len(open_company.entries("lease.changed")) == 1


def test_a_laptop_that_was_told_off_is_not_turned_on_again(open_company, busy, device, bearer):
    open_company.lease(device)
    open_company.decide(Act.WITHDRAWN)
    assert said(open_company, busy.get("/v1/agent/lease", headers=bearer))["capture"] == "off"
    open_company.decide(Act.GIVEN)
    on = busy.get("/v1/agent/lease", headers=bearer)
    assert (on.status_code, on.json()["type"]) == (503, "urn:habeas:problem:log-busy")


def test_a_poll_that_cannot_be_read_is_told_so_and_not_asked_to_come_back(busy, bearer):
    answer = busy.get("/v1/agent/lease?place=nowhere", headers=bearer)
    assert answer.status_code in {422, 400}, answer.text
