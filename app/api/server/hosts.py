"""The names under which this service is asked. A request for another name is refused.

A page of somebody else's site can let a name of its own point to this service's address (DNS
rebinding); the browser then takes the answers for that site's. Links and redirects also follow the
name that was asked for.

Rules:
1. The name is the one Host header's, without its port. Two of them, or none, are refused.
2. Known are the host of ``HABEAS_BASE_URL``, the names in ``HABEAS_HOSTS`` and, where the base URL
   is on loopback, the names of this machine.
3. ``/healthz`` answers under any name, because load balancers ask by address, and ``/static/``, so
   that the page that refuses can be read. Neither says anything of anybody, nor changes anything.
4. ``X-Forwarded-Host`` is never read: a proxy passes the Host header on.
"""

import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.admission import Refusing
from app.api.problems import refusal_to_machines
from app.kernel.errors import Fault, Unreadable

UNKNOWN_HOST = "unknown-host"
"""The kind of the refusal."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]*)?")


def name_of(host: str) -> str | None:
    """The name that a Host header gives; None where it is none (RFC 9110 §7.2).

    >>> name_of("Habeas.example:8443"), name_of("[::1]:8000"), name_of("a@b")
    ('habeas.example', '[::1]', None)
    """
    match = _HOST.fullmatch(host)
    return match[1].lower() if match else None


class KnownHosts:
    """Passes on what asks for one of the service's names."""

    def __init__(
        self,
        app: ASGIApp,
        names: Iterable[str],
        base_url: str,
        refusing: Refusing = refusal_to_machines,
    ) -> None:
        self._app = app
        self._names = frozenset(names)
        self._base_url = base_url
        self._refusing = refusing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with 400."""
        if scope["type"] == "http" and not _under_any_name(scope["path"]):
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            asked = name_of(hosts[0].decode("latin-1")) if len(hosts) == 1 else None
            if asked not in self._names:
                await self._refusing(scope, self._unknown(asked))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _unknown(self, asked: str | None) -> Unreadable:
        name = f"the name {asked[:253]}" if asked else "no single name"
        problem = f"the request asks for {name}, which is not one of this service's"
        cure = (
            f"Use {self._base_url}, or let the operator add the name to HABEAS_HOSTS. "
            "Nothing was changed."
        )
        fault = Fault("Host", problem, cure)
        return Unreadable(problem, faults=(fault,), cure=cure, kind=UNKNOWN_HOST)


def _under_any_name(path: str) -> bool:
    """Rule 3. Exact, because the router answers ``/healthz/`` with a redirect to the name asked."""
    return path == "/healthz" or path.startswith("/static/")
