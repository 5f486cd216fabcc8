"""Whoever writes rows of devices, tokens, pairings and leases with SQL opens nothing. Attacks.

Each is tried on a service that runs, with all it remembers, and on one that starts afterwards: it
narrows, and the alarm names the chain. On both databases.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import httpx2
import pytest
from sqlalchemy import Column, Integer, String
from starlette.testclient import TestClient

from app.agents.devices.store import DEVICE
from app.agents.leases.store import LEASE
from app.agents.pairing.codes import hashed
from app.agents.pairing.store import TOKEN, agent_token
from app.consent.model import Act
from app.kernel.keys import KeyFolder
from app.kernel.signing import LocalSigner, jwk, read_token, thumbprint
from app.kernel.tokens import LEASE_TYPE
from app.sdk.agent import memory
from app.sdk.agent.client import AgentClient
from app.sdk.agent.identity import Identity
from tests.agents.conftest import Company, assertion
from tests.agents.test_api import BASE, GRANT, ask
from tests.agents.test_client import streamed
from tests.tamper import sql

pytestmark = pytest.mark.slow

OTHER = "d_" + "f" * 32
OFF = "record_disputed"


@dataclass
class Office:
    """A company with one laptop that captures, its service, and whoever writes SQL."""

    company: Company
    again: Callable[[], Company]
    running: bool
    key: LocalSigner
    device: str = ""
    token: str = ""

    def open(self) -> None:
        self.company.publish()
        self.company.decide()
        self.device = self.company.pair(key=self.key).id
        self.token = self.asked(self.key)["access_token"]
        assert self.poll()["capture"] == "on"

    @property
    def http(self) -> TestClient:
        from app.main import create_app

        return TestClient(create_app(self.company.services), base_url=BASE)

    def attack(self, *statements: str) -> None:
        """Let somebody write SQL when all is in the log; the service goes on, or starts anew."""
        self.company.services.integrator.integrate()
        assert sql(self.company.services.database, *statements) >= len(statements)
        self.company = self.again()

    def asked(self, key: LocalSigner, device: str = "", **form: str) -> dict[str, str]:
        """What the token endpoint answers to a device's assertion."""
        signed = assertion(key, device or self.device, self.company.now)
        return dict(ask(self.http, signed, **form).json())

    def poll(self, token: str = "") -> dict[str, object]:
        """The claims of the lease; only the status where there is none."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        answer = self.http.get("/v1/agent/lease?forms=1,2", headers=headers)
        if answer.status_code != 200:
            return {"status": answer.status_code}
        public = self.company.services.keys.signer("lease").public
        return dict(read_token(answer.text, LEASE_TYPE, {thumbprint(public): public}))

    @property
    def alarms(self) -> set[str]:
        """The chains that the log names as disputed."""
        self.company.services.integrator.integrate()
        return {leaf["facts"]["chain"] for leaf in self.company.entries("alarm.raised")}

    def revoke(self) -> None:
        with self.company.write() as tx:
            person = self.company.services.directory.person(tx, "E-1000")
            self.company.services.devices.revoke(tx, person, self.device, self.company.now)


@pytest.fixture(params=["running", "at start"])
def office(request, company, clock, shipped) -> Iterator[Office]:
    from app.wiring import build

    started = ExitStack()

    def again() -> Company:
        if request.param == "running":
            return company
        services = build(company.services.settings, clock=clock, shipped=shipped)
        started.callback(services.close)
        return Company(services, clock)

    made = Office(company, again, request.param == "running", LocalSigner.generate())
    made.open()
    with started:
        yield made


def is_off(lease: dict[str, object]) -> bool:
    return lease.get("capture") == "off" and OFF in lease["reasons"]  # type: ignore[operator]


# Devices


def test_a_device_that_somebody_inserted_gets_no_token(office):
    key = LocalSigner.generate()
    office.attack(
        "INSERT INTO agent_device (device_id, person_id, name, public, paired_at) "
        f"SELECT '{OTHER}', 'E-1000', 'x', '{key.public.hex()}', paired_at FROM agent_device"
    )
    assert office.asked(key, OTHER)["error"] == "invalid_client"
    assert office.alarms == {f"device:{OTHER}"}
    assert office.poll()["capture"] == "on"  # the person's own laptop is as it was


def test_a_device_whose_key_was_changed_gets_neither_token_nor_permission(office):
    key = LocalSigner.generate()
    office.attack(f"UPDATE agent_device SET public = '{key.public.hex()}'")
    assert office.asked(key)["error"] == "invalid_client"
    assert office.asked(office.key)["error"] == "invalid_client"
    assert is_off(office.poll())
    assert office.alarms == {f"device:{office.device}"}


def test_a_device_that_was_moved_to_another_person_captures_for_nobody(office):
    office.company.decide(Act.GIVEN, "E-1001")
    office.attack("UPDATE agent_device SET person_id = 'E-1001'")
    assert is_off(office.poll())
    assert office.alarms == {f"device:{office.device}"}


@pytest.mark.parametrize("also", ["", "DELETE FROM row_seal WHERE table_name = 'agent_revocation'"])
def test_a_revocation_that_was_deleted_is_missed(office, also):
    office.revoke()
    office.attack("DELETE FROM agent_revocation", *filter(None, [also]))
    assert office.asked(office.key)["error"] == "invalid_client"
    assert is_off(office.poll())
    assert office.alarms == {f"device:{office.device}"}


def test_whose_revocation_was_deleted_can_revoke_again(office):
    office.revoke()
    office.attack("DELETE FROM agent_revocation")
    office.company.clock.advance(1)
    office.revoke()
    assert "device_revoked" in office.poll()["reasons"]


def test_a_revocation_holds_whoever_wrote_it(office):
    office.attack(
        "INSERT INTO agent_revocation (device_id, revoked_at) "
        "SELECT device_id, paired_at FROM agent_device"
    )
    assert office.asked(office.key)["error"] == "invalid_client"
    assert "device_revoked" in office.poll()["reasons"]
    assert office.alarms == {f"device:{office.device}"}


def test_a_key_that_is_none_is_no_error_of_the_service(office):
    office.attack("UPDATE agent_device SET public = 'none', name = ''")
    assert is_off(office.poll())
    assert office.asked(office.key)["error"] == "invalid_client"


def test_a_device_stays_off_when_its_row_is_put_back_until_two_people_cleared_the_alarm(office):
    public = office.key.public.hex()
    office.attack("UPDATE agent_device SET public = 'none'")
    assert is_off(office.poll())
    assert office.alarms
    sql(office.company.services.database, f"UPDATE agent_device SET public = '{public}'")
    assert is_off(office.poll())


def test_seals_that_were_swapped_fit_nothing(office):
    """A service that runs knows the seals from before, which fit: what it allows is so."""
    second = office.company.pair("E-1001").id
    office.attack(
        "UPDATE row_seal SET seal = (SELECT seal FROM row_seal AS other WHERE "
        f"other.row_key = '{second}') WHERE row_key = '{office.device}'"
    )
    assert office.poll()["capture"] == ("on" if office.running else "off")


# Tokens


def test_a_token_that_somebody_inserted_is_not_known(office):
    known = "known-to-whoever-writes-sql"
    office.attack(
        "INSERT INTO agent_token (token, device_id, expires_at) SELECT "
        f"'{sha256(known.encode()).hexdigest()}', device_id, expires_at FROM agent_token"
    )
    assert office.poll(known) == {"status": 401}


def test_a_token_whose_life_was_raised_ends_nevertheless(office):
    office.attack("UPDATE agent_token SET expires_at = '2030-01-01 00:00:00.000000'")
    assert office.poll() == {"status": 401}
    assert office.alarms == {f"token:{office.device}"}
    # The device is as good as its key: it goes on by itself.
    office.token = office.asked(office.key)["access_token"]
    assert office.poll()["capture"] == "on"


def test_a_token_that_was_moved_opens_no_other_device(office):
    second = office.company.pair("E-1001").id
    office.attack(f"UPDATE agent_token SET device_id = '{second}'")
    assert office.poll() == {"status": 401}
    assert office.alarms == {f"token:{second}"}


# Pairings


def started(office: Office, key: LocalSigner):
    with office.company.write() as tx:
        pairing = office.company.services.pairing
        return pairing.start(tx, "laptop", jwk(key.public), office.company.now)


def redeemed(office: Office, key: LocalSigner, begun) -> dict[str, str]:
    return office.asked(key, begun.device_id, grant=GRANT, device_code=begun.device_code)


def test_a_pairing_that_nobody_approved_pairs_nothing(office):
    key = LocalSigner.generate()
    begun = started(office, key)
    assert redeemed(office, key, begun)["error"] == "authorization_pending"
    office.attack(
        "INSERT INTO agent_pairing (device_id, device_code, user_code, name, public, started_at, "
        "expires_at, interval_s, approved_at) "
        f"SELECT '{begun.device_id}', '{hashed(begun.device_code)}', 'x', 'laptop', "
        f"'{key.public.hex()}', paired_at, paired_at, 5, paired_at FROM agent_device"
    )
    assert redeemed(office, key, begun)["error"] == "invalid_grant"
    assert office.alarms == {f"pairing:{begun.device_id}"}


def test_a_pairing_whose_key_was_changed_is_redeemed_by_nobody(office):
    key, thief = LocalSigner.generate(), LocalSigner.generate()
    begun = started(office, key)
    with office.company.write() as tx:
        person = office.company.services.directory.person(tx, "E-1000")
        office.company.services.pairing.approve(tx, person, begun.request, office.company.now)
    office.attack(
        f"UPDATE agent_pairing SET public = '{thief.public.hex()}' "
        f"WHERE device_id = '{begun.device_id}'"
    )
    assert redeemed(office, thief, begun)["error"] == "invalid_client"
    assert redeemed(office, key, begun)["error"] == "invalid_grant"
    assert office.alarms == {f"pairing:{begun.device_id}"}


# Leases


def test_an_inserted_lease_makes_no_poll_a_renewal(office):
    office.company.decide(Act.WITHDRAWN)
    assert office.poll()["capture"] == "off"
    office.company.decide()
    office.attack(
        "INSERT INTO agent_lease (device_id, seq, content, event_id, recorded_at) "
        "SELECT device_id, 3, content, 'x', recorded_at FROM agent_lease WHERE seq = 1"
    )
    assert is_off(office.poll())
    assert office.alarms == {f"lease:{office.device}"}
    assert len(office.company.entries("lease.changed")) == 3


def test_a_deleted_lease_is_missed_and_polls_under_the_alarm_are_renewals(office):
    office.company.decide(Act.PAUSED, until=office.company.now + timedelta(days=1))
    assert office.poll()["capture"] == "off"
    office.company.decide(Act.RESUMED)
    office.attack("DELETE FROM agent_lease WHERE seq = 2")
    assert is_off(office.poll())
    assert office.alarms == {f"lease:{office.device}"}
    before = len(office.company.entries("lease.changed"))
    for _ in range(3):
        office.company.clock.advance(20)
        assert is_off(office.poll())
    assert len(office.company.entries("lease.changed")) == before


def test_a_number_of_a_lease_that_was_never_given_does_not_count(office):
    office.attack(
        "INSERT INTO agent_lease (device_id, seq, content, event_id, recorded_at) "
        f"SELECT device_id, {2**63 - 1}, content, 'x', recorded_at FROM agent_lease"
    )
    assert office.poll()["capture"] == "on"


# Upgrades


def test_an_agent_whose_token_ended_with_the_upgrade_goes_on_capturing_by_itself(
    company, clock, tmp_path
):
    """The tokens of before are found by nobody. The agent asks for another one with its key."""
    from app.main import create_app

    company.publish()
    company.decide()
    key = KeyFolder(tmp_path).signer("device")
    device = company.pair(key=key).id
    http = TestClient(create_app(company.services), base_url=BASE)

    def over_http(request: httpx2.Request) -> httpx2.Response:
        sent = http.request(
            request.method, str(request.url), headers=request.headers, content=request.content
        )
        answer = httpx2.Response(sent.status_code, headers=sent.headers, content=sent.content)
        return streamed(answer)

    memory.begin(tmp_path, device)
    public = company.services.keys.signer("lease").public
    identity = Identity(BASE, device, "laptop", {thumbprint(public): public})
    with httpx2.Client(transport=httpx2.MockTransport(over_http)) as wire:
        agent = AgentClient(tmp_path, identity, http=wire, clock=clock, elapsed=clock.elapsed)
        assert agent.poll().capture
        before = "UPDATE agent_token SET token = 'of before', seal = NULL"
        assert sql(company.services.database, before) == 1
        clock.advance(15)
        assert agent.poll().capture
    with company.read() as tx:
        assert len(tx.execute(agent_token.select()).all()) == 2  # that of before, and another
    assert company.entries("alarm.raised") == []


# Every column


def other(column: Column) -> str:
    """Another value of a column's kind, in SQL."""
    if isinstance(column.type, String):
        return f"'x' || substr({column.name}, 2)"
    return f"{column.name} + 1" if isinstance(column.type, Integer) else "'2031-01-01 00:00:00+00'"


SEALED = {
    f"{sealed.table.name}.{name}": sealed.table.c[name]
    for sealed in (DEVICE, LEASE, TOKEN)
    for name in sealed.covered
    if name != "device_id"  # other tables hold on to it; a token that was moved is tried above
}


@pytest.mark.every_pair("name", "office", "database_url")
@pytest.mark.parametrize("name", SEALED)
def test_whatever_is_changed_in_a_row_nothing_is_captured(office, name):
    column = SEALED[name]
    office.company.decide(Act.GIVEN, "E-1001")
    value = "'E-1001'" if column.name == "person_id" else other(column)
    office.attack(f"UPDATE {column.table.name} SET {column.name} = {value}")
    lease = office.poll()
    assert is_off(lease) or lease == {"status": 401}
