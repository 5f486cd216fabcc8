"""What the commonest request costs: a poll that is answered 304. On both databases.

Counted is every statement that reaches a database while one request over HTTP is answered, the look
at what waits to be recorded included; not counted is what only begins or ends a transaction, which
SQLite shows as a statement and PostgreSQL does not.
"""

import cProfile
import pstats
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from app.audit.growing.backlog import Backlog
from app.kernel.signing import LocalSigner
from app.policy.document import document
from tests.agents.conftest import assertion
from tests.agents.test_api import BASE, ask

AT_MOST = 3


@contextmanager
def statements(database) -> Iterator[list[str]]:
    """Every statement sent while the block lasts."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def http(open_company):
    """The application, whose look at what waits is always due, where one is needed at all."""
    from app.main import create_app

    backlog = Backlog(1_000, timedelta(minutes=1), monotonic=iter(range(0, 10**6, 10)).__next__)
    services = replace(open_company.services, backlog=backlog)
    return TestClient(create_app(services), base_url=BASE)


def test_a_poll_answered_304_makes_at_most_three_statements(http, open_company):
    key = LocalSigner.generate()
    device = open_company.pair(key=key)
    token = ask(http, assertion(key, device.id, open_company.now)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    headers["If-None-Match"] = http.get("/v1/agent/lease", headers=headers).headers["etag"]
    for place in ("", "?place=US-CA"):
        with statements(open_company.services.database) as sent:
            answer = http.get(f"/v1/agent/lease{place}", headers=headers)
        assert answer.status_code == 304
        assert 0 < len(sent) <= AT_MOST, "\n\n".join(sent)
        assert sum("audit_pending" in statement for statement in sent) == 0


def documents_built(company, device) -> int:
    """How many policy documents are built while one poll is answered by reading alone."""
    profile = cProfile.Profile()
    with company.read() as tx:
        holder = company.services.leases.holder_of(tx, device.id)
        profile.enable()
        answer = company.services.leases.renewal(tx, holder, company.now)
        profile.disable()
    assert answer is not None
    code = document.__code__
    calls = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return calls.get((code.co_filename, code.co_firstlineno, code.co_name), (0,))[0]


def test_a_renewal_does_not_build_the_policy_document(open_company):
    """It is built anew, once, when policy changed: the zeros come from a count that can count."""
    device = open_company.pair()
    open_company.lease(device)
    assert documents_built(open_company, device) == 0
    with open_company.write() as tx:
        legal = open_company.services.directory.person(tx, "L-3")
        open_company.services.policy.stops.stop(tx, legal, "US-NY", "elsewhere", open_company.now)
    assert documents_built(open_company, device) == 1
    assert documents_built(open_company, device) == 0


def test_a_device_of_which_a_process_remembers_nothing_costs_one_statement_more(
    open_company, shipped, clock
):
    """Seals and pseudonyms that the answer rests on are read at once; then they are remembered."""
    from app.main import create_app
    from app.wiring import build

    open_company.decide(person_id="E-1001")
    headers = {person: polling(open_company, person) for person in ("E-1000", "E-1001")}
    started = build(open_company.services.settings, clock=clock, shipped=shipped)
    anew = TestClient(create_app(started), base_url=BASE)
    anew.get("/v1/agent/lease", headers=headers["E-1001"])  # policy is read
    counts = []
    for _ in range(2):
        with statements(started.database) as sent:
            assert anew.get("/v1/agent/lease", headers=headers["E-1000"]).status_code == 304
        counts.append((len(sent), sum("row_seal" in statement for statement in sent)))
    started.close()
    (cold, seals_cold), (warm, seals_warm) = counts
    assert (seals_cold, seals_warm) == (1, 0)
    agreement = 1  # what the person agreed to was read once by each process before, too
    assert cold == warm + agreement + 1


def polling(company, person: str) -> dict[str, str]:
    """What the device of a person sends with a poll that is answered 304."""
    from app.main import create_app

    http, key = TestClient(create_app(company.services), base_url=BASE), LocalSigner.generate()
    device = company.pair(person, key=key)
    token = ask(http, assertion(key, device.id, company.now)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    etag = http.get("/v1/agent/lease", headers=headers).headers["etag"]
    return {**headers, "If-None-Match": etag}
