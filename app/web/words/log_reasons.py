"""Reasons of refusals in a few words, as a chart names them; the long sentence stands elsewhere.

The sentences are app/access/decision/sentences.py (for whoever is asked about) and
obstacle_words.py (for the employee). A code without words here is shown as it is written.
"""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "purpose_missing": "No purpose given",
    "purpose_unknown": "Purpose on no list",
    "purpose_prohibited": "Purpose prohibited",
    "purpose_unavailable": "Purpose not to be had here",
    "consumer_not_registered": "Not registered for the purpose",
    "caller_unknown": "On whose behalf is unknown",
    "caller_separated": "Asked by who decides about staff",
    "caller_in_line": "Asked by a superior",
    "machine_only": "Asked by a person, not a program",
    "own_data_only": "Not the asker's own data",
    "dual_control_missing": "Second person missing",
    "dataset_unknown": "Dataset on no list",
    "persons_missing": "Nobody named",
    "person_unknown": "Person unknown",
    "person_left": "Person has left",
    "cohort_too_small": "Group too small",
    "capture_interval_missing": "Time of capture missing",
    "consent_at_capture": "No consent at capture",
    "consent_now": "No consent now",
    "signals_missing": "Signals missing",
    "signals_not_for_purpose": "Signals not needed for it",
    "outside_scope": "More than was agreed to",
    "outside_policy": "More than the policy allows",
    "retention_passed": "Kept too long",
    "record_disputed": "The record does not agree with the log",
    "region_unknown": "Region without rules",
    "region_blocked": "Region blocked",
    "policy_missing": "No company policy",
    "precondition_missing": "Precondition missing",
    "lead_time": "Notice period not over",
    "stopped": "Capture stopped",
    "role_policy": "Not allowed to the caller",
    "consent_missing": "Not decided",
    "consent_refused": "Consent refused",
    "consent_withdrawn": "Consent withdrawn",
    "paused": "Paused",
    "notice_pending": "New notice not read",
    "left": "Person has left",
    "device_revoked": "Laptop unpaired",
    "off_hours": "Outside the hours",
    "personal_device": "Personal device",
}
"""Every reason of an access decision and of a lease."""


def reason_in_words(reason: str) -> str:
    """A reason in a few words."""
    return REASONS.get(reason, reason)
