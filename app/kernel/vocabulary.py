"""The closed lists of Habeas. A new member is a change of protocol: add, never rename."""

from enum import IntEnum, StrEnum


class Signal(StrEnum):
    """What an agent can record, one stream each."""

    POINTER = "pointer"
    CLICK = "click"
    MENU = "menu"
    SHORTCUT = "shortcut"
    KEY_TIMING = "key_timing"
    KEY_CONTENT = "key_content"
    SCREENSHOT = "screenshot"
    APP_URL = "app_url"


class Mode(IntEnum):
    """How much of a signal may be kept. The order is the lattice: smaller is stricter."""

    DENY = 0
    REDACT = 1
    ALLOW = 2

    @property
    def word(self) -> str:
        """The mode as it is written in policy files and documents."""
        return self.name.lower()


class Basis(StrEnum):
    """What makes capture lawful in a region."""

    CONSENT = "consent"
    ACKNOWLEDGEMENT = "acknowledgement"
    NOTICE = "notice"
    COLLECTIVE = "collective"
    PERMIT = "permit"
    PROHIBITED = "prohibited"


class Reason(StrEnum):
    """Why a lease says off (DESIGN §6, closed)."""

    CONSENT_MISSING = "consent_missing"
    CONSENT_REFUSED = "consent_refused"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    PAUSED = "paused"
    NOTICE_PENDING = "notice_pending"
    LEAD_TIME = "lead_time"
    PRECONDITION_MISSING = "precondition_missing"
    REGION_BLOCKED = "region_blocked"
    REGION_UNKNOWN = "region_unknown"
    STOPPED = "stopped"
    LEFT = "left"
    DEVICE_REVOKED = "device_revoked"
    POLICY_MISSING = "policy_missing"
    OFF_HOURS = "off_hours"
    PERSONAL_DEVICE = "personal_device"
