"""An entry as an OCSF event (Open Cybersecurity Schema Framework 1.3, schema.ocsf.io). Pure.

Each kind is of one class and activity. OCSF has no class for a decision by purpose: what its
attributes cannot say is in ``unmapped``, with ``idx`` and ``leaf_hash``. ``time`` and the other
instants are milliseconds since 1970; ``type_uid`` is ``class_uid * 100 + activity_id``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.audit.entries.model import Entry, Kind, outcome
from app.kernel.canonical import Json
from app.kernel.clock import instant

VERSION = "1.3.0"
AUTHENTICATION, ENTITY_MANAGEMENT, API_ACTIVITY = 3002, 3004, 6003
CREATE, READ, UPDATE, DELETE, OTHER = 1, 2, 3, 4, 99
LOGON, LOGOFF = 1, 2
_INFORMATIONAL = 1
_SUCCESS, _FAILURE = 1, 2
_NAMES = {
    AUTHENTICATION: {LOGON: "Logon", LOGOFF: "Logoff"},
    ENTITY_MANAGEMENT: {CREATE: "Create", READ: "Read", UPDATE: "Update", DELETE: "Delete"},
    API_ACTIVITY: {
        CREATE: "Create",
        READ: "Read",
        UPDATE: "Update",
        DELETE: "Delete",
        OTHER: "Other",
    },
}
_REFUSED = frozenset({"deny", "off"})


class Class(NamedTuple):
    """A class of events and what was done."""

    uid: int
    activity: int


CLASSES: Mapping[Kind, Class] = {
    Kind.LOG_OPENED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.LOG_READ: Class(API_ACTIVITY, READ),
    Kind.LOG_EXPORTED: Class(API_ACTIVITY, READ),
    Kind.LOG_BODY_READ: Class(API_ACTIVITY, READ),
    Kind.LOG_RESTORED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.LOG_CUSTODIANS_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.LOG_WITNESSES_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.RULES_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.ROLES_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.KEYS_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.SEALS_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.SEALS_REBUILT: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.ALARM_RAISED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.ALARM_CLEAR_PROPOSED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.ALARM_CLEARED: Class(ENTITY_MANAGEMENT, DELETE),
    Kind.DIRECTORY_IMPORTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.DIRECTORY_PERSON: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.SESSION_STARTED: Class(AUTHENTICATION, LOGON),
    Kind.DOOR_REFUSED: Class(API_ACTIVITY, OTHER),
    Kind.SESSION_ENDED: Class(AUTHENTICATION, LOGOFF),
    Kind.POLICY_FLOOR_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_CATALOGUE_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_CATALOGUE_SHIPPED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.POLICY_CATALOGUE_PROPOSED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_CATALOGUE_DECLINED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_CATALOGUE_APPROVED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_PURPOSES_ADOPTED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_PROPOSED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.POLICY_APPROVED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_PUBLISHED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_WITHDRAWN: Class(ENTITY_MANAGEMENT, DELETE),
    Kind.POLICY_STOPPED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_RESUME_PROPOSED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.POLICY_RESUMED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.NOTICE_ADOPTED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.NOTICE_SHOWN: Class(ENTITY_MANAGEMENT, READ),
    Kind.CONSENT_GIVEN: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.CONSENT_REFUSED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.CONSENT_ACKNOWLEDGED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.CONSENT_WITHDRAWN: Class(ENTITY_MANAGEMENT, DELETE),
    Kind.CONSENT_PAUSED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.CONSENT_RESUMED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.CONSENT_REVOKED: Class(ENTITY_MANAGEMENT, DELETE),
    Kind.DEVICE_PAIRING_STARTED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.DEVICE_PAIRED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.DEVICE_TOKEN_ISSUED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.DEVICE_REVOKED: Class(ENTITY_MANAGEMENT, DELETE),
    Kind.LEASE_CHANGED: Class(ENTITY_MANAGEMENT, UPDATE),
    Kind.AGENT_REPORTED: Class(API_ACTIVITY, CREATE),
    Kind.ACCESS_DECIDED: Class(API_ACTIVITY, READ),
    Kind.ACCESS_USED: Class(API_ACTIVITY, UPDATE),
    Kind.ACCESS_CONSUMER_REGISTERED: Class(ENTITY_MANAGEMENT, CREATE),
    Kind.SUBJECT_ERASED: Class(ENTITY_MANAGEMENT, DELETE),
}
"""Every kind there is; a test fails where one is missing."""

_IDS = ("change", "stop", "decision", "device", "consumer", "policy", "digest")
"""Facts that name the thing an entry is about, the narrowest first."""


def ocsf_event(entry: Entry, origin: str) -> dict[str, Json]:
    """The event; keys as OCSF names them."""
    leaf = entry.leaf
    kind = Kind(leaf["kind"])
    uid, activity = CLASSES[kind]
    refused = outcome(leaf) in _REFUSED
    return {
        "activity_id": activity,
        "activity_name": _NAMES[uid][activity],
        "category_uid": uid // 1000,
        "class_uid": uid,
        "type_uid": uid * 100 + activity,
        "severity_id": _INFORMATIONAL,
        "status_id": _FAILURE if refused else _SUCCESS,
        "time": _milliseconds(leaf["occurred_at"]),
        "metadata": {
            "version": VERSION,
            "product": {"name": "Habeas", "vendor_name": "Habeas"},
            "uid": leaf["event"],
            "event_code": kind.value,
            "log_name": origin,
            "sequence": entry.idx,
            "logged_time": _milliseconds(leaf["integrated_at"]),
            "original_time": leaf["occurred_at"],
        },
        "actor": _actor(leaf["actor"]),
        "unmapped": {
            "idx": entry.idx,
            "leaf_hash": entry.leaf_hash.hex(),
            "purpose": leaf["purpose"],
            "decision": outcome(leaf),
            "subjects": leaf["subjects"],
            "facts": leaf["facts"],
        },
        **_required(uid, leaf, origin),
    }


def _required(uid: int, leaf: Mapping[str, Any], origin: str) -> dict[str, Json]:
    """What the class asks for in addition to the attributes of every event."""
    actor = leaf["actor"]
    if uid == AUTHENTICATION:
        return {"user": {"uid": actor["id"]}, "service": {"name": "Habeas", "uid": origin}}
    if uid == API_ACTIVITY:
        return {
            "api": {"operation": leaf["kind"], "service": {"name": "Habeas", "uid": origin}},
            "src_endpoint": {"uid": actor["id"], "name": f"{actor['kind']}:{actor['id']}"},
        }
    return {"entity": {"type": leaf["kind"].partition(".")[0], "uid": _entity(leaf)}}


def _entity(leaf: Mapping[str, Any]) -> str:
    """Which thing: as the facts name it, else the person, else the event."""
    named = (leaf["facts"].get(name) for name in _IDS)
    return next(
        (name for name in named if isinstance(name, str)),
        leaf["subjects"][0] if leaf["subjects"] else leaf["event"],
    )


def _actor(actor: Mapping[str, Any]) -> dict[str, Json]:
    if actor["kind"] == "person":
        return {"user": {"uid": actor["id"]}}
    return {"app_name": actor["kind"], "app_uid": actor["id"]}


def _milliseconds(text: str) -> int:
    at = instant(text)
    return int(at.timestamp()) * 1000 + at.microsecond // 1000
