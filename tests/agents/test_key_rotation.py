"""Keys are rotated under laptops that poll, on two workers, and nothing is turned off by it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.audit.restore.custody import read_private_key, sign_statement
from app.consent.model import Act
from app.demo.custodians import NAMES, sample_custodians
from app.kernel.errors import Conflict, Forbidden, InvalidInput, Unavailable
from app.kernel.signing import BadToken, read_token, signing_key_of, thumbprint
from app.kernel.tokens import LEASE_TYPE, RECEIPT_TYPE, TYPE_OF, keys_for
from app.keys.service import LEAD, LIFE, LIFE_SIGNED
from app.main import create_app
from app.sdk.agent.client import AgentClient
from app.sdk.agent.pairing import CodeShown, pair
from app.sdk.keys import kept_key_set
from app.wiring import Services, build
from app.wiring.shipped import Shipped
from tests.agents.conftest import Company
from tests.fakes import FakeClock

pytestmark = pytest.mark.slow

BASE = "http://127.0.0.1:8000"
POLL = timedelta(seconds=15)


@dataclass
class Fleet:
    """Laptops of one engineer that poll two workers in turn."""

    company: Company
    second: Services
    folder: Path
    shipped: Shipped

    def __post_init__(self) -> None:
        workers = (self.company.services, self.second)
        self.wires = [TestClient(create_app(each), base_url=BASE) for each in workers]
        self.laptops = [self.pair(f"laptop-{number}") for number in range(3)]
        self.polls = 0

    @property
    def clock(self) -> FakeClock:
        return self.company.clock

    def pair(self, name: str) -> AgentClient:
        steps = pair(
            BASE,
            self.folder / name,
            name,
            http=self.wires[0],
            clock=self.clock,
            sleep=lambda _: None,
        )
        for step in steps:
            if isinstance(step, CodeShown):
                self.company.approve(step.user_code)
        return self.open(name, 0)

    def open(self, name: str, worker: int) -> AgentClient:
        wire, clock = self.wires[worker], self.clock
        return AgentClient.open(self.folder / name, http=wire, clock=clock, elapsed=clock.elapsed)

    def verb(self, services: Services | None = None) -> "Verb":
        return Verb(services or self.company.services, self.clock)

    def live(self, duration: timedelta) -> set[object]:
        """Everybody polls, again and again; return why capture was off, of all polls."""
        reasons: set[object] = set()
        end = self.clock.now() + duration
        while self.clock.now() < end:
            self.clock.advance(POLL)
            for services in (self.company.services, self.second):
                services.integrator.integrate()
            for laptop in self.laptops:
                self.polls += 1
                laptop._wire._http = self.wires[self.polls % 2]
                reasons.add(laptop.poll().reason)
        return reasons

    def signers(self) -> set[str]:
        """The ids of the keys that signed the leases which are held."""
        held = (laptop.guard._held for laptop in self.laptops)
        return {each.kid for each in held if each is not None}


@dataclass
class Verb:
    """What ``habeas keys`` does, next to services that run."""

    services: Services
    clock: FakeClock

    def rotate(self, name: str, lead: timedelta | None = None, *, revoke: bool = False) -> str:
        keys, now = self.services.key_sets, self.clock.now()
        keys.follow()
        proposed = keys.propose_rotation(name, now, lead, revoke=revoke)
        self.publish(proposed.text.encode())
        return proposed.of(TYPE_OF[name])[-1].kid

    def publish(self, statement: bytes) -> None:
        self.services.key_sets.publish(statement, self.clock.now())
        self.services.integrator.integrate()
        self.services.key_sets.follow()

    def sign(self, text: str, *names: str) -> bytes:
        statement = text.encode()
        for name in names:
            file = self.services.settings.var / "custodians" / f"{name}.key"
            key_name, signer = read_private_key(file.read_bytes())
            statement = sign_statement(statement, key_name, signer).encode()
        return statement


@pytest.fixture
def fleet(open_company: Company, tmp_path: Path, shipped: Shipped) -> Iterator[Fleet]:
    services = open_company.services
    custodians = sample_custodians(services.settings.var / "custodians")
    settings = services.settings.model_copy(update={"custodians": custodians})
    with ExitStack() as opened:
        second = opened.enter_context(
            closing(build(settings, clock=open_company.clock, shipped=shipped))
        )
        yield Fleet(open_company, second, tmp_path / "fleet", shipped)


def test_a_rotation_under_a_polling_fleet_turns_nothing_off(fleet: Fleet) -> None:
    assert fleet.live(POLL) == {None}
    before = fleet.signers()
    kid = fleet.verb().rotate("lease")
    assert fleet.live(LEAD + timedelta(minutes=15)) == {None}
    assert fleet.signers() == {kid} != before


def test_both_workers_sign_with_the_same_key_before_and_after(fleet: Fleet) -> None:
    kid = fleet.verb().rotate("lease")
    for advance in (timedelta(0), LEAD - timedelta(seconds=1), timedelta(seconds=1)):
        fleet.clock.advance(advance)
        fleet.second.integrator.integrate()
        kids = {
            thumbprint(services.ring.held("lease").public)
            for services in (fleet.company.services, fleet.second)
        }
        assert len(kids) == 1
    assert kids == {kid}


def test_a_laptop_that_slept_through_a_rotation_captures_at_its_first_poll(fleet: Fleet) -> None:
    fleet.verb().rotate("lease")
    fleet.clock.advance(timedelta(days=3))
    fleet.second.integrator.integrate()
    fleet.company.services.integrator.integrate()
    sleeper = fleet.open("laptop-0", 1)
    assert sleeper.poll().reason is None


def test_a_revoked_key_is_followed_at_once(fleet: Fleet) -> None:
    assert fleet.live(POLL) == {None}
    kid = fleet.verb().rotate("lease", revoke=True)
    assert fleet.live(timedelta(minutes=16)) == {None}
    assert fleet.signers() == {kid}
    assert len(keys_for(fleet.second.jwks, LEASE_TYPE)) == 1


def ruled_by_custodians(fleet: Fleet) -> Verb:
    """The fleet's second verb, after two custodians have become the root."""
    verb = fleet.verb(fleet.second)
    with verb.services.database.read() as tx:
        proposed = verb.services.key_sets.propose_root(tx, fleet.clock.now())
    verb.publish(verb.sign(proposed.text, *NAMES[:2]))
    return verb


def test_custodians_become_the_root_and_a_laptop_that_slept_follows(fleet: Fleet) -> None:
    verb = ruled_by_custodians(fleet)
    rotated = verb.services.key_sets.propose_rotation("lease", fleet.clock.now())
    with pytest.raises(Forbidden):
        verb.publish(rotated.text.encode())  # this machine is no longer the root
    with pytest.raises(Forbidden):
        verb.publish(verb.sign(rotated.text, NAMES[0]))
    verb.publish(verb.sign(rotated.text, *NAMES[:2]))
    assert fleet.live(timedelta(minutes=1)) == {None}
    fleet.clock.advance(timedelta(days=30))
    fleet.company.services.integrator.integrate()
    sleeper = fleet.open("laptop-1", 1)
    assert sleeper.poll().reason is None
    kept = kept_key_set(fleet.folder / "laptop-1")
    assert kept is not None
    assert (kept.root.version, kept.root.threshold) == (2, 2)


def test_who_published_late_publishes_nothing(fleet: Fleet) -> None:
    """Else the old key would have ended before anybody heard of it."""
    verb = ruled_by_custodians(fleet)
    rotated = verb.services.key_sets.propose_rotation("lease", fleet.clock.now())
    fleet.clock.advance(timedelta(days=8))
    with pytest.raises(Conflict, match="too late"):
        verb.publish(verb.sign(rotated.text, *NAMES[:2]))


def test_a_set_of_this_machine_is_renewed_by_itself_and_one_of_custodians_is_not(
    fleet: Fleet,
) -> None:
    keys = fleet.second.key_sets
    assert keys.in_force().version == 1
    fleet.clock.advance(LIFE / 2)
    for services in (fleet.second, fleet.company.services):
        services.integrator.integrate()
        services.integrator.integrate()
    assert keys.in_force().version == fleet.company.services.key_sets.in_force().version == 2
    verb = fleet.verb(fleet.second)
    with verb.services.database.read() as tx:
        proposed = keys.propose_root(tx, fleet.clock.now())
    verb.publish(verb.sign(proposed.text, *NAMES[:2]))
    fleet.clock.advance(LIFE_SIGNED - timedelta(days=1))
    fleet.second.integrator.integrate()
    assert keys.in_force().version == 3


def test_a_second_rotation_waits_for_the_first(fleet: Fleet) -> None:
    fleet.verb().rotate("lease")
    with pytest.raises(Conflict, match="follows already"):
        fleet.verb().rotate("lease")
    fleet.verb().rotate("receipt")


def test_what_is_no_key_for_tokens_is_not_rotated_like_one(fleet: Fleet) -> None:
    for name in ("log", "vault", "sign-in", ""):
        with pytest.raises(InvalidInput):
            fleet.verb().rotate(name)


def test_a_receipt_goes_on_being_believed_after_its_key_was_rotated(fleet: Fleet) -> None:
    company = fleet.company
    before = company.decide(Act.WITHDRAWN).token
    fleet.verb().rotate("receipt", timedelta(0))
    fleet.clock.advance(60)
    after = company.decide(Act.REFUSED, "E-1001").token
    assert signing_key_of(before) != signing_key_of(after)
    keys = keys_for(company.services.jwks, RECEIPT_TYPE)
    for token in (before, after):
        assert read_token(token, RECEIPT_TYPE, keys)


def test_a_receipt_of_a_revoked_key_is_not_believed(fleet: Fleet) -> None:
    before = fleet.company.decide(Act.WITHDRAWN).token
    fleet.verb().rotate("receipt", revoke=True)
    keys = keys_for(fleet.company.services.jwks, RECEIPT_TYPE)
    with pytest.raises(BadToken):
        read_token(before, RECEIPT_TYPE, keys)


def test_a_worker_that_lacks_the_next_key_does_not_start(fleet: Fleet) -> None:
    fleet.verb().rotate("grant")
    settings = fleet.second.settings
    (settings.var / "keys" / "grant.2.key").unlink()
    with pytest.raises(Unavailable) as refused:
        build(settings, clock=fleet.clock, shipped=fleet.shipped)
    assert refused.value.kind == "another-key"
