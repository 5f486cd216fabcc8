"""Submission receipts: the promise that an event will be in the log, and by when (pure).

Between a commit and its index an event is in the database only. Whoever holds this receipt can show
later that it was taken, should it not be in the log.

A receipt is a compact JWS (RFC 7515) of ``typ`` ``habeas-submission+jwt``, ``alg`` ``Ed25519``,
signed with the key ``submission``, which signs nothing else. Claims, all required, no others:

iss         base URL of the instance
log         the name that the log was opened under; every epoch of it keeps the promise
event       id of the event (UUID); the field ``event`` of its entry
submission  ``sha256:…`` over the bytes handed in; the field ``submission`` of its entry
iat         when, in whole seconds since 1970; the entry's ``occurred_at``, rounded down
merge_by    by when it has an index, in whole seconds since 1970

It is kept if the log has an entry whose ``event`` and ``submission`` are these; broken if a
checkpoint that was signed after ``merge_by`` covers none. A restore can lose a promised event:
then ``log.restored`` says so.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.audit.tree.epoch import base_of
from app.kernel.canonical import Json
from app.kernel.signing import Signer, sign_token
from app.kernel.tokens import SUBMISSION_TYPE


@dataclass(frozen=True)
class SubmissionReceipts:
    """Signs the promises of one instance.

    Attributes:
        signer: the key ``submission``.
        issuer: base URL of the instance.
        merge_within: how long an event may wait for its index.
    """

    signer: Signer
    issuer: str
    merge_within: timedelta

    def sign(self, origin: str, event_id: str, submission: str, submitted_at: datetime) -> str:
        """The receipt of an event: the same token however often it is asked for.

        Args:
            origin: the log's name, of whatever epoch.
            event_id: the event.
            submission: ``sha256:…`` of what was handed in.
            submitted_at: when it was handed in.
        """
        claims: dict[str, Json] = {
            "iss": self.issuer,
            "log": base_of(origin),
            "event": event_id,
            "submission": submission,
            "iat": int(submitted_at.timestamp()),
            "merge_by": math.ceil((submitted_at + self.merge_within).timestamp()),
        }
        return sign_token(self.signer, SUBMISSION_TYPE, claims)
