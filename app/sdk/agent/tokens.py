"""How a device asks the token endpoint: with a fresh assertion, signed by its own key."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from app.kernel.canonical import Json
from app.kernel.clock import Clock
from app.kernel.signing import LocalSigner, sign_token
from app.sdk.agent.identity import Identity
from app.sdk.wire import Answer, Wire

TOKEN_PATH = "/v1/agent/token"  # noqa: S105 - a path
ASSERTION_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_ASSERTION_LIFE_S = 120


def ask_token(
    wire: Wire, identity: Identity, key: LocalSigner, clock: Clock, form: Mapping[str, str]
) -> Answer:
    """Ask the token endpoint, with a fresh assertion (RFC 7523 §2.2)."""
    now = int(clock.now().timestamp())
    claims: dict[str, Json] = {
        "iss": identity.device_id,
        "sub": identity.device_id,
        "aud": identity.base_url + TOKEN_PATH,
        "iat": now,
        "exp": now + _ASSERTION_LIFE_S,
        "jti": secrets.token_urlsafe(24),
    }
    data = {
        **form,
        "client_assertion_type": ASSERTION_KIND,
        "client_assertion": sign_token(key, "JWT", claims),
    }
    return wire.exchange("POST", TOKEN_PATH, data=data)


def json_object(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer; empty if it is none."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
