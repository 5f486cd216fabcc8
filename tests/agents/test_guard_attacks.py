"""What somebody between the service and the laptop, or on the laptop, may try.

Each attack starts from an agent that captures rightly. Afterwards capture is off, with the reason.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.kernel.canonical import canonical, digest
from app.kernel.forms import AGENT_FORM, FIRST_FORM
from app.kernel.refusals import Refusal
from app.kernel.signing import LocalSigner, b64u, sign_token, thumbprint, unb64u
from app.kernel.tokens import LEASE_TYPE
from app.kernel.vocabulary import Reason
from app.sdk.agent import memory
from app.sdk.agent.guard import Denied
from tests.agent_simulator import (
    TTL_S,
    AgentSimulator,
    LeaseOffice,
    Sent,
    event,
    policy_document,
)
from tests.fakes import FakeClock


@pytest.fixture
def office(clock: FakeClock) -> LeaseOffice:
    return LeaseOffice(clock)


@pytest.fixture
def agent(tmp_path: Path, office: LeaseOffice, clock: FakeClock) -> AgentSimulator:
    return AgentSimulator(tmp_path / "agent", office, clock)


Attack = Callable[[LeaseOffice, AgentSimulator], None]
ATTACKS: dict[str, tuple[Attack, Reason | Refusal]] = {}


def attack(sentence: str, expected: Reason | Refusal) -> Callable[[Attack], Attack]:
    def keep(tried: Attack) -> Attack:
        ATTACKS[sentence] = (tried, expected)
        return tried

    return keep


@attack("replays the lease from before the withdrawal", Refusal.LEASE_ROLLED_BACK)
def _(office, agent):
    old = office.send()
    agent.wait(5)
    office.withdraw()
    agent.poll()
    agent.take(old)


@attack("replays it after the agent was restarted", Refusal.LEASE_ROLLED_BACK)
def _(office, agent):
    old = office.send()
    agent.wait(5)
    office.withdraw()
    agent.poll()
    agent.restart()
    agent.take(old)


@attack("replays an older lease of the same policy and consent", Refusal.LEASE_ROLLED_BACK)
def _(office, agent):
    old = office.send()
    agent.wait(5)
    office.reasons = (Reason.PRECONDITION_MISSING,)  # evidence expired: no seq grows
    agent.poll()
    agent.take(old)


@attack("freezes the laptop on one lease by blocking the service", Refusal.LEASE_EXPIRED)
def _(office, agent):
    agent.wait(TTL_S)


@attack("freezes it by showing the same lease again and again", Refusal.LEASE_EXPIRED)
def _(office, agent):
    same = agent.poll()
    for _ in range(4):
        agent.wait(TTL_S / 4)
        agent.take(same)


@attack("freezes it by turning the clock back each minute", Refusal.LEASE_EXPIRED)
def _(office, agent):
    for _ in range(TTL_S // 60 + 1):
        agent.wait(60)
        agent.turn_clock(-60)


@attack("shows the lease again after each turn of the clock", Refusal.CLOCK_ROLLED_BACK)
def _(office, agent):
    same = agent.poll()
    for _ in range(TTL_S // 60 + 1):
        agent.wait(60)
        agent.turn_clock(-60)
        agent.take(same)


@attack("turns the clock back by a month", Refusal.CLOCK_ROLLED_BACK)
def _(office, agent):
    agent.turn_clock(-30 * 86_400)


@attack("turns the clock back to when an old lease was good", Refusal.CLOCK_ROLLED_BACK)
def _(office, agent):
    old = office.send()
    agent.wait(3_600)
    agent.poll()
    agent.turn_clock(-3_600)
    agent.take(old)


@attack(
    "restores the disk and turns the clock back, then plays a recorded answer",
    Refusal.LEASE_NOT_FRESH,
)
def _(office, agent):
    disk = agent.memory_file.read_bytes()
    old = office.send(nonce="of-an-earlier-run")
    agent.wait(3_600)
    office.withdraw()
    agent.poll()
    agent.memory_file.write_bytes(disk)
    agent.turn_clock(-3_600)
    agent.restart()
    agent.take(old, nonce="of-this-run")


@attack("shows a newer lease that is behind in policy", Refusal.LEASE_ROLLED_BACK)
def _(office, agent):
    office.policy_seq = 6
    agent.poll()
    agent.wait(5)
    agent.take(office.send(seq={"policy": 5, "consent": 3}))


@attack("shows a newer lease that is behind in consent", Refusal.LEASE_ROLLED_BACK)
def _(office, agent):
    office.consent_seq = 4
    agent.poll()
    agent.wait(5)
    agent.take(office.send(seq={"policy": 6, "consent": 3}))


@attack("winds seq forward so that no later lease can be accepted", Refusal.LEASE_JUMPED)
def _(office, agent):
    agent.take(office.send(seq={"policy": 2**53 - 1, "consent": 3}))


@attack("winds the time forward so that no later lease can be accepted", Refusal.LEASE_FROM_FUTURE)
def _(office, agent):
    far = int(agent.clock.now().timestamp()) + 86_400
    agent.take(office.send(iat=far, exp=far + TTL_S))


@attack("serves an old policy document with a new lease", Refusal.POLICY_MISMATCH)
def _(office, agent):
    old = office.send()
    agent.wait(5)
    office.publish(apps=[])
    agent.take(Sent(office.send().token, old.document))


@attack("serves another person's document with the lease", Refusal.POLICY_MISMATCH)
def _(office, agent):
    other = canonical(policy_document(exclusions=[]))
    agent.take(Sent(office.send().token, other))


@attack("keeps the policy document back", Refusal.POLICY_MISMATCH)
def _(office, agent):
    agent.take(Sent(office.send().token, None))


@attack("serves what others allowed before with a new lease", Refusal.POLICY_MISMATCH)
def _(office, agent):
    old = office.send()
    agent.wait(5)
    office.others = {"DE": {"click": "deny"}}
    agent.take(replace(office.send(), counterparties=old.counterparties))


@attack("keeps back what others allow", Refusal.POLICY_MISMATCH)
def _(office, agent):
    agent.take(replace(office.send(), counterparties=None))


@attack("does not say what others allow", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(counterparties=...))


@attack("says of a signal nothing that others allow", Refusal.POLICY_UNREADABLE)
def _(office, agent):
    agent.wait(1)
    sent = office.send()
    rows = json.loads(sent.counterparties)
    del rows["unknown"]["click"]
    short = canonical(rows)
    agent.take(replace(office.send(counterparties=digest(short)), counterparties=short))


@attack("does not say in which zones home is", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(zones=...))


@attack("says that home is in no zone", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(zones=[]))


@attack("moves home to another zone within the second", Refusal.LEASE_FORKED)
def _(office, agent):
    agent.take(office.send(zones=["Pacific/Auckland"]))


@attack("answers in the form of older agents", Refusal.POLICY_UNREADABLE)
def _(office, agent):
    agent.wait(1)
    office.document = policy_document(v=FIRST_FORM)
    agent.take(office.send(form=..., counterparties=..., zones=...))


@attack("turns capture off in the form of older agents", Refusal.POLICY_UNREADABLE)
def _(office, agent):
    agent.wait(1)
    office.withdraw()
    agent.take(office.send(form=...))


@attack("mixes a newer policy with an older consent", Refusal.LEASE_ROLLED_BACK)
def _(office, agent):
    office.withdraw()
    agent.poll()
    office.reasons = ()
    agent.take(office.send(seq={"policy": 6, "consent": 3}))


@attack("shows a second lease of the same second that says more", Refusal.LEASE_FORKED)
def _(office, agent):
    office.document = policy_document(exclusions=[])
    agent.take(office.send())


@attack("sends the lease of another device", Refusal.OTHER_DEVICE)
def _(office, agent):
    agent.take(office.send(aud="d_" + "2" * 32))


@attack("sends a lease for several devices", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(aud=[office.device_id, "d_" + "2" * 32]))


@attack("copies the folder to a laptop that was paired as another device", Refusal.STATE_UNREADABLE)
def _(office, agent):
    agent.restart(device_id="d_" + "2" * 32)
    agent.take(office.send(aud="d_" + "2" * 32))


@attack("signs with a key of its own", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    thief = LeaseOffice(agent.clock, LocalSigner.generate())
    agent.take(thief.send())


@attack("signs with a key of its own under the service's key id", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    token = office.send().token
    header, claims, _ = token.split(".")
    forged = LocalSigner.generate().sign(f"{header}.{claims}".encode())
    agent.take(Sent(f"{header}.{claims}.{b64u(forged)}", office.send().document))


@attack("names no algorithm", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    sent = office.send()
    head = {"alg": "none", "kid": thumbprint(office.signer.public), "typ": LEASE_TYPE}
    agent.take(Sent(f"{b64u(canonical(head))}.{sent.token.split('.')[1]}.", sent.document))


@attack("signs with HMAC and the public key as the secret", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    import hashlib
    import hmac

    sent = office.send()
    head = {"alg": "HS256", "kid": thumbprint(office.signer.public), "typ": LEASE_TYPE}
    signed = f"{b64u(canonical(head))}.{sent.token.split('.')[1]}"
    mac = hmac.new(office.signer.public, signed.encode(), hashlib.sha256).digest()
    agent.take(Sent(f"{signed}.{b64u(mac)}", sent.document))


@attack("strips the signature", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    sent = office.send()
    agent.take(Sent(sent.token.rpartition(".")[0] + ".", sent.document))


@attack("strips the signature and its dot", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    sent = office.send()
    agent.take(Sent(sent.token.rpartition(".")[0], sent.document))


@attack("turns off into on inside a signed lease", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    header, claims, signature = office.send().token.split(".")
    said = json.loads(unb64u(claims)) | {"exp": 2**40}
    agent.take(Sent(f"{header}.{b64u(canonical(said))}.{signature}", office.send().document))


@attack("passes a receipt off as a lease", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(typ="habeas-receipt+jwt"))


@attack("brings an expired lease", Refusal.LEASE_EXPIRED)
def _(office, agent):
    now = int(agent.clock.now().timestamp())
    agent.take(office.send(exp=now))


@attack("brings a lease for ten years", Refusal.LEASE_EXPIRED)
def _(office, agent):
    now = int(agent.clock.now().timestamp())
    agent.wait(1)
    assert agent.take(office.send(exp=now + 10 * 365 * 86_400)) is None
    agent.wait(3_600)


@attack("leaves the end of the lease out", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(exp=...))


@attack("says on and off at once", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(reasons=["stopped"]))


@attack("invents a reason", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(capture="off", policy=None, reasons=["because"]))


@attack("writes true where a number belongs", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(office.send(seq={"policy": True, "consent": 3}))


@attack("sends a lease of a mebibyte", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(Sent("a" * 2**20, None))


@attack("sends JSON that is nested ten thousand deep", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    deep = b64u(b"[" * 9_000)
    agent.take(Sent(f"{deep}.e30.AA", None))


@attack("sends a captive portal's page instead of a lease", Refusal.LEASE_UNREADABLE)
def _(office, agent):
    agent.take(Sent("<!doctype html><title>Welcome to the airport</title>", None))


@attack("has a policy document with a rule that is not understood", Refusal.POLICY_UNREADABLE)
def _(office, agent):
    agent.wait(1)
    office.document = policy_document(only_if_raining=True)
    agent.take(office.send())


@attack("has a policy document of a later version", Refusal.POLICY_UNREADABLE)
def _(office, agent):
    agent.wait(1)
    office.document = policy_document(v=AGENT_FORM + 1)
    agent.take(office.send())


@attack("has a policy document with an unknown mode", Refusal.POLICY_UNREADABLE)
def _(office, agent):
    agent.wait(1)
    office.document = policy_document(counterparty="everything")
    agent.take(office.send())


@attack("sends a signed document that is not canonical", Refusal.POLICY_UNREADABLE)
def _(office, agent):
    agent.wait(1)
    loose = json.dumps(policy_document()).encode()
    sent = office.send(policy=digest(loose))
    agent.take(Sent(sent.token, loose))


@attack("runs an agent that the service no longer trusts", Refusal.AGENT_TOO_OLD)
def _(office, agent):
    agent.wait(1)
    agent.take(office.send(min_agent="9.0.0"))


@attack("deletes the memory", Refusal.STATE_UNREADABLE)
def _(office, agent):
    agent.memory_file.unlink()
    agent.wait(1)
    agent.take(office.send())


@attack("cuts the memory short", Refusal.STATE_UNREADABLE)
def _(office, agent):
    agent.memory_file.write_bytes(agent.memory_file.read_bytes()[:-7])
    agent.wait(1)
    agent.take(office.send())


@attack("lowers the numbers in the memory", Refusal.STATE_UNREADABLE)
def _(office, agent):
    whole = json.loads(agent.memory_file.read_bytes())
    whole["memory"]["consent"] = 0
    agent.memory_file.write_text(json.dumps(whole))
    agent.restart()
    agent.take(office.send())


@attack("puts a folder where the memory was", Refusal.STATE_UNREADABLE)
def _(office, agent):
    agent.memory_file.unlink()
    agent.memory_file.mkdir()
    agent.wait(1)
    agent.take(office.send())


@pytest.mark.parametrize("sentence", ATTACKS)
def test_law_1_an_attack_ends_with_capture_off_and_the_reason_named(sentence, office, agent):
    """An attacker does what the sentence says."""
    attacked, expected = ATTACKS[sentence]
    agent.poll()
    assert agent.captures
    attacked(office, agent)
    assert agent.guard.may_capture(event()) == Denied(expected)
    assert agent.state == expected


RECOVERABLE = sorted(
    sentence for sentence, (_, reason) in ATTACKS.items() if reason is not Refusal.STATE_UNREADABLE
)


@pytest.mark.parametrize("sentence", RECOVERABLE)
def test_after_an_attack_the_next_honest_lease_is_accepted(sentence, office, agent):
    agent.poll()
    ATTACKS[sentence][0](office, agent)
    agent.wait(7_200)
    office.reasons = ()
    office.document = policy_document()
    agent.poll()
    assert agent.captures


def test_law_1_a_guard_that_never_had_a_lease_captures_nothing(agent):
    assert agent.guard.may_capture(event()) == Denied(Refusal.NO_LEASE)


def test_law_1_a_restarted_guard_captures_nothing_until_it_has_a_lease(agent):
    agent.poll()
    agent.restart()
    assert agent.guard.may_capture(event()) == Denied(Refusal.NO_LEASE)


def test_law_1_a_guard_without_a_memory_captures_nothing(tmp_path, office, clock):
    agent = AgentSimulator(tmp_path / "fresh", office, clock)
    agent.memory_file.unlink()
    assert agent.take(office.send()) is Refusal.STATE_UNREADABLE
    assert not agent.captures


def test_what_a_lease_teaches_is_on_disk_before_it_counts(agent, office):
    office.policy_seq, office.consent_seq = 41, 17
    agent.poll()
    kept = agent.remembered()
    assert (kept["policy"], kept["consent"]) == (41, 17)
    assert kept["issued"] == int(agent.clock.now().timestamp())


def test_a_memory_that_cannot_be_written_keeps_capture_off(agent, office, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert agent.take(office.send()) is Refusal.STATE_UNREADABLE
    assert not agent.captures
    assert [path.name for path in agent.folder.iterdir()] == ["guard.json"]


def test_an_expired_lease_is_not_taken_at_all(agent, office, clock):
    expired = office.send(exp=int(clock.now().timestamp()))
    before = agent.remembered()
    assert agent.take(expired) is Refusal.LEASE_EXPIRED
    assert agent.guard.lease is None
    assert agent.remembered() == before


def test_a_lease_ends_on_the_wall_clock_also_if_the_machine_slept(agent, clock):
    """Where the clock since boot stands still in sleep, the wall clock does not."""
    agent.poll()
    clock.advance(TTL_S)
    assert agent.state is Refusal.LEASE_EXPIRED


def test_a_lease_that_leaps_is_not_remembered(agent, office):
    agent.poll()
    before = agent.remembered()
    agent.take(office.send(seq={"policy": 2**52, "consent": 3}))
    assert agent.remembered() == before


def test_a_refused_lease_ends_the_good_lease_before_it(agent, office):
    agent.poll()
    agent.take(office.send(aud="d_" + "2" * 32))
    assert not agent.captures


def test_an_off_lease_is_believed_and_says_why(agent, office):
    office.reasons = (Reason.STOPPED, Reason.PAUSED)
    agent.poll()
    assert agent.guard.may_capture(event()) == Denied(Reason.STOPPED)


def test_a_renewal_within_one_second_is_no_fork(agent, office):
    agent.poll()
    assert agent.take(office.send()) is None
    assert agent.captures


def test_a_withdrawal_within_the_same_second_is_no_fork(agent, office):
    agent.poll()
    office.withdraw()
    assert agent.take(office.send()) is None
    assert agent.state is Reason.CONSENT_WITHDRAWN


def test_a_newer_lease_of_equal_seq_may_say_something_else(agent, office):
    """A lead time ends, the laptop moves: no seq grows."""
    office.reasons = (Reason.LEAD_TIME,)
    agent.poll()
    agent.wait(1)
    office.reasons = ()
    agent.poll()
    assert agent.captures


def test_clocks_may_differ_by_a_minute(agent, office, clock):
    sent = office.send()
    agent.turn_clock(-59)
    assert agent.take(sent) is None
    assert agent.captures


def test_a_memory_is_replaced_whole(tmp_path):
    memory.begin(tmp_path, "d_1")
    memory.write(tmp_path, memory.Memory("d_1", 2, 3, 4, "x"))
    assert memory.read(tmp_path, "d_1") == memory.Memory("d_1", 2, 3, 4, "x")
    assert [path.name for path in tmp_path.iterdir()] == ["guard.json"]
    assert (tmp_path / "guard.json").stat().st_mode & 0o077 == 0


def test_a_token_of_another_type_under_the_right_key_is_still_no_lease(agent, office):
    token = sign_token(office.signer, "JWT", {"capture": "on"})
    assert agent.take(Sent(token, None)) is Refusal.LEASE_UNREADABLE
