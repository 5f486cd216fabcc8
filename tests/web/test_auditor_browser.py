"""The auditor's pages in a real Chromium: search, charts, proof, exports that verify."""

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from app.audit.entries.model import Entry, EntryFilter
from app.audit.export.jobs import Job, Progress
from app.audit.reading.service import ReadingService
from app.db.ring import Dispute, Flaw
from app.kernel.errors import HabeasError
from app.sdk.verify import verify
from tests.web.conftest import Site
from tests.web.window import barriers

pytestmark = pytest.mark.browser

AUDITOR, LEGAL = "E-0119", "E-0109"
NARROW = {"width": 320, "height": 640}
PAGES = (
    "/auditor",
    "/auditor?kind=policy&region=DE&since=2026-01-01",
    "/auditor?purpose=hr.scoring",
    "/auditor?person=nobody",
    "/auditor/activity",
    "/auditor/activity?since=2020-01-01&until=2020-01-02",
    "/auditor/health",
    "/auditor/alarms",
    "/auditor/keys",
    "/auditor/entries/0",
    "/auditor/entries/40",
    "/auditor/export",
    "/auditor/export?kind=policy&since=2026-01-01",
)


class Slow:
    """An export that stands still at a quarter until it is told to go on."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self, target: Path, progress: Progress) -> str:
        while not self.go.wait(0.3):
            progress(25, 100)
        target.write_bytes(b"a sample file")
        return "habeas-export-9.tar"


@pytest.fixture
def slow() -> Slow:
    return Slow()


def _begin(site: Site, work: Slow) -> Job:
    return site.house.services.exports.jobs.start(AUDITOR, {"form": "tar", "kind": "policy"}, work)


@pytest.fixture(autouse=True)
def _no_exports_left(site: Site, slow: Slow) -> object:
    yield
    slow.go.set()
    jobs = site.house.services.exports.jobs
    for job in jobs.mine(AUDITOR):
        while jobs.find(job.id, AUDITOR).ended_at is None:
            threading.Event().wait(0.05)
        jobs.remove(job.id, AUDITOR)


@pytest.fixture
def alarm(site: Site) -> Iterator[str]:
    """An alarm about something that no other test looks at; cleared at the end."""
    services, chain = site.house.services, "use:g_nobody"
    services.database.seals.found([Dispute(chain, Flaw.UNRECORDED, "access_use")])
    services.integrator.integrate()
    yield chain
    first, second, now = site.house.person(AUDITOR), site.house.person(LEGAL), services.clock.now()
    with suppress(HabeasError), services.database.write() as tx:
        services.alarms.propose(tx, first, chain, "A sample.", now)
    with suppress(HabeasError), services.database.write() as tx:
        services.alarms.clear(tx, second, chain, now)
    services.integrator.integrate()
    assert chain not in services.database.seals.alarms


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_on_an_export_whatever_became_of_it(site: Site, slow: Slow, scheme: str) -> None:
    job = _begin(site, slow)
    page = site.open(
        AUDITOR, f"/auditor/export/jobs/{job.id}", color_scheme=scheme, viewport=NARROW
    )
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert barriers(page) == []
    slow.go.set()
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    assert barriers(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    cancelled = Slow()
    other = _begin(site, cancelled)
    site.house.services.exports.jobs.cancel(other.id, AUDITOR)
    page.goto(f"{site.url}/auditor/export/jobs/{other.id}")
    expect(page.get_by_text("You cancelled it.")).to_be_visible()
    assert barriers(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [NARROW, {"width": 1280, "height": 900}])
def test_no_barrier_while_an_alarm_is_shown_proposed_and_cleared(
    site: Site, alarm: str, scheme: str, viewport: dict[str, int]
) -> None:
    def sound(page: Page) -> None:
        assert barriers(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")

    page = site.open(AUDITOR, "/auditor/alarms", color_scheme=scheme, viewport=viewport)
    expect(page.get_by_role("heading", name="A grant and its use")).to_be_visible()
    page.locator("summary").click()
    sound(page)
    page.get_by_role("button", name=f"Propose to clear: A grant and its use {alarm[4:]}").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was proposed yet")
    sound(page)
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("What happened")).to_be_focused()
    page.get_by_label("What happened").fill("A-sample-without-any-space-" * 20)
    page.get_by_role("button", name="Propose to clear").click()
    expect(page.get_by_text("You proposed to clear this.")).to_be_visible()
    sound(page)
    page = site.open(LEGAL, "/auditor/alarms", color_scheme=scheme, viewport=viewport)
    expect(page.get_by_text("A-sample-without-any-space-")).to_be_visible()
    sound(page)


def test_without_scripts_two_people_clear_an_alarm(site: Site, alarm: str) -> None:
    page = site.open(AUDITOR, "/auditor/health", java_script_enabled=False)
    page.get_by_role("table").get_by_role("link", name="Alarms").click()
    page.locator("summary").click()
    page.get_by_label("What happened").fill("A sample.")
    page.get_by_role("button", name="Propose to clear").click()
    expect(page.get_by_role("button")).to_have_count(1)  # signing out
    page = site.open(LEGAL, "/auditor/alarms", java_script_enabled=False)
    page.get_by_role("button", name="Clear the alarm: A grant and its use").click()
    site.house.integrate()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("No alarm is open.")
    assert alarm not in site.house.services.database.seals.alarms


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


def test_a_search_is_narrowed_and_widened_by_its_parts(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor")
    page.get_by_label("What happened").select_option(label="Policy and stops: all")
    page.get_by_label("Region").select_option("DE")
    page.get_by_role("button", name="Search").click()
    narrowed = page.locator("table.entries tbody tr").count()
    assert narrowed > 0
    page.get_by_role("link", name="Without: in DE").click()
    expect(page).to_have_url(re.compile(r"kind=policy$"))
    assert page.locator("table.entries tbody tr").count() > narrowed
    page.get_by_role("link", name="Clear all").click()
    expect(page).to_have_url(re.compile(r"/auditor$"))


def test_pages_turn_both_ways_and_each_entry_is_seen_once(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor?kind=directory.person")

    def rows() -> list[str]:
        return page.locator("table.entries tbody th").all_inner_texts()

    first = rows()
    page.get_by_role("link", name="Older entries").click()
    second = rows()
    assert not set(first) & set(second)
    page.get_by_role("link", name="Newer entries").click()
    assert rows() == first


def test_a_bar_leads_to_the_entries_it_counts(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor/activity")
    bar = page.get_by_role("group", name="Policy and stops over time").locator("a").last
    said = bar.get_attribute("aria-label")
    assert said is not None
    bar.locator(".reach").click()
    expect(page.get_by_label("What is searched for")).to_contain_text("Policy and stops")
    counted = re.search(r": ([0-9,]+) entr", said)
    assert counted is not None
    assert page.locator("table.entries tbody tr").count() == min(50, int(counted[1]))


def test_the_chart_says_the_same_as_a_table_with_links_for_the_keyboard(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor/activity")
    page.locator(".timeline-chart summary").focus()
    page.keyboard.press("Enter")
    bars = page.locator(".time-row rect.bar").count()
    assert bars > 0
    expect(page.locator(".timeline-chart tbody tr")).to_have_count(bars)
    assert barriers(page) == []
    page.keyboard.press("Tab")  # the table itself, which scrolls
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/auditor\?kind="))


def _download(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download habeas-export").click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def _entries(site: Site, kind: str) -> tuple[Entry, ...]:
    """The entries of a kind, the newest first: other tests of the shared service add to them."""
    with site.house.services.database.read() as tx:
        return ReadingService(site.house.services.log).search(tx, EntryFilter(kind=kind, limit=50))


def test_an_export_downloaded_here_verifies(site: Site, tmp_path: Path) -> None:
    page = site.open(AUDITOR, "/auditor")
    page.get_by_role("link", name="Export").last.click()
    page.get_by_role("button", name="Begin the export").click()
    file = _download(page, tmp_path)
    report = verify(file, site.house.services.integrator.vkey)
    assert report.ok, report


def test_without_scripts_an_export_is_chosen_watched_and_taken(
    site: Site, slow: Slow, tmp_path: Path
) -> None:
    page = site.open(AUDITOR, "/auditor/export", java_script_enabled=False)
    page.get_by_label("What happened").select_option("policy.published")
    page.get_by_role("button", name="Choose and count").click()
    count = len(_entries(site, "policy.published"))
    expect(page.get_by_role("status")).to_contain_text(f"{count} entries of")
    page.get_by_label("Table (.csv)").check()
    page.get_by_role("button", name="Begin the export").click()
    expect(page.get_by_role("heading", name="The export is ready.")).to_be_visible()
    file = _download(page, tmp_path)
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1 + count + 1
    job = _begin(site, slow)
    page.goto(f"{site.url}/auditor/export/jobs/{job.id}")
    expect(page.get_by_role("heading", name="The export is being written.")).to_be_visible()
    slow.go.set()
    expect(page.get_by_role("heading", name="The export is ready.")).to_be_visible()


def test_the_bar_moves_by_itself_and_a_click_cancels(site: Site, slow: Slow) -> None:
    job = _begin(site, slow)
    page = site.open(AUDITOR, f"/auditor/export/jobs/{job.id}")
    expect(page.locator("#progress-words")).to_have_text("25 of 100 steps written, 25 %.")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You cancelled it.")).to_be_visible()


def test_a_search_is_made_with_the_keyboard_alone(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor")
    page.get_by_label("What happened").focus()
    page.keyboard.type("Policy published")
    for label in ("Purpose", "Outcome", "Region", "Person (pseudonym)"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(label, exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What is searched for")).to_contain_text("Policy published")
    rows = page.locator("table.entries tbody tr")
    expect(rows).to_have_count(len(_entries(site, "policy.published")))


def test_the_detail_of_an_entry_is_opened_against_a_reason(site: Site) -> None:
    first = _entries(site, "policy.proposed")[-1]
    page = site.open(AUDITOR, f"/auditor/entries/{first.idx}")
    page.get_by_role("button", name="Open and record").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why you read it")
    assert barriers(page) == []
    page.get_by_label("Why you read it").fill("A sample audit.")
    page.get_by_role("button", name="Open and record").click()
    expect(page.locator("#detail")).to_contain_text("You have read it now")
    assert barriers(page) == []


def test_an_entry_leads_to_its_neighbours_of_the_same_stream(site: Site) -> None:
    page = site.open(AUDITOR, "/auditor?kind=policy.approved")
    page.locator("table.entries tbody a").first.click()
    here = page.url
    page.get_by_role("link", name="Before this one").first.click()
    page.wait_for_url(re.compile(r"/auditor/entries/\d+$"))
    assert page.url != here
    page.get_by_role("link", name="After this one").first.click()
    expect(page).to_have_url(here)


@pytest.mark.parametrize("path", ["/auditor", "/auditor/activity", "/auditor/entries/40"])
def test_on_paper_nothing_is_cut_off(site: Site, path: str) -> None:
    page = site.open(AUDITOR, path, viewport={"width": 680, "height": 960})
    page.emulate_media(media="print")
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
