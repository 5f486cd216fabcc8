"""Trying a place, in words: verdicts, what is not known, the choices of the form. Pure.

Rules:
1. What would be so is told in the same words to whoever tries: legal, the person, an engineer.
2. Every reason that a trial can end with has words of its own; ``tests/web/test_trial_rows.py``
   finds what is missing.
"""

from collections.abc import Mapping

from app.kernel.refusals import Refusal
from app.kernel.vocabulary import FieldKind, Reason

BECAUSE: Mapping[str, str] = {
    # Capture is off, and a lease says why.
    Reason.CONSENT_MISSING: "No decision stands that would allow it.",
    Reason.CONSENT_REFUSED: "It was refused.",
    Reason.CONSENT_WITHDRAWN: "The agreement was withdrawn.",
    Reason.PAUSED: "Capture is paused.",
    Reason.NOTICE_PENDING: "A new notice waits to be read.",
    Reason.LEAD_TIME: "A change was announced, and its notice period is not over.",
    Reason.PRECONDITION_MISSING: "Something that must be in place first is missing.",
    Reason.REGION_BLOCKED: "The rules of the region forbid it.",
    Reason.REGION_UNKNOWN: "Nobody has described the rules of the region.",
    Reason.STOPPED: "Capture is stopped.",
    Reason.LEFT: "The person has left.",
    Reason.DEVICE_REVOKED: "The laptop is no longer connected to the person.",
    Reason.RECORD_DISPUTED: "What is recorded does not agree with the log.",
    Reason.POLICY_MISSING: "The company has published no policy.",
    # Capture is on; the event is still not kept.
    Refusal.EVENT_UNREADABLE: "What happened cannot be read.",
    Refusal.EXCLUDED: "It is in an excluded place.",
    Refusal.PROGRAM_UNKNOWN: "It cannot be told for certain which program it is.",
    Refusal.ADDRESS_UNKNOWN: "It is not known which page the browser shows.",
    Refusal.ADDRESS_UNREADABLE: "The address of the page cannot be read.",
    Refusal.APP_UNLISTED: "It is in an app or on a site that is not listed.",
    Refusal.FRAME_UNKNOWN: "It is not known in which part of the page it happens.",
    Refusal.WINDOW_UNKNOWN: "It is not known whether the window is a private one.",
    Refusal.FIELD_UNKNOWN: "It is not known what kind of field it is in.",
    Refusal.TITLE_UNKNOWN: "The title of the window is not known.",
    Refusal.TENANT_UNKNOWN: "It is not known whether it is an account of the company's.",
    Refusal.TENANT_OTHER: "It is in an account that is not the company's.",
    Refusal.SIGNAL_DENIED: "This kind of event is not captured.",
    Reason.OFF_HOURS: "It is outside the hours of capture.",
    Reason.PERSONAL_DEVICE: "It is on a laptop of the person's own.",
    Refusal.COUNTERPARTY: "Other people's words are in view, and the rules for them forbid it.",
    Refusal.PICTURE_UNKNOWN: "It is not known which other windows the picture shows.",
}
"""Each reason that a trial can end with, as a sentence."""

NOT_KNOWN: Mapping[str, str] = {
    "program": "which program it is",
    "program.signer": "who signed the program",
    "address": "the address of the page",
    "frames": "in which part of the page it is",
    "window": "whether the window is a private one",
    "title": "the title of the window",
    "account": "which account is in use",
    "field": "what kind of field it is in",
    "counterparties": "where the other people are whose words are in view",
    "pictured": "which other windows the picture shows",
}
"""Members of an event that are not known."""

TRIAL_FIELDS: Mapping[str, str] = {
    "signal": "Kind of event",
    "program": "Program",
    "address": "Address of the page",
    "frames": "Frames of the page",
    "window": "Window",
    "title": "Title of the window",
    "account": "Account in use",
    "field": "Field that has the focus",
    "at": "Time at the laptop",
    "counterparties": "Where other people are whose words are in view",
    "pictured": "Other windows in a screenshot",
}
"""Members of an event that have a field of their own in the form, and what it is called."""

FIELD_WORDS: Mapping[str, str] = {
    FieldKind.NONE: "In no field",
    FieldKind.TEXT: "Text",
    FieldKind.SEARCH: "Search",
    FieldKind.USERNAME: "User name",
    FieldKind.EMAIL_ADDRESS: "E-mail address",
    FieldKind.PHONE_NUMBER: "Phone number",
    FieldKind.PERSONAL: "Name, address, birthday and the like",
    FieldKind.PASSWORD: "Password",
    FieldKind.ONE_TIME_CODE: "One-time code",
    FieldKind.PAYMENT_CARD: "Payment card",
    FieldKind.BANK_ACCOUNT: "Bank account",
    FieldKind.NATIONAL_ID: "National identity number",
    FieldKind.HEALTH: "Health",
    FieldKind.SECRET: "Key or secret",
    FieldKind.UNKNOWN: "Not known",
}

WINDOW_WORDS: Mapping[str, str] = {
    "ordinary": "Ordinary",
    "private": "Private (no history is kept)",
    "unknown": "Not known",
}

HOME_ZONE, ZONE_NOT_KNOWN = "As at home", "Not known"
"""The laptop's time zone, where none is named."""

EXAMPLE_WORDS: Mapping[str, str] = {
    "listed": "A click in a listed app",
    "hr_page": "An HR page in a listed app",
    "chat_germany": "Typing in a chat with Germany",
    "others_unknown": "A chat with nobody knows whom",
    "private_unknown": "A window that may be private",
    "private_account": "A private account of a listed app",
    "bank_pictured": "A picture with a bank in it",
    "password": "A password field",
}
"""Examples to try, by id; a form offers those that can happen under its policy."""
