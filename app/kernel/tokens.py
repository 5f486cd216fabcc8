"""The types of token that the service signs, and which of its keys may sign each.

Each key of ``/.well-known/jwks.json`` names the only ``typ`` that it signs (``habeas_typ``), and
is believed for no other: whoever gets hold of the key of grants cannot turn capture on with it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from app.kernel.signing import public_from_jwk, thumbprint

LEASE_TYPE = "habeas-lease+jwt"
RECEIPT_TYPE = "habeas-receipt+jwt"
GRANT_TYPE = "habeas-grant+jwt"
SUBMISSION_TYPE = "habeas-submission+jwt"
ERASURE_TYPE = "habeas-erasure+jwt"

TYPE_OF = {
    "lease": LEASE_TYPE,
    "receipt": RECEIPT_TYPE,
    "grant": GRANT_TYPE,
    "submission": SUBMISSION_TYPE,
    "erasure": ERASURE_TYPE,
}
"""What each key signs, by the name of its file."""

LONGEST_LIFE: Mapping[str, timedelta] = {
    LEASE_TYPE: timedelta(hours=1),
    GRANT_TYPE: timedelta(seconds=60),
}
"""How long a token is believed at most, whatever it claims, by its type.

What is not named here is believed for ever: receipts, promises of a place in the log, records of
erasures.
"""

KEY_USE = "habeas_typ"
"""The member of a key that names what it signs (RFC 7517 §4: members of one's own are allowed)."""


def keys_for(jwks: Mapping[str, Any], typ: str) -> dict[str, bytes]:
    """The public keys (32 bytes each) that may sign a ``typ``, by their own thumbprints.

    >>> from app.kernel.signing import LocalSigner, jwk
    >>> key = {**jwk(LocalSigner.from_seed(bytes(32)).public), KEY_USE: LEASE_TYPE}
    >>> len(keys_for({"keys": [key]}, LEASE_TYPE))
    1
    >>> keys_for({"keys": [key]}, GRANT_TYPE)
    Traceback (most recent call last):
    ValueError: the key set has no key for habeas-grant+jwt

    Args:
        jwks: a key set (RFC 7517 §5).
        typ: as in the token's header, e.g. ``habeas-lease+jwt``.

    Raises:
        ValueError: it is no key set, or none of its keys is for that.
    """
    try:
        publics = [public_from_jwk(key) for key in jwks["keys"] if key.get(KEY_USE) == typ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("this is no key set") from error
    if not publics:
        msg = f"the key set has no key for {typ}"
        raise ValueError(msg)
    return {thumbprint(public): public for public in publics}
