"""How often one may ask."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app.api.agents import ASSERTION_KIND
from app.api.limits import Asker, RateLimits, limits_of
from app.kernel.errors import TooMany
from app.kernel.lanes import Lane
from app.main import create_app
from app.settings import Settings
from app.wiring import Services

MOST = 3


class Seconds:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def answered(limits: RateLimits, who: str, lane: Lane = Lane.AGENTS) -> bool:
    try:
        limits.require(Asker.DEVICE, who, lane)
    except TooMany:
        return False
    return True


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 70)), max_size=60))
def test_nobody_is_answered_more_often_than_the_limit_says_nor_less(
    asks: list[tuple[str, float]],
) -> None:
    seconds = Seconds()
    limits = RateLimits({Asker.DEVICE: MOST}, seconds)
    windows: dict[str, float] = {}
    counted: Counter[str] = Counter()
    for who, later in asks:
        seconds.at += later
        if seconds.at >= windows.get(who, 0):
            windows[who], counted[who] = seconds.at + 60, 0
        counted[who] += 1
        assert answered(limits, who) == (counted[who] <= MOST)


def test_whoever_asks_too_often_reads_when_to_come_back_and_is_answered_then() -> None:
    seconds = Seconds()
    limits = RateLimits({Asker.DEVICE: MOST}, seconds)
    for _ in range(MOST):
        limits.require(Asker.DEVICE, "d", Lane.AGENTS)
    seconds.at += 20
    with pytest.raises(TooMany) as refused:
        limits.require(Asker.DEVICE, "d", Lane.AGENTS)
    seconds.at += refused.value.retry_after_s
    assert answered(limits, "d")
    assert 40 <= refused.value.retry_after_s <= 42


def test_opting_out_is_never_refused_for_volume_and_takes_nothing_from_the_rest() -> None:
    limits = RateLimits({Asker.DEVICE: MOST}, Seconds())
    assert all(answered(limits, "d", Lane.OUT) for _ in range(1_000))
    assert answered(limits, "d")


def test_what_has_run_out_is_forgotten() -> None:
    seconds = Seconds()
    limits = RateLimits({Asker.SOURCE: MOST}, seconds)
    for number in range(10_000):
        limits.require(Asker.SOURCE, f"192.0.2.{number}", Lane.STRANGERS)
    seconds.at += 61
    limits.require(Asker.SOURCE, "198.51.100.1", Lane.STRANGERS)
    assert len(limits) == 1


def at_most(services: Services, **per_minute: int) -> TestClient:
    settings = services.settings.model_copy(update=per_minute)
    return TestClient(
        create_app(replace(services, settings=settings)), base_url=services.settings.base_url
    )


def test_a_source_that_asks_too_often_gets_a_problem_and_has_written_nothing(
    services: Services,
) -> None:
    client = at_most(services, source_per_minute=10)
    guess = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_KIND,
        "client_assertion": "e30.e30.e30",
    }
    answers = [client.post("/v1/agent/token", data=guess) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    refused = answers[-1]
    assert refused.json()["type"] == "urn:habeas:problem:too-many"
    assert 1 <= int(refused.headers["Retry-After"]) <= 63
    with services.database.read() as tx:
        assert services.log.pending(tx) == 0
    assert client.get("/sign-in", follow_redirects=False).status_code != 429, "the way to opt out"


def test_each_asker_has_a_setting() -> None:
    limits = limits_of(Settings(demo=True))
    for asker in Asker:
        limits.require(asker, "somebody", Lane.PEOPLE)
