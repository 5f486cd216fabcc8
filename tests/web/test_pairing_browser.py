"""Pairing a laptop in a real browser: by keyboard, without scripts, on a phone, for everybody."""

import pytest

from tests.web.conftest import Site
from tests.web.window import barriers

pytestmark = pytest.mark.browser

NAME = "A laptop with a name that is as long as a name may be, which is eighty characters"[:80]
PAIR = "/me/devices/pair"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_pairing_have_no_barrier_and_fit_every_window(scheme: str, site: Site) -> None:
    waiting = site.house.waiting(NAME, "2001:db8:1234:5678::/64")
    used = site.house.waiting("Used")
    person = {"light": "E-0083", "dark": "E-0084"}[scheme]
    with site.house.services.database.write() as tx:
        owner = site.house.services.directory.person(tx, person)
        now = site.house.clock.now()
        site.house.services.pairing.approve(tx, owner, used.request, now)
    for path in (
        f"{PAIR}?request={waiting.request}",
        f"{PAIR}?code={waiting.user_code}",
        f"{PAIR}?request={used.request}",
        f"{PAIR}?request=cut",
        PAIR,
    ):
        page = site.open(person, path, color_scheme=scheme)
        assert not barriers(page), path
        for width in (320, 390, 768):
            page.set_viewport_size({"width": width, "height": 640})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_a_laptop_is_paired_by_its_link_with_the_keyboard_and_without_scripts(site: Site) -> None:
    waiting = site.house.waiting("Keyboard laptop")
    page = site.open("E-0085", f"{PAIR}?request={waiting.request}", java_script_enabled=False)
    button = page.get_by_role("button", name="Pair this laptop")
    for _ in range(20):
        page.keyboard.press("Tab")
        if button.evaluate("each => each === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Keyboard laptop is paired with you.").wait_for()
