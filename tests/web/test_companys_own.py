"""The company's own accounts and places on pages: for legal, for approvers, for employees."""

from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.capture.gaps import Gap, GapKind
from app.capture.widening import wider
from app.kernel.vocabulary import Mode
from app.policy.agreement import Limits, agreement_to, terms_of, within
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from app.policy.model import KnobChange
from app.policy.own_exclusions import OwnExclusion, write_own
from app.web.employee.decide_words import decide_words
from app.web.employee.state import wider_words
from app.web.legal.change_rows import diff_rows
from app.web.words.knob_words import own_difference, value_in_words
from app.web.words.matcher_words import ENGLISH, GERMAN, accounts_in_words
from app.web.words.region_words import gap_in_words
from app.wiring import Services
from tests import make
from tests.web.visiting import Visit, employ, text_of, visit

HR = OwnExclusion(
    "hr",
    "HR pages",
    "Personnel files.",
    Matchers(pages=("wiki.example.com/HR",)),
    ("https://wiki.example.com/HR/lane",),
)
LAB = OwnExclusion("lab", "Laboratory", "Secret.", Matchers(executables=("lab.exe",)), ("lab.exe",))
SLACK = App("slack", "Slack", "communication", Matchers(), private_accounts=True)
WIKI = App("wiki", "Wiki", "documents", Matchers(urls=("wiki.example.com",)))
CHROME = App("chrome", "Chrome", "browser", Matchers(programs=("chrome@Google",)))
CATALOGUE = Catalogue({app.id: app for app in (SLACK, WIKI, CHROME)}, {})


def written(*items: OwnExclusion) -> list[dict[str, Any]]:
    return [write_own(item) for item in items]


def more(item: OwnExclusion, **changes: Any) -> OwnExclusion:
    return replace(item, match=replace(item.match, **changes))


DIFFERENCES = [
    ([], [HR], ("HR pages",), ()),
    ([HR], [], (), ("HR pages",)),
    ([HR], [HR, LAB], ("Laboratory",), ()),
    ([HR], [more(HR, urls=("hr.example.com",))], ("HR pages: address hr.example.com",), ()),
    ([more(HR, urls=("hr.example.com",))], [HR], (), ("HR pages: address hr.example.com",)),
    (
        [HR],
        [more(HR, pages=("wiki.example.com/pay",))],
        ("HR pages: page wiki.example.com/pay",),
        ("HR pages: page wiki.example.com/HR",),
    ),
    ([HR], [replace(HR, name="Personnel")], ("Personnel: described differently",), ()),
    ([HR], [replace(HR, examples=("x",))], ("HR pages: described differently",), ()),
    ([HR], [replace(HR, id="b")], ("HR pages",), ("HR pages",)),
    ([HR], [HR], (), ()),
]


@pytest.mark.parametrize(("before", "after", "added", "removed"), DIFFERENCES)
def test_a_difference_says_which_place_gains_and_loses_what(
    before: list[OwnExclusion],
    after: list[OwnExclusion],
    added: tuple[str, ...],
    removed: tuple[str, ...],
) -> None:
    assert own_difference(written(*before), written(*after)) == (added, removed)


def test_a_change_is_read_by_place_not_as_lists() -> None:
    change = KnobChange("own_exclusions", written(HR), written(HR, LAB), "narrows")
    (row,) = diff_rows([change], CATALOGUE)
    assert (row.before, row.after, row.added) == ("1 listed", "2 listed", ("Laboratory",))
    assert (row.name, row.direction) == ("The company's own exclusions", "narrows")
    first = KnobChange("own_exclusions", None, written(HR), "narrows")
    assert diff_rows([first], CATALOGUE)[0].before == "not named"


def test_a_tenant_is_read_with_the_name_of_its_app() -> None:
    change = KnobChange("tenants", [], ["slack: account acme", "slack: domain a.com"], "widens")
    (row,) = diff_rows([change], CATALOGUE)
    assert row.added == ("Slack: account acme", "Slack: accounts of a.com")


def test_values_are_names() -> None:
    assert value_in_words("own_exclusions", frozenset({HR, LAB})) == "HR pages and Laboratory"
    assert value_in_words("own_exclusions", written(LAB)) == "Laboratory"
    assert value_in_words("own_exclusions", frozenset()) == "none"


def test_what_is_listed_in_vain_is_told_with_the_way_out() -> None:
    assert gap_in_words(Gap(GapKind.NO_BROWSER, ("wiki",)), CATALOGUE) == (
        "No page of Wiki can be captured: list a browser under apps, such as chrome."
    )
    assert gap_in_words(Gap(GapKind.NO_TENANT, ("slack", "wiki")), CATALOGUE) == (
        "Slack and Wiki are captured nowhere: name the accounts that are yours under tenants."
    )


def test_a_person_reads_in_which_accounts_an_app_counts() -> None:
    tenants = ["slack: domain example.com", "slack: account acme", "other: account x"]
    assert accounts_in_words(SLACK, tenants, ENGLISH) == (
        "only in the company's accounts: account acme, accounts of example.com",
    )
    assert accounts_in_words(SLACK, tenants, GERMAN) == (
        "nur in Konten des Unternehmens: Konto acme, Konten von example.com",
    )
    assert "nowhere" in accounts_in_words(SLACK, [])[0]
    assert "nirgends" in accounts_in_words(SLACK, [], GERMAN)[0]
    assert accounts_in_words(WIKI, tenants) == ()


# More is offered


def limits(**named: Any) -> Limits:
    values = {"apps": frozenset({"slack", "wiki"}), "signals.click.mode": Mode.ALLOW, **named}
    claims = {knob: Claim(value, Why("company/DE")) for knob, value in values.items()}
    return Limits(compile_layers([Layer("c", "company", "DE", "sha256:0", claims)]), CATALOGUE)


def lines(then: Limits, now: Limits, language: str) -> list[str]:
    """What is told to somebody who agreed to ``then`` and is offered ``now``."""
    bound = within(now, agreement_to("sha256:0", then))
    rows = now.compiled.registry.rows
    words = decide_words(language)
    return [
        line
        for change in wider(bound, now).knobs
        for line in wider_words.lines(change, rows[change.knob], CATALOGUE, words)
    ]


ACME, HOME = "slack: account acme", "slack: domain example.com"
OFFERS = [
    (
        {"tenants": frozenset({ACME})},
        {"tenants": frozenset({ACME, HOME})},
        "Accounts of the company: also Slack: accounts of example.com",
        "Konten des Unternehmens: auch Slack: Konten von example.com",
    ),
    (
        {"own_exclusions": frozenset({HR, LAB})},
        {"own_exclusions": frozenset({HR})},
        "The company's own exclusions: no longer Laboratory",
        "Vom Unternehmen ausgenommen: nicht mehr Laboratory",
    ),
    (
        {"own_exclusions": frozenset({more(HR, urls=("hr.example.com",))})},
        {"own_exclusions": frozenset({HR})},
        "HR pages: in fewer places than you were shown",
        "HR pages: an weniger Stellen, als Ihnen gezeigt wurde",
    ),
]


@pytest.mark.parametrize(("then", "now", "english", "german"), OFFERS)
def test_what_would_come_on_top_is_told_in_the_persons_language(
    then: dict[str, Any], now: dict[str, Any], english: str, german: str
) -> None:
    assert lines(limits(**then), limits(**now), "en") == [english]
    assert lines(limits(**then), limits(**now), "de") == [german]


def test_another_name_of_what_stays_excluded_is_no_more_that_is_offered() -> None:
    then = limits(own_exclusions=frozenset({HR}))
    now = limits(own_exclusions=frozenset({replace(HR, name="Personnel")}))
    assert not wider(within(now, agreement_to("sha256:0", then)), now)


def test_an_offer_names_the_companys_own_places_as_never_recorded() -> None:
    from app.consent.offers import Offer

    other = replace(HR, name="Personnel", match=LAB.match)
    terms = terms_of(limits(own_exclusions=frozenset({HR, LAB, other})))
    offer = Offer("DE", ("DE",), (), (), (), {}, (), (), terms)
    assert offer.never == {"own.hr": "HR pages / Personnel", "own.lab": "Laboratory"}


# Pages of legal, on both databases

GB = """\
region: GB
knobs:
  signals:
    click: {mode: allow, retention_days: 30}
  apps: {value: [APPS]}
  purposes: {value: [ai_training.computer_use]}
  own_exclusions:
    value:
      - id: hr
        name: HR pages & more
        why: Personnel files.
        pages: [wiki.example.com/HR]
        examples: ["https://wiki.example.com/HR/EXAMPLE"]
"""
ANN, BEN = "E-1", "E-2"


@pytest.fixture
def ann(client: TestClient, services: Services) -> Visit:
    employ(services, [make.person(ANN, "legal@GB"), make.person(BEN, "legal@GB")])
    return visit(client, services, ANN)


def checked(by: Visit, text: str) -> str:
    return text_of(by.post("/legal/regions/GB/check", text=text))


def test_the_preview_says_what_is_listed_in_vain(ann: Visit) -> None:
    told = checked(ann, GB.replace("APPS", "jira"))
    assert "No page of Jira can be captured: list a browser under apps" in told
    assert "No page of" not in checked(ann, GB.replace("APPS", "jira, chrome"))


def test_the_preview_says_which_place_is_added(ann: Visit) -> None:
    told = checked(ann, GB.replace("APPS", "jira, chrome"))
    assert "The company's own exclusions" in told
    assert "added: HR pages & more" in told


def test_an_example_that_is_not_excluded_is_named_with_its_line(ann: Visit) -> None:
    wrong = GB.replace("APPS", "jira").replace("HR/EXAMPLE", "IT")
    told = checked(ann, wrong)
    assert "Line 13" in told
    assert "'https://wiki.example.com/IT' is not excluded by 'hr'" in told


def test_the_region_page_shows_each_place_with_what_is_excluded_and_an_example(
    ann: Visit, client: TestClient, services: Services
) -> None:
    assert "excludes no places of its own" in text_of(ann.get("/legal/regions/GB"))
    answer = ann.post("/legal/regions/GB/propose", text=GB.replace("APPS", "jira"), do="propose")
    change = answer.headers["location"]
    ben = visit(client, services, BEN)
    page = ben.get(change)
    assert "HR pages & more" in text_of(page)
    with services.database.write() as tx:
        found = services.policy.workflow.change(tx, change.rpartition("/")[2], services.clock.now())
        whose = services.directory.person(tx, BEN)
        services.policy.workflow.approve(tx, whose, found.id, found.digest, services.clock.now())
    told = text_of(ben.get("/legal/regions/GB"))
    for text in ("HR pages & more", "Personnel files.", "page wiki.example.com/HR", "HR/EXAMPLE"):
        assert text in told
    assert "No page of Jira can be captured" in told
