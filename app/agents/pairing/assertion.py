"""The assertion by which a device shows that it holds its key (RFC 7523 §3), read strictly.

A compact JWS, ``alg`` Ed25519, ``typ`` JWT, ``kid`` the key's thumbprint, made for this server
alone, living five minutes at most. That its ``jti`` is used once is the caller's to see to.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.kernel.shapes import DEVICE_ID, fits
from app.kernel.signing import MAX_TOKEN_BYTES, BadToken, read_token, unb64u
from app.kernel.signing import thumbprint as key_id

ASSERTION_LIFE = timedelta(minutes=5)
SKEW = timedelta(seconds=60)
ASSERTION_TYPE = "JWT"
_LATEST = 253_402_300_800
"""The end of the year 9999, seconds: no clock of ours shows later times."""


def read_assertion(
    assertion: str, device_id: str, public: bytes, audiences: frozenset[str], now: datetime
) -> tuple[str, datetime]:
    """Return the ``jti`` of a good assertion and when it expires.

    Raises:
        BadToken: it is not one; the message says which check failed.
    """
    claims = read_token(assertion, ASSERTION_TYPE, {key_id(public): public})
    return _checked_claims(claims, device_id, audiences, now)


def _checked_claims(
    claims: Mapping[str, Any], device_id: str, audiences: frozenset[str], now: datetime
) -> tuple[str, datetime]:
    """Return an assertion's id and when it expires, after checking its claims (RFC 7523 §3).

    Raises:
        BadToken: a claim is missing or wrong.
    """
    if claims.get("iss") != device_id or claims.get("sub") != device_id:
        raise BadToken("iss and sub must both be the device's id")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    # One audience only: an assertion made for several servers could be used by one at another.
    if len(named) != 1 or not isinstance(named[0], str) or named[0] not in audiences:
        raise BadToken("aud must be this server's token endpoint or issuer, and nothing else")
    issued, expires, at = _seconds(claims, "iat"), _seconds(claims, "exp"), now.timestamp()
    if "nbf" in claims and _seconds(claims, "nbf") > at + SKEW.total_seconds():
        raise BadToken("the assertion is not valid yet")
    if issued > at + SKEW.total_seconds():
        raise BadToken("the assertion comes from the future; set the device's clock")
    if expires <= at:
        raise BadToken("the assertion has expired")
    if expires > issued + ASSERTION_LIFE.total_seconds():
        raise BadToken("the assertion lives longer than five minutes")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 16 <= len(jti) <= 128:  # noqa: PLR2004 - bounds of a name
        raise BadToken("jti must be 16 to 128 characters, new each time")
    return jti, now + timedelta(seconds=expires - at)


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    # A bool is an int, and no time. Beyond the bound, sums with a clock's time overflow.
    if type(value) is not int or not 0 <= value < _LATEST:
        raise BadToken(f"{name} must be a whole number of seconds since 1970")
    return value


def claimed_device(assertion: str) -> str | None:
    """Read who an assertion says it is from, to find the key to check it with; believe nothing.

    What has not the form of a device's id is nobody's, and never reaches the database.
    """
    parts = assertion.split(".") if len(assertion) <= MAX_TOKEN_BYTES else []
    try:
        claimed = json.loads(unb64u(parts[1]))["sub"]
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        return None
    return claimed if isinstance(claimed, str) and fits(DEVICE_ID, claimed) else None
