"""Somebody signed in, over the whole application: pages by GET, forms by POST as browsers send."""

from collections.abc import Iterable
from dataclasses import dataclass

from httpx2 import Response
from starlette.testclient import TestClient

from app.audit.entries.model import SYSTEM
from app.directory.model import Person
from app.web.shell.door import cookie_name
from app.wiring import Services
from tests.web.house import start_session, words


@dataclass
class Visit:
    """One person's session. Forms carry the token of the session and this site's origin."""

    client: TestClient
    services: Services
    person_id: str
    token: str
    csrf: str

    def get(self, path: str) -> Response:
        return self._send("GET", path, None)

    def post(self, path: str, /, **fields: str) -> Response:
        return self._send("POST", path, {"csrf": self.csrf, **fields})

    def _send(self, method: str, path: str, fields: dict[str, str] | None) -> Response:
        settings = self.services.settings
        return self.client.request(
            method,
            path,
            data=fields,
            headers={
                "Origin": settings.issuer,
                "Cookie": f"{cookie_name(settings)}={self.token}",
            },
        )


def visit(client: TestClient, services: Services, person_id: str) -> Visit:
    """Sign somebody in, as the end of the OpenID Connect flow does."""
    token = start_session(services, person_id)
    with services.database.read() as tx:
        session = services.sessions.find(tx, token, services.clock.now())
    assert session is not None
    return Visit(client, services, person_id, token, session.csrf)


def employ(services: Services, people: Iterable[Person]) -> None:
    """Take people into the directory."""
    now = services.clock.now()
    with services.database.write() as tx:
        services.directory.import_people(
            tx, tuple(people), actor=SYSTEM, now=now, file_digest="sha256:" + "0" * 64
        )


def text_of(response: Response) -> str:
    """What a page says, without its markup."""
    return words(response.text)
