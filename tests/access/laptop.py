"""A laptop of the office, which asks for its lease over the real route."""

from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

from app.directory.model import Person
from app.kernel.signing import LocalSigner, jwk, read_token, thumbprint
from app.kernel.tokens import LEASE_TYPE
from app.wiring import Services
from tests.access.office import Office
from tests.agents.conftest import assertion
from tests.agents.test_api import BASE, ask


@dataclass(frozen=True)
class Laptop:
    """A paired laptop; what it holds outlives the service that gave it."""

    device: str
    token: str

    @classmethod
    def paired(cls, office: Office, person: Person) -> "Laptop":
        """Pair a laptop with somebody, and let it fetch its token."""
        key, pairing = LocalSigner.generate(), office.services.pairing
        with office.services.database.write() as tx:
            asked = pairing.start(tx, "laptop", jwk(key.public), office.now).request
            device = pairing.approve(tx, person, asked, office.now).id
        given = ask(_http(office.services), assertion(key, device, office.now)).json()
        return cls(device, given["access_token"])

    def lease(self, services: Services) -> dict[str, Any]:
        """The claims of the lease that the service answers now."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = _http(services).get("/v1/agent/lease?forms=1,2,3", headers=headers)
        assert answer.status_code == 200, answer.text
        public = services.keys.signer("lease").public
        return dict(read_token(answer.text, LEASE_TYPE, {thumbprint(public): public}))


def _http(services: Services) -> TestClient:
    from app.main import create_app

    return TestClient(create_app(services), base_url=BASE)
