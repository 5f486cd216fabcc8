"""Why an agent refused an event, next to the reasons that a lease can give (closed list).

Shared by the guard on the laptop and by the service that reads its reports. A new member is a
change of protocol: add, never rename.
"""

from enum import StrEnum

from app.kernel.vocabulary import Reason


class Refusal(StrEnum):
    """What the guard itself decided; ``Reason`` is what the lease says."""

    # There is no lease to rely on.
    NO_LEASE = "no_lease"
    LEASE_UNREADABLE = "lease_unreadable"
    LEASE_EXPIRED = "lease_expired"
    LEASE_FROM_FUTURE = "lease_from_future"
    LEASE_ROLLED_BACK = "lease_rolled_back"
    LEASE_JUMPED = "lease_jumped"
    LEASE_FORKED = "lease_forked"
    LEASE_NOT_FRESH = "lease_not_fresh"
    AGENT_TOO_OLD = "agent_too_old"
    OTHER_DEVICE = "other_device"
    POLICY_MISMATCH = "policy_mismatch"
    POLICY_UNREADABLE = "policy_unreadable"
    CLOCK_ROLLED_BACK = "clock_rolled_back"
    CLOCK_JUMPED = "clock_jumped"
    STATE_UNREADABLE = "state_unreadable"
    SERVER_ANSWER = "server_answer"
    KEYS_REFUSED = "keys_refused"
    KEYS_EXPIRED = "keys_expired"
    # The lease says on; this event is still not for us.
    EVENT_UNREADABLE = "event_unreadable"
    EVENT_OUTSIDE_LEASE = "event_outside_lease"
    EXCLUDED = "excluded"
    PROGRAM_UNKNOWN = "program_unknown"
    ADDRESS_UNKNOWN = "address_unknown"
    ADDRESS_UNREADABLE = "address_unreadable"
    APP_UNLISTED = "app_unlisted"
    FRAME_UNKNOWN = "frame_unknown"
    WINDOW_UNKNOWN = "window_unknown"
    FIELD_UNKNOWN = "field_unknown"
    TITLE_UNKNOWN = "title_unknown"
    TENANT_UNKNOWN = "tenant_unknown"
    TENANT_OTHER = "tenant_other"
    SIGNAL_DENIED = "signal_denied"
    COUNTERPARTY = "counterparty"
    PICTURE_UNKNOWN = "picture_unknown"
    SCREENSHOT_INTERVAL = "screenshot_interval"
    INTERNAL = "internal"


REPORTABLE = frozenset(str(code) for code in (*Reason, *Refusal))
"""Every reason that a report may carry."""
