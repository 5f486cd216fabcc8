"""The employee's pages in Chromium: choices, keyboard, phone, dark, no script, no barriers."""

import re

import pytest
from playwright.sync_api import Page, expect

from app.agents.reports.model import AgentReport, Captured, ExcludedEvents
from app.consent.model import Act
from app.kernel.vocabulary import Signal
from tests.web.conftest import Site
from tests.web.window import barriers

pytestmark = pytest.mark.browser

SCHEMES = ("light", "dark")


def opt_in(site: Site, person: str) -> Page:
    page = site.open(person, "/me/decide?language=en")
    page.get_by_role("button", name="Capture me", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You agreed to be captured.")
    return page


def test_opting_in_and_out(site: Site) -> None:
    laptop = site.house.pair("E-0057", "Browser laptop")
    page = opt_in(site, "E-0057")
    assert site.house.poll(laptop)
    page.goto(f"{site.url}/me")
    expect(page.get_by_role("heading", level=1)).to_contain_text("are captured")
    page.get_by_role("button", name="Stop capturing me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You stopped capture.")
    expect(page.locator(".laptops")).to_contain_text("Has not asked since your decision")
    assert not site.house.poll(laptop)
    # Nobody reloads: the line itself asks again.
    expect(page.locator(".laptops")).to_contain_text("Was told not to capture at", timeout=6_000)


def test_pausing(site: Site) -> None:
    page = opt_in(site, "E-0058")
    page.goto(f"{site.url}/me")
    page.get_by_role("button", name="30 minutes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("You paused capture until")
    page.goto(f"{site.url}/me")
    expect(page.get_by_role("heading", level=1)).to_contain_text("You paused until")


def test_opting_out_with_the_keyboard_alone(site: Site) -> None:
    page = opt_in(site, "E-0059")
    page.goto(f"{site.url}/me")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text() == "Stop capturing me":
            break
    outline = page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid", "the focus is visible"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You stopped capture.")


def test_everything_works_without_script(site: Site) -> None:
    page = site.open("E-0060", "/me/decide?language=en", java_script_enabled=False)
    page.get_by_role("button", name="Capture me", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You agreed to be captured.")
    page.goto(f"{site.url}/me")
    page.get_by_role("button", name="15 minutes").click()
    page.goto(f"{site.url}/me")
    page.get_by_role("button", name="Stop capturing me").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You stopped capture.")
    # What unfolds does so by itself.
    page.goto(f"{site.url}/me")
    page.get_by_text("Why not there").click()
    expect(page.get_by_text("They hold every secret of a person in one window.")).to_be_visible()


def test_yes_and_no_weigh_the_same(site: Site) -> None:
    page = site.open("E-0061", "/me/decide?language=en")
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 800})
        yes = _weight(page, "Capture me")
        no = _weight(page, "Do not capture me")
        assert yes == no, f"at {width} px"


def test_yes_and_no_stand_in_the_same_place_and_weigh_the_same(site: Site) -> None:
    page = opt_in(site, "E-0075")
    page.goto(f"{site.url}/me")
    stop, place = _weight(page, "Stop capturing me"), _place(page, "Stop capturing me")
    page.get_by_role("button", name="Stop capturing me").click()
    page.goto(f"{site.url}/me")
    again = _weight(page, "Capture me again")
    assert stop == again
    page.get_by_role("button", name="Capture me again").click()
    page.goto(f"{site.url}/me")
    assert place == _place(page, "Stop capturing me")


def test_in_a_pause_going_on_weighs_no_more_than_stopping(site: Site) -> None:
    page = opt_in(site, "E-0077")
    page.goto(f"{site.url}/me")
    page.get_by_role("button", name="30 minutes").click()
    page.goto(f"{site.url}/me")
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        resume = _weight(page, "End the pause now")
        for other in ("Stop capturing me", "Pause one hour more", "Do not capture me"):
            assert _weight(page, other) == resume, f"{other} at {width} px"


def _weight(page: Page, name: str) -> dict[str, object]:
    weight: dict[str, object] = page.get_by_role("button", name=name, exact=True).evaluate(
        """e => { const s = getComputedStyle(e), b = e.getBoundingClientRect(); return {
            width: b.width, height: b.height, weight: s.fontWeight, size: s.fontSize,
            color: s.color, background: s.backgroundColor, border: s.border } }"""
    )
    return weight


def _place(page: Page, name: str) -> tuple[float, float]:
    box = page.get_by_role("button", name=name, exact=True).bounding_box()
    assert box is not None
    return box["x"], box["y"]


def test_all_that_is_shown_of_the_present_is_asked_for_again_together(site: Site) -> None:
    laptop = site.house.pair("E-0078")
    page = opt_in(site, "E-0078")
    site.house.poll(laptop)
    page.goto(f"{site.url}/me")
    page.get_by_text("Why not there").click()
    page.get_by_role("button", name="Stop capturing me").focus()
    with site.house.services.database.write() as tx:
        person = site.house.services.directory.person(tx, "E-0078")
        now = site.house.services.clock.now()
        site.house.services.consent.decide(tx, person, Act.WITHDRAWN, now)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Capture ends by", timeout=8_000)
    expect(page.locator(".laptops")).to_contain_text("Has not asked since your decision")
    expect(page.get_by_role("button", name="Stop capturing me")).to_have_count(0)
    expect(page.get_by_role("columnheader", name="Would be captured")).to_have_count(1)
    expect(page.get_by_text("They hold every secret of a person in one window.")).to_be_visible()


def test_a_page_that_gets_no_answer_says_how_old_it_is(site: Site) -> None:
    page = site.open("E-0063")
    expect(page.locator("#as-of")).to_contain_text("As of ")
    page.route("**/me", lambda route: route.abort())
    expect(page.get_by_text("Habeas has not answered since then")).to_be_visible(timeout=8_000)
    page.unroute("**/me")
    expect(page.get_by_text("Habeas has not answered since then")).to_be_hidden(timeout=8_000)


def test_a_page_whose_session_ended_says_so_and_leads_to_sign_in(site: Site) -> None:
    page = site.open("E-0064")
    page.context.clear_cookies()
    expect(page.get_by_text("You have been signed out since then")).to_be_visible(timeout=8_000)
    assert not barriers(page)
    page.get_by_role("link", name="Sign in again").click()
    expect(page).to_have_url(re.compile("/sign-in|/demo/idp"))


PAGES = {
    "nobody decided": ("E-0076", "/me"),
    "blocked by law": ("E-0015", "/me"),
    "precondition missing": ("E-0016", "/me"),
    "the notice": ("E-0076", "/me/decide?language=en"),
    "the notice in German": ("E-0048", "/me/decide?language=de"),
    "who used it": ("E-0076", "/me/uses"),
    "nothing reported": ("E-0076", "/me/captured"),
    "a place to try": ("E-0076", "/me/try"),
    "who looked up": ("E-0076", "/me/readings"),
    "the notice again": ("E-0076", "/me/notice"),
    "pairing": ("E-0076", "/me/devices/pair"),
    "the notice to read again": ("E-0076", "/me/notice"),
    "a wrong code": ("E-0076", "/me/devices/pair?code=ABCD-EFGH"),
    "an error": ("E-0076", "/me/receipts/nothing"),
    "the front page": (None, "/"),
    "sign-in": (None, "/sign-in"),
    "sign-in refused": (None, "/sign-in/callback"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_no_barrier(scheme: str, site: Site) -> None:
    found = {}
    for name, (person, path) in PAGES.items():
        page = site.open(person, path, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        found[name] = barriers(page)
    assert not {name: faults for name, faults in found.items() if faults}


def test_what_was_captured_and_what_not_reads_without_barriers_in_every_window(site: Site) -> None:
    refused = {"excluded": 15, "app_unlisted": 4_210, "lease_rolled_back": 1}
    rows = (Captured("github", Signal.POINTER, 42_227), Captured("vscode", Signal.MENU, 3))
    laptop, services = site.house.pair("E-0082"), site.house.services
    with services.database.write() as tx:
        told = AgentReport("r-00000001", None, None, rows, refused, (ExcludedEvents("tax", 12),))
        services.reports.take(tx, laptop, told, services.clock.now())
    for scheme in SCHEMES:
        page = site.open("E-0082", "/me/captured", color_scheme=scheme)
        assert not barriers(page), scheme
        expect(page.get_by_role("row", name="Taxes and social security 12")).to_be_visible()
        for width in (320, 390, 768):
            page.set_viewport_size({"width": width, "height": 640})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_no_barrier_once_somebody_has_decided(scheme: str, site: Site) -> None:
    person = {"light": "E-0079", "dark": "E-0080"}[scheme]
    laptop = site.house.pair(person)
    waiting = site.house.waiting_code()
    page = site.open(person, "/me/decide?language=en", color_scheme=scheme)
    page.get_by_role("button", name="Capture me", exact=True).click()
    receipt = page.url
    site.house.poll(laptop)
    device, code = f"/me/devices/{laptop.id}", f"/me/devices/pair?code={waiting}"
    for path in ("/me", receipt.removeprefix(site.url), device, code, "/me/notice"):
        page.goto(site.url + path)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert not barriers(page), path
    page.goto(f"{site.url}/me")
    page.get_by_role("button", name="30 minutes").click()
    page.goto(f"{site.url}/me")
    assert not barriers(page), "paused"
    page.evaluate("document.querySelectorAll('[name=seq]').forEach(e => { e.value = 0 })")
    page.get_by_role("button", name="End the pause now").click()
    assert page.get_by_role("alert").is_visible()
    assert not barriers(page), "a stale form"


def test_nothing_is_wider_than_the_window(site: Site) -> None:
    wide = []
    for name, (person, path) in PAGES.items():
        page = site.open(person, path)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        for width in (320, 390, 768):
            page.set_viewport_size({"width": width, "height": 640})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(f"{name} at {width} px")
    assert not wide


def test_dark_is_dark_and_light_is_light(site: Site) -> None:
    ground = {}
    for scheme in SCHEMES:
        page = site.open(None, "/", color_scheme=scheme)
        ground[scheme] = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    light, dark = (sum(map(int, re.findall(r"\d+", ground[scheme]))) for scheme in SCHEMES)
    assert dark < 120
    assert light > 700


def test_the_browser_reports_no_violation_and_runs_nothing_of_strangers(site: Site) -> None:
    """The laptop's name is a payload; the page shows it, runs nothing and reports nothing."""
    site.house.pair("E-0077", "<img src=x onerror=document.title='owned'>")
    page = site.open("E-0077", "/")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in ("/me", "/me/decide?language=en", "/me/devices/pair"):
        page.goto(site.url + path)
        page.wait_for_timeout(200)
        assert "owned" not in page.title()
    assert not [line for line in said if "Content Security Policy" in line or "Error" in line]


def test_a_receipt_prints_on_one_page_with_its_hashes_whole(site: Site) -> None:
    page = opt_in(site, "E-0081")
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1
    page.emulate_media(media="print")
    whole = page.locator(".hash .whole").first
    expect(whole).to_be_visible()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", whole.inner_text())


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_offer_unfolds_without_script_and_prints_unfolded(language: str, site: Site) -> None:
    path = f"/me/decide?language={language}"
    page = site.open("E-0048", path, java_script_enabled=False)
    name = page.locator(".recognised summary").first
    way = page.locator(".recognised .ways > li").first
    expect(way).to_be_hidden()
    name.click()
    expect(way).to_be_visible()
    name.click()
    page.emulate_media(media="print")
    expect(name).to_be_visible()
    expect(way).to_be_visible()


def test_a_framed_page_does_not_render(site: Site) -> None:
    """Clickjacking: a page of ours inside somebody else's frame."""
    page = site.open("E-0076", "/")
    page.route(
        "**/framing",
        lambda route: route.fulfill(
            content_type="text/html", body=f"<iframe src='{site.url}/me'></iframe>"
        ),
    )
    page.goto("http://framing.example/framing")
    page.wait_for_timeout(500)
    texts = [frame.locator("body").inner_text() for frame in page.frames[1:]]
    assert not any("captured" in text for text in texts)
