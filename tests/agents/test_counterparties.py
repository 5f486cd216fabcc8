"""What a lease says of the other side and of the zones at home. On both databases.

An invented next form stands for every form that has it.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from app.access.decision.rules import RULES_2
from app.agents.leases.terms import LeaseSeq, LeaseTerms, Poll
from app.audit.entries.model import SYSTEM
from app.consent.model import Act
from app.kernel.canonical import canonical, digest, parse_canonical
from app.kernel.places import zones_of
from app.kernel.signing import LocalSigner, read_token, thumbprint
from app.kernel.tokens import LEASE_TYPE
from app.policy.counterparties import SINCE, counterparties, counterparty_document
from app.sdk.verify.folded.law import Law
from app.wiring import build
from tests.agents.conftest import PEOPLE, POLICY, assertion
from tests.agents.test_api import BASE, ask
from tests.agents.test_poll_costs import AT_MOST, statements
from tests.make import person
from tests.policy.next_form import LATER, NEXT, PRESENT
from tests.sdk.day import Log

pytestmark = pytest.mark.slow

NOW = Poll(forms=f"{PRESENT},{LATER}")
NEW_YORK = POLICY.replace("US-CA", "US-NY").replace("click: {mode: allow", "click: {mode: redact")
NEXT_DOOR = (person("L-4", "legal@US-NY"), person("L-5", "legal@US-NY"))


@pytest.fixture
def services(settings, database, clock, shipped):
    """The services, with a form that comes after the present one."""
    return build(settings, clock=clock, database=database, shipped=replace(shipped, registry=NEXT))


@pytest.fixture
def company(company):
    """The same company, with two more people of legal, for another state."""
    with company.write() as tx:
        company.services.directory.import_people(
            tx,
            (*PEOPLE, *NEXT_DOOR),
            actor=SYSTEM,
            now=company.now,
            file_digest=f"sha256:{'1' * 64}",
        )
    return company


@pytest.fixture
def laptop(open_company):
    return open_company.pair()


def claims_of(company, answer):
    public = company.services.keys.signer("lease").public
    return read_token(answer.token, LEASE_TYPE, {thumbprint(public): public})


def told(company, device, poll=NOW):
    return claims_of(company, company.lease(device, poll))


def renewed(company, device, poll=NOW):
    """What a reading transaction answers; None: it takes a writing one."""
    leases = company.services.leases
    with company.read() as tx:
        return leases.renewal(tx, leases.holder_of(tx, device.id), company.now, poll)


def publish_in_new_york(company, text=NEW_YORK):
    author, second = company.person("L-4"), company.person("L-5")
    workflow = company.services.policy.workflow
    with company.write() as tx:
        change = workflow.propose(tx, author, "US-NY", text, "narrower", company.now)
        workflow.approve(tx, second, change.id, change.digest, company.now)


def rows_named(company, claims):
    """The document that a lease names, as its agent reads it."""
    with company.read() as tx:
        body = company.services.policy.counterparty_document(tx, claims["counterparties"])
    assert digest(body) == claims["counterparties"]
    return parse_canonical(body)


def test_a_lease_names_what_may_be_kept_of_the_other_side(company, open_company, laptop):
    rows = rows_named(company, told(company, laptop))
    with company.read() as tx:
        held = company.services.policy.counterparties(tx, company.now)
    assert rows == counterparty_document(held, LATER, NEXT)
    assert rows["v"] == LATER >= SINCE
    assert rows["regions"]["NO"]["click"] == "deny"


def test_a_policy_of_another_region_changes_the_name_and_the_etag_and_writes_no_entry(
    company, laptop
):
    before = company.lease(laptop, NOW)
    assert company.lease(laptop, replace(NOW, if_none_match=before.etag)).status == 304
    publish_in_new_york(company)
    after = company.lease(laptop, replace(NOW, if_none_match=before.etag))
    assert after.status == 200
    first, second = claims_of(company, before), claims_of(company, after)
    assert first["counterparties"] != second["counterparties"]
    assert first["policy"] == second["policy"]
    assert len(company.entries("lease.changed")) == 1
    old, new = rows_named(company, first), rows_named(company, second)
    assert old["regions"]["US-NY"]["click"] == "allow"
    assert new["regions"]["US-NY"]["click"] == new["regions"]["US"]["click"] == "redact"
    assert old["regions"]["US-CA"] == new["regions"]["US-CA"]


def test_a_lease_is_renewed_by_writing_until_what_it_names_can_be_fetched(company, laptop):
    told(company, laptop)
    assert renewed(company, laptop) is not None
    publish_in_new_york(company)
    assert renewed(company, laptop) is None
    told(company, laptop)
    assert renewed(company, laptop) is not None
    assert len(company.entries("lease.changed")) == 1


def test_what_was_written_and_undone_is_not_taken_for_kept(company, laptop):
    publish_in_new_york(company)
    with pytest.raises(RuntimeError), company.write() as tx:
        company.services.leases.lease(tx, laptop, company.now, NOW)
        raise RuntimeError
    assert renewed(company, laptop) is None
    rows_named(company, told(company, laptop))


def test_a_stop_elsewhere_denies_the_other_side_there_from_the_next_poll(company, laptop):
    told(company, laptop)
    legal = company.person("L-3")
    with company.write() as tx:
        company.services.policy.stops.stop(tx, legal, "US-NY", "elsewhere", company.now)
    regions = rows_named(company, told(company, laptop))["regions"]
    assert set(regions["US-NY"].values()) == set(regions["US"].values()) == {"deny"}
    assert len(company.entries("lease.changed")) == 1


def test_no_lease_outlives_a_change_of_the_other_side_that_is_known(company, laptop, clock):
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    publish_in_new_york(company, NEW_YORK.replace("valid_to: null", "valid_to: 2026-11-30"))
    clock.at = midnight - timedelta(minutes=5)
    before = company.lease(laptop, NOW)
    claims = claims_of(company, before)
    assert claims["exp"] == midnight.timestamp()
    clock.at = midnight
    after = company.lease(laptop, replace(NOW, if_none_match=before.etag))
    assert after.status == 200
    assert rows_named(company, claims_of(company, after))["regions"]["US-NY"]["click"] == "deny"
    assert len(company.entries("lease.changed")) == 1


def test_its_name_is_outside_the_content_and_inside_the_etag(company, laptop):
    terms = LeaseTerms({}, (), LeaseSeq(1, 1), 900, None, counterparties="sha256:a")
    other = replace(terms, counterparties="sha256:b")
    assert terms.digest == other.digest
    assert terms.etag(laptop, company.now) != other.etag(laptop, company.now)


def test_a_lease_of_the_first_form_names_neither_other_side_nor_zones(company, laptop):
    claims = told(company, laptop, Poll(forms="1"))
    assert not {"counterparties", "zones"} & claims.keys()


def test_a_lease_that_says_off_names_no_other_side(company, laptop):
    company.decide(Act.WITHDRAWN)
    claims = told(company, laptop)
    assert claims["capture"] == "off"
    assert "counterparties" not in claims


def test_a_lease_names_the_zones_of_the_home(company, laptop):
    claims = told(company, laptop)
    assert tuple(claims["zones"]) == zones_of("US-CA") == ("America/Los_Angeles",)
    elsewhere = told(company, company.pair("E-IT"))
    assert elsewhere["zones"] == ["Europe/Rome"]


def test_another_home_in_other_zones_is_another_content(company, laptop):
    told(company, laptop)
    moved = [replace(each, region="US-NY") if each.id == "E-1000" else each for each in PEOPLE]
    with company.write() as tx:
        company.services.directory.import_people(
            tx, moved, actor=SYSTEM, now=company.now, file_digest=f"sha256:{'2' * 64}"
        )
    assert told(company, laptop)["zones"] == ["America/New_York"]


def test_whoever_has_a_lease_and_the_log_can_work_out_what_it_had_to_name(company, laptop):
    publish_in_new_york(company)
    claims = told(company, laptop)
    log = Log.of(company.services)
    law = Law(log.documents.get, NEXT, lambda: RULES_2.version)
    for position, leaf in enumerate(log.leaves):
        assert list(law.see(position, leaf)) == []
    at = datetime.fromtimestamp(claims["iat"], UTC)
    floors = [
        leaf["facts"]["region"] for leaf in log.leaves if leaf["kind"] == "policy.floor_adopted"
    ]
    rows = counterparties(floors, lambda region: law.in_force((region,), at), NEXT)
    written = canonical(counterparty_document(rows, claims["form"], NEXT))
    assert digest(written) == claims["counterparties"]
    assert claims["counterparties"] not in log.documents  # no entry names it


# Over HTTP


@pytest.fixture
def http(open_company):
    from app.main import create_app

    return TestClient(create_app(open_company.services), base_url=BASE)


@pytest.fixture
def bearer(open_company, http):
    key = LocalSigner.generate()
    device = open_company.pair(key=key)
    token = ask(http, assertion(key, device.id, open_company.now)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def test_an_agent_fetches_what_its_lease_names_and_may_keep_it_for_ever(company, http, bearer):
    lease = http.get(f"/v1/agent/lease?forms={LATER}", headers=bearer)
    public = company.services.keys.signer("lease").public
    claims = read_token(lease.text, LEASE_TYPE, {thumbprint(public): public})
    named = claims["counterparties"]
    answer = http.get(f"/v1/agent/counterparties/{named}", headers=bearer)
    assert answer.status_code == 200
    assert digest(answer.content) == named
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == f'"{named}"'
    assert "immutable" in answer.headers["cache-control"]
    assert http.get(f"/v1/agent/counterparties/{named}").status_code == 401
    other = claims["policy"]
    assert http.get(f"/v1/agent/policies/{other}", headers=bearer).status_code == 200
    assert http.get(f"/v1/agent/counterparties/{other}", headers=bearer).status_code == 404


@pytest.mark.parametrize(
    ("name", "status"), [(f"sha256:{'0' * 64}", 404), ("sha256:1", 422), ("%00", 422)]
)
def test_a_name_of_nothing_is_a_problem(http, bearer, name, status):
    answer = http.get(f"/v1/agent/counterparties/{name}", headers=bearer)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_poll_answered_304_costs_no_more_for_it(http, bearer):
    poll = f"/v1/agent/lease?forms={LATER}"
    held = {**bearer, "If-None-Match": http.get(poll, headers=bearer).headers["etag"]}
    assert http.get(poll, headers=held).status_code == 304  # what is kept is known from now on
    with statements(http.app.state.services.database) as sent:
        assert http.get(poll, headers=held).status_code == 304
    assert 0 < len(sent) <= AT_MOST, "\n\n".join(sent)


def test_a_renewal_works_out_nothing_anew(company, laptop):
    told(company, laptop)
    renewed(company, laptop)
    with company.read() as tx:
        memory = company.services.policy.memory(tx)
    rows, answers = dict(memory.others), len(memory.answers)
    renewed(company, laptop)
    assert memory.others == rows
    assert [memory.others[key] is rows[key] for key in rows] == [True]
    assert len(memory.answers) == answers
