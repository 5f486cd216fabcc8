"""The guard: stands between a recorder and its events, and lets through what a lease covers.

Rules:
1. Off is the beginning, the fault and the end: with no lease, no memory, no clock, no sense in
   what it is shown, the guard denies, with a named reason (laws 1 and 7). ``may_capture`` never
   raises.
2. A lease is accepted only if it is signed by a known key, in the time in which that key signs,
   made for this device, valid now, not behind anything seen before, and comes with the documents it
   names. The keys are those of the key set, which is of the lease's issuer and has not expired.
   What a lease teaches is on disk before it counts (memory.py). A nonce in it is the one of the
   very request that it answers.
3. What must be rejected among leases of equal ``seq``: an older one (``iat`` below the highest
   seen) and a second lease of the same second that says something else. A *newer* lease that says
   something else is right: a lead time ends, evidence expires, the laptop moves, and no ``seq``
   grows. One signature covers policy, consent and directive, so parts of two leases cannot be
   combined; the document is bound by its digest.
4. A ``seq`` that grows too far is not believed and not remembered: a single false lease must not
   lock the device out of every later lease. Whoever can sign leases can do so in small steps; then
   the device is paired anew.
5. A lease ends by two clocks, whichever is first: the clock of the system, and the time since boot,
   which nobody can turn back. A lease shown again does not live longer. While the wall clock
   differs from what the other clock and the signed times allow, capture is off (timekeeping.py).
   A wild time that was signed locks nobody out: a lease with the nonce of its request takes the
   time back, never ``seq``.
6. An event belongs to the time it says it happened at: not before capture was last turned on, not
   in the future, and not after the lease. What a recorder kept back from before a consent, or from
   a pause, is denied. "Last turned on" is when the first lease of the unbroken stretch of leases
   that say on was issued; a lease that ends, says off, is let go or rests on another decision
   breaks it, and so does a restart.
7. What the policy document asks for is judged by app/event/verdict.py, and the intervals between
   events are kept here. What the recorder applies comes with each event that is allowed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from app.event.model import UiEvent
from app.event.reading import read_event, read_event_text
from app.event.rules import Circumstance, EventRules
from app.event.verdict import Allowed, Denied, judge
from app.kernel.clock import Clock, zones_named
from app.kernel.forms import AGENT_FORM
from app.kernel.refusals import Refusal
from app.kernel.signing import signing_key_of
from app.kernel.vocabulary import Reason
from app.keys.model import KeySet
from app.policy.knobs import REGISTRY, KnobRegistry
from app.sdk.agent import memory
from app.sdk.agent.counterparties import read_counterparties
from app.sdk.agent.document import read_document
from app.sdk.agent.memory import Memory
from app.sdk.agent.spacing import Spacing
from app.sdk.agent.timekeeping import Timekeeper, since_boot
from app.sdk.lease import SKEW_S, Lease, Refused, bears_out, lease_of, read_lease

__all__ = ["Allowed", "Denied", "Guard"]

MAX_STEP = 1_000_000
"""No honest ``seq`` grows by more between two leases."""


@dataclass(frozen=True)
class Held:
    """The lease relied on now.

    Attributes:
        document: its policy document.
        counterparties: its counterparty document; None where it names none.
        rules: what the documents say, made ready; None where it names none.
        kid: the key that signed it.
        ends: when it ends by ``since_boot``, seconds.
        since: when the unbroken stretch of "on" began that it belongs to, seconds (rule 6).
    """

    lease: Lease
    document: Mapping[str, Any]
    counterparties: Mapping[str, Any] | None
    rules: EventRules | None
    kid: str
    ends: float
    since: int


class Guard:
    """Decides about one device's events. Not for use from several threads at once.

    Args:
        folder: where the memory is kept (``memory.begin`` at pairing).
        keys: the service's public keys for leases, by key id, until there is a key set.
        device_id: the device's id.
        clock: the wall clock.
        key_set: the service's key set; None: the device has none yet.
        elapsed: a clock that only runs forward, seconds.
        personal: whether the device is the person's own.
        zone: the device's own; None: not known, so that it is outside all hours.
        registry: the knobs, signals and forms that this guard understands.
    """

    def __init__(
        self,
        folder: Path,
        keys: Mapping[str, bytes],
        device_id: str,
        clock: Clock,
        *,
        key_set: KeySet | None = None,
        elapsed: Callable[[], float] = since_boot,
        personal: bool = False,
        zone: tzinfo | None = None,
        registry: KnobRegistry = REGISTRY,
    ) -> None:
        self._folder = folder
        self._keys = keys
        self._key_set = key_set
        self._device_id = device_id
        self._clock = clock
        self._times = Timekeeper(clock, elapsed)
        self._personal = personal
        self._zone = zone
        self._registry = registry
        self._held: Held | None = None
        self._off: Refusal = Refusal.NO_LEASE
        self._seen = Memory(device_id)
        self._began: datetime | None = None
        self._spacings: dict[str, Spacing] = {}

    @property
    def forms(self) -> tuple[int, ...]:
        """The document forms that it understands; a poll names them."""
        return tuple(range(AGENT_FORM, self._registry.newest + 1))

    @property
    def lease(self) -> Lease | None:
        """The lease held, whatever it says; None if there is none to rely on."""
        return self._held.lease if self._held else None

    @property
    def document(self) -> Mapping[str, Any] | None:
        """The policy document of the lease held; None if there is none to rely on."""
        return self._held.document if self._held else None

    @property
    def state(self) -> Reason | Refusal | None:
        """Why nothing can be captured now; None if capture is on."""
        try:
            self._covering()
        except _Off as off:
            return off.reason
        except Exception:  # noqa: BLE001 - rule 1
            return Refusal.INTERNAL
        return None

    @property
    def needs_nonce(self) -> bool:
        """Whether the next lease has to carry a nonce that was made for its request.

        That is so while there is none to rely on, and until the time is past that was signed wildly
        (memory.py, rule 3).
        """
        return isinstance(self.state, Refusal) or self._times.wall() <= self._seen.wild + SKEW_S

    def trust(self, key_set: KeySet | None) -> None:
        """Believe leases by another key set; one held that it does not bear out is dropped."""
        self._key_set, held = key_set, self._held
        if held and key_set and not bears_out(key_set, held.kid, held.lease):
            self.turn_off(Refusal.KEYS_REFUSED)

    def read(self, token: str) -> Lease:
        """Read a lease after checking that a believed key signed it, in its time (rule 2).

        Raises:
            Refused: any check fails.
        """
        if self._key_set is None:
            return read_lease(token, self._keys)
        return lease_of(self._key_set, token, self._clock.now())

    def turn_off(self, reason: Refusal) -> None:
        """Drop the lease: the service could not be understood."""
        self._held = None
        self._off = reason

    def accept(
        self,
        token: str,
        document: bytes | None,
        counterparties: bytes | None,
        *,
        nonce: str | None = None,
    ) -> Refusal | None:
        """Take a lease and the documents that it names; None if it is now relied on.

        A lease that is refused ends the lease before it: somebody sends false leases, or is
        confused.

        Args:
            token: the compact JWS.
            document: the bytes of the policy document; None if the lease names none.
            counterparties: the bytes of the counterparty document; None if the lease names none.
            nonce: what was asked to be signed into this very lease.
        """
        try:
            lease = self.read(token)
            self._accept(lease, signing_key_of(token), document, counterparties, nonce)
        except Refused as refused:
            self.turn_off(refused.reason)
            return refused.reason
        except Exception:  # noqa: BLE001 - rule 1
            self.turn_off(Refusal.INTERNAL)
            return Refusal.INTERNAL
        return None

    def may_capture(self, event: UiEvent | Mapping[str, object] | str | bytes) -> Allowed | Denied:
        """Say whether an event may be kept now. Never raises.

        Args:
            event: as the recorder writes it: its members, or the JSON text of them.
        """
        try:
            held = self._covering()
            seen = _event(event)
            self._require_present(seen, held)
            return self._judge(seen, held)
        except _Off as off:
            return Denied(off.reason)
        except Exception:  # noqa: BLE001 - rule 1
            return Denied(Refusal.INTERNAL)

    # Leases

    def _accept(
        self,
        lease: Lease,
        kid: str,
        document: bytes | None,
        counterparties: bytes | None,
        nonce: str | None,
    ) -> None:
        seen = self._remembered()
        now = self._time_for(lease, seen, nonce)
        self._check(lease, seen, now, fresh=nonce is not None)
        policy = read_document(lease, document, self._registry)
        others = read_counterparties(lease, counterparties, self._registry)
        rules = self._rules(lease, policy, others) if others else None
        self._remember(seen.after(lease))
        since = self._on_since(lease)
        ends = self._times.elapsed() + lease.believed_until - now
        if self._held and self._held.lease.jti == lease.jti:
            ends = min(ends, self._held.ends)
        self._times.learn(lease.issued, fresh=nonce is not None)
        self._held = Held(lease, policy, others, rules, kid, ends, since)
        self._forget_before(since - SKEW_S)

    def _rules(
        self, lease: Lease, document: Mapping[str, Any], counterparties: Mapping[str, Any]
    ) -> EventRules:
        """What the documents of a lease say, in the device's own zone and in those at home."""
        zones = (self._zone, *zones_named(lease.zones))
        circumstance = Circumstance(zones, self._personal)
        return EventRules.of(document, counterparties, circumstance, self._registry)

    def _time_for(self, lease: Lease, seen: Memory, nonce: str | None) -> float:
        """The time by which a lease is judged, seconds.

        Raises:
            Refused: the lease answers another request, or the clock was turned back.
        """
        if lease.nonce != nonce:
            raise Refused(Refusal.LEASE_NOT_FRESH, "the lease was not made for this request")
        return self._times.now(seen.issued) if nonce is None else self._times.wall()

    def _check(self, lease: Lease, seen: Memory, now: float, *, fresh: bool) -> None:
        """Check device, times and order (rules 2 to 5).

        Raises:
            Refused: which check failed.
        """
        if lease.device_id != self._device_id:
            raise Refused(Refusal.OTHER_DEVICE, "the lease is for another device")
        if lease.form not in self.forms:
            raise Refused(Refusal.POLICY_UNREADABLE, "the lease is of another form than was asked")
        if lease.issued > now + SKEW_S:
            self._remember(seen.disbelieving(lease))
            raise Refused(Refusal.LEASE_FROM_FUTURE, "the lease comes from the future")
        if now >= lease.believed_until:
            raise Refused(Refusal.LEASE_EXPIRED, "the lease has expired")
        older = not fresh and seen.is_ahead_of(lease)
        if older or lease.policy_seq < seen.policy_seq or lease.consent_seq < seen.consent_seq:
            raise Refused(Refusal.LEASE_ROLLED_BACK, "a newer lease was seen before")
        steps = (lease.policy_seq - seen.policy_seq, lease.consent_seq - seen.consent_seq)
        if max(steps) > MAX_STEP:
            raise Refused(Refusal.LEASE_JUMPED, "seq leaps beyond belief")
        if steps == (0, 0) and lease.issued == seen.issued and lease.says != seen.says:
            raise Refused(Refusal.LEASE_FORKED, "two leases of one second contradict each other")

    def _on_since(self, lease: Lease) -> int:
        """When the stretch of "on" began that a lease goes on with, or begins (rule 6)."""
        try:
            held = self._covering()
        except _Off:
            return lease.issued
        return held.since if held.lease.consent_seq == lease.consent_seq else lease.issued

    def _remember(self, seen: Memory) -> None:
        """Put a memory on disk; then it counts."""
        memory.write(self._folder, seen)
        self._seen = seen

    def _remembered(self) -> Memory:
        """The memory from disk, never behind what this run has seen."""
        return memory.read(self._folder, self._device_id).joined(self._seen)

    def _spacing(self, signal: str) -> Spacing:
        """What was kept of a signal since the run began (spacing.py)."""
        began = self._times.began()
        if began != self._began:
            self._began, self._spacings = began, {}
        return self._spacings.setdefault(signal, Spacing(began))

    def _forget_before(self, seconds: float) -> None:
        """Forget what was kept when no event can be kept any more (rule 6)."""
        self._times.began()
        for spacing in self._spacings.values():
            spacing.forget(datetime.fromtimestamp(seconds, UTC))

    # Events

    def _covering(self) -> Held:
        """The lease, if it covers this instant and says on."""
        held = self._held
        if held is None:
            raise _Off(self._off)
        if self._times.elapsed() >= held.ends:
            raise _Off(Refusal.LEASE_EXPIRED)
        try:
            now = self._times.now(self._seen.issued)
            if now >= held.lease.believed_until:
                raise _Off(Refusal.LEASE_EXPIRED)
            self._times.require_unset()
        except Refused as refused:
            raise _Off(refused.reason) from refused
        if not held.lease.capture:
            raise _Off(held.lease.reasons[0])
        if self._key_set is not None and now >= self._key_set.expires.timestamp():
            raise _Off(Refusal.KEYS_EXPIRED)
        return held

    def _require_present(self, event: UiEvent, held: Held) -> None:
        """Return if the event happened while capture was on (rule 6).

        Raises:
            _Off: it did not, by its own time.
        """
        at, now = event.at.timestamp(), self._clock.now().timestamp()
        if not held.since - SKEW_S <= at <= now + SKEW_S or at >= held.lease.believed_until:
            raise _Off(Refusal.EVENT_OUTSIDE_LEASE)

    def _judge(self, event: UiEvent, held: Held) -> Allowed | Denied:
        """Apply the policy document, and the intervals between events."""
        if held.rules is None:
            return Denied(Refusal.INTERNAL)
        verdict = judge(event, held.rules)
        if isinstance(verdict, Denied):
            return verdict
        for interval_s, refusal in held.rules.signals[event.signal].intervals:
            if self._too_soon(event, interval_s):
                return Denied(refusal)
        if held.rules.signals[event.signal].intervals:
            self._spacing(event.signal).took(event.at)
        return verdict

    def _too_soon(self, event: UiEvent, interval_s: int) -> bool:
        """Whether an event is too near to another that was kept."""
        return not self._spacing(event.signal).allows(event.at, interval_s)


class _Off(Exception):
    """Capture is off, or was when the event happened."""

    def __init__(self, reason: Reason | Refusal) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _event(value: UiEvent | Mapping[str, object] | str | bytes) -> UiEvent:
    try:
        event = value if isinstance(value, UiEvent) else _read(value)
    except ValueError as error:
        raise _Off(Refusal.EVENT_UNREADABLE) from error
    if not event.well_typed:
        raise _Off(Refusal.EVENT_UNREADABLE)
    return event


def _read(value: Mapping[str, object] | str | bytes) -> UiEvent:
    return read_event_text(value) if isinstance(value, str | bytes) else read_event(value)
