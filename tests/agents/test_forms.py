"""A service that has an invented next form, and agents of today under it. On both databases."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from app.access.decision.rules import CARRIED, RULES_2
from app.agents.leases.service import MAX_CHANGES_PER_HOUR
from app.agents.leases.terms import Poll
from app.capture.directive import Directive
from app.consent.model import Act
from app.kernel.canonical import parse_canonical
from app.kernel.errors import Forbidden, InvalidInput
from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner, read_token, thumbprint
from app.kernel.tokens import LEASE_TYPE
from app.kernel.vocabulary import Mode, Reason
from app.policy.knobs import REGISTRY
from app.sdk.agent import memory
from app.sdk.agent.guard import Allowed, Guard
from app.sdk.verify.replay.decisions import DecisionCheck
from app.wiring import build
from tests.agent_simulator import event
from tests.agents.conftest import POLICY, assertion
from tests.policy.next_form import COUNCIL_ASKED, LATER, NEXT, PRESENT, WIDTH
from tests.sdk.day import Log

pytestmark = pytest.mark.slow

LIMITED = POLICY.replace("  apps:", f"  {WIDTH.name}: {{value: 1280}}\n  apps:")
GAZE = POLICY.replace("    click:", "    gaze: {mode: allow, retention_days: 1}\n    click:")
BOTH = Poll(forms=f"{PRESENT},{LATER}")


@pytest.fixture
def services(settings, database, clock, shipped):
    """The services, with a knob, a signal and a reason that no agent of today knows."""
    return build(settings, clock=clock, database=database, shipped=replace(shipped, registry=NEXT))


def keys(company):
    public = company.services.keys.signer("lease").public
    return {thumbprint(public): public}


def told(company, device, poll=None):
    """The claims of the lease, and the document that it names."""
    claims = read_token(company.lease(device, poll).token, LEASE_TYPE, keys(company))
    if claims["policy"] is None:
        return claims, None
    with company.read() as tx:
        return claims, company.services.policy.document(tx, claims["policy"])


COUNCIL_NOT_ASKED = Directive(capture=False, reasons=(Reason.STOPPED, COUNCIL_ASKED))


def decide_by_a_newer_reason(company):
    """From now on the service decides each lease by a rule of the next form."""
    services = company.services
    capture = replace(services.capture, direct=lambda _given, _at: COUNCIL_NOT_ASKED)
    company.services = replace(services, leases=replace(services.leases, capture=capture))


def opened(company, policy):
    company.publish(policy)
    company.decide()
    return company.pair()


@pytest.mark.parametrize(
    ("policy", "screenshot"),
    [(POLICY, Mode.REDACT), (GAZE, Mode.REDACT), (LIMITED, Refusal.SIGNAL_DENIED)],
)
def test_the_guard_of_today_goes_on_and_does_not_capture_what_it_cannot_limit(
    company, tmp_path, policy, screenshot
):
    device = opened(company, policy)
    memory.begin(tmp_path, device.id)
    guard = Guard(tmp_path, keys(company), device.id, company.clock, elapsed=company.clock.elapsed)
    assert company.taken(guard, device, Poll(forms=str(PRESENT))) is None
    assert judged(guard, company, "click") is Mode.ALLOW
    company.clock.advance(60)
    assert judged(guard, company, "screenshot") is screenshot


def judged(guard, company, signal):
    """How much may be captured, or why nothing."""
    answer = guard.may_capture(event(signal=signal, at=company.now))
    return answer.mode if isinstance(answer, Allowed) else answer.reason


def test_an_agent_that_names_no_form_is_told_none_and_gets_the_first(company):
    claims, document = told(company, opened(company, LIMITED))
    assert "form" not in claims
    assert parse_canonical(document)["v"] == 1
    (entry,) = company.entries("lease.changed")
    assert "form" not in entry["facts"]


def test_an_agent_that_names_the_next_form_gets_its_document_and_the_entry_says_so(company):
    device = opened(company, LIMITED)
    claims, body = told(company, device, BOTH)
    document = parse_canonical(body)
    assert (claims["form"], document["v"]) == (LATER, LATER)
    assert document[WIDTH.name] == 1280
    assert document["signals"]["screenshot"]["mode"] == "redact"
    (entry,) = company.entries("lease.changed")
    assert (entry["facts"]["form"], entry["facts"]["policy"]) == (LATER, claims["policy"])


def test_a_changed_form_changes_the_lease_and_its_etag(company):
    device = opened(company, POLICY)
    held = company.lease(device)
    assert company.lease(device, Poll(if_none_match=held.etag)).status == 304
    updated = company.lease(device, replace(BOTH, if_none_match=held.etag))
    assert updated.status == 200
    assert updated.etag != held.etag
    assert company.lease(device, replace(BOTH, if_none_match=updated.etag)).status == 304
    assert len(company.entries("lease.changed")) == 2


def test_also_where_the_lease_says_off_and_names_no_document(company):
    company.publish(POLICY)
    device = company.pair()
    held = company.lease(device)
    updated = company.lease(device, replace(BOTH, if_none_match=held.etag))
    assert updated.status == 200
    assert len(company.entries("lease.changed")) == 2


@pytest.mark.parametrize(
    ("poll", "reasons"),
    [(Poll(), ["stopped", "policy_missing"]), (BOTH, ["stopped", COUNCIL_ASKED])],
)
def test_an_older_agent_is_told_an_older_reason_and_so_is_the_log(company, poll, reasons):
    decide_by_a_newer_reason(company)
    claims, _ = told(company, company.pair(), poll)
    assert claims["reasons"] == reasons
    (entry,) = company.entries("lease.changed")
    assert entry["facts"]["reasons"] == reasons


def test_an_agent_that_changes_its_form_all_the_time_is_not_answered(company):
    device = opened(company, POLICY)
    for flip in range(MAX_CHANGES_PER_HOUR):
        company.lease(device, BOTH if flip % 2 else Poll())
    company.lease(device, Poll())
    with pytest.raises(Forbidden, match="too often"):
        company.lease(device, BOTH)
    assert len(company.entries("lease.changed")) == MAX_CHANGES_PER_HOUR + 1


@pytest.mark.parametrize("forms", ["", "0", "two", "1,", f"{LATER + 1}", "1;2"])
def test_what_names_no_form_of_the_service_is_a_problem_that_says_which_there_are(company, forms):
    device = company.pair()
    with pytest.raises(InvalidInput) as refused:
        company.lease(device, Poll(forms=forms))
    (fault,) = refused.value.faults
    assert fault.field == "forms"
    known = ",".join(str(form) for form in range(1, LATER + 1))
    assert fault.cure == f"Send those you understand of {known}."


def test_forms_that_nobody_knows_yet_are_no_problem(company):
    claims, _ = told(
        company, opened(company, POLICY), Poll(forms=f"{10**20},1,{LATER},{LATER + 1}")
    )
    assert claims["form"] == LATER


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("forms=x", "forms"),
        ("forms=999", "forms"),
        ("forms=1&forms=1", "forms"),
        ("place=DE&place=FR", "place"),
        ("nonce=abcdefgh&forms=1&nonce=ijklmnop", "nonce"),
    ],
)
def test_over_http_it_is_an_unprocessable_request(company, query, field):
    from app.main import create_app

    key = LocalSigner.generate()
    signed = assertion(key, company.pair(key=key).id, company.now)
    with company.write() as tx:
        token = company.services.pairing.token(tx, signed, company.now)
    http = TestClient(create_app(company.services), base_url="http://127.0.0.1:8000")
    bearer = {"Authorization": f"Bearer {token.value}"}
    assert http.get("/v1/agent/lease?forms=1", headers=bearer).status_code == 200
    answer = http.get(f"/v1/agent/lease?{query}", headers=bearer)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_lease_of_an_older_form_is_replayed_under_a_service_of_the_next(company):
    told(company, opened(company, POLICY))
    assert Log.of(company.services).findings() == ()


@pytest.fixture(params=[True, False], ids=["replay", "facts"])
def check(company, request):
    """Verify the log of the company, by the log or by the facts of each entry alone."""

    def checked(registry, carried=CARRIED):
        log = Log.of(company.services)
        documents = log.documents.get if request.param else None
        check = DecisionCheck(documents, carried, registry)
        for position, leaf in enumerate(log.leaves):
            check.see(position, leaf)
        check.finish()
        return check

    return checked


@pytest.mark.parametrize("poll", [Poll(), BOTH])
def test_a_verifier_of_the_next_release_decides_leases_of_each_form_again(company, check, poll):
    device = opened(company, LIMITED)
    told(company, device, poll)
    company.decide(Act.WITHDRAWN)
    told(company, device, poll)
    checked = check(NEXT)
    assert checked.verdict(whole=True).ok, checked.verdict(whole=True)
    assert checked.counts["unreplayed"] == 0


@pytest.mark.parametrize("poll", [Poll(), BOTH])
def test_a_reason_of_the_next_form_is_decided_again_as_the_reason_that_was_told(
    company, check, poll
):
    decide_by_a_newer_reason(company)
    told(company, company.pair(), poll)
    rules = replace(RULES_2, directive=lambda _given, _at: COUNCIL_NOT_ASKED)
    verdict = check(NEXT, {**CARRIED, 2: rules}).verdict(whole=True)
    assert verdict.ok, verdict
    assert not check(NEXT).verdict(whole=True).ok


def test_a_verifier_does_not_decide_again_what_is_in_a_form_that_it_does_not_know(company, check):
    told(company, opened(company, POLICY), BOTH)
    checked = check(REGISTRY)
    verdict = checked.verdict(whole=True)
    assert (verdict.ok, verdict.findings) == (None, ())
    assert "1 lease is not replayed: in a form that this release does not know" in verdict.sentence
    assert checked.counts["unreplayed"] == 1
