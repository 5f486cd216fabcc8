"""A running log verified from outside, over HTTP, without an account."""

from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from app.audit.tree.checkpoint import VerifierKey
from app.kernel.errors import InvalidInput
from app.kernel.signing import LocalSigner
from app.sdk.verify import Ask, Report, render, verify_asked
from app.sdk.verify.online import verify_log
from app.sdk.wire import Wire
from app.wiring import Services
from tests.audit import make

pytestmark = pytest.mark.slow

HERE = "http://127.0.0.1:1"


def seen(http: httpx2.Client, **asks: object) -> Report:
    return verify_log(f"{HERE}/log", Ask(**asks), Wire(str(http.base_url), http))  # type: ignore[arg-type]


def grown(services: Services, numbers: range) -> str:
    """The checkpoint after some more entries."""
    with services.database.write() as tx:
        for number in numbers:
            services.log.append(tx, make.decision(number), services.clock.now())
    services.integrator.integrate()
    with services.database.read() as tx:
        return services.log.checkpoint(tx) or ""


def test_a_running_log_holds_and_continues_what_was_kept(
    client: TestClient, services: Services
) -> None:
    kept = grown(services, range(5))
    grown(services, range(5, 300))
    vkey = services.integrator.vkey
    report = seen(client, vkey=vkey, since=(("kept", kept.encode()),))
    assert [verdict.ok for verdict in report.verdicts.values()] == [True, True, None], report
    assert report.subject == "log"
    assert report.size is not None
    assert report.size > 300
    assert "Entries were not read" in render(report)
    assert seen(client).key == "export"
    other = VerifierKey(services.integrator.origin, LocalSigner.generate().public).vkey
    assert seen(client, vkey=other).integrity.ok is False
    assert seen(client, vkey=vkey, since=(("x", b"x"),)).completeness.ok is False


class Liar(httpx2.BaseTransport):
    """Passes requests on and changes one answer."""

    def __init__(self, client: TestClient, path: str, content: bytes) -> None:
        self._client, self._path, self._content = client, path, content

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.raw_path.decode()
        answer = self._client.get(path)
        data = self._content if path.startswith(self._path) else answer.content
        return httpx2.Response(answer.status_code, content=data)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/log/checkpoint", b"x"),
        ("/log/tile/0/000", bytes(8192)),
        ("/log/tile/0/000", b""),
        ("/log/tile/1/000", bytes(32)),
        ("/log/tile/0/001", bytes(64)),
        ("/log/tile/0/000", bytes(99_999)),
    ],
)
def test_a_log_that_serves_something_else_is_found(
    client: TestClient, services: Services, path: str, content: bytes
) -> None:
    kept = grown(services, range(5))
    grown(services, range(5, 300))
    lying = httpx2.Client(transport=Liar(client, path, content), base_url=str(client.base_url))
    report = seen(lying, vkey=services.integrator.vkey, since=(("kept", kept.encode()),))
    assert report.exit_code == 1
    assert not report.integrity.ok


def test_a_log_that_does_not_answer_is_not_a_log_that_holds() -> None:
    gone = Wire(HERE, httpx2.Client(timeout=0.2))
    report = verify_log(HERE, Ask(), gone)
    assert report.integrity.ok is False
    assert "does not answer" in report.integrity.findings[0]


@pytest.mark.parametrize("url", ["http://habeas.example", "http://10.0.0.1/log", "https://"])
def test_a_log_is_not_read_over_a_network_that_anybody_can_change(url: str) -> None:
    with pytest.raises(InvalidInput):
        verify_asked(url, Ask())


def test_a_path_that_looks_like_nothing_is_no_address(tmp_path: Path) -> None:
    from app.sdk.verify import is_address

    assert not is_address(str(tmp_path))
    assert not is_address(tmp_path)
