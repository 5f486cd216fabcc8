"""The token endpoint over HTTP: whatever an assertion says, the answer is an OAuth error.

None of it is a 500, and nothing is recorded. Each assertion here carries the device's own signature
unless its name says otherwise, so that what is wrong is read. Consumers have no assertions: they
show a secret, which is read as text and looked for by its digest.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.db.metadata import metadata
from app.kernel.signing import LocalSigner, b64u, jwk, thumbprint
from app.main import create_app
from tests.agents.conftest import Company, assertion
from tests.agents.test_api import BASE, GRANT, KIND

pytestmark = pytest.mark.slow

KEY = LocalSigner.generate()
KID = thumbprint(KEY.public)


@dataclass
class Door:
    """The token endpoint, before a paired device and before one that waits to be paired."""

    http: TestClient
    company: Company

    def __post_init__(self) -> None:
        self.device = self.company.pair(key=KEY)
        body = {"name": "laptop", "jwk": {x: jwk(KEY.public)[x] for x in ("kty", "crv", "x")}}
        begun = self.http.post("/v1/agent/pairings", json=body).json()
        self.waiting, self.code = begun["client_id"], begun["device_code"]
        self.company.services.integrator.integrate()

    def answers(self, make: "Made") -> Iterator[tuple[int, str]]:
        """What is answered to an assertion in both of its uses."""
        good = make(self, self.device.id)
        form = {"client_assertion_type": KIND, "client_assertion": good}
        yield self.asked({**form, "grant_type": "client_credentials"})
        form["client_assertion"] = make(self, self.waiting)
        yield self.asked({**form, "grant_type": GRANT, "device_code": self.code})

    def asked(self, form: dict[str, str]) -> tuple[int, str]:
        answer = self.http.post("/v1/agent/token", data=form)
        assert answer.headers["content-type"] == "application/json", answer.text
        return answer.status_code, answer.json().get("error", "given")

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.company.services.database.read() as tx:
            return {
                name: tx.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in metadata.tables.items()
            }

    def claims(self, device_id: str) -> dict[str, object]:
        """What an honest device says."""
        at = int(self.company.now.timestamp())
        return {
            "iss": device_id,
            "sub": device_id,
            "aud": BASE,
            "iat": at,
            "exp": at + 120,
            "jti": LocalSigner.generate().public.hex()[:24],
        }


class Made:
    """Makes an assertion of a device; what is given is put in place of what is honest."""

    def __init__(
        self,
        claims: dict[str, object] | None = None,
        header: dict[str, object] | None = None,
        body: str | None = None,
        head: str | None = None,
    ) -> None:
        self.changed, self.header, self.body, self.head = claims or {}, header or {}, body, head

    def __call__(self, door: Door, device_id: str) -> str:
        said = {**door.claims(device_id), **self.changed}
        body = json.dumps({name: value for name, value in said.items() if value is not ...})
        if self.body is not None:  # a part of JSON text that no value is written as
            body = f"{body[:-1]}, {self.body}}}"
        head = json.dumps({"alg": "Ed25519", "kid": KID, "typ": "JWT", **self.header})
        signed = f"{b64u((self.head or head).encode())}.{b64u(body.encode())}"
        return f"{signed}.{b64u(KEY.sign(signed.encode()))}"


NO_TIME = {
    "ten to the four hundredth": 10**400,
    "minus ten to the four hundredth": -(10**400),
    "the first second after the year 9999": 253_402_300_800,
    "a second before 1970": -1,
    "a fraction": 1.5,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "true": True,
    "false": False,
    "null": None,
    "digits as text": "1790000000",
    "a list": [1],
    "an object": {},
}
TIMES = ("exp", "iat", "nbf")
BAD = (
    {
        f"{what} as {claim}": Made({claim: value})
        for claim in TIMES
        for what, value in NO_TIME.items()
    }
    | {f"1e400 as {claim}": Made({claim: ...}, body=f'"{claim}": 1e400') for claim in TIMES}
    | {
        f"a number of five thousand digits as {claim}": Made(
            {claim: ...}, body=f'"{claim}": {"9" * 5_000}'
        )
        for claim in TIMES
    }
    | {f"no {claim}": Made({claim: ...}) for claim in ("iss", "sub", "aud", "iat", "exp", "jti")}
    | {
        f"{what} as {claim}": Made({claim: value})
        for claim in ("iss", "sub", "aud", "jti")
        for what, value in {
            "a number": 10**400,
            "null": None,
            "a list in a list": [["x"]],
            "an object": {"x": {}},
            "half a character": "\ud800",
            "a zero": "\x00",
        }.items()
    }
    | {
        f"{what} as {member} of its head": Made(header={member: value})
        for member in ("kid", "alg", "typ")
        for what, value in {
            "a number": 10**400,
            "not a number": float("nan"),
            "a list": [KID],
            "an object": {KID: KID},
            "null": None,
            "true": True,
            "half a character": "\ud800",
        }.items()
    }
    | {
        "claims nested five thousand deep": Made(body=f'"x": {"[" * 5_000}{"]" * 5_000}'),
        "a head nested five thousand deep": Made(head="[" * 5_000),
        "a head that is a list": Made(head="[]"),
        "a head that names its key twice": Made(head=f'{{"kid": 1, "kid": {{"{KID}": 1}}}}'),
    }
)  # fmt: skip


@pytest.fixture
def door(company: Company) -> Door:
    http = TestClient(create_app(company.services), base_url=BASE, raise_server_exceptions=False)
    return Door(http, company)


def test_an_honest_assertion_of_this_make_is_taken(door: Door) -> None:
    """Else each of the refusals below could be for a fault in the making."""
    form = {"client_assertion_type": KIND, "client_assertion": Made()(door, door.device.id)}
    answer = door.http.post("/v1/agent/token", data={**form, "grant_type": "client_credentials"})
    assert answer.status_code == 200
    signed = Made()(door, door.waiting)
    waits = {**form, "client_assertion": signed, "grant_type": GRANT, "device_code": door.code}
    assert door.asked(waits) == (400, "authorization_pending")


def test_no_bad_assertion_breaks_the_door_or_is_recorded(door: Door) -> None:
    before = door.counts()
    for name, make in BAD.items():
        answered = set(door.answers(make))
        assert answered <= {(401, "invalid_client"), (400, "invalid_grant")}, name
    door.company.services.integrator.integrate()
    assert door.counts() == before


NO_FORM = {
    "no JWS": "x",
    "four parts": "e30.e30.e30.e30",
    "letters outside base64url": "é.é.é",
    "a zero": "\x00.\x00.\x00",
    "empty parts": "..",
}


@pytest.mark.parametrize("name", NO_FORM)
def test_what_is_no_assertion_at_all_is_refused(door: Door, name: str) -> None:
    before = door.counts()
    assert {answered[0] for answered in door.answers(lambda *_: NO_FORM[name])} <= {400, 401}  # type: ignore[arg-type]
    assert door.counts() == before


def test_a_field_of_the_form_that_is_too_long_is_named(door: Door) -> None:
    before = door.counts()
    for name in ("grant_type", "client_assertion_type", "client_assertion", "device_code"):
        answer = door.http.post("/v1/agent/token", data={name: "x" * 100_000})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == f"body.{name}"
    assert door.counts() == before


SECRETS = [
    "",
    "x",
    "9" * 5_000,
    "[" * 5_000,
    "NaN",
    "e30.e30.e30",
    "\u00e9".encode("utf-8").decode("latin-1"),
    "x" * 60_000,
]


@pytest.mark.parametrize("url", ["/access/v1/evaluation", "/access/v1/grants/g_1/use"])
def test_no_bad_secret_of_a_consumer_breaks_its_doors(door: Door, url: str) -> None:
    before = door.counts()
    signed = assertion(KEY, door.device.id, door.company.now)
    for secret in (*SECRETS, signed):
        headers = {"Authorization": f"Bearer {secret}".encode("latin-1")}
        answer = door.http.post(url, json={}, headers=headers)
        assert answer.status_code in {400, 401, 422}, secret[:20]
        assert answer.headers["content-type"] == "application/problem+json"
    assert door.counts() == before
