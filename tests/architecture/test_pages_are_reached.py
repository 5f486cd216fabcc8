"""A page that is written is served, and some other page leads to it."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

import app.web
from tests.architecture.routes import pages, routes

WEB = Path(app.web.__file__).parent
NOT_LED_TO = {"/sign-in/callback": "the sign-in provider leads here"}


def routers() -> Iterator[tuple[str, APIRouter]]:
    """Every router that a module of pages makes."""
    for module in pkgutil.walk_packages([str(WEB)], "app.web."):
        router = getattr(importlib.import_module(module.name), "router", None)
        if isinstance(router, APIRouter):
            yield module.name, router


def test_every_page_that_is_written_is_served(client: TestClient) -> None:
    assert isinstance(client.app, FastAPI)
    served = {route.endpoint for route in routes(client.app)}
    found = dict(routers())
    assert len(found) > 9
    for name, router in found.items():
        for route in router.routes:
            endpoint = getattr(route, "endpoint", None)
            assert endpoint is None or endpoint in served, f"no router includes that of {name}"


def test_some_page_leads_to_every_page(client: TestClient) -> None:
    """By a link, a form or the header; a page that nobody finds is not there."""
    assert isinstance(client.app, FastAPI)
    sources = [*WEB.rglob("*.html"), *WEB.rglob("*.py"), *WEB.rglob("*.js")]
    text = "\n".join(
        line
        for path in sources
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith(("@router", "router ="))
    )
    seen = 0
    for route in pages(client.app):
        if "GET" not in route.methods or "{" in route.path or route.path in NOT_LED_TO:
            continue
        leads = re.search(rf"[\"'=]{re.escape(route.path)}[\"'?#]", text)
        assert leads, f"nothing in app/web/templates leads to {route.path}"
        seen += 1
    assert seen > 9
