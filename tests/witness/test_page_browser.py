"""The witness's page in a real Chromium, with nothing to tell and with evidence."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from app.demo.server import free_port, listening
from app.witness.http import witness_app
from app.witness.rules import NotCosigned
from app.witness.service import Witness
from tests.web.window import Window, barriers
from tests.witness.small_log import SmallLog

pytestmark = pytest.mark.browser


@pytest.fixture
def address(witness: Witness) -> Iterator[str]:
    port = free_port()
    with listening(witness_app(witness), port):
        yield f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_no_barrier_on_the_page_with_evidence_and_without(
    window: Window, address: str, witness: Witness, log: SmallLog, scheme: str, width: int,
) -> None:  # fmt: skip
    page = window.open(address, color_scheme=scheme, viewport={"width": width, "height": 800})
    refusals: list[str] = []
    page.on("console", lambda message: refusals.append(message.text))
    page.reload()
    expect(page.locator("body")).to_contain_text("Nothing yet")
    assert barriers(page) == []
    witness.add_checkpoint(log.request(0, 7))
    with pytest.raises(NotCosigned):
        witness.add_checkpoint(SmallLog("another past").request(7, 7))
    page.goto(address)
    expect(page.locator(".alarm")).to_be_visible()
    assert page.locator(".alarm").evaluate("e => getComputedStyle(e).borderTopWidth") == "3px"
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert barriers(page) == []
    assert refusals == []
    window.leave()
