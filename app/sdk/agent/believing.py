"""Whether a lease belongs to the key set that a laptop believes (pure)."""

from datetime import UTC, datetime

from app.kernel.refusals import Refusal
from app.kernel.signing import signing_key_of
from app.kernel.tokens import LEASE_TYPE
from app.keys.model import KeySet
from app.sdk.lease import Lease, Refused, read_lease


def lease_of(key_set: KeySet, token: str, now: datetime) -> Lease:
    """Read a lease after checking that a key of the set signed it, in that key's time.

    Whether the set has expired is asked of the wall clock and of the lease: who turns the clock
    back cannot change what was signed.

    Raises:
        Refused: any check fails.
    """
    lease = read_lease(token, key_set.believed(LEASE_TYPE))
    if max(now, datetime.fromtimestamp(lease.issued, UTC)) >= key_set.expires:
        raise Refused(Refusal.KEYS_EXPIRED, "the service's key set has expired")
    if not bears_out(key_set, signing_key_of(token), lease):
        raise Refused(Refusal.KEYS_REFUSED, "the lease does not belong to the key set")
    return lease


def bears_out(key_set: KeySet, kid: str, lease: Lease) -> bool:
    """Whether a lease is of the set's issuer, and its key signed at that time."""
    issued = datetime.fromtimestamp(lease.issued, UTC)
    return lease.issuer == key_set.issuer and key_set.has_signed(kid, LEASE_TYPE, issued)
