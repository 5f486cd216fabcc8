"""A page's right stands where its route is declared, and holds for everybody who asks for it."""

import re
from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from app import web
from app.access.enforcer import ACTIONS
from app.directory.model import Person
from app.wiring import Services
from tests import make
from tests.architecture.routes import pages, rights
from tests.web.visiting import employ, visit

WEB = Path(web.__file__).parent

OWN = {
    "/": "says what Habeas is, to anybody",
    "/sign-in": "begins a sign-in",
    "/sign-in/callback": "ends a sign-in",
    "/sign-out": "ends one's own session",
    "/me": "one's own state",
    "/me/decide": "one's own notice",
    "/me/notice": "the notice, and one's own decision on it",
    "/me/decisions": "one's own decision",
    "/me/receipts/{decision}": "one's own receipt",
    "/me/receipts/{decision}.json": "one's own receipt",
    "/me/captured": "what one's own laptops captured and dropped",
    "/me/try": "what would be captured of oneself",
    "/me/uses": "who asked for one's own data",
    "/me/readings": "who read entries about oneself",
    "/me/devices/pair": "a laptop that becomes one's own",
    "/me/devices/{device}": "one's own laptop",
    "/me/devices/{device}/revoke": "one's own laptop",
}
"""Pages that need no right, and why; everybody sees only what is theirs."""

EVERYBODY = (
    "", "legal@GB", "legal@NO", "works_council@GB", "works_council@NO", "dpo", "dpo@GB", "auditor",
    "admin", "hr",
)  # fmt: skip
"""One person for each, who holds that role and no other; the first holds none."""


LEGAL = frozenset({"legal@GB", "legal@NO"})
WORKS_COUNCIL = frozenset({"works_council@GB", "works_council@NO"})
DPO = frozenset({"dpo", "dpo@GB"})
AUDITOR = frozenset({"auditor"})
READ_LOG = DPO | AUDITOR
READ_POLICY = LEGAL | WORKS_COUNCIL | DPO | AUDITOR | {"admin"}
SECOND_PEOPLE = LEGAL | WORKS_COUNCIL | DPO
"""Who may approve and stop; for which region is asked with the form (tests/policy)."""
LEGAL_HERE = frozenset({"legal@GB"})
"""Who is of legal in the region that the path names, which is GB below."""

MAY = {
    "GET /auditor": READ_LOG,
    "POST /auditor": READ_LOG,
    "GET /auditor/alarms": LEGAL | DPO | AUDITOR,
    "POST /auditor/alarms": LEGAL | DPO | AUDITOR,
    "GET /log": READ_LOG,
    "GET /auditor/export": AUDITOR,
    "POST /auditor/export": AUDITOR,
    "GET /legal": READ_POLICY,
    "GET /legal/regions/{region}/propose": LEGAL_HERE,
    "POST /legal/regions": LEGAL_HERE,
    "POST /legal/resume": LEGAL_HERE,
    "POST /legal/changes/{change_id}/approve": SECOND_PEOPLE,
    "POST /legal/changes/{change_id}/withdraw": LEGAL,
    "POST /legal/stop": SECOND_PEOPLE,
    "POST /legal/catalogue": LEGAL,
    "POST /legal/try": READ_POLICY,
}
"""Who may what, told apart from the routes and from the rows of roles: both are tested by it.

A page is told of by the longest line that it begins with."""


def told_of(method: str, path: str) -> str:
    """The line of ``MAY`` that holds for a page."""
    asked = f"{method} {path}"
    return max((line for line in MAY if f"{asked}/".startswith(f"{line}/")), key=len, default=asked)


def test_every_page_declares_one_right_or_is_everybody_s_own(client: TestClient) -> None:
    found = pages(_application(client))
    assert {route.path for route in found} >= OWN.keys()
    for route in found:
        declared = rights(route)
        assert len(declared) == (route.path not in OWN), (route.methods, route.path)
        for right in declared:
            assert right.action in ACTIONS[right.thing], route.path
            assert not right.in_region or "{region}" in route.path


def test_a_page_is_refused_to_exactly_those_without_its_right(
    client: TestClient, services: Services
) -> None:
    """Nobody's form and no made-up id leads further than 403 for whoever lacks the right."""
    people = [make.person(f"E-{n}", *_roles(role)) for n, role in enumerate(EVERYBODY)]
    employ(services, people)
    tried = {person.id: visit(client, services, person.id) for person in people}
    seen, answered = set(), set()
    for route in pages(_application(client)):
        for right in rights(route):
            region = "GB" if right.in_region else None
            path = re.sub(r"\{[^}]+\}", "1", route.path.replace("{region}", "GB"))
            for person, role in zip(people, EVERYBODY, strict=True):
                by = tried[person.id]
                for method in route.methods:
                    may = role in MAY[told_of(method, route.path)]
                    answer = by.get(path) if method == "GET" else by.post(path)
                    declared = services.authority.may(
                        person.roles, region, right.thing, right.action
                    )
                    assert declared == may, (method, path, role)
                    assert (answer.status_code != 403) == may, (method, path, _role(person))
                    seen.add((route.path, may))
                    answered.add(told_of(method, route.path))
    assert answered == MAY.keys()
    paths = {path for path, _ in seen}
    assert seen == {(path, may) for path in paths for may in (True, False)}, "nobody, or everybody"


def test_no_page_asks_for_its_right_by_hand() -> None:
    asking = [
        path.relative_to(WEB).as_posix()
        for path in WEB.rglob("*.py")
        if "authority.require" in path.read_text(encoding="utf-8")
    ]
    assert asking == ["shell/visit.py"]


def _application(client: TestClient) -> FastAPI:
    assert isinstance(client.app, FastAPI)
    return client.app


def _roles(role: str) -> tuple[str, ...]:
    return (role,) if role else ()


def _role(person: Person) -> str:
    return " ".join(map(str, person.roles)) or "nobody"
