"""Legal's pages in a real Chromium: typing, keyboard, without scripts, narrow, light and dark."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from app.policy.catalogue.model import Catalogue
from tests.web.conftest import Site
from tests.web.window import barriers

pytestmark = pytest.mark.browser

AUTHOR = "E-0101"
NARROW = {"width": 320, "height": 640}

PAGES = ("/legal", "/legal/regions/DE", "/legal/regions/NO", "/legal/regions/DE/propose")


def _widen(text: str) -> str:
    return text.replace("      - figma\n", "      - figma\n      - slack\n")


def _type(page: Page, text: str) -> None:
    """Replace the policy by typing: the script hears it."""
    page.locator("#text").fill(text)


def _scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.mark.parametrize(
    "path", [*PAGES, "/legal/catalogue", "/legal/counterparties", "/legal/try", "/legal/stop"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_on_any_page(site: Site, path: str, scheme: str) -> None:
    page = site.open(AUTHOR, path, color_scheme=scheme)
    assert barriers(page) == []


@pytest.mark.parametrize(
    "path", [*PAGES, "/legal/catalogue", "/legal/counterparties", "/legal/try", "/legal/stop"]
)
def test_a_narrow_window_scrolls_down_only(site: Site, path: str) -> None:
    page = site.open(AUTHOR, path, viewport=NARROW)
    assert not _scrolls_sideways(page)
    assert barriers(page) == []


def test_a_text_is_checked_while_it_is_typed(site: Site) -> None:
    page = site.open(AUTHOR, "/legal/regions/DE/propose")
    text = page.locator("#text").input_value()
    _type(page, _widen(text))
    expect(page.locator("#preview")).to_contain_text("Slack")
    expect(page.locator("#preview")).to_contain_text("widens")
    expect(page.locator("#check-status")).to_contain_text("the works council")
    assert barriers(page) == []
    _type(page, text.replace("knobs:", "knops:"))
    expect(page.locator("#preview")).to_contain_text("is not known here")
    assert barriers(page) == []
    page.get_by_role("link", name=re.compile(r"Line \d+, column 1")).first.click()
    chosen = page.locator("#text").evaluate(
        "area => area.value.slice(area.selectionStart, area.selectionEnd)"
    )
    assert chosen == "knops:"
    _type(page, text)
    expect(page.locator("#preview")).to_contain_text("Nothing changes for the")


def test_propose_and_approve_with_the_keyboard_alone(site: Site) -> None:
    page = site.open("E-0103", "/legal/regions/FR")
    page.get_by_role("link", name="Propose a change").focus()
    page.keyboard.press("Enter")
    text = page.locator("#text")
    text.fill(_widen(text.input_value()))
    page.get_by_label("Note").focus()
    page.keyboard.type("For the chat team.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Propose")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("A change for France waits for")
    expect(page.locator("main")).to_contain_text("You wrote this change")
    assert barriers(page) == []
    change = page.url.removeprefix(site.url)

    page = site.open("E-0104", change)
    assert barriers(page) == []
    page.get_by_role("button", name="Approve this text").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Approved by")


def test_everything_works_without_scripts(site: Site) -> None:
    page = site.open("E-0105", "/legal/regions/GB/propose", java_script_enabled=False)
    kept = page.locator("#text").input_value()
    page.locator("#text").fill(kept.replace("region:", "regiom:"))
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#preview")).to_contain_text("is not known here")
    assert "regiom:" in page.locator("#text").input_value()
    page.locator("#text").fill(kept.replace("      - figma\n", ""))
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#preview")).to_contain_text("narrows")
    page.get_by_role("button", name="Tighten now").click()
    expect(page.locator("h1")).to_contain_text("in force")


def test_stop_takes_a_tick_and_two_people_resume(site: Site) -> None:
    page = site.open("E-0111", "/legal")
    page.get_by_role("link", name="Stop capture").click()
    page.get_by_role("button", name="Stop capture").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was stopped yet")
    assert barriers(page) == []
    page.get_by_label("Where").select_option("IN")
    page.get_by_label("Why").fill("A leak in the store.")
    page.get_by_label("Yes").check()
    page.get_by_role("button", name="Stop capture").click()
    expect(page.locator("h1")).to_contain_text("Capture is stopped: India.")
    assert barriers(page) == []
    page.get_by_role("button", name="Propose to resume in India").click()
    expect(page.locator("main")).to_contain_text("You proposed to resume")

    page = site.open("E-0112", "/legal/stop")
    page.get_by_role("button", name="Approve resuming in India").click()
    expect(page.locator("h1")).to_contain_text("Nothing is stopped.")


def test_a_plain_employee_is_told_kindly_that_this_is_not_theirs(site: Site) -> None:
    page = site.open("E-0042", "/legal")
    expect(page.locator("h1")).to_contain_text("This is not yours to do")
    expect(page.get_by_role("link", name="Your capture").last).to_be_visible()
    assert barriers(page) == []


@pytest.fixture
def looser(site: Site) -> Iterator[None]:
    """The files are looser than what is in force, for the time of a test."""
    services = site.house.services
    shipped = services.policy.shipped
    jira = shipped.apps["jira"]
    match = replace(jira.match, urls=(*jira.match.urls, "*.example.com"))
    fewer = dict(list(shipped.exclusions.items())[1:])
    apps = {**shipped.apps, "jira": replace(jira, match=match)}

    def start_with(files: Catalogue) -> None:
        with services.database.write() as tx:
            services.policy.catalogues.take_in(tx, files, services.clock.now())

    start_with(Catalogue(apps, fewer))
    yield
    start_with(shipped)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [NARROW, None])
def test_a_catalogue_that_waits_has_no_barrier(
    site: Site, looser: None, scheme: Literal["light", "dark"], viewport: dict[str, int] | None
) -> None:
    for person in ("E-0008", AUTHOR):
        page = site.open(person, "/legal/catalogue", color_scheme=scheme, viewport=viewport)
        expect(page.locator("h1")).to_contain_text("waits for two people")
        assert barriers(page) == []
        assert not _scrolls_sideways(page)


def test_two_people_agree_to_a_catalogue_without_scripts(site: Site, looser: None) -> None:
    page = site.open("E-0008", "/legal", java_script_enabled=False)
    page.get_by_role("link", name="A looser app catalogue waits").click()
    page.get_by_role("button", name="Propose this catalogue").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed yet")
    assert "Say why" in page.get_by_role("alert").inner_text()
    page.get_by_label("Why").fill("Two hosts were added.")
    page.get_by_role("button", name="Propose this catalogue").click()
    expect(page.locator("main")).to_contain_text("You proposed this catalogue")

    page = site.open("E-0026", "/legal/catalogue", java_script_enabled=False)
    expect(page.locator("blockquote")).to_have_text("Two hosts were added.")
    page.get_by_label("Why").fill("Not this wide.")
    page.get_by_role("button", name="Decline this catalogue").click()
    expect(page.locator("#told")).to_contain_text("Declined by")
    page.get_by_label("Why").fill("After a talk.")
    page.get_by_role("button", name="Propose this catalogue").click()

    page = site.open("E-0008", "/legal/catalogue", java_script_enabled=False)
    page.get_by_label("Why").fill("Agreed.")
    page.get_by_role("button", name="Approve this catalogue").click()
    expect(page.locator("h1")).to_have_text("No change of the app catalogue waits.")
