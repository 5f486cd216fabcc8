"""Slow connections end, crowded ones make room, and stopping waits for nobody who stalls."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.server.bodies import Pace, WholeBody
from app.api.server.connections import ConnectionBounds, Crowd, Occupancy
from tests.api.served import LARGE, Echo, Line, Served, document, served, status

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
GET_LARGE = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
PART = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345"
BOUNDS = ConnectionBounds(
    headers_s=0.3, idle_s=1, linger_s=0.3, taken_s=0.5, shutdown_s=5,
    header_bytes=2_000, per_source=3,
)  # fmt: skip
SOON_S = 0.9  # a bound of 0.3 s and time for a busy machine; less than idle_s, which it is not


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def server(echo: Echo) -> Iterator[Served]:
    with served(echo, BOUNDS) as running:
        yield running
        echo.go.set()


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Echo, Served]]:
    """One server for all that only connect to it."""
    echo = Echo()
    with served(echo, replace(BOUNDS, per_source=100)) as running:
        yield echo, running


@pytest.fixture
def heard(shared: tuple[Echo, Served]) -> Echo:
    """What the server of ``line`` is asked in this test."""
    shared[0].asked.clear()
    shared[0].ended.clear()
    return shared[0]


@pytest.fixture
def line(shared: tuple[Echo, Served]) -> Iterator[Line]:
    with shared[1].connect() as connected:
        yield connected


def test_a_connection_that_sends_nothing_is_closed_in_silence(line: Line) -> None:
    assert line.to_end() == b""


def test_headers_that_come_bit_by_bit_are_refused_in_time(line: Line, heard: Echo) -> None:
    line.send(HEAD)
    came, took = line.dribble(b"X-A: b\r\n")
    assert status(came) == 408
    assert document(came)["type"] == "urn:habeas:problem:too-slow"
    assert took < SOON_S
    assert heard.asked == []


def test_headers_of_a_second_request_have_no_more_time(line: Line, heard: Echo) -> None:
    line.send(HEAD + b"\r\n")
    line.answer()
    line.send(HEAD)
    came, took = line.dribble(b"X-A: b\r\n")
    assert (status(came), heard.asked) == (408, ["/"])
    assert took < SOON_S


def test_empty_lines_keep_no_connection_open(line: Line) -> None:
    line.send(HEAD + b"\r\n")
    line.answer()
    came, took = line.dribble(b"\r\n")
    assert took < SOON_S
    assert came == b"" or status(came) == 408


def test_a_connection_without_a_further_request_is_closed(line: Line) -> None:
    line.send(HEAD + b"\r\n")
    assert status(line.answer()) == 200
    assert line.to_end() == b""


def test_requests_in_one_piece_are_answered_in_order(line: Line) -> None:
    chunked = CHUNKED.replace(b"Host", b"Connection: close\r\nHost")
    line.send(HEAD + b"\r\n" + chunked + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    came = line.to_end()
    assert came.count(b"HTTP/1.1 200") == 2
    assert b'"body": "abcde"' in came


@pytest.mark.parametrize(
    ("sent", "more"),
    [
        (HEAD + b"X-A: " + b"a" * 3_000 + b"\r\n\r\n", b""),
        (b"GET /" + b"a" * 3_000 + b" HTTP/1.1\r\n\r\n", b""),
        (HEAD + b"X-A: ", b"a" * 100),
        (HEAD, b"X-A: b\r\n" * 10),
    ],
    ids=["one large header", "a long address", "a header without end", "headers without end"],
)
def test_headers_are_bounded(line: Line, heard: Echo, sent: bytes, more: bytes) -> None:
    line.send(sent)
    came = line.dribble(more, 0.001)[0] if more else line.to_end()
    assert status(came) == 431
    assert document(came)["type"] == "urn:habeas:problem:too-large"
    assert heard.asked == []


CHUNKED = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "more"),
    [
        (CHUNKED + b"5;", b"a" * 100),
        (CHUNKED + b"1\r\na\r\n0\r\nX-A: ", b"a" * 100),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"X-A: b\r\n" * 10),
    ],
    ids=["an extension without end", "a trailer without end", "trailers without end"],
)
def test_what_stands_around_a_body_is_bounded(line: Line, sent: bytes, more: bytes) -> None:
    line.send(sent)
    came, _ = line.dribble(more, 0.001)
    assert status(came) == 431


def test_a_trailer_never_becomes_a_header(line: Line) -> None:
    line.send(CHUNKED + b"1\r\na\r\n0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n")
    said = document(line.answer())
    assert said["body"] == "a"
    assert "x-forwarded-for" not in said["headers"]


def test_what_is_not_http_is_refused_with_a_problem(line: Line) -> None:
    line.send(b"\x16\x03\x01 hello\r\n\r\n")
    came = line.to_end()
    assert status(came) == 400
    assert document(came)["type"] == "urn:habeas:problem:unreadable"


def test_a_body_that_goes_on_after_its_answer_ends(line: Line) -> None:
    line.send(b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
    assert status(line.answer()) == 200
    _, took = line.dribble(b"a")
    assert took < SOON_S


def test_an_answer_that_nobody_takes_ends(line: Line, heard: Echo) -> None:
    line.send(GET_LARGE)
    assert heard.ended.wait(3)  # without taking a byte; 64 MB wait in no buffer


@pytest.mark.parametrize("size", [1, 100], ids=["by the byte", "at once"])
def test_a_further_request_buys_no_time_for_an_answer_that_nobody_takes(
    line: Line, heard: Echo, size: int
) -> None:
    line.send(GET_LARGE)
    line.socket.recv(1)  # the answer began: the rest of it waits
    further = HEAD + b"\r\n"
    for at in range(0, len(further), size):
        line.send(further[at : at + size])
        heard.ended.wait(0.005)
    assert heard.ended.wait(3)


def test_an_answer_of_which_little_is_taken_ends(echo: Echo) -> None:
    """The client takes some in each ``taken_s``, and would go on for seconds."""
    bounds = ConnectionBounds(taken_s=0.3, taken_per_s=50_000_000)
    with served(echo, bounds) as running, running.connect() as line:
        line.send(GET_LARGE)
        assert any(line.socket.recv(250_000) and echo.ended.wait(0.05) for _ in range(30))


def test_an_answer_that_is_taken_slowly_comes_whole(echo: Echo) -> None:
    """Each of its two parts takes longer than the client may take nothing."""
    with served(echo, ConnectionBounds(taken_s=0.4)) as running, running.connect() as line:
        line.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert line.taken(1_000_000, 0.05) > LARGE


def test_one_connection_more_takes_the_place_of_the_oldest_that_waits(server: Served) -> None:
    lines = [server.connect() for _ in range(BOUNDS.per_source)]
    with server.connect() as another:
        another.send(HEAD + b"\r\n")
        assert status(another.answer()) == 200
        lines[0].socket.settimeout(SOON_S)
        assert lines[0].to_end() == b""
        lines[1].send(HEAD + b"\r\n")
        assert status(lines[1].answer()) == 200
    for each in lines:
        each.socket.close()


def test_where_all_are_at_work_one_more_is_refused_and_other_sources_are_not(
    server: Served, echo: Echo
) -> None:
    busy = [server.connect() for _ in range(BOUNDS.per_source)]
    for each in busy:
        each.send(b"GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with server.connect("127.0.0.2") as other:  # asked after the busy ones: they are at work
        other.send(HEAD + b"\r\n")
        assert status(other.answer()) == 200
    with server.connect() as refused:
        came = refused.to_end()
        assert status(came) == 503
        assert b"retry-after: 1" in came
    echo.go.set()
    for each in busy:
        assert status(each.answer()) == 200
        each.socket.close()


def test_slow_uploads_keep_no_neighbour_out(server: Served) -> None:
    slow = [server.connect() for _ in range(BOUNDS.per_source)]
    for each in slow:
        each.send(PART)
    _until_heard(server)
    with server.connect() as neighbour:
        neighbour.send(HEAD + b"\r\n")
        assert status(neighbour.answer()) == 200
        said = slow[0].to_end()
        assert (status(said), document(said)["type"]) == (503, "urn:habeas:problem:busy")
        slow[-1].send(b"67890")
        assert document(slow[-1].answer())["body"] == "1234567890"
    for each in slow:
        each.socket.close()


def test_slow_readers_keep_no_neighbour_out(echo: Echo) -> None:
    with served(echo, replace(BOUNDS, taken_s=60)) as running:
        slow = [running.connect() for _ in range(BOUNDS.per_source)]
        for each in slow:
            each.send(GET_LARGE)
            each.socket.recv(1)
        with running.connect() as neighbour:
            neighbour.send(HEAD + b"\r\n")
            assert status(neighbour.answer()) == 200
        assert echo.ended.wait(3)  # the oldest is cut off: what waits for it is dropped
        for each in slow:
            each.socket.close()


def test_who_connects_again_and_again_pushes_out_slow_ones_and_no_newcomer(
    server: Served,
) -> None:
    slow = [server.connect() for _ in range(BOUNDS.per_source)]
    for each in slow:
        each.send(PART)
    _until_heard(server)
    with server.connect() as newcomer, server.connect():
        assert status(slow[1].to_end()) == 503
        newcomer.send(HEAD + b"\r\n")
        assert status(newcomer.answer()) == 200
    for each in slow:
        each.socket.close()


def test_a_body_behind_a_request_at_work_does_not_end_that_request(
    server: Served, echo: Echo
) -> None:
    busy = [server.connect() for _ in range(BOUNDS.per_source)]
    for each in busy:
        each.send(b"GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n" + PART)
    _until_heard(server)
    with server.connect() as refused:
        assert status(refused.to_end()) == 503
    echo.go.set()
    for each in busy:
        assert status(each.answer()) == 200
        each.socket.close()


def _until_heard(server: Served) -> None:
    """What was sent before is with the server when another source is answered."""
    with server.connect("127.0.0.2") as other:
        other.send(HEAD + b"\r\n")
        assert status(other.answer()) == 200


def test_a_named_proxy_carries_the_connections_of_many(echo: Echo) -> None:
    bounds = ConnectionBounds(per_source=1, proxies=(ip_network("127.0.0.1"),))
    with served(echo, bounds) as running:
        lines = [running.connect() for _ in range(5)]
        for each in lines:
            each.send(HEAD + b"\r\n")
        assert [status(each.answer()) for each in lines] == [200] * 5
        for each in lines:
            each.socket.close()


def test_a_stalled_upload_does_not_hold_the_stop(server: Served, echo: Echo) -> None:
    with server.connect() as headers, server.connect() as body, server.connect() as asked:
        headers.send(HEAD)
        body.send(PART)
        asked.send(HEAD + b"\r\n")
        asked.answer()
        assert server.stop() < BOUNDS.shutdown_s / 2
    assert echo.asked == ["/", "/"]


def test_a_request_under_way_is_answered_before_the_stop(server: Served, echo: Echo) -> None:
    with server.connect() as asked, server.connect() as other:
        asked.send(b"GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n")
        other.send(HEAD + b"\r\n")
        other.answer()
        server.server.should_exit = True
        other.to_end()  # closed: the stop has begun
        echo.go.set()
        assert status(asked.to_end()) == 200


def test_a_stop_is_bounded_also_by_an_answer_that_never_comes(
    echo: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    with served(echo, ConnectionBounds(shutdown_s=1)) as running, running.connect() as line:
        line.send(b"GET /waits HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with running.connect() as other:
            other.send(HEAD + b"\r\n")
            other.answer()
        running.server.should_exit = True
        assert status(line.to_end()) == 500  # given up, though its work still goes on
        assert not echo.go.is_set()
        echo.go.set()


def test_a_body_that_dribbles_is_refused_and_its_connection_closed(echo: Echo) -> None:
    app = WholeBody(echo, largest=10_000, pace=Pace(within_s=0.3, start_s=0.3))
    with served(app, ConnectionBounds()) as running, running.connect() as line:
        line.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n")
        came, took = line.dribble(b"a")
    assert status(came) == 408
    assert b"connection: close" in came.lower()
    assert took < SOON_S
    assert echo.asked == []


class Place:
    """What a connection is to the crowd."""

    def __init__(self, source: str, stage: Occupancy) -> None:
        self.source, self.stage, self.ended = source, stage, False

    def give_way(self) -> None:
        self.ended = True


places = st.builds(Place, st.sampled_from("abc"), st.sampled_from(Occupancy))


def _first_to_go(mine: list[Place]) -> list[Place]:
    """Of the older half, else of the newer: the oldest of the lowest stage, at work excepted."""
    half = (len(mine) + 1) // 2
    for part in (mine[:half], mine[half:]):
        for stage in (Occupancy.IDLE, Occupancy.SENDING, Occupancy.TAKING):
            found = [each for each in part if each.stage is stage]
            if found:
                return found[:1]
    return []


@given(st.lists(places, max_size=30), st.integers(1, 4))
def test_no_source_has_more_places_than_it_may_and_none_pushes_another_out(
    coming: list[Place], most: int
) -> None:
    crowd, inside = Crowd(most), []
    for one in coming:
        before = list(inside)
        entered = crowd.enter(one.source, one)
        mine = [each for each in before if each.source == one.source]
        gone = [each for each in before if each.ended]
        assert gone == (_first_to_go(mine) if len(mine) == most else [])
        assert entered is (len(mine) < most or bool(gone))
        inside = [each for each in [*before, *[one] * entered] if not each.ended]
        assert len([each for each in inside if each.source == one.source]) <= most
    for one in coming:
        crowd.leave(one.source, one)
    assert crowd.enter("a", Place("a", Occupancy.WORKING))
