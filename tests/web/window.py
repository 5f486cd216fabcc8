"""A window of a real Chromium, led from page to page, and what axe-core finds on one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urljoin

import axe_playwright_python
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
FIND = "axe.run({resultTypes: ['violations']}).then(found => found.violations)"
USUAL = {"width": 1280, "height": 720}


class Window:
    """One window for all tests of a process: a new one for each costs more than what it shows.

    Each ``open`` starts with the cookies, size and colours that it names, and with no others.

    Args:
        chromium: the browser.
        options: of Playwright's context, such as ``java_script_enabled``.
    """

    def __init__(self, chromium: Chromium, **options: Any) -> None:
        self._context = chromium.new_context(**options)
        self._page = self._new_page()

    def open(
        self,
        address: str,
        cookies: Mapping[str, str] | None = None,
        *,
        color_scheme: Literal["light", "dark"] = "light",
        viewport: Mapping[str, int] | None = None,
    ) -> Page:
        """Lead the window to an address; what it showed before is gone."""
        if self._page.is_closed():
            self._page = self._new_page()
        self._context.clear_cookies()
        site = urljoin(address, "/")
        for name, value in (cookies or {}).items():
            self._context.add_cookies([{"name": name, "value": value, "url": site}])
        self._page.emulate_media(media="null", color_scheme=color_scheme)
        self._page.set_viewport_size({**USUAL, **(viewport or {})})  # type: ignore[typeddict-item]
        self._page.goto(address)
        return self._page

    def leave(self) -> None:
        """End what the page does by itself, and what a test put between it and the service."""
        if not self._page.is_closed():
            self._page.unroute_all()
            self._page.goto("about:blank")

    def _new_page(self) -> Page:
        page = self._context.new_page()
        page.set_default_timeout(20_000)
        page.on("crash", lambda crashed: crashed.close())
        return page


def barriers(page: Page) -> list[str]:
    """What axe-core finds on a page: the rule and the elements, empty if nothing."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    return [
        f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'])}"
        for one in page.evaluate(FIND)
    ]
