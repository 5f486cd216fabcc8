"""The closed lists of Habeas. A new member is a change of protocol: add, never rename."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self


@dataclass(frozen=True)
class SignalRow:
    """What is recorded about a signal in one place; everything else derives from here.

    Words for people are in app/web/words/text.py, the pictogram in app/web/templates/symbols.svg,
    and docs/integrate-an-agent.md explains the signal; tests/kernel/test_vocabulary.py finds what
    is missing.

    Attributes:
        code: its name in documents, events and entries.
        meaning: what is recorded, to be put after "Records".
        redacted: what of it remains in mode redact, and nothing else may; where nothing is said,
            the whole after the redactors.
        content: it can hold what somebody wrote, read or visited.
        since: the first document form that names it. An older form leaves it out, and a guard
            denies what its document leaves out: an agent of an older form never captures it.
    """

    code: str
    meaning: str
    content: bool = False
    since: int = 1
    redacted: str = ""

    @property
    def pictogram(self) -> str:
        """Id of its symbol."""
        return f"signal-{self.code}"

    @property
    def remains(self) -> str:
        """What is recorded in mode redact."""
        return self.redacted or f"{self.meaning}, with sensitive content removed"


class Signal(StrEnum):
    """What an agent can record, one stream each."""

    _value_: str
    row: SignalRow

    def __new__(cls, row: SignalRow | str) -> Self:
        """Make the member of a row; its value is the code."""
        assert isinstance(row, SignalRow)  # Signal("click") is looked up and never comes here
        member = str.__new__(cls, row.code)
        member._value_ = row.code
        member.row = row
        return member

    POINTER = SignalRow(
        "pointer", "where the pointer goes", redacted="when the pointer moves, not where"
    )
    CLICK = SignalRow(
        "click", "what is clicked", redacted="that something is clicked, and when, not what"
    )
    MENU = SignalRow(
        "menu",
        "which menu entries are chosen",
        redacted="that a menu is used, and when, not which entry",
    )
    SHORTCUT = SignalRow(
        "shortcut",
        "which key combinations are pressed",
        redacted="that a shortcut is pressed, and when, not which keys",
    )
    KEY_TIMING = SignalRow(
        "key_timing",
        "when keys are pressed, not which",
        redacted="when typing begins and ends, not its rhythm",
    )
    KEY_CONTENT = SignalRow("key_content", "what is typed", content=True)
    SCREENSHOT = SignalRow("screenshot", "pictures of the window in use", content=True)
    APP_URL = SignalRow("app_url", "which app or site is in use", content=True)


SIGNALS = tuple(signal.row for signal in Signal)
"""The rows, in the order in which signals are listed."""

CONTENT_SIGNALS = frozenset(row.code for row in SIGNALS if row.content)
"""Signals that can hold what somebody wrote, read or visited."""


class FieldKind(StrEnum):
    """What the field that has the focus is for, as a recorder says it (closed list).

    A recorder translates what its platform says with the tables of app/event/fields. A field whose
    purpose the platform cannot tell is ``UNKNOWN``, and so is every word outside this list.
    """

    NONE = "none"
    TEXT = "text"
    SEARCH = "search"
    USERNAME = "username"
    EMAIL_ADDRESS = "email_address"
    PHONE_NUMBER = "phone_number"
    PERSONAL = "personal"
    PASSWORD = "password"  # noqa: S105 - the word for such a field
    ONE_TIME_CODE = "one_time_code"
    PAYMENT_CARD = "payment_card"
    BANK_ACCOUNT = "bank_account"
    NATIONAL_ID = "national_id"
    HEALTH = "health"
    SECRET = "secret"  # noqa: S105 - as above
    UNKNOWN = "unknown"


class Mode(IntEnum):
    """How much of a signal may be kept. The order is the lattice: smaller is stricter."""

    DENY = 0
    REDACT = 1
    ALLOW = 2

    @property
    def word(self) -> str:
        """The mode as it is written in policy files and documents."""
        return self.name.lower()


MODES = {mode.word: mode for mode in Mode}
"""The modes by their words; a word in other letters is none."""


class Basis(StrEnum):
    """What makes capture lawful in a region."""

    CONSENT = "consent"
    ACKNOWLEDGEMENT = "acknowledgement"
    NOTICE = "notice"
    COLLECTIVE = "collective"
    PERMIT = "permit"
    PROHIBITED = "prohibited"


class Reason(StrEnum):
    """Why a lease says off (closed list)."""

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
    RECORD_DISPUTED = "record_disputed"
    POLICY_MISSING = "policy_missing"
    OFF_HOURS = "off_hours"
    PERSONAL_DEVICE = "personal_device"
