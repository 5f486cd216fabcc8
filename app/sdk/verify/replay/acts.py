"""Whether whoever acted held a role that allows it, by the entries of the directory before.

Approving, publishing, stopping, resuming, registering, reading the log and the like need a role.
What the service asked of its tables is asked of the log again: a role that only a row had, for a
minute, is no role here.

Rules:
1. Some acts are the system's too: an import at the command line, what a restore or an erasure ends.
   All others are somebody's.
2. What concerns a person's own laptop needs no role.
3. Where the entries do not say what somebody held, that is counted and said, and is no finding.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.audit.entries.model import Kind
from app.kernel.clock import instant
from app.policy.catalogue.model import ITS_REGION
from app.sdk.verify.folded.people import Unknown
from app.sdk.verify.folded.roles import Needed
from app.sdk.verify.folded.state import Folded

_Leaf = Mapping[str, Any]
_BY_SYSTEM = frozenset(
    {
        Kind.DIRECTORY_PERSON,
        Kind.DIRECTORY_IMPORTED,
        Kind.CONSENT_REVOKED,
        Kind.DEVICE_REVOKED,
        Kind.LOG_EXPORTED,
    }
)
"""What the system does too (rule 1)."""

_IN_REGION: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.POLICY_PROPOSED: (("policy", "propose"), ("policy", "tighten")),
    Kind.POLICY_PUBLISHED: (("policy", "approve"), ("policy", "tighten")),
    Kind.POLICY_WITHDRAWN: (("policy", "withdraw"),),
    Kind.POLICY_RESUME_PROPOSED: (("capture", "propose_resume"),),
    Kind.POLICY_RESUMED: (("capture", "approve_resume"),),
}
"""What must be allowed in the region of the entry; one suffices."""

_ANYWHERE: Mapping[Kind, Needed] = {
    Kind.DIRECTORY_PERSON: Needed("people", "import"),
    Kind.DIRECTORY_IMPORTED: Needed("people", "import"),
    Kind.ACCESS_CONSUMER_REGISTERED: Needed("consumer", "register"),
    Kind.LOG_BODY_READ: Needed("log", "read"),
    Kind.LOG_EXPORTED: Needed("log", "export"),
    Kind.POLICY_CATALOGUE_PROPOSED: Needed("catalogue", "propose", ITS_REGION),
    Kind.POLICY_CATALOGUE_DECLINED: Needed("catalogue", "decline", ITS_REGION),
    Kind.POLICY_CATALOGUE_APPROVED: Needed("catalogue", "approve", ITS_REGION),
    Kind.ALARM_CLEAR_PROPOSED: Needed("alarm", "clear"),
    Kind.ALARM_CLEARED: Needed("alarm", "clear"),
}
"""What must be allowed whatever the entry says."""

_EXPORTING = frozenset({"export", "download"})
"""What a reading of the log says it was ``as``, where it belongs to an export."""


@dataclass
class ActsCheck:
    """Takes entries in order, each before it is folded.

    Attributes:
        shown: how many acts were by somebody of whom the log says that they were allowed it.
        unshown: of how many acts it does not say.
    """

    folded: Folded
    shown: int = 0
    unshown: int = 0

    def __post_init__(self) -> None:
        self._asks: Mapping[str, Callable[[_Leaf], tuple[Needed, ...]]] = {
            **dict.fromkeys(_IN_REGION, _in_region),
            **dict.fromkeys(_ANYWHERE, lambda leaf: (_ANYWHERE[leaf["kind"]],)),
            Kind.LOG_READ: _reading,
            Kind.POLICY_APPROVED: _approving,
            Kind.POLICY_STOPPED: lambda leaf: self._stopping(leaf["facts"]["region"], leaf),
            Kind.CONSENT_REVOKED: self._over_somebody,
            Kind.DEVICE_REVOKED: self._over_a_device,
        }

    def see(self, leaf: _Leaf) -> Iterator[str]:
        """Yield what an entry does that whoever did it was not allowed.

        Raises:
            KeyError, TypeError, ValueError: it lacks what its kind must say.
        """
        asks, kind, actor = self._asks.get(leaf["kind"]), leaf["kind"], leaf["actor"]
        if asks is None or (actor["kind"] == "system" and kind in _BY_SYSTEM):
            return
        if actor["kind"] != "person":
            yield f"is by {actor['kind']}:{actor['id']}, where a person must act"
            return
        needed = asks(leaf)
        if not needed:
            return
        may = self.folded.roles.may(actor["id"], needed, instant(leaf["integrated_at"]))
        self.shown += may is True
        self.unshown += may is None
        if may is False:
            yield _forbidden(actor["id"], self.folded.roles.source(actor["id"]), needed[0])

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of entries that need a role."""
        return frozenset(self._asks)

    @property
    def notices(self) -> Iterator[str]:
        """Of how many acts it is not shown that they were allowed, as a sentence."""
        if self.unshown:
            yield (
                f"Of {self.shown + self.unshown} acts that need a role, {self.unshown} are not "
                "shown to be by somebody who held it: older entries do not say roles with their "
                "regions, or what roles may do. What they allow a consumer is taken from the entry "
                "of its decision there."
            )

    def _stopping(self, region: str, leaf: _Leaf) -> tuple[Needed, ...]:
        """Whoever may stop a region may stop what lies within it."""
        regions = self.folded.law.chain(region, instant(leaf["occurred_at"]))
        return tuple(Needed("capture", "stop", name) for name in regions)

    def _over_somebody(self, leaf: _Leaf) -> tuple[Needed, ...]:
        (pseudonym,) = leaf["subjects"]
        try:
            home = self.folded.people.of(pseudonym).person.region
        except Unknown:  # where decisions are folded, that is named
            return ()
        return self._stopping(home, leaf)

    def _over_a_device(self, leaf: _Leaf) -> tuple[Needed, ...]:
        if leaf["actor"]["id"] in leaf["subjects"]:
            return ()  # rule 2; that it is theirs is asked where devices are folded
        return (*self._over_somebody(leaf), Needed("people", "import"))


def _in_region(leaf: _Leaf) -> tuple[Needed, ...]:
    region = leaf["facts"]["region"]
    return tuple(Needed(thing, action, region) for thing, action in _IN_REGION[leaf["kind"]])


def _approving(leaf: _Leaf) -> tuple[Needed, ...]:
    facts = leaf["facts"]
    return (Needed("policy", "approve", facts["region"], facts["role"]),)


def _reading(leaf: _Leaf) -> tuple[Needed, ...]:
    action = "export" if leaf["facts"].get("as") in _EXPORTING else "read"
    return (Needed("log", action),)


def _forbidden(actor: str, source: int | None, needed: Needed) -> str:
    what = f"{needed.action.replace('_', ' ')} {needed.thing}"
    where = f" in {needed.region}" if needed.region else ""
    role = f"as {needed.role} " if needed.role else ""
    by = "no entry before names" if source is None else f"by entry {source} had no role for that"
    return f"is an act of {actor}, who {by}: to {what}{where} {role}".rstrip()
