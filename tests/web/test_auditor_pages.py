"""The auditor's pages over HTTP, on both databases: search, one entry, find a person, activity."""

import re
from dataclasses import replace

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.audit.entries.halt import rolled_back
from app.audit.entries.model import SYSTEM, EntryFilter, Event, Kind
from app.audit.reading.service import ReadingService
from app.kernel.canonical import Json
from app.kernel.errors import Unavailable
from app.main import create_app
from app.wiring import Services
from tests import make
from tests.web.auditing import ALF, DORA, EVE, LEA, log_size, newest
from tests.web.house import House
from tests.web.visiting import Visit, employ, text_of, visit


@pytest.fixture(scope="module")
def auditor(house: House) -> Visit:
    """An auditor of the sample organisation, for the tests after which nothing is different."""
    client = TestClient(house.app, base_url=house.url, follow_redirects=False)
    return visit(client, house.services, "E-0119")


def test_the_log_lists_entries_in_words_the_newest_first(alf: Visit, services: Services) -> None:
    services.integrator.integrate()
    text = text_of(alf.get("/auditor"))
    assert text.index("Person recorded") < text.index("Log opened", text.index("Person recorded"))
    assert "nothing waiting" in text


def test_reading_the_log_is_an_entry_of_the_log(alf: Visit, services: Services) -> None:
    before = log_size(services)
    assert alf.get("/auditor?kind=directory.person").status_code == 200
    leaf = newest(services, "log.read")
    assert log_size(services) == before + 1
    assert leaf["facts"] == {"kind": "directory.person", "subject": None, "count": 4}
    assert leaf["actor"]["kind"] == "person"  # type: ignore[index]


def test_a_search_narrows_and_what_was_asked_stays_in_the_form(alf: Visit) -> None:
    page = alf.get("/auditor?kind=directory.imported")
    assert page.text.count("Person recorded</td>") == 0
    assert re.search(r'value="directory.imported" selected', page.text)


def test_a_person_is_looked_for_as_actor_or_as_subject(alf: Visit, services: Services) -> None:
    services.integrator.integrate()
    with services.database.read() as tx:
        own = services.log.pseudonym(tx, ALF)
    by = alf.get(f"/auditor?person={own}&side=by").text
    about = alf.get(f"/auditor?person={own}").text
    rows = '<td role="cell" data-label="What">'
    assert f"{rows}Signed in" in by
    assert f"{rows}Person recorded" not in by
    assert f"{rows}Person recorded" in about
    assert f"{rows}Signed in" not in about


def _rows(page: Response) -> str:
    return page.text.partition('<table class="listed entries"')[2].partition("</table>")[0]


def test_nothing_found_says_so_and_shows_the_way_out(alf: Visit) -> None:
    page = alf.get("/auditor?purpose=hr.scoring&region=DE")
    text = text_of(page)
    assert "No entry matches. Take away one of the fields above" in text
    assert 'href="/auditor?region=DE" aria-label="Without: for hr.scoring"' in page.text
    assert "Clear all" in text
    beyond = alf.get("/auditor?before=0")
    assert "There is nothing beyond this place" in text_of(beyond)


def test_a_search_by_day_and_region_finds_what_came_then_and_concerns_it(
    alf: Visit, services: Services
) -> None:
    log_size(services)
    today = services.clock.now().date().isoformat()
    found = _rows(alf.get(f"/auditor?region=US&since={today}&until={today}"))
    assert found.count("Person recorded") == 4
    assert 'Floor adopted <span class="quiet">US-CA' in found
    assert 'Floor adopted <span class="quiet">DE' not in found
    assert "People imported" not in found
    assert "No entry matches." in text_of(alf.get("/auditor?until=2020-01-01"))


def test_what_else_was_asked_is_in_the_entry_about_the_search(
    alf: Visit, services: Services
) -> None:
    alf.get("/auditor?kind=consent&region=DE&since=2026-11-01&outcome=deny")
    assert newest(services, "log.read")["facts"] == {
        "kind": "consent",
        "subject": None,
        "count": 0,
        "asked": {"outcome": "deny", "region": "DE", "since": "2026-11-01"},
    }
    # The entry about a search for a region is not of that region.
    with services.database.read() as tx:
        assert (
            ReadingService(services.log).search(tx, EntryFilter(kind="log.read", region="DE")) == ()
        )


def test_a_prohibited_purpose_that_was_asked_for_can_be_chosen(
    alf: Visit, services: Services
) -> None:
    assert "Asked for, and prohibited" not in alf.get("/auditor").text
    now = services.clock.now()
    with services.database.write() as tx:
        asked = Event(Kind.ACCESS_DECIDED, SYSTEM, {"outcome": "deny"}, purpose="hr.scoring")
        services.log.append(tx, asked, now)
    services.integrator.integrate()
    page = alf.get("/auditor").text
    assert "<option>hr.scoring</option>" in page.partition("Asked for, and prohibited")[2]
    assert "Access decided" in text_of(alf.get("/auditor?purpose=hr.scoring"))


@pytest.mark.parametrize(
    "query",
    [
        "person=Eve",
        "before=soon",
        "before=-1",
        "person=p_" + "g" * 32,
        "kind=Anna Muster was ill on Monday",
        "purpose=Anna Muster",
        "outcome=Anna Muster",
        "side=Anna Muster",
        "region=Anna Muster",
        "since=Anna Muster",
        "since=2026-11-02&until=2026-11-01",
        "after=soon",
    ],
)
def test_a_search_that_makes_no_sense_is_mended_not_recorded(auditor: Visit, query: str) -> None:
    before = log_size(auditor.services)
    page = auditor.get(f"/auditor?{query}")
    assert page.status_code == 422
    assert "Something needs another look" in text_of(page)
    assert log_size(auditor.services) == before


def test_looking_for_somebody_and_opening_an_entry_about_them_is_in_their_stream(
    alf: Visit, services: Services
) -> None:
    with services.database.read() as tx:
        eve = services.log.pseudonym(tx, EVE)
        about_eve = ReadingService(services.log).search(tx, EntryFilter(subject=eve))[0].idx
    assert alf.get(f"/auditor?person={eve}").status_code == 200
    assert alf.get(f"/auditor?person={eve}&side=by").status_code == 200
    assert alf.get(f"/auditor/entries/{about_eve}").status_code == 200
    assert alf.get(f"/auditor/entries/{about_eve}/proof").status_code == 200
    alf.get("/auditor?kind=directory.person")
    services.integrator.integrate()
    with services.database.read() as tx:
        reads = ReadingService(services.log).search(tx, EntryFilter(kind="log.read", subject=eve))
    assert [entry.leaf["subjects"] for entry in reads] == [[eve]] * 4


def test_paging_shows_every_entry_once(alf: Visit, services: Services) -> None:
    employ(services, [make.person(f"E-1{number:03}") for number in range(60)])
    size = log_size(services)
    seen: list[int] = []
    path: str | None = f"/auditor?before={size}"
    while path is not None:
        page = alf.get(path).text
        table = page.partition('<table class="listed entries"')[2].partition("</table>")[0]
        seen += [int(found) for found in re.findall(r'href="/auditor/entries/(\d+)"', table)]
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else None
    assert seen == list(reversed(range(size)))


def test_a_page_leads_back_to_the_newer_ones(alf: Visit, services: Services) -> None:
    employ(services, [make.person(f"E-1{number:03}") for number in range(120)])
    log_size(services)
    kind = "kind=directory.person"

    def turn(path: str, which: str) -> tuple[list[int], str | None]:
        page = alf.get(path).text
        table = page.partition('<table class="listed entries"')[2].partition("</table>")[0]
        link = re.search(rf'rel="{which}" href="([^"]+)"', page)
        rows = [int(found) for found in re.findall(r'href="/auditor/entries/(\d+)"', table)]
        return rows, link[1].replace("&amp;", "&") if link else None

    first, older = turn(f"/auditor?{kind}", "next")
    assert older is not None
    second, newer = turn(older, "prev")
    assert newer is not None
    back, _ = turn(newer, "next")
    assert back == first
    assert turn(f"/auditor?{kind}", "prev")[1] is None
    third, last = turn(turn(older, "next")[1] or "", "next")
    assert last is None
    assert len({*first, *second, *third}) == 124


def test_activity_counts_what_the_log_has_and_reading_it_is_an_entry(
    alf: Visit, services: Services
) -> None:
    size = log_size(services)
    page = alf.get("/auditor/activity")
    assert f"{size} entries" in text_of(page)
    assert page.text.count('<svg viewBox="0 0 300 40"') >= 3
    assert "Policy and stops over time" in page.text
    assert newest(services, "log.read")["facts"] == {
        "kind": "activity",
        "subject": None,
        "count": size,
    }
    nothing = alf.get("/auditor/activity?since=2020-01-01&until=2020-01-02")
    assert "No entries on these days." in text_of(nothing)


def test_refusals_are_in_a_chart_by_their_reason(alf: Visit, services: Services) -> None:
    facts: dict[str, Json] = {"outcome": "deny", "reasons": ["purpose_prohibited", "consent_now"]}
    with services.database.write() as tx:
        services.log.append(tx, Event(Kind.ACCESS_DECIDED, SYSTEM, facts), services.clock.now())
    services.integrator.integrate()
    page = alf.get("/auditor/activity")
    assert "Purpose prohibited" in page.text
    assert "kind=access.decided&amp;outcome=deny&amp;since=" in page.text
    assert "No laptop was told not to capture" in text_of(page)


def test_days_that_make_no_sense_are_mended_and_not_recorded(auditor: Visit) -> None:
    before = log_size(auditor.services)
    page = auditor.get("/auditor/activity?since=soon")
    assert page.status_code == 422
    assert "The first day is a day" in text_of(page)
    assert log_size(auditor.services) == before


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("until=9999-12-31", "until"),
        ("since=9999-12-31", "since"),
        ("since=9999-12-30&until=9999-12-31", "until"),
        ("until=0001-01-01", "until"),
        ("since=0001-01-01&until=0001-01-01", "until"),
        ("since=0001-01-01&until=0005-10-01", "until"),
        ("since=2026-01-02&until=2026-01-01", "until"),
        ("since=9999-12-31&until=0001-01-01", "until"),
    ],
)
def test_days_that_no_chart_can_show_are_mended_next_to_their_field(
    query: str, field: str, auditor: Visit
) -> None:
    before = log_size(auditor.services)
    page = auditor.get(f"/auditor/activity?{query}")
    assert page.status_code == 422
    assert f'aria-describedby="{field}-more"' in page.text
    assert log_size(auditor.services) == before


@pytest.mark.parametrize(
    "query",
    [
        "since=0001-01-01",
        "since=9999-12-30",
        "until=9999-12-30",
        "since=0001-01-01&until=9999-12-30",
        "since=0001-01-01&until=0005-10-03",
    ],
)
def test_the_first_and_last_days_of_the_calendar_are_days(query: str, auditor: Visit) -> None:
    assert auditor.get(f"/auditor/activity?{query}").status_code == 200
    assert auditor.get(f"/auditor?{query}").status_code == 200


def test_the_health_page_says_that_the_log_is_in_order(alf: Visit, services: Services) -> None:
    log_size(services)
    text = text_of(alf.get("/auditor/health"))
    assert "The log is in order." in text
    assert "Nothing is waiting." in text
    assert "Nobody has exported anything yet." in text


class Silent:
    """A lock store on a machine that does not answer."""

    def published(self) -> None:
        raise Unavailable("the lock store does not answer")


def test_a_lock_store_that_does_not_answer_is_said(services: Services, people: None) -> None:
    silent = replace(services, lock=Silent())  # type: ignore[arg-type]
    one = visit(TestClient(create_app(silent), base_url=services.settings.base_url), services, ALF)
    log_size(services)
    text = text_of(one.get("/auditor/health"))
    assert "Look at copy outside the database." in text
    assert "The lock store does not answer." in text


def test_a_log_that_was_rolled_back_is_not_shown_and_the_page_says_why(
    services: Services, people: None
) -> None:
    # Without the lifespan no integrator runs, which would look again and go on.
    still = TestClient(create_app(services), base_url=services.settings.base_url)
    one = visit(still, services, ALF)
    services.log.halt.stop(rolled_back("a test"))
    for path in ("/auditor", "/auditor/health", "/auditor/export"):
        page = one.get(path)
        assert page.status_code == 503
        assert "The database was rolled back: a test." in text_of(page)


def test_a_pseudonym_costs_a_reason_and_the_person_can_learn_of_it(
    alf: Visit, services: Services
) -> None:
    before = log_size(services)
    refused = alf.post("/auditor/people", who="Eve Sample")
    assert refused.status_code == 422
    assert "Say why you look" in text_of(refused)
    assert not re.search("p_[0-9a-f]{6}", refused.text.partition('id="people"')[2])
    assert log_size(services) == before

    given = alf.post("/auditor/people", who="eve sample", reason="Her own request of today.")
    found = re.search(r"p_[0-9a-f]{32}", given.text.partition('id="people"')[2])
    assert found is not None
    with services.database.read() as tx:
        assert services.log.pseudonym(tx, EVE) == found[0]
    services.integrator.integrate()
    with services.database.read() as tx:
        about = ReadingService(services.log).search(
            tx, EntryFilter(kind="log.read", subject=found[0])
        )
        assert len(about) == 1
        assert ReadingService(services.log).body(tx, about[0].leaf["event"]) == {
            "reason": "Her own request of today."
        }
    assert b"Her own request" not in about[0].raw


def test_a_name_that_fits_nobody_or_several_is_not_guessed(alf: Visit, services: Services) -> None:
    employ(services, [make.person("E-9", name="Eve Sample")])
    assert "Nobody has exactly" in text_of(alf.post("/auditor/people", who="Eve", reason="x"))
    assert "Several people" in text_of(alf.post("/auditor/people", who="Eve Sample", reason="x"))
    assert alf.post("/auditor/people", who="E-9", reason="x").status_code == 200


@pytest.mark.parametrize(
    ("person", "readable", "exportable"),
    [(ALF, True, True), (DORA, True, False), (EVE, False, False), (LEA, False, False)],
)
def test_nobody_reaches_the_log_who_may_not(
    client: TestClient,
    services: Services,
    people: None,
    person: str,
    *,
    readable: bool,
    exportable: bool,
) -> None:
    one = visit(client, services, person)
    services.integrator.integrate()
    reading = 200 if readable else 403
    exporting = 200 if exportable else 403
    assert one.get("/auditor").status_code == reading
    assert one.get("/auditor/entries/0").status_code == reading
    assert one.get("/auditor/entries/0/proof").status_code == reading
    assert one.post("/auditor/people", who=EVE, reason="x").status_code == reading
    assert one.post("/auditor/entries/0", reason="x").status_code == reading
    assert one.get("/auditor/activity").status_code == reading
    assert one.get("/auditor/health").status_code == reading
    assert one.get("/auditor/export").status_code == exporting
    assert one.post("/auditor/export", form="nothing").status_code == (422 if exportable else 403)
    for path in ("", "/progress", "/file"):
        found = one.get(f"/auditor/export/jobs/{'0' * 32}{path}").status_code
        assert found == (404 if exportable else 403)
    for path in ("cancel", "remove"):
        found = one.post(f"/auditor/export/jobs/{'0' * 32}/{path}").status_code
        assert found == (404 if exportable else 403)


def test_a_name_is_never_next_to_a_pseudonym_in_the_list(alf: Visit) -> None:
    page = alf.get("/auditor").text
    table = page.partition('<table class="listed entries"')[2].partition("</table>")[0]
    assert "Sample" not in table
    assert "Example" not in table


def test_the_forms_need_the_token_of_the_session(alf: Visit) -> None:
    alf.csrf = "another"
    assert alf.post("/auditor/export").status_code == 403
    assert alf.post("/auditor/entries/0", reason="x").status_code == 403
    for act in ("cancel", "remove"):
        assert alf.post(f"/auditor/export/jobs/{'0' * 32}/{act}").status_code == 403
    assert alf.post("/auditor/people", who=EVE, reason="x").status_code == 403
