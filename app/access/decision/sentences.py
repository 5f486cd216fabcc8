"""What each reason of a refused access means, in one plain sentence."""

from collections.abc import Mapping
from types import MappingProxyType

from app.access.decision.model import AccessReason

SENTENCES: Mapping[AccessReason, str] = MappingProxyType(
    {
        AccessReason.PURPOSE_MISSING: "No purpose was given; nothing is read without one.",
        AccessReason.PURPOSE_UNKNOWN: "This purpose is not on the closed list of purposes.",
        AccessReason.PURPOSE_PROHIBITED: "This purpose is prohibited, under any name.",
        AccessReason.PURPOSE_UNAVAILABLE: "A legal order needs a named order and two approvers; "
        "there is no such way in.",
        AccessReason.CONSUMER_NOT_REGISTERED: "The consumer is not registered for this purpose.",
        AccessReason.CALLER_UNKNOWN: "It is not known on whose behalf this is asked.",
        AccessReason.CALLER_SEPARATED: "People and systems that decide about staff may not read "
        "captured data, for any purpose.",
        AccessReason.CALLER_IN_LINE: "The person on whose behalf this is asked is a superior of "
        "somebody asked about.",
        AccessReason.MACHINE_ONLY: "This purpose is for programs; no person may ask for it.",
        AccessReason.OWN_DATA_ONLY: "For this purpose a person can ask about their own data only.",
        AccessReason.DUAL_CONTROL_MISSING: "This purpose needs a second person who agrees.",
        AccessReason.DATASET_UNKNOWN: "This dataset is not on the closed list of datasets.",
        AccessReason.PERSONS_MISSING: "It was not said whose data is asked for.",
        AccessReason.PERSON_UNKNOWN: "Somebody asked about is not in the directory.",
        AccessReason.PERSON_LEFT: "Somebody asked about has left and can no longer withdraw.",
        AccessReason.COHORT_TOO_SMALL: "Too few people are asked about together.",
        AccessReason.CAPTURE_INTERVAL_MISSING: "It was not said when the data was captured, or the "
        "interval does not lie in the past.",
        AccessReason.CONSENT_AT_CAPTURE: "Somebody had not agreed to this at every moment of the "
        "capture.",
        AccessReason.CONSENT_NOW: "Somebody has not agreed, or no longer agrees.",
        AccessReason.SIGNALS_MISSING: "It was not said which signals are to be read.",
        AccessReason.SIGNALS_NOT_FOR_PURPOSE: "The purpose does not need these signals.",
        AccessReason.OUTSIDE_SCOPE: "Somebody agreed to less than is asked for.",
        AccessReason.OUTSIDE_POLICY: "The policy in force allows less than is asked for.",
        AccessReason.RETENTION_PASSED: "The data should have been deleted by now.",
        AccessReason.RECORD_DISPUTED: "What is recorded of somebody asked about, or of the rules, "
        "does not agree with the log.",
        AccessReason.REGION_UNKNOWN: "It is not known which rules hold where somebody lives, "
        "works or is employed.",
        AccessReason.REGION_BLOCKED: "Capture is not allowed in a region that applies.",
        AccessReason.POLICY_MISSING: "No company policy is in force where somebody works.",
        AccessReason.PRECONDITION_MISSING: "A works agreement, an assessment or a permit is "
        "missing or has expired.",
        AccessReason.LEAD_TIME: "The capture fell into the time between notice and start.",
        AccessReason.STOPPED: "Capture is stopped in a region that applies.",
        AccessReason.ROLE_POLICY: "The access rules do not allow this.",
    }
)
