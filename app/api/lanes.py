"""Which lane a request is in: decided here, once, from what can be known without a database.

Rules:
1. Only a form that can do nothing but end capture is in the first lane: saying no, withdrawing,
   pausing, unpairing a laptop, the stop switch.
2. Pages for people are theirs with the cookie of a session only; whether it is a good one is asked
   later. Signing in is theirs, too: it is the way to opting out.
3. Whatever can be asked without showing who asks is the strangers', and so is the first step of
   showing it: pairings, tokens, the public log.
"""

from collections.abc import Mapping
from urllib.parse import parse_qs

from app.kernel.lanes import Lane

DECISIONS = "/me/decisions"

_ENDING = frozenset({"withdrawn", "refused", "paused"})
"""What ``act`` says in a form that only ends capture."""

_WAYS_IN = ("/sign-in", "/demo/idp", "/static")
_MACHINES: Mapping[Lane, tuple[str, ...]] = {
    Lane.LOG: ("/healthz",),
    Lane.STRANGERS: ("/v1/agent/pairings", "/v1/agent/token"),
    Lane.AGENTS: ("/v1/agent", "/.well-known"),
    Lane.CONSUMERS: ("/access",),
}
"""Addresses of machines, the first that fits."""


def lane_of(method: str, path: str, form: Mapping[str, list[str]], *, signed_in: bool) -> Lane:
    """Decide the lane of a request.

    Args:
        method: of HTTP.
        path: without query.
        form: the fields of a form that was sent to ``DECISIONS``; empty elsewhere.
        signed_in: whether it carries the cookie of a session.

    >>> lane_of("POST", "/me/decisions", {"act": ["withdrawn"]}, signed_in=True).name
    'OUT'
    >>> lane_of("POST", "/me/decisions", {"act": ["given"]}, signed_in=True).name
    'PEOPLE'
    >>> lane_of("GET", "/v1/agent/lease", {}, signed_in=False).name
    'AGENTS'
    """
    for lane, starts in _MACHINES.items():  # a cookie makes nobody a person there
        if _under(path, starts):
            return lane
    if signed_in and method == "POST" and _ends_capture(path, form):
        return Lane.OUT
    if signed_in or path == "/" or _under(path, _WAYS_IN):
        return Lane.PEOPLE
    return Lane.STRANGERS


def read_form(body: bytes) -> dict[str, list[str]]:
    """The fields of an urlencoded form; nothing of what is none."""
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=50)
    except ValueError:
        return {}


def _ends_capture(path: str, form: Mapping[str, list[str]]) -> bool:
    if path == DECISIONS:
        acts = form.get("act", [])
        return len(acts) == 1 and acts[0] in _ENDING
    return path == "/legal/stop" or (path.startswith("/me/devices/") and path.endswith("/revoke"))


def _under(path: str, starts: tuple[str, ...]) -> bool:
    return any(path == start or path.startswith(f"{start}/") for start in starts)
