"""The agent's side of the wire, against a service that can misbehave in every way HTTP allows."""

import json
from collections.abc import Callable, Iterator

import httpx2
import pytest

from app.kernel.canonical import canonical, digest
from app.kernel.keys import KeyFolder
from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner, jwk
from app.kernel.vocabulary import Reason
from app.sdk.agent import memory
from app.sdk.agent.client import LEASE_MEDIA_TYPE, AgentClient
from app.sdk.agent.guard import Allowed, Denied
from app.sdk.agent.identity import Identity, NotPaired, PairingFailed
from app.sdk.agent.pairing import CodeShown, Paired, Waiting, pair
from app.sdk.agent.tally import Tally
from app.sdk.keys import KEY_SET
from app.sdk.wire import Silence, Wire
from tests.agent_simulator import DEVICE, LeaseOffice, event, policy_document

BASE = "https://habeas.example"
Handler = Callable[[httpx2.Request], httpx2.Response]


def streamed(response: httpx2.Response) -> httpx2.Response:
    """The same answer as it comes over a wire: piece by piece."""
    if not response.is_stream_consumed:
        return response
    headers = [(k, v) for k, v in response.headers.items() if k != "content-length"]
    return httpx2.Response(response.status_code, headers=headers, content=iter([response.content]))


class Service:
    """A service on a wire: honest, until a path is given another handler."""

    def __init__(self, office: LeaseOffice) -> None:
        self.office = office
        self.lies: dict[str, Handler] = {}
        self.asked: list[httpx2.Request] = []
        self.reports: list[dict] = []
        self.token_errors: list[str] = []
        self.token_lives_s = 3_600

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if not request.url.path.startswith(KEY_SET):  # what is asked of it: see tests/keys
            self.asked.append(request)
        for start, lie in self.lies.items():
            if request.url.path.startswith(start):
                return streamed(lie(request))
        return streamed(self._honest(request))

    def _honest(self, request: httpx2.Request) -> httpx2.Response:  # noqa: PLR0911 - one per path
        path = request.url.path
        if path == "/v1/agent/token":
            if self.token_errors:
                return httpx2.Response(400, json={"error": self.token_errors.pop(0)})
            return httpx2.Response(
                200, json={"access_token": "t0", "expires_in": self.token_lives_s}
            )
        if path == "/v1/agent/pairings":
            return httpx2.Response(
                201,
                json={
                    "client_id": DEVICE,
                    "device_code": "dc",
                    "user_code": "BCDF-GHJK",
                    "verification_uri": BASE,
                    "verification_uri_complete": BASE,
                    "expires_in": 900,
                    "interval": 5,
                },
            )
        if path == "/.well-known/jwks.json":
            return httpx2.Response(200, json={"keys": self.office.jwks})
        if path.startswith(KEY_SET):
            return httpx2.Response(404)  # a service from before there were key sets
        if path == "/v1/agent/lease":
            return self.lease(request)
        if path == "/v1/agent/reports":
            self.reports.append(json.loads(request.content))
            return httpx2.Response(200, json={"report": self.reports[-1]["report"], "event": "e"})
        sent = self.office.send()
        others = path.startswith("/v1/agent/counterparties/")
        return httpx2.Response(200, content=sent.counterparties if others else sent.document)

    def lease(self, request: httpx2.Request, **claims: object) -> httpx2.Response:
        etag = (
            '"' + digest(canonical(self.office.document))[7:20] + str(self.office.consent_seq) + '"'
        )
        nonce = request.url.params.get("nonce")
        if not nonce and request.headers.get("if-none-match") == etag:
            return httpx2.Response(304, headers={"ETag": etag})
        sent = self.office.send(nonce=nonce, **claims)
        headers = {"Content-Type": LEASE_MEDIA_TYPE, "ETag": etag}
        return httpx2.Response(200, headers=headers, content=sent.token)

    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]


@pytest.fixture
def service(clock) -> Service:
    return Service(LeaseOffice(clock))


@pytest.fixture
def http(service) -> Iterator[httpx2.Client]:
    with httpx2.Client(transport=httpx2.MockTransport(service)) as made:
        yield made


@pytest.fixture
def agent(tmp_path, service, http, clock) -> AgentClient:
    memory.begin(tmp_path, DEVICE)
    identity = Identity(BASE, DEVICE, "laptop", service.office.keys)
    return AgentClient(tmp_path, identity, http=http, clock=clock, elapsed=clock.elapsed)


def captures(agent: AgentClient) -> bool:
    return isinstance(agent.guard.may_capture(event(at=agent.now)), Allowed)


# Polling


def test_a_poll_fetches_lease_and_document_and_capture_is_on(agent, service):
    polled = agent.poll()
    assert (polled.answered, polled.capture, polled.poll_s) == (True, True, 15)
    assert captures(agent)
    assert service.paths()[:2] == ["/v1/agent/token", "/v1/agent/lease"]
    assert service.paths()[2].startswith("/v1/agent/policies/sha256:")


def test_the_first_lease_of_a_run_is_asked_for_with_a_nonce_and_the_next_with_its_etag(
    agent, service
):
    agent.poll()
    agent.poll()
    first, second = [r for r in service.asked if r.url.path == "/v1/agent/lease"]
    assert len(first.url.params["nonce"]) >= 16
    assert "if-none-match" not in first.headers
    assert "nonce" not in second.url.params
    assert second.headers["if-none-match"]


def test_law_7_one_wild_hour_of_the_clocks_does_not_lock_a_laptop_out(
    tmp_path, service, http, clock
):
    """Service and laptop take their time from one source; it is a year ahead, then right again."""
    boot, year_s = iter(range(1_000)), 365 * 86_400
    memory.begin(tmp_path, DEVICE)
    identity = Identity(BASE, DEVICE, "laptop", service.office.keys)
    agent = AgentClient(tmp_path, identity, http=http, clock=clock, elapsed=lambda: next(boot))
    agent.poll()
    clock.advance(year_s)
    assert agent.poll().capture
    clock.advance(-year_s)
    assert agent.guard.state is Refusal.CLOCK_ROLLED_BACK
    before = len(service.asked)
    for _ in range(3):
        assert agent.poll().capture
        assert captures(agent)
    nonces = [request.url.params.get("nonce") for request in service.asked[before:]]
    assert len({nonce for nonce in nonces if nonce}) == 3


def test_a_304_keeps_the_lease_and_does_not_make_it_longer(agent, clock):
    agent.poll()
    clock.advance(899)
    assert agent.poll().capture
    clock.advance(1)
    assert agent.guard.state is Refusal.LEASE_EXPIRED


def test_a_document_is_fetched_once(agent, service, clock):
    for _ in range(3):
        agent.poll()
        clock.advance(5)
        service.office.policy_seq += 1
        service.office.consent_seq += 1
    assert len(fetched(service, "policies")) == len(fetched(service, "counterparties")) == 1


def fetched(service: Service, kind: str) -> list[str]:
    return [path for path in service.paths() if path.startswith(f"/v1/agent/{kind}/")]


def test_what_others_allow_is_fetched_when_a_lease_names_another_and_once(agent, service, clock):
    for rows in ({}, {}, {"NO": {"click": "deny"}}, {"NO": {"click": "deny"}}, {}):
        service.office.others = rows
        service.office.policy_seq += 1  # so that it is not answered with 304
        service.office.consent_seq += 1
        assert agent.poll().capture
        clock.advance(5)
    names = fetched(service, "counterparties")
    assert len(names) == 3
    assert names[0] == names[2] != names[1]
    assert len(fetched(service, "policies")) == 1


def test_a_304_fetches_nothing(agent, service, clock):
    agent.poll()
    before = len(service.asked)
    clock.advance(5)
    agent.poll()
    assert len(service.asked) == before + 1


def test_what_others_allow_that_is_not_the_named_one_turns_off_and_is_not_kept(agent, service):
    wrong = canonical({"kind": "counterparties", "v": 2, "regions": {}, "unknown": {}})
    service.lies["/v1/agent/counterparties"] = says(200, content=wrong)
    assert agent.poll().reason is Refusal.POLICY_MISMATCH
    service.lies.clear()
    assert agent.poll().capture


def test_one_token_lasts_for_an_hour(agent, service, clock):
    for _ in range(10):
        agent.poll()
        clock.advance(300)
    assert service.paths().count("/v1/agent/token") == 1
    clock.advance(600)
    agent.poll()
    assert service.paths().count("/v1/agent/token") == 2


def test_a_revoked_token_is_replaced_once(agent, service):
    agent.poll()
    answers = [401, 200]

    def refuse_once(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(401) if answers.pop(0) == 401 else service.lease(request)

    service.lies["/v1/agent/lease"] = refuse_once
    assert agent.poll().capture


def test_the_assertion_names_device_and_token_endpoint(agent, service):
    agent.poll()
    form = httpx2.QueryParams(service.asked[0].content.decode())
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion"].count(".") == 2


def test_the_next_poll_after_a_withdrawal_turns_off(agent, service, clock):
    agent.poll()
    clock.advance(1)
    service.office.withdraw()
    polled = agent.poll()
    assert (polled.answered, polled.reason) == (True, Reason.CONSENT_WITHDRAWN)
    assert not captures(agent)


# Lies


def page(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, html="<title>Welcome to the airport</title>")


def says(status: int, **answer: object) -> Handler:
    return lambda _: httpx2.Response(status, **answer)


def endless(request: httpx2.Request) -> httpx2.Response:
    def drip() -> Iterator[bytes]:
        while True:
            yield b"a" * 10_000

    return httpx2.Response(200, headers={"Content-Type": LEASE_MEDIA_TYPE}, content=drip())


PROBLEM = {"Content-Type": "application/problem+json"}
LEASE_TYPE = {"Content-Type": LEASE_MEDIA_TYPE}

SILENT: dict[str, tuple[str, Handler]] = {
    "a captive portal answers": ("/v1/agent/lease", page),
    "a captive portal answers everything": ("/", page),
    "a captive portal redirects": ("/v1/agent", says(302, headers={"Location": BASE + "/x"})),
    "a captive portal redirects to another site": ("/", says(307, headers={"Location": "//a.b"})),
    "a captive portal says what it is": ("/", says(511, html="Sign in to this network")),
    "a captive portal refuses with a page": ("/", says(403, html="Sign in to this network")),
    "a proxy wants a password": ("/", says(407)),
    "a proxy knows no such address": ("/v1/agent/lease", says(404)),
    "there are too many requests": ("/v1/agent/lease", says(429, headers=PROBLEM, content=b"{}")),
    "the service has failed": ("/v1/agent/lease", says(500)),
    "nobody stands behind the gateway": ("/v1/agent/lease", says(502)),
    "the service is overloaded": ("/v1/agent/lease", says(503, headers=PROBLEM, content=b"{}")),
    "the gateway waits in vain": ("/v1/agent/lease", says(504)),
    "a token cannot be given now": ("/v1/agent/token", says(503, json={"error": "busy"})),
    "tokens are asked for too often": ("/v1/agent/token", says(429)),
    "the token is no text": ("/v1/agent/token", says(200, json={"access_token": 7})),
    "the token lives for no number": (
        "/v1/agent/token", says(200, json={"access_token": "t", "expires_in": "long"}),
    ),
    "the token answer is a list": ("/v1/agent/token", says(200, json=[])),
    "nothing is answered with 200": ("/v1/agent/lease", says(200)),
    "the data never ends": ("/v1/agent/lease", endless),
    "the body is packed": (
        "/v1/agent/lease", says(200, headers={"Content-Encoding": "gzip"}, content=b"x"),
    ),
    "a lease comes as text": ("/v1/agent/lease", says(200, text="a.b.c")),
    "304 comes for a lease that nobody holds": ("/v1/agent/lease", says(304)),
}  # fmt: skip
"""As good as silence: the service is busy, or another answers."""

REFUSING: dict[str, tuple[str, Handler]] = {
    "the token is refused for good": ("/v1/agent/lease", says(401)),
    "no token is given": ("/v1/agent/token", says(401, json={"error": "invalid_client"})),
    "the device may not ask": ("/v1/agent/lease", says(403)),
    "the service refuses, and why": ("/v1/agent/lease", says(422, headers=PROBLEM, content=b"{}")),
    "the service knows no such device": (
        "/v1/agent/lease", says(404, headers=PROBLEM, content=b"{}"),
    ),
}  # fmt: skip
"""The service refuses."""

UNREADABLE = {
    "a lease is not ASCII": (
        "/v1/agent/lease", says(200, headers=LEASE_TYPE, content="é.é.é".encode()),
    ),
    "a lease is empty": ("/v1/agent/lease", says(200, headers=LEASE_TYPE)),
}  # fmt: skip
"""It says that it is a lease, and is none."""

UNSHOWN: dict[str, tuple[str, Handler]] = {
    "the document is gone": ("/v1/agent/policies", says(404)),
    "the document cannot be shown now": ("/v1/agent/policies", says(503)),
    "the document never ends": ("/v1/agent/policies", endless),
    "what others allow is gone": ("/v1/agent/counterparties", says(404)),
    "what others allow never ends": ("/v1/agent/counterparties", endless),
}
"""A lease that is believed names a document that does not come."""

LIES = {**SILENT, **REFUSING, **UNREADABLE, **UNSHOWN}


@pytest.mark.parametrize("lie", LIES)
def test_law_1_before_the_first_lease_capture_stays_off_when(agent, service, lie):
    path, handler = LIES[lie]
    service.lies[path] = handler
    polled = agent.poll()
    assert not polled.answered
    assert isinstance(polled.reason, Refusal)
    assert (polled.reason is Refusal.NO_LEASE) == (lie in SILENT)
    assert not captures(agent)


@pytest.mark.parametrize("lie", [*REFUSING, *UNREADABLE])
def test_law_7_a_laptop_that_captures_stops_at_once_when(agent, service, clock, lie):
    path, handler = LIES[lie]
    service.token_lives_s = 60  # each poll asks for another one
    agent.poll()
    assert captures(agent)
    clock.advance(15)
    service.lies[path] = handler
    assert not agent.poll().answered
    assert not captures(agent)


@pytest.mark.parametrize("lie", SILENT)
def test_law_7_a_lease_ends_when_it_ends_and_neither_sooner_nor_later_when(
    agent, service, clock, lie
):
    path, handler = SILENT[lie]
    service.token_lives_s = 60
    agent.poll()
    service.lies[path] = handler
    clock.advance(899)
    for _ in range(3):
        assert agent.poll().capture
        assert captures(agent)
    clock.advance(1)
    assert not captures(agent)
    assert agent.poll().reason is Refusal.LEASE_EXPIRED
    assert not captures(agent)


@pytest.mark.parametrize("silence", [503, 429])
def test_law_7_a_token_that_is_not_taken_any_more_refuses_nothing_until_another_is_refused(
    agent, service, clock, silence
):
    """After a restart of the service every laptop needs another token at once."""
    agent.poll()
    service.lies["/v1/agent/lease"] = says(401, headers=PROBLEM, content=b"{}")
    service.lies["/v1/agent/token"] = says(silence)
    clock.advance(15)
    assert agent.poll().capture
    service.lies["/v1/agent/token"] = says(400, json={"error": "invalid_client"})
    assert agent.poll().reason is Refusal.SERVER_ANSWER


@pytest.mark.parametrize("lie", UNSHOWN)
def test_law_3_what_a_newer_lease_names_and_nobody_shows_ends_the_lease_before(
    agent, service, clock, lie
):
    """It may be narrower: what the laptop knows, it keeps to."""
    agent.poll()
    service.office.publish(apps=[])
    service.office.others = {"NO": {"click": "deny"}}
    clock.advance(15)
    path, handler = UNSHOWN[lie]
    service.lies[path] = handler
    assert agent.poll().reason is Refusal.SERVER_ANSWER
    assert not captures(agent)


@pytest.mark.parametrize("lie", LIES)
def test_after_a_lie_the_next_honest_answer_is_taken(agent, service, clock, lie):
    path, handler = LIES[lie]
    service.lies[path] = handler
    agent.poll()
    service.lies.clear()
    assert agent.poll().capture


def test_a_document_that_is_not_the_named_one_turns_off_and_is_not_kept(agent, service):
    wrong = canonical(policy_document(exclusions=[]))
    service.lies["/v1/agent/policies"] = says(200, content=wrong)
    assert agent.poll().reason is Refusal.POLICY_MISMATCH
    service.lies.clear()
    assert agent.poll().capture


def test_a_recorded_answer_is_not_accepted_as_the_first(agent, service):
    recorded = service.office.send(nonce="of-an-earlier-run").token
    service.lies["/v1/agent/lease"] = says(
        200, headers={"Content-Type": LEASE_MEDIA_TYPE}, content=recorded.encode()
    )
    assert agent.poll().reason is Refusal.LEASE_NOT_FRESH


def unreachable(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("no route to host", request=request)


def too_slow(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadTimeout("slow", request=request)


@pytest.mark.parametrize("silence", [unreachable, too_slow])
def test_law_1_silence_is_bridged_by_the_lease_and_by_nothing_else(agent, service, clock, silence):
    agent.poll()
    service.lies["/"] = silence
    clock.advance(600)
    polled = agent.poll()
    assert (polled.answered, polled.capture) == (False, True)
    clock.advance(300)
    polled = agent.poll()
    assert polled.reason is Refusal.LEASE_EXPIRED
    assert not captures(agent)


def test_data_that_drips_for_ever_is_given_up(service, http):
    service.lies["/"] = endless
    with pytest.raises(Silence):
        Wire(BASE, http, deadline_s=0).exchange("GET", "/v1/agent/lease")


# Reports


def test_a_report_says_what_was_applied(agent, service):
    agent.poll()
    lease = agent.guard.lease
    tally = Tally({("vscode", "click"): 3}, {"excluded": 1}, lease.jti, lease.policy, {"tax": 1})
    assert agent.report(tally)
    (sent,) = service.reports
    assert sent.pop("report")
    assert sent == {
        "lease": lease.jti,
        "policy": lease.policy,
        "allowed": [{"app": "vscode", "signal": "click", "events": 3}],
        "refused": {"excluded": 1},
        "excluded": {"tax": 1},
    }
    assert tally == Tally()


def test_a_report_that_was_not_taken_is_sent_again_unchanged(agent, service, clock):
    taken: list[dict] = []

    def fail(request: httpx2.Request) -> httpx2.Response:
        taken.append(json.loads(request.content))
        return httpx2.Response(503)

    service.lies["/v1/agent/reports"] = fail
    tally = Tally({("vscode", "click"): 3})
    assert not agent.report(tally)
    tally.add(Tally({("vscode", "click"): 1}, excluded={"tax": 1}))
    tally.add(Tally(excluded={"tax": 2}))
    service.lies.clear()
    clock.advance(60)
    assert agent.report(tally)
    assert service.reports[0] == taken[0]
    assert service.reports[1]["allowed"][0]["events"] == 1
    assert service.reports[1]["excluded"] == {"tax": 3}
    assert service.reports[1]["report"] != taken[0]["report"]


INVALID = says(422, headers={"Content-Type": "application/problem+json"}, content=b"{}")


def test_a_report_that_is_refused_holds_up_none_after_it(agent, service):
    """It is sent again without places, which an older service may not know, and then let go."""
    service.lies["/v1/agent/reports"] = INVALID
    assert not agent.report(Tally(refused={"excluded": 2}, excluded={"own.gone": 2}))
    service.lies.clear()
    assert agent.report(Tally({("vscode", "click"): 1}))
    first, second = service.reports
    assert (first["refused"], first["excluded"]) == ({"excluded": 2}, {})
    assert second["allowed"][0]["events"] == 1
    service.lies["/v1/agent/reports"] = INVALID
    assert not agent.report(Tally({("gone", "click"): 1}))
    service.lies.clear()
    assert agent.report(Tally())
    assert len(service.reports) == 2


@pytest.mark.parametrize("status", [200, 409, 422])
def test_a_page_of_somebody_else_lets_no_report_go(agent, service, clock, status):
    service.lies["/v1/agent/reports"] = says(status, html="Sign in to this network")
    assert not agent.report(Tally({("vscode", "click"): 1}))
    service.lies.clear()
    clock.advance(60)
    assert agent.report(Tally())
    assert len(service.reports) == 1


def test_nothing_is_reported_when_nothing_happened(agent, service):
    assert agent.report(Tally())
    assert service.reports == []


def test_a_report_never_raises(agent, service):
    service.lies["/"] = unreachable
    assert not agent.report(Tally({("vscode", "click"): 3}))


# Pairing


def test_pairing_shows_the_code_waits_and_keeps_the_device(tmp_path, service, http, clock):
    service.token_errors = ["authorization_pending", "slow_down"]
    waits: list[float] = []
    steps = list(pair(BASE, tmp_path, "laptop", http=http, clock=clock, sleep=waits.append))
    assert steps == [
        CodeShown("BCDF-GHJK", BASE, BASE, 900), Waiting(5), Waiting(10), Paired(DEVICE),
    ]  # fmt: skip
    assert waits == [5, 5, 10]
    opened = AgentClient.open(tmp_path, http=http, clock=clock, elapsed=clock.elapsed)
    assert opened.identity == Identity(BASE, DEVICE, "laptop", service.office.keys)
    assert opened.poll().capture
    for kept in tmp_path.iterdir():
        assert kept.stat().st_mode & 0o077 == 0, kept


def paired(tmp_path, http, clock, *, personal: bool = False, opened: bool = False) -> AgentClient:
    list(pair(BASE, tmp_path, "l", personal=personal, http=http, clock=clock, sleep=lambda _: None))
    return AgentClient.open(
        tmp_path, http=http, clock=clock, elapsed=clock.elapsed, personal=opened
    )


@pytest.mark.parametrize(("at_pairing", "at_opening"), [(True, False), (False, True), (True, True)])
def test_law_7_on_a_device_of_ones_own_the_policy_for_such_devices_holds(
    tmp_path, http, clock, at_pairing, at_opening
):
    agent = paired(tmp_path, http, clock, personal=at_pairing, opened=at_opening)
    agent.poll()
    answer = agent.guard.may_capture(event(at=agent.now))
    assert answer == Denied(Reason.PERSONAL_DEVICE)


@pytest.mark.parametrize(("kept", "captured"), [(..., True), (False, True), (None, False)])
def test_whose_device_it_is_was_said_clearly_or_it_is_the_persons_own(
    tmp_path, http, clock, kept, captured
):
    """A device that was paired before there was the question is the employer's."""
    paired(tmp_path, http, clock)
    file = tmp_path / "device.json"
    device = {**json.loads(file.read_bytes()), "personal": kept}
    file.write_text(json.dumps({name: value for name, value in device.items() if value is not ...}))
    agent = AgentClient.open(tmp_path, http=http, clock=clock, elapsed=clock.elapsed)
    agent.poll()
    assert captures(agent) == captured


def test_the_private_key_never_leaves_the_laptop(tmp_path, service, http, clock):
    list(pair(BASE, tmp_path, "laptop", http=http, clock=clock, sleep=lambda _: None))
    sent = json.loads(service.asked[0].content)
    assert sent["jwk"].keys() == {"kty", "crv", "x"}
    seed = KeyFolder(tmp_path).secret("device")
    assert all(seed.hex() not in request.content.hex() for request in service.asked)


def test_pairing_outlives_a_moment_of_silence(tmp_path, service, http, clock):
    calls = iter([True, False])

    def once(request: httpx2.Request) -> httpx2.Response:
        return unreachable(request) if next(calls) else service._honest(request)

    service.lies["/v1/agent/token"] = once
    steps = list(pair(BASE, tmp_path, "laptop", http=http, clock=clock, sleep=lambda _: None))
    assert steps[-1] == Paired(DEVICE)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_service_that_is_busy_is_asked_less_often_by_who_pairs(
    tmp_path, service, http, clock, status
):
    answers = [httpx2.Response(status, html="busy")]

    def busy_once(request: httpx2.Request) -> httpx2.Response:
        return answers.pop() if answers else service._honest(request)

    service.lies["/v1/agent/token"] = busy_once
    steps = list(pair(BASE, tmp_path, "laptop", http=http, clock=clock, sleep=lambda _: None))
    assert steps[-2:] == [Waiting(10), Paired(DEVICE)]


@pytest.mark.parametrize(
    ("path", "handler", "says_why"),
    [
        ("/v1/agent/pairings", unreachable, "does not answer"),
        ("/v1/agent/pairings", page, "does not answer"),
        ("/v1/agent/pairings", says(503, json={"detail": "too many are open"}), "too many"),
        ("/.well-known", page, "does not answer"),
        ("/.well-known/jwks.json", page, "no keys"),
        ("/.well-known/jwks.json", says(200, json={"keys": [{"kty": "RSA"}]}), "no keys"),
        (
            "/.well-known/jwks.json",
            says(200, json={"keys": [jwk(LocalSigner.generate().public)]}),
            "no key",
        ),
        ("/v1/agent/token", says(400, json={"error": "expired_token"}), "expired"),
        ("/v1/agent/token", says(400, json={"error": "access_denied"}), "refused"),
        ("/v1/agent/token", page, "does not answer"),
    ],
)
def test_a_pairing_that_fails_says_why_and_keeps_no_device(
    tmp_path, service, http, clock, path, handler, says_why
):
    service.lies[path] = handler
    with pytest.raises(PairingFailed, match=says_why):
        list(pair(BASE, tmp_path, "laptop", http=http, clock=clock, sleep=lambda _: None))
    with pytest.raises(NotPaired):
        AgentClient.open(tmp_path)


@pytest.mark.parametrize("signs", ["habeas-grant+jwt", "habeas-receipt+jwt", None])
def test_law_7_a_lease_signed_by_a_key_for_something_else_is_refused(
    tmp_path, service, http, clock, signs
):
    """The service shows the key of grants as well; it signs no lease that an agent believes."""
    other = LocalSigner.generate()
    shown = {**jwk(other.public), **({"habeas_typ": signs} if signs else {})}
    keys = {"keys": [*service.office.jwks, shown]}
    service.lies["/.well-known/jwks.json"] = says(200, json=keys)
    list(pair(BASE, tmp_path, "laptop", http=http, clock=clock, sleep=lambda _: None))
    agent = AgentClient.open(tmp_path, http=http, clock=clock, elapsed=clock.elapsed)
    assert set(agent.identity.keys.values()) == {service.office.signer.public}
    service.office.signer = other
    assert agent.poll().reason is Refusal.LEASE_UNREADABLE


@pytest.mark.parametrize(
    "address",
    [
        "http://habeas.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
        "http://192.168.0.1:8000",
        "http://[::2]",
        "http://[",
        "ftp://127.0.0.1",
        "habeas.example",
        "",
    ],
)
def test_keys_are_not_taken_over_plain_http_from_another_machine(tmp_path, service, http, address):
    with pytest.raises(PairingFailed, match=r"address|not safe"):
        list(pair(address, tmp_path, "laptop", http=http, sleep=lambda _: None))
    assert service.asked == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:80"]
)
def test_on_this_machine_plain_http_will_do(tmp_path, service, http, clock, address):
    steps = list(pair(address, tmp_path, "laptop", http=http, clock=clock, sleep=lambda _: None))
    assert steps[-1] == Paired(DEVICE)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"base_url": 1}', b"\xff"])
def test_a_damaged_device_file_is_no_device(tmp_path, content):
    (tmp_path / "device.json").write_bytes(content)
    with pytest.raises(NotPaired):
        AgentClient.open(tmp_path)
