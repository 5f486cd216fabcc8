"""The auditor's pages in a real Chromium: the proof recomputed, the export verified."""

from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from app.sdk.verify import verify
from tests.web.conftest import Site, barriers

pytestmark = pytest.mark.browser

AUDITOR = "E-0119"
NARROW = {"width": 320, "height": 640}
PAGES = ("/auditor", "/auditor/entries/0", "/auditor/entries/40", "/auditor/export")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_on_any_page(site: Site, path: str, scheme: str) -> None:
    page = site.open(AUDITOR, path, color_scheme=scheme)
    assert barriers(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_narrow_window_scrolls_down_only(site: Site, path: str) -> None:
    page = site.open(AUDITOR, path, viewport=NARROW)
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert barriers(page) == []


def test_the_browser_recomputes_the_root_and_says_so(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor/entries/40")
    said = page.locator("#proof-result")
    expect(said).to_contain_text("This browser recomputed the root")
    expect(said).to_contain_text("its signature is this log")


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("data-raw", "recomputed another root"),
        ("data-path", "recomputed another root"),
        ("data-key", "not signed by this log"),
    ],
)
def test_a_changed_byte_is_noticed_by_the_browser(site: Site, attribute: str, said: str) -> None:
    page = site.open(None, "/")

    def tamper(route: Route) -> None:
        answer = route.fetch()
        head, mark, rest = answer.text().partition(f'{attribute}="')
        other = "B" if rest[4] != "B" else "C"
        route.fulfill(response=answer, body=f"{head}{mark}{rest[:4]}{other}{rest[5:]}")

    page.goto(f"{site.url}/sign-in")
    page.locator(f"button[value='{AUDITOR}']").first.click()
    page.route("**/auditor/entries/40", tamper)
    page.goto(f"{site.url}/auditor/entries/40")
    expect(page.locator("#proof-result[data-state=failed]")).to_contain_text(said)
    assert barriers(page) == []


def test_without_scripts_the_proof_is_complete_and_a_search_works(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor", java_script_enabled=False)
    page.get_by_label("What happened").select_option("policy.published")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("table.entries tbody tr")).not_to_have_count(0)
    page.locator("table.entries tbody a").first.click()
    expect(page.locator("h1")).to_contain_text("policy published")
    expect(page.locator("#proof-result")).to_contain_text("is in the log of")
    expect(page.get_by_role("img", name="The way from entry")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof").click()
    assert download.value.suggested_filename.endswith(".tlog-proof")


def test_a_person_is_found_against_a_reason(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor")
    page.get_by_label("Name, e-mail or id").fill("oscar.example@example.com")
    page.get_by_role("button", name="Find and record").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why you look")
    assert barriers(page) == []
    page.get_by_label("Why you look").fill("Own entries, on request.")
    page.get_by_role("button", name="Find and record").click()
    page.get_by_role("link", name="Entries about this person").click()
    expect(page.locator("table.entries tbody tr").first).to_be_visible()
    assert barriers(page) == []


def test_an_export_downloaded_here_verifies(site: Site, tmp_path: Path) -> None:
    page = site.open(AUDITOR, "/auditor")
    page.get_by_role("link", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the export").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    report = verify(file, site.house.services.integrator.vkey)
    assert report.ok, report


def test_a_search_is_made_with_the_keyboard_alone(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor")
    page.get_by_label("What happened").focus()
    for _ in range(5):
        page.keyboard.press("Tab")
    expect(page.get_by_label("Before index")).to_be_focused()
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    expect(page.locator("table.entries tbody tr")).to_have_count(5)
