"""House rules that are programs: transactions, rights, errors, settings, imports, sizes, names."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext
from starlette.testclient import TestClient

import app
from app.api import deps, problems
from app.kernel import errors
from app.main import create_app
from app.settings import Settings
from app.wiring import build
from app.wiring.shipped import Shipped
from tests.architecture.routes import dependants, routes

ROOT = Path(app.__file__).parent
CHECKOUT = ROOT.parent

PUBLIC = {
    "/": "says what Habeas is",
    "/sign-in": "begins a sign-in",
    "/sign-in/callback": "ends a sign-in; guarded by state, nonce and PKCE",
    "/healthz": "says that the instance lives",
    "/.well-known/jwks.json": "public keys",
    "/.well-known/habeas-keys": "public keys, signed by the root",
    "/.well-known/habeas-keys/{root}": "public keys, signed by the root",
    "/log/checkpoint": "the signed checkpoint is for everybody",
    "/log/checkpoint.pending": "the signed checkpoint is for everybody, cosigned or not",
    "/log/tile/{level:int}/{rest:path}": "hashes are for everybody; entries are not",
    "/log/proof/inclusion/{index}": "hashes are for everybody",
    "/log/proof/consistency/{old}/{new}": "hashes are for everybody",
    "/log/policy": "which witnesses the log needs is for everybody",
    "/log/witnesses": "how the witnesses stand is for everybody",
    "/log/key": "the log's public key",
    "/log/events/{event_id}": "whoever holds a receipt holds the random id of its entry",
    "/log/submissions/{event_id}": "whoever holds the random id of an entry may have its promise",
    "/v1/agent/pairings": "a new device is nobody yet; a person approves it",
    "/v1/agent/token": "authenticates by the signed assertion it carries",
}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, shipped: Shipped) -> Iterator[FastAPI]:
    services = build(Settings(var=tmp_path_factory.mktemp("var"), demo=True), shipped=shipped)
    yield create_app(services)
    services.database.engine.dispose()


def calls(route: RouteContext) -> set[object]:
    return {dependant.call for dependant in dependants(route.dependant)}


def test_every_route_asks_who_is_there_but_for_the_public_ones(application: FastAPI) -> None:
    """Each is called by nobody: it answers 401, or 403, or leads to sign-in."""
    base = application.state.services.settings.base_url
    nobody = TestClient(application, base_url=base, follow_redirects=False)
    for route in routes(application):
        if route.path in PUBLIC:
            continue
        path = re.sub(r"\{[^}]+\}", "1", route.path)
        for method in route.methods:
            answer = nobody.request(method, path, headers={"Origin": base})
            leads_in = answer.headers.get("location", "").startswith("/sign-in")
            assert answer.status_code in {401, 403} or leads_in, (method, route.path, answer)


def test_the_public_routes_exist(application: FastAPI) -> None:
    assert set(PUBLIC) <= {route.path for route in routes(application)}


def test_every_transaction_ends_before_the_answer_is_sent(application: FastAPI) -> None:
    """A commit after the answer would tell somebody "withdrawn" and then fail."""
    seen = 0
    for route in routes(application):
        for dependant in dependants(route.dependant):
            if dependant.call in {deps._write, deps._read}:
                assert dependant.scope == "function", route.path
                seen += 1
    assert seen > 10


OPENS_ITS_OWN = {
    "app/api/deps.py": "opens the request's",
    "app/api/access.py": "who asks is settled before anything that writes is open",
    "app/web/shell/door.py": "who asks is settled before anything that writes is open",
    "app/web/shell/signin.py": "an ``async def`` handler, which hands its writing to a thread",
}


def test_a_handler_works_in_the_request_s_transaction() -> None:
    opening = {
        str(path.relative_to(CHECKOUT))
        for folder in ("api", "web")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"database\.(read|write)\(", path.read_text(encoding="utf-8"))
    }
    assert opening == OPENS_ITS_OWN.keys()


def test_every_handler_runs_in_a_thread_or_touches_no_database(application: FastAPI) -> None:
    """An ``async def`` handler with a transaction would hold up everybody else."""
    for route in routes(application):
        transactions = {deps._write, deps._read} & calls(route)
        if inspect.iscoroutinefunction(route.endpoint):
            assert not transactions, route.path


def kinds(base: type[errors.HabeasError]) -> Iterator[type[errors.HabeasError]]:
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
        yield from kinds(kind)


def test_the_error_table_covers_every_kind_of_error() -> None:
    for kind in kinds(errors.HabeasError):
        assert kind in problems.STATUS, kind


def test_only_the_settings_read_the_environment() -> None:
    for path in ROOT.rglob("*.py"):
        if path.name != "settings.py":
            assert "os.environ" not in path.read_text(encoding="utf-8"), path
            assert "getenv" not in path.read_text(encoding="utf-8"), path


def test_no_service_or_store_commits_by_itself() -> None:
    """Only whoever opened a transaction ends it; the integrator opens its own."""
    for path in ROOT.rglob("*.py"):
        if path.name in {"store.py", "service.py", "workflow.py"}:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    assert node.attr not in {"commit", "rollback"}, path


def test_every_setting_is_described_in_the_operators_guide() -> None:
    guide = (CHECKOUT / "docs" / "operate.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"HABEAS_{name.upper()}" in guide, name


def test_imports_point_down_the_house_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_names_that_say_nothing_are_not_used() -> None:
    for path in ROOT.rglob("*.py"):
        assert not {"utils", "helpers", "common", "manager"} & set(path.with_suffix("").parts), path


LONGEST_FILE = 400
LONGEST_FUNCTION = 60
FULLEST_FOLDER = 13
REASON = "more than a dozen modules because"
"""How the docstring of a full folder's ``__init__`` begins its reason."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield str(path.relative_to(CHECKOUT)), ast.parse(path.read_text(encoding="utf-8"))


def test_no_module_is_too_long_to_be_one_story() -> None:
    for name, _ in modules():
        lines = len((CHECKOUT / name).read_text(encoding="utf-8").splitlines())
        assert lines <= LONGEST_FILE, f"{name} has {lines} lines: split it"


def test_no_function_is_too_long_to_be_read_at_once() -> None:
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                assert lines <= LONGEST_FUNCTION, f"{name}: {node.name} has {lines} lines"


def test_a_service_of_many_parts_is_made_with_their_names() -> None:
    """Positions of many parts are exchanged unseen: two texts, two numbers."""
    seen = 0
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Service"):
                parts = [part for part in node.body if isinstance(part, ast.AnnAssign)]
                made = " ".join(ast.unparse(each) for each in node.decorator_list)
                assert len(parts) <= 5 or "kw_only=True" in made, f"{path}: {node.name}"
                seen += len(parts) > 5
    assert seen > 3


def test_a_folder_with_many_modules_says_why() -> None:
    for path in ROOT.rglob("__init__.py"):
        others = [one for one in path.parent.glob("*.py") if one != path]
        name = str(path.parent.relative_to(CHECKOUT))
        if len(others) > FULLEST_FOLDER:
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            assert REASON in " ".join(said.split()), f"{name} has {len(others)} modules: two rooms?"


def test_no_class_shares_its_name_with_another() -> None:
    places: dict[str, list[str]] = {}
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{name}:{node.lineno}")
    shared = {name: where for name, where in places.items() if len(where) > 1}
    assert not shared
