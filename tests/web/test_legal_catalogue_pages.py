"""The page of the app catalogue over HTTP: what waits, who may do what, what an approval binds."""

import re
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from app.policy.catalogue.model import App, Catalogue, Matchers
from app.wiring import Services
from tests import make
from tests.web.visiting import Visit, employ, text_of, visit

ANN, BEN, GERD, ALF, EVE = "E-1", "E-2", "E-3", "E-4", "E-5"
PAGE = "/legal/catalogue"


@pytest.fixture
def people(services: Services) -> None:
    employ(
        services,
        [
            make.person(ANN, "legal@GLOBAL", name="Ann Example"),
            make.person(BEN, "legal@GLOBAL", name="Ben Example"),
            make.person(GERD, "legal@DE", name="Gerd Muster"),
            make.person(ALF, "auditor", name="Alf Sample"),
            make.person(EVE, name="Eve Sample"),
        ],
    )


@pytest.fixture
def ann(client: TestClient, services: Services, people: None) -> Visit:
    return visit(client, services, ANN)


@pytest.fixture
def ben(client: TestClient, services: Services, people: None) -> Visit:
    return visit(client, services, BEN)


def wider(services: Services, url: str = "*.example.com") -> Catalogue:
    shipped = services.policy.shipped
    jira = shipped.apps["jira"]
    urls = tuple(sorted((*jira.match.urls, url)))
    more = replace(jira, match=replace(jira.match, urls=urls))
    return replace(shipped, apps={**shipped.apps, "jira": more})


def start_with(services: Services, files: Catalogue) -> None:
    """A service starts with these files."""
    with services.database.write() as tx:
        services.policy.catalogues.take_in(tx, files, services.clock.now())


def in_force(services: Services) -> Catalogue:
    with services.database.read() as tx:
        return services.policy.catalogue(tx)


def shown(by: Visit) -> dict[str, str]:
    """What the form on the page names."""
    return dict(re.findall(r'name="(digest|base)" value="([^"]+)"', by.get(PAGE).text))


def test_where_nothing_waits_the_page_says_so_and_what_is_in_force(
    ann: Visit, services: Services
) -> None:
    text = text_of(ann.get(PAGE))
    assert "No change of the app catalogue waits." in text
    assert f"{len(services.policy.shipped.apps)} apps and" in text
    assert "program slack.exe" in text
    assert "No file has loosened the catalogue so far." in text
    assert shown(ann) == {}


def test_of_each_app_the_page_tells_what_the_catalogue_says(ann: Visit, services: Services) -> None:
    """Also in which accounts it counts, whose words it shows, and how sure its names are."""
    text = text_of(ann.get(PAGE))
    apps = services.policy.shipped.apps.values()
    assert text.count("Counts in the company's own accounts only.") == sum(
        app.private_accounts for app in apps
    )
    assert text.count("Shows other people's words: ") == sum(bool(app.others) for app in apps)
    for entry in (*apps, *services.policy.shipped.exclusions.values()):
        assert entry.source in text, entry.id


def test_what_one_person_proposes_another_brings_into_force(
    ann: Visit, ben: Visit, services: Services
) -> None:
    start_with(services, wider(services))
    waiting = text_of(ann.get(PAGE))
    assert "waits for two people of legal" in waiting
    assert "Jira would be recognised in more ways: address *.example.com" in waiting
    assert ann.post(f"{PAGE}/propose", **shown(ann), reason="For the <wiki>.").status_code == 303
    proposed = ann.get(PAGE)
    assert "You proposed this catalogue. Somebody else has to approve it." in text_of(proposed)
    assert "For the &lt;wiki&gt;." in proposed.text
    assert "Approve this catalogue" not in text_of(proposed)
    assert "waits for a second person" in text_of(ben.get(PAGE))
    assert in_force(services) == services.policy.shipped
    assert ben.post(f"{PAGE}/approve", **shown(ben), reason="Read it.").status_code == 303
    assert in_force(services) == wider(services)
    after = text_of(ann.get(PAGE))
    assert "No change of the app catalogue waits." in after
    assert "Approved and put in force by Ben Example: Read it." in after
    assert "Proposed by Ann Example: For the <wiki>." in after


def test_one_person_is_not_two(ann: Visit, services: Services) -> None:
    start_with(services, wider(services))
    form = shown(ann)
    ann.post(f"{PAGE}/propose", **form, reason="Mine.")
    answer = ann.post(f"{PAGE}/approve", **form, reason="Mine too.")
    assert answer.status_code == 403
    assert "two people must agree" in text_of(answer)
    assert in_force(services) == services.policy.shipped


def test_declining_makes_the_proposal_void_and_says_why(
    ann: Visit, ben: Visit, services: Services
) -> None:
    start_with(services, wider(services))
    ann.post(f"{PAGE}/propose", **shown(ann), reason="Please.")
    assert ben.post(f"{PAGE}/decline", **shown(ben), reason="Too wide.").status_code == 303
    text = text_of(ann.get(PAGE))
    assert "Declined by Ben Example: Too wide." in text
    assert "waits for two people" in text
    assert ann.post(f"{PAGE}/approve", **shown(ann), reason="x").status_code == 409


def test_a_page_that_is_older_than_the_files_changes_nothing_and_keeps_the_reason(
    ann: Visit, ben: Visit, services: Services
) -> None:
    start_with(services, wider(services))
    form = shown(ben)
    ann.post(f"{PAGE}/propose", **form, reason="Please.")
    start_with(services, wider(services, "*.example.org"))
    answer = ben.post(f"{PAGE}/approve", **form, reason="I read the old page.")
    assert answer.status_code == 409
    assert "does not wait for approval" in text_of(answer)
    assert "I read the old page." in answer.text
    assert "*.example.org" in answer.text
    assert in_force(services) == services.policy.shipped


@pytest.mark.parametrize("act", ["propose", "approve", "decline"])
def test_nothing_is_done_without_a_reason(ann: Visit, services: Services, act: str) -> None:
    start_with(services, wider(services))
    answer = ann.post(f"{PAGE}/{act}", **shown(ann), reason="  ")
    assert answer.status_code == 422
    assert "Say why" in text_of(answer)
    with services.database.read() as tx:
        assert len(services.policy.catalogues.told(tx)) == 1


def test_new_apps_that_come_with_it_are_named(ann: Visit, services: Services) -> None:
    """Approval brings them too, and the page says so before."""
    files = wider(services)
    new = App("newest", "Newest Tool", "data", Matchers(executables=("newest",)))
    start_with(services, replace(files, apps={**files.apps, "newest": new}))
    text = text_of(ann.get(PAGE))
    assert "1 new app would come with it: Newest Tool." in text


@pytest.mark.parametrize("person", [GERD, ALF])
def test_who_may_only_look_is_told_why(
    client: TestClient, services: Services, people: None, person: str
) -> None:
    start_with(services, wider(services))
    one = visit(client, services, person)
    page = one.get(PAGE)
    assert page.status_code == 200
    assert "To propose it you need the role legal@GLOBAL." in text_of(page)
    assert "<textarea" not in page.text
    form = shown(visit(client, services, ANN))
    for act in ("propose", "approve", "decline"):
        assert one.post(f"{PAGE}/{act}", **form, reason="x").status_code == 403
    with services.database.read() as tx:
        assert len(services.policy.catalogues.told(tx)) == 1


def test_somebody_without_a_role_sees_nothing_of_it(
    client: TestClient, services: Services, people: None
) -> None:
    assert visit(client, services, EVE).get(PAGE).status_code == 403


def test_every_form_needs_the_token_of_the_session(ann: Visit, services: Services) -> None:
    start_with(services, wider(services))
    form = shown(ann)
    ann.csrf = "another"
    for act in ("propose", "approve", "decline"):
        assert ann.post(f"{PAGE}/{act}", **form, reason="x").status_code == 403


def test_the_regions_page_says_that_something_waits(ann: Visit, services: Services) -> None:
    headline = "A looser app catalogue waits for two people of legal."
    assert headline not in text_of(ann.get("/legal"))
    start_with(services, wider(services))
    assert headline in text_of(ann.get("/legal"))
