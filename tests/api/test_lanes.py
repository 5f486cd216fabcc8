"""Which lane a request is in."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.lanes import lane_of, read_form
from app.kernel.lanes import Lane
from tests.architecture.routes import pages, routes

ENDING = {"act": ["withdrawn"]}


@pytest.mark.parametrize("act", ["withdrawn", "refused", "paused"])
def test_a_form_that_can_only_end_capture_is_in_the_first_lane(act: str) -> None:
    form = read_form(f"csrf=x&act={act}&minutes=60".encode())
    assert lane_of("POST", "/me/decisions", form, signed_in=True) is Lane.OUT


@pytest.mark.parametrize("path", ["/legal/stop", "/me/devices/d_1/revoke"])
def test_stopping_and_unpairing_are_in_the_first_lane(path: str) -> None:
    assert lane_of("POST", path, {}, signed_in=True) is Lane.OUT
    assert lane_of("GET", path, {}, signed_in=True) is Lane.PEOPLE


@pytest.mark.parametrize(
    "body",
    [
        b"act=given",
        b"act=resumed",
        b"act=withdrawn&act=given",  # refused by the handler; here it must not pass for the first
        b"act=",
        b"",
        b"\xff=withdrawn",
        b"act%5B%5D=withdrawn",
        b"&".join([b"act=withdrawn"] * 1_000),
    ],
)
def test_whatever_could_open_or_says_two_things_is_not_in_the_first_lane(body: bytes) -> None:
    assert lane_of("POST", "/me/decisions", read_form(body), signed_in=True) is Lane.PEOPLE


def test_nobody_is_in_the_lanes_of_people_without_their_cookie() -> None:
    lanes = {
        lane_of(method, path, ENDING, signed_in=False)
        for method in ("GET", "POST")
        for path in ("/me/decisions", "/me", "/legal/stop", "/audit", "/me/devices/d_1/revoke")
    }
    assert lanes == {Lane.STRANGERS}


def test_signing_in_is_of_people_because_it_is_the_way_to_opting_out() -> None:
    for path in ("/", "/sign-in", "/sign-in/callback", "/static/habeas.css"):
        assert lane_of("GET", path, {}, signed_in=False) is Lane.PEOPLE


def test_each_route_is_in_a_lane_that_somebody_chose(client: TestClient) -> None:
    """A new address falls to the strangers until somebody decides otherwise in lanes.py."""
    assert isinstance(client.app, FastAPI)
    served = {route.path for route in routes(client.app)}
    lanes = {path: lane_of("POST", path, {}, signed_in=False) for path in served}
    agents = {path for path in served if lanes[path] is Lane.AGENTS}
    assert len(agents) == 7
    assert all(path.startswith(("/v1/agent/", "/.well-known/")) for path in agents)
    assert {path.split("/")[1] for path in served if lanes[path] is Lane.CONSUMERS} == {"access"}
    assert [path for path in served if lanes[path] is Lane.LOG] == ["/healthz"]
    for page in pages(client.app):
        assert lane_of("GET", page.path, {}, signed_in=True) is Lane.PEOPLE, page.path
