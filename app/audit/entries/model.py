"""What an entry says: kinds, actors, events, and the bytes of a leaf.

Rules:
1. A leaf is for ever and may be read by anybody, so it names no person. People appear as random
   pseudonyms; their details are next to the log, encrypted, and the leaf carries a commitment.
2. A leaf is a submission plus what the integrator stamps on it. The submission is what the service
   committed together with the change it records; the leaf repeats its digest.
3. Order is the index. ``occurred_at`` is the clock of the process that acted; it need not grow.
4. A leaf's bytes are the canonical form of its content (app/kernel/canonical.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Literal, cast, get_args

from app.kernel.canonical import Json, canonical, digest, parse_canonical, rewritten
from app.kernel.clock import instant, timestamp
from app.kernel.shapes import COMMITMENT, DIGEST, EVENT_ID, INSTANT, PSEUDONYM, REGION, fits

FORMAT = "habeas-log/1"
"""Named by the first entry of every log and by every export."""

MAX_ENTRY_BYTES = 65_535
"""C2SP tlog-tiles, entry bundles: the length of an entry is written in two bytes."""


class Kind(StrEnum):
    """What an entry records. Closed: a new member is a change of format."""

    LOG_OPENED = "log.opened"
    LOG_READ = "log.read"
    LOG_EXPORTED = "log.exported"
    LOG_BODY_READ = "log.body_read"
    LOG_RESTORED = "log.restored"
    LOG_CUSTODIANS_ADOPTED = "log.custodians_adopted"
    LOG_WITNESSES_ADOPTED = "log.witnesses_adopted"
    RULES_ADOPTED = "rules.adopted"
    ROLES_ADOPTED = "roles.adopted"
    KEYS_ADOPTED = "keys.adopted"
    SEALS_ADOPTED = "seals.adopted"
    SEALS_REBUILT = "seals.rebuilt"
    ALARM_RAISED = "alarm.raised"
    ALARM_CLEAR_PROPOSED = "alarm.clear_proposed"
    ALARM_CLEARED = "alarm.cleared"
    DIRECTORY_IMPORTED = "directory.imported"
    DIRECTORY_PERSON = "directory.person"
    DOOR_REFUSED = "door.refused"
    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    POLICY_FLOOR_ADOPTED = "policy.floor_adopted"
    POLICY_CATALOGUE_ADOPTED = "policy.catalogue_adopted"
    POLICY_CATALOGUE_SHIPPED = "policy.catalogue_shipped"
    POLICY_CATALOGUE_PROPOSED = "policy.catalogue_proposed"
    POLICY_CATALOGUE_DECLINED = "policy.catalogue_declined"
    POLICY_CATALOGUE_APPROVED = "policy.catalogue_approved"
    POLICY_PURPOSES_ADOPTED = "policy.purposes_adopted"
    POLICY_PROPOSED = "policy.proposed"
    POLICY_APPROVED = "policy.approved"
    POLICY_PUBLISHED = "policy.published"
    POLICY_WITHDRAWN = "policy.withdrawn"
    POLICY_STOPPED = "policy.stopped"
    POLICY_RESUME_PROPOSED = "policy.resume_proposed"
    POLICY_RESUMED = "policy.resumed"
    NOTICE_ADOPTED = "notice.adopted"
    NOTICE_SHOWN = "notice.shown"
    CONSENT_GIVEN = "consent.given"
    CONSENT_REFUSED = "consent.refused"
    CONSENT_ACKNOWLEDGED = "consent.acknowledged"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONSENT_PAUSED = "consent.paused"
    CONSENT_RESUMED = "consent.resumed"
    CONSENT_REVOKED = "consent.revoked"
    DEVICE_PAIRING_STARTED = "device.pairing_started"
    DEVICE_PAIRED = "device.paired"
    DEVICE_TOKEN_ISSUED = "device.token_issued"  # noqa: S105 - a kind, not a secret
    DEVICE_REVOKED = "device.revoked"
    LEASE_CHANGED = "lease.changed"
    AGENT_REPORTED = "agent.reported"
    ACCESS_DECIDED = "access.decided"
    ACCESS_USED = "access.used"
    ACCESS_CONSUMER_REGISTERED = "access.consumer_registered"
    SUBJECT_ERASED = "subject.erased"


ActorKind = Literal["person", "device", "consumer", "system"]
_ACTOR_KINDS = frozenset(get_args(ActorKind))


@dataclass(frozen=True)
class Actor:
    """Who did it. A person's id is turned into a pseudonym before it reaches the log."""

    kind: ActorKind
    id: str

    def __str__(self) -> str:
        """``person:E-1000``, ``system:habeas``."""
        return f"{self.kind}:{self.id}"


SYSTEM = Actor("system", "habeas")


@dataclass(frozen=True)
class Event:
    """Something that happened, as a service tells it.

    Attributes:
        kind: which of the closed list.
        actor: who did it.
        facts: codes, digests, counts and pseudonyms; never a name, an address, free text.
        subjects: ids of the people it concerns.
        purpose: the purpose asked for, where one was.
        body: personal detail, encrypted under the key of its owner.
        owner: id of the person to whom the body belongs, a subject or the actor; where none is
            named, the only subject, or the actor of an event about nobody.
    """

    kind: Kind
    actor: Actor
    facts: Mapping[str, Json] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    purpose: str | None = None
    body: Mapping[str, Json] | None = None
    owner: str | None = None


Streams = Mapping[str, tuple[int, int | None]]
"""Stream name to (number of this entry in the stream, from 1; index of the entry before)."""


@dataclass(frozen=True)
class EntryFilter:
    """Which entries to list; every field given must match.

    Attributes:
        kind: a Kind.
        subject: a pseudonym.
        actor: ``kind:id`` with a person's pseudonym as id.
        purpose: the purpose asked for.
        outcome: ``permit`` or ``deny``; ``on`` or ``off``.
        kinds: one of these; all where it is empty.
        before: only entries with a smaller index.
        after: only entries with a larger index, and of those the nearest.
        region: concerning this region (``regions_of``).
        since: integrated at or after this.
        until: integrated before this.
        limit: at most so many, 1 to 500.
    """

    kind: str | None = None
    subject: str | None = None
    actor: str | None = None
    purpose: str | None = None
    outcome: str | None = None
    before: int | None = None
    limit: int = 50
    kinds: tuple[str, ...] = ()
    after: int | None = None
    region: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One leaf: its index, its very bytes, what they say, and their hash."""

    idx: int
    raw: bytes
    leaf: Mapping[str, Any]
    leaf_hash: bytes


def submission(
    event: Event,
    *,
    event_id: str,
    occurred_at: datetime,
    actor: Actor,
    subjects: tuple[str, ...],
    commitment: str | None,
) -> bytes:
    """Write the part of a leaf that the service commits (rule 2).

    Args:
        event: the event; its own actor and subjects are not used.
        event_id: its id.
        occurred_at: when.
        actor: the actor, a person under a pseudonym.
        subjects: pseudonyms.
        commitment: ``hmac-sha256:…`` over the body, or None without one.

    Raises:
        ValueError: the facts have no canonical form.
    """
    return canonical(
        {
            "v": 1,
            "event": event_id,
            "kind": event.kind.value,
            "occurred_at": timestamp(occurred_at),
            "actor": {"kind": actor.kind, "id": actor.id},
            "subjects": list(subjects),
            "purpose": event.purpose,
            "facts": event.facts,
            "commitment": commitment,
        }
    )


def stream_names(leaf: Mapping[str, Any]) -> tuple[str, ...]:
    """The streams an entry belongs to: each subject, the actor, the purpose."""
    names = [f"subject:{subject}" for subject in leaf["subjects"]]
    names.append(f"actor:{leaf['actor']['kind']}:{leaf['actor']['id']}")
    if leaf["purpose"] is not None:
        names.append(f"purpose:{leaf['purpose']}")
    return tuple(dict.fromkeys(names))


def stamp(
    written: Mapping[str, Any],
    submitted: bytes,
    idx: int,
    integrated_at: datetime,
    streams: Streams,
) -> dict[str, Any]:
    """Make the leaf of a submission (rule 2): its content, its bytes, and its place in the log."""
    return {
        **written,
        "idx": idx,
        "integrated_at": timestamp(integrated_at),
        "streams": {name: list(place) for name, place in streams.items()},
        "submission": digest(submitted),
    }


def outcome(leaf: Mapping[str, Any]) -> str | None:
    """What was decided, for entries that record a decision."""
    facts = leaf["facts"]
    for key in ("outcome", "capture"):
        if isinstance(facts.get(key), str):
            return cast("str", facts[key])
    return None


def refusal(leaf: Mapping[str, Any]) -> str | None:
    """The first reason of an entry that records a refusal; None for every other entry."""
    reasons = leaf["facts"].get("reasons")
    if outcome(leaf) not in {"deny", "off"} or not isinstance(reasons, list) or not reasons:
        return None
    return reasons[0] if isinstance(reasons[0], str) else None


def regions_of(leaf: Mapping[str, Any]) -> frozenset[str]:
    """The regions an entry concerns, total whatever it holds; with ``US-NY`` also ``US``.

    They are in the facts as ``region`` or ``entity_region``, as the values of ``regions``, and
    with each of ``people``. A region above a country (EU) is found only where it is named.
    """
    facts = leaf["facts"]
    regions, people = facts.get("regions"), facts.get("people")
    candidates = [facts.get("region"), facts.get("place"), facts.get("entity_region")]
    candidates += regions.values() if isinstance(regions, dict) else ()
    candidates += regions if isinstance(regions, list) else ()
    for person in people if isinstance(people, list) else ():
        candidates.append(person.get("region") if isinstance(person, dict) else None)
    named = {region for region in candidates if isinstance(region, str) and fits(REGION, region)}
    return frozenset(named | {region.partition("-")[0] for region in named})


_STAMPED = ("idx", "integrated_at", "streams", "submission")
_KINDS = frozenset(kind.value for kind in Kind)


def read_leaf(raw: bytes) -> dict[str, Any]:
    """Read a leaf strictly: canonical bytes, every field known and of its form.

    Raises:
        ValueError: anything else; the message says what.
    """
    if len(raw) > MAX_ENTRY_BYTES:
        raise ValueError(f"it has {len(raw)} bytes, more than {MAX_ENTRY_BYTES}")
    try:
        leaf = parse_canonical(raw)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(leaf, dict) or leaf.keys() != FORMS.keys():
        raise ValueError("its fields are not those of a leaf")
    for name, is_well_formed in FORMS.items():
        if not is_well_formed(leaf[name]):
            raise ValueError(f"its field {name} is malformed")
    if set(leaf["streams"]) != set(stream_names(leaf)):
        raise ValueError("its streams are not those of its actor, subjects and purpose")
    submitted = rewritten({name: leaf[name] for name in leaf if name not in _STAMPED})
    if leaf["submission"] != digest(submitted):
        raise ValueError("it is not the submission whose digest it carries")
    return leaf


_Check = Callable[[object], bool]


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_instant(value: object) -> bool:
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        return False
    try:
        instant(value)
    except ValueError:
        return False
    return True


def _is_actor(value: object) -> bool:
    if not isinstance(value, dict) or value.keys() != {"kind", "id"}:
        return False
    if value["kind"] == "person":
        return fits(PSEUDONYM, value["id"])
    return value["kind"] in _ACTOR_KINDS and isinstance(value["id"], str) and value["id"] != ""


def _is_subjects(value: object) -> bool:
    if not isinstance(value, list) or not all(fits(PSEUDONYM, name) for name in value):
        return False
    return len(set(value)) == len(value)


def _is_streams(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(place, list)
        and len(place) == 2  # noqa: PLR2004 - number in the stream, index of the entry before
        and _is_index(place[0])
        and (place[1] is None or _is_index(place[1]))
        for place in value.values()
    )


FORMS: Mapping[str, _Check] = {
    "v": lambda value: value == 1 and _is_index(value),
    "idx": _is_index,
    "event": partial(fits, EVENT_ID),
    "kind": lambda value: isinstance(value, str) and value in _KINDS,
    "occurred_at": _is_instant,
    "integrated_at": _is_instant,
    "actor": _is_actor,
    "subjects": _is_subjects,
    "purpose": lambda value: value is None or (isinstance(value, str) and value != ""),
    "facts": lambda value: isinstance(value, dict),
    "commitment": lambda value: value is None or fits(COMMITMENT, value),
    "submission": partial(fits, DIGEST),
    "streams": _is_streams,
}
