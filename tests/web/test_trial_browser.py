"""Trying a place in a real Chromium: keyboard, without scripts, narrow, light, dark, on paper."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Site
from tests.web.window import barriers

pytestmark = pytest.mark.browser

LEGAL, ANYBODY = "E-0101", "E-0076"
WHERE = {"legal": (LEGAL, "/legal/try?region=US-CA"), "anybody": (ANYBODY, "/me/try")}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("who", WHERE)
def test_an_answer_has_no_barrier_in_any_window(site: Site, who: str, scheme: str) -> None:
    page = site.open(*WHERE[who], color_scheme=scheme)
    page.get_by_role("button", name="An HR page in a listed app").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("It would not be captured")
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert barriers(page) == []
    for width in (320, 390, 768):
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_form_works_without_scripts_and_keeps_what_was_typed(site: Site) -> None:
    page = site.open(*WHERE["legal"], java_script_enabled=False)
    page.get_by_label("Title of the window").fill("Lohn & Gehalt")
    page.get_by_label("Where other people are").fill("Berlin")
    page.get_by_role("button", name="Try it").last.click()
    expect(page.get_by_role("alert")).to_contain_text("is no country or part of one")
    expect(page.get_by_label("Title of the window")).to_have_value("Lohn & Gehalt")
    page.get_by_label("Where other people are").fill("DE")
    page.get_by_role("button", name="Try it").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("It would")
    expect(page.get_by_label("Home")).to_have_value("US-CA")


def test_enter_tries_what_was_typed_and_no_example(site: Site) -> None:
    page = site.open(*WHERE["legal"])
    page.get_by_label("Window", exact=True).select_option("private")
    page.get_by_label("Account in use").focus()
    page.keyboard.type("lane")
    page.keyboard.press("Enter")
    expect(page.locator("#outcome")).to_contain_text("private windows")
    expect(page.get_by_label("Account in use")).to_have_value("lane")


def test_paper_shows_the_answer_with_what_was_tried_and_no_form(site: Site) -> None:
    page = site.open(*WHERE["legal"])
    page.get_by_role("button", name="A click in a listed app").click()
    page.emulate_media(media="print")
    expect(page.locator("form.try")).to_be_hidden()
    expect(page.locator("#outcome")).to_be_visible()
    expect(page.get_by_label("Verdict", exact=True)).to_be_visible()


def test_every_field_is_reached_by_tab_in_the_order_of_the_page(site: Site) -> None:
    page = site.open(*WHERE["anybody"])
    page.get_by_label("Kind of event").focus()
    seen = [_focused(page)]
    while seen[-1] != "window":
        page.keyboard.press("Tab")
        seen.append(_focused(page))
    wanted = ["signal", "app", "address", "title", "account", "counterparties", "field", "window"]
    assert [re.sub("^$", "?", name) for name in seen] == wanted


def _focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))
