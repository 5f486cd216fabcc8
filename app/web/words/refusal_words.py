"""Why events were not captured, in a few words, as the person reads them next to a count.

Rules:
1. Every reason that a report may carry has words of its own; ``tests/web/test_refusal_words.py``
   finds what is missing.
2. The words say what was so, not what the code is called; what a program got wrong is told as that.
"""

from collections.abc import Mapping

from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Reason

REFUSED: Mapping[str, str] = {
    # Capture was off, and the lease said why.
    Reason.CONSENT_MISSING: "You had not decided yet",
    Reason.CONSENT_REFUSED: "You had refused",
    Reason.CONSENT_WITHDRAWN: "You had withdrawn",
    Reason.PAUSED: "You had paused capture",
    Reason.NOTICE_PENDING: "A new notice waited for you to read it",
    Reason.LEAD_TIME: "A change had been announced and its notice period was not over",
    Reason.PRECONDITION_MISSING: "Something that must be in place first was missing",
    Reason.REGION_BLOCKED: "The rules of your region forbade it",
    Reason.REGION_UNKNOWN: "The rules of your region were not known",
    Reason.STOPPED: "Capture was stopped",
    Reason.LEFT: "You had left",
    Reason.RECORD_DISPUTED: "What is recorded did not agree with the log",
    Reason.DEVICE_REVOKED: "The laptop was no longer connected to you",
    Reason.POLICY_MISSING: "Your company had published no policy",
    Reason.OFF_HOURS: "Outside the hours of capture",
    Reason.PERSONAL_DEVICE: "On a device of your own",
    # There was no permission to rely on.
    Refusal.NO_LEASE: "The laptop had no permission",
    Refusal.LEASE_UNREADABLE: "The laptop's permission could not be read",
    Refusal.LEASE_EXPIRED: "The laptop's permission had ended",
    Refusal.LEASE_FROM_FUTURE: "The laptop's permission was dated in the future",
    Refusal.LEASE_ROLLED_BACK: "The laptop was given a permission older than one that it had seen",
    Refusal.LEASE_JUMPED: "The laptop was given a permission that could not be right",
    Refusal.LEASE_FORKED: "The laptop was given two permissions that contradict each other",
    Refusal.LEASE_NOT_FRESH: "The laptop was given a permission that it had not asked for",
    Refusal.AGENT_TOO_OLD: "The program that captures is too old",
    Refusal.OTHER_DEVICE: "The permission was for another laptop",
    Refusal.POLICY_MISMATCH: "The rules that came with the permission were others",
    Refusal.POLICY_UNREADABLE: "The rules that came with the permission could not be read",
    Refusal.CLOCK_ROLLED_BACK: "The laptop's clock had been turned back",
    Refusal.KEYS_REFUSED: "The laptop could not trust the keys of this service",
    Refusal.KEYS_EXPIRED: "The laptop had no current list of this service's keys",
    Refusal.CLOCK_JUMPED: "The laptop's clock had been set forward",
    Refusal.STATE_UNREADABLE: "What the laptop remembers of permissions could not be read",
    Refusal.SERVER_ANSWER: "The service's answer could not be used",
    # Capture was on; this event was still not to be kept.
    Refusal.EVENT_UNREADABLE: "What had happened could not be read",
    Refusal.EVENT_OUTSIDE_LEASE: "It had happened before capture was turned on, or after it ended",
    Refusal.EXCLUDED: "In a place that is never captured",
    Refusal.PROGRAM_UNKNOWN: "Which program it was could not be told for certain",
    Refusal.ADDRESS_UNKNOWN: "Which page the browser showed was not known",
    Refusal.ADDRESS_UNREADABLE: "The address of the page could not be read",
    Refusal.APP_UNLISTED: "In an app or on a site that is not listed",
    Refusal.FRAME_UNKNOWN: "Which part of the page it was in was not known",
    Refusal.WINDOW_UNKNOWN: "Whether the window was a private one was not known",
    Refusal.FIELD_UNKNOWN: "What kind of field it was in was not known",
    Refusal.TITLE_UNKNOWN: "The title of the window was not known",
    Refusal.TENANT_UNKNOWN: "Whether it was the company's account was not known",
    Refusal.TENANT_OTHER: "In an account that is not the company's",
    Refusal.SIGNAL_DENIED: "That kind of event is not captured",
    Refusal.COUNTERPARTY: "Somebody else's words were in view, and the rules for them forbade it",
    Refusal.PICTURE_UNKNOWN: "Which other windows the picture shows was not known",
    Refusal.SCREENSHOT_INTERVAL: "Too soon before or after another picture",
    Refusal.INTERNAL: "The program that captures had a fault",
}
"""Each reason of a report."""
