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
    "/me/decisions": "one's own decision",
    "/me/receipts/{decision}": "one's own receipt",
    "/me/receipts/{decision}/place": "one's own receipt",
    "/me/receipts/{decision}.json": "one's own receipt",
    "/me/devices": "one's own laptops",
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
    seen = set()
    for route in pages(_application(client)):
        for right in rights(route):
            path = re.sub(r"\{[^}]+\}", "1", route.path.replace("{region}", "GB"))
            region = "GB" if right.in_region else None
            for person in people:
                may = services.authority.may(person.roles, region, right.thing, right.action)
                by = tried[person.id]
                for method in route.methods:
                    answer = by.get(path) if method == "GET" else by.post(path)
                    assert (answer.status_code != 403) == may, (method, path, _role(person))
                    seen.add((route.path, may))
    paths = {path for path, _ in seen}
    assert len(paths) > 20
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
