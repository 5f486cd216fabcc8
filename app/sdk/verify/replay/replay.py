"""Policy replay: every lease and every access decision, decided again from the log alone.

Consent, policy, directory, devices and consumers are folded in the order of the index; at each
lease and each decision the fold takes the place of what the entry says of itself, and the service's
own functions decide again.

The order of the index is that of the decisions: whoever decides about somebody, or about what is in
force, does it under a lock that is held until the commit, and the entry is written under it
(``PolicyService.hold``, ``DirectoryService.hold``, ``DirectoryService.lock``).

What is taken from the entry itself, because no other says it, is listed in ``REPLAY_LIMIT``.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from app.access.decision.rules import Rules
from app.audit.entries.model import Kind
from app.audit.entries.records import LogOpening
from app.audit.restore.record import RestoreRecord
from app.capture.situation import regions_in_question
from app.kernel.clock import instant, timestamp
from app.kernel.facts import decode
from app.policy.agreement import Limits, exceeding
from app.policy.knobs import REGISTRY, KnobRegistry
from app.policy.timeline import SKEW
from app.sdk.verify.folded.law import LAW_KINDS
from app.sdk.verify.folded.people import CONSENT_KINDS, Documents, Unknown
from app.sdk.verify.folded.state import Folded
from app.sdk.verify.order.erasures import ErasureCheck
from app.sdk.verify.replay.access import AccessReplay
from app.sdk.verify.replay.acts import ActsCheck
from app.sdk.verify.replay.capture import NewerForm
from app.sdk.verify.replay.leases import LeaseReplay
from app.sdk.verify.replay.versions import Versions

_Take = Callable[[int, Mapping[str, Any]], Iterator[str]]

UNFIT = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What a forged entry can make a pure function of its facts raise."""

_DECIDED = frozenset({Kind.LEASE_CHANGED, Kind.ACCESS_DECIDED})
"""Kinds whose entries follow from the rules; all others are folded alike under any version."""

REPLAY_LIMIT = (
    "The replay takes from the entry itself what no other entry says: where a laptop said it was, "
    "how many of the people asked about are unknown, and whether a consumer spoke for itself or "
    "for somebody."
)


class Replay:
    """Takes leaves in order; says of each what does not follow from those before it.

    Attributes:
        folded: what is known so far.
        erasures: whether each was by two custodians' word.
        acts: whether whoever acted held the role for it.
    """

    def __init__(
        self, documents: Documents, versions: Versions, registry: KnobRegistry = REGISTRY
    ) -> None:
        self._versions = versions
        self.folded = Folded.begun(documents, registry, lambda: versions.version)
        self.acts = ActsCheck(self.folded)
        self._leases = LeaseReplay(self.folded, self._rules, registry)
        self._access = AccessReplay(self.folded, self._rules)
        self.erasures = ErasureCheck(documents)
        self._takers = self._taking()
        self._newest: tuple[datetime, int] | None = None

    def _taking(self) -> Mapping[Kind, _Take]:
        """What takes the entries of each kind."""
        folded = self.folded
        return {
            Kind.DIRECTORY_PERSON: self._recorded,
            Kind.ROLES_ADOPTED: folded.roles.adopted,
            Kind.NOTICE_ADOPTED: folded.people.adopted,
            Kind.NOTICE_SHOWN: self._shown,
            Kind.SUBJECT_ERASED: self._erased,
            Kind.LOG_CUSTODIANS_ADOPTED: self.erasures.adopted,
            Kind.LOG_OPENED: self._named,
            Kind.LOG_RESTORED: self._restored,
            Kind.DEVICE_PAIRED: folded.registry.paired,
            Kind.DEVICE_REVOKED: folded.registry.revoked,
            Kind.ACCESS_CONSUMER_REGISTERED: folded.registry.registered,
            Kind.POLICY_PURPOSES_ADOPTED: folded.registry.purposes,
            Kind.SEALS_ADOPTED: folded.alarms.adopted,
            Kind.SEALS_REBUILT: folded.alarms.rebuilt,
            Kind.ALARM_RAISED: folded.alarms.raise_,
            Kind.ALARM_CLEAR_PROPOSED: folded.alarms.proposed,
            Kind.ALARM_CLEARED: folded.alarms.clear,
            Kind.LEASE_CHANGED: self._leases.leased,
            Kind.ACCESS_DECIDED: self._access.decided,
            **dict.fromkeys(CONSENT_KINDS, folded.people.decided),
            **dict.fromkeys(LAW_KINDS, folded.law.see),
        }

    @property
    def leases(self) -> int:
        """How many leases were decided again."""
        return self._leases.count

    @property
    def decisions(self) -> int:
        """How many access decisions were made again."""
        return self._access.count

    def see(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take the leaf at a position; yield each disagreement, as what the entry does.

        Raises:
            KeyError, ValueError, TypeError, AttributeError: it lacks what its kind must say.
        """
        yield from self.acts.see(leaf)
        take = self._takers.get(leaf["kind"])
        if take is None:
            return
        yield from self._when(position, leaf)
        if self._versions.now is None and leaf["kind"] in _DECIDED:
            return
        try:
            yield from take(position, leaf)
        except Unknown as error:
            yield str(error)
        except NewerForm:
            self._versions.of_newer_form(position)

    def _when(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Hold the instant of an entry against those before it, and against its integration.

        What holds is asked for at that instant: whoever may choose it freely escapes every stop,
        pause and lead time.
        """
        at = instant(leaf["occurred_at"])
        if at > instant(leaf["integrated_at"]) + SKEW:
            yield f"occurred at {timestamp(at)}, after it was integrated at {leaf['integrated_at']}"
        if self._newest is not None and at < self._newest[0] - SKEW:
            before = f"entry {self._newest[1]}, which it follows, at {timestamp(self._newest[0])}"
            yield f"occurred at {timestamp(at)}, before {before}"
        if self._newest is None or at > self._newest[0]:
            self._newest = (at, position)

    def _recorded(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        self.folded.roles.recorded(position, leaf)
        yield from self.folded.people.recorded(position, leaf)

    def _named(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Keep the log's name: a lease's numbers follow from its epoch."""
        yield from ()
        self.folded.names.append(decode(LogOpening, leaf["facts"]).origin)

    def _restored(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        self.folded.names.append(decode(RestoreRecord, leaf["facts"]).restored.origin)
        yield from self.folded.people.restored(position, leaf)

    def _erased(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        yield from self.folded.people.erased(position, leaf)
        yield from self.erasures.erased(position, leaf, tuple(self.folded.names))

    def _rules(self) -> Rules:
        """The rules of the present entry; asked for only where there are some."""
        rules = self._versions.now
        assert rules is not None, "decisions are replayed by the rules of their stretch"
        return rules

    # Offers

    def _shown(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``notice.shown``: what is offered is what is in force, or later policy gets in."""
        yield from self.folded.people.shown(position, leaf)
        rules = self._versions.now
        if rules is None or not rules.whole_offer:
            return
        (pseudonym,) = leaf["subjects"]
        person, at = self.folded.people.of(pseudonym).person, instant(leaf["occurred_at"])
        offer = self.folded.people.offer(leaf["facts"]["offer"])
        if offer.terms is None:
            yield "shows an offer that does not say what would be agreed to"
            return
        in_force = self.folded.law.in_force(regions_in_question(person, None), at)
        agreed = self.folded.law.agreement_to(offer, at)
        wider = exceeding(agreed, Limits(in_force.compiled, in_force.catalogue))
        if wider and not self.folded.law.in_doubt(person.regions):
            yield f"offers more than was in force: {', '.join(wider)}"
