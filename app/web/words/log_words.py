"""The log in words: what each kind of entry says, what each field of a leaf means.

The leaf itself is codes, digests and pseudonyms. A page that shows one must not ask the reader to
know them, and must not say more than the leaf does.
"""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "log.opened": "Log opened",
    "log.read": "Log read",
    "log.exported": "Log exported",
    "log.body_read": "Personal detail read",
    "log.restored": "Log continued after a restore",
    "log.custodians_adopted": "Custodians adopted",
    "log.witnesses_adopted": "Witnesses adopted",
    "rules.adopted": "Rules adopted",
    "roles.adopted": "Rows of roles adopted",
    "keys.adopted": "Keys published",
    "seals.adopted": "Seals of rows adopted",
    "seals.rebuilt": "Seals of rows made again",
    "alarm.raised": "Alarm raised",
    "alarm.clear_proposed": "Clearing an alarm proposed",
    "alarm.cleared": "Alarm cleared",
    "directory.imported": "People imported",
    "directory.person": "Person recorded",
    "door.refused": "Refusals at the door",
    "session.started": "Signed in",
    "session.ended": "Signed out",
    "policy.floor_adopted": "Floor adopted",
    "policy.catalogue_adopted": "App catalogue adopted",
    "policy.catalogue_shipped": "App catalogue changed in the files",
    "policy.catalogue_proposed": "App catalogue proposed",
    "policy.catalogue_declined": "App catalogue declined",
    "policy.catalogue_approved": "App catalogue approved",
    "policy.purposes_adopted": "Purposes adopted",
    "notice.adopted": "Notice adopted",
    "policy.proposed": "Policy proposed",
    "policy.approved": "Policy approved",
    "policy.published": "Policy published",
    "policy.withdrawn": "Policy proposal withdrawn",
    "policy.stopped": "Capture stopped",
    "policy.resume_proposed": "Resuming proposed",
    "policy.resumed": "Capture resumed",
    "notice.shown": "Notice shown",
    "consent.given": "Consent given",
    "consent.refused": "Consent refused",
    "consent.acknowledged": "Notice acknowledged",
    "consent.withdrawn": "Consent withdrawn",
    "consent.paused": "Capture paused",
    "consent.resumed": "Pause ended",
    "consent.revoked": "Consent revoked",
    "device.pairing_started": "Pairing started",
    "device.paired": "Device paired",
    "device.token_issued": "Device token issued",
    "device.revoked": "Device revoked",
    "lease.changed": "Lease changed",
    "agent.reported": "Agent reported",
    "access.decided": "Access decided",
    "access.used": "Use of captured data closed",
    "access.consumer_registered": "Consumer registered",
    "subject.erased": "Person erased",
}
"""Every kind of entry, in the order in which a reader would tell the story."""

GROUPS: Mapping[str, str] = {
    "consent": "Decisions of people",
    "capture": "Laptops and leases",
    "access": "Access to captured data",
    "policy": "Policy and stops",
    "people": "Directory, sign-in, erasure",
    "log": "This log",
}
"""The names of the groups of kinds (``KIND_GROUPS`` of app/audit/reading/search.py)."""

OUTCOMES: Mapping[str, str] = {
    "permit": "Permitted",
    "deny": "Refused",
    "on": "Capture on",
    "off": "Capture off",
}

ACTORS: Mapping[str, str] = {
    "person": "Person",
    "device": "Device",
    "consumer": "Consumer",
    "system": "Habeas",
}

FIELDS: Mapping[str, str] = {
    "kind": "What happened, one of a closed list.",
    "occurred_at": "When it happened, by the server's clock, in UTC.",
    "actor": "Who acted. A person stands here as a pseudonym, never by name.",
    "subjects": "Whom it is about, as random pseudonyms.",
    "purpose": "What the data was asked for; null where nothing was asked for.",
    "facts": "Everything a verifier needs to recompute the outcome: codes, digests, pseudonyms.",
    "commitment": "Keyed fingerprint of the personal detail that is kept, encrypted, next to the "
    "log. When the detail is erased, this remains and proves nothing about its content.",
    "idx": "Place in the log. The order of entries is this number, not the clock.",
    "integrated_at": "When it became part of the tree, in UTC.",
    "event": "Random name of the event, given before its place in the log was known.",
    "submission": "Fingerprint of the event as it was handed in, before it had a place.",
    "streams": "For each person, actor and purpose: which of its entries this is, and the index "
    "of the one before, so that a missing one is noticed.",
    "v": "Version of this form. A new form gets a new number; old entries are never rewritten.",
}
"""What each field of a leaf means, in the order in which a reader asks."""


def kind_in_words(kind: str) -> str:
    """A kind in words; one that is not known here is shown as it is written."""
    return KINDS.get(kind, kind)


def shortened(name: str, keep: int = 6) -> str:
    """Shorten a digest or a pseudonym in the middle; the label before the digits stays whole."""
    label, colon, digits = name.rpartition(":")
    if not colon and name.startswith("p_"):
        label, colon, digits = "p", "_", name[2:]
    if len(digits) <= 2 * keep + 1:
        return name
    return f"{label}{colon}{digits[:keep]}…{digits[-4:]}"
