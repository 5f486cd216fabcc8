"""The examples next to the shipped catalogue, judged as the guard judges.

Every app and every exclusion of the catalogue is in force, and nothing else limits anything.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from app.event.model import UiEvent
from app.event.rules import Circumstance, EventRules
from app.event.verdict import Allowed, judge
from app.kernel.errors import Unreadable
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Signal
from app.policy.agreement import Limits
from app.policy.catalogue.packs import load_catalogue
from app.policy.catalogue.patterns import Page, Pattern, read_page, read_pattern
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from tests.policy.app_examples import MEMBERS, Example, Outcome, not_known, read_examples

FORM = 2
FOLDER = Path(__file__).resolve().parents[2] / "policies" / "apps"
CATALOGUE = load_catalogue(FOLDER)
EXAMPLES = read_examples(FOLDER, CATALOGUE)

SETTINGS_ELSEWHERE = {
    "acrobat": "account.adobe.com",
    "acrobat_web": "account.adobe.com",
    "excel": "account.microsoft.com",
    "google_chat": "myaccount.google.com",
    "google_docs": "myaccount.google.com",
    "google_meet": "myaccount.google.com",
    "google_sheets": "myaccount.google.com",
    "google_slides": "myaccount.google.com",
    "powerpoint": "account.microsoft.com",
    "teams": "myaccount.microsoft.com",
    "webex": "idbroker.webex.com",
    "word": "account.microsoft.com",
}
"""Sites on whose hosts nobody signs in or keeps settings, and where that is done."""


@cache
def rules(tenants: tuple[str, ...]) -> EventRules:
    """What is judged by."""
    values = {
        "status": 1,
        "bases": frozenset({"consent"}),
        "purposes": frozenset({"ai_training.computer_use"}),
        "apps": frozenset(CATALOGUE.apps),
        "exclusions": frozenset(CATALOGUE.exclusions),
        "tenants": frozenset(tenants),
        **dict.fromkeys(("counterparty", "off_hours", "personal_device"), Mode.ALLOW),
        **{f"signals.{signal}.mode": Mode.ALLOW for signal in Signal},
        **{f"signals.{signal}.retention_days": 30 for signal in Signal},
    }
    why = Why("company/GLOBAL")
    claims = {name: Claim(value, why) for name, value in values.items()}
    layer = Layer("company/GLOBAL", "company", "GLOBAL", "sha256:0", claims)
    written = document(Limits(compile_layers([layer]), CATALOGUE), FORM)
    everything = {str(signal): "allow" for signal in Signal}
    others = {"regions": {}, "unknown": everything}
    return EventRules.of(written, others, Circumstance())


def judged(event: UiEvent, tenants: tuple[str, ...]) -> Outcome:
    verdict = judge(event, rules(tenants))
    if isinstance(verdict, Allowed):
        return Outcome(app=verdict.app)
    return Outcome(reason=verdict.reason, exclusion=verdict.exclusion)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.where)
def test_what_an_example_says_comes_out(example: Example) -> None:
    assert judged(example.event, example.tenants) == example.outcome


@pytest.mark.parametrize("member", MEMBERS)
def test_what_is_not_known_lets_no_example_through(member: str) -> None:
    for example in EXAMPLES:
        place = not_known(example.event.place, member)
        outcome = judged(replace(example.event, place=place), example.tenants)
        assert outcome.app in {example.outcome.app, None}, example.where


def test_every_exclusion_inside_apps_has_examples_of_its_own() -> None:
    shown = Counter(example.outcome.exclusion for example in EXAMPLES)
    inside = [item for item in CATALOGUE.exclusions.values() if item.match.pages]
    assert len(inside) >= 10
    assert [item.id for item in inside if not shown[item.id]] == []


def test_places_inside_apps_have_more_than_a_hundred_examples_and_neighbours_that_are_work() -> (
    None
):
    inside = [example for example in EXAMPLES if example.where.startswith("places_")]
    outcomes = Counter(example.outcome.reason for example in inside)
    assert outcomes[Refusal.EXCLUDED] > 100
    assert outcomes[None] > 40


@pytest.mark.parametrize("app", sorted(CATALOGUE.apps))
def test_where_people_sign_in_and_keep_their_settings_is_excluded_on_every_listed_site(
    app: str,
) -> None:
    sites = [read_pattern(url) for url in CATALOGUE.apps[app].match.urls]
    elsewhere = SETTINGS_ELSEWHERE.get(app)
    if elsewhere is not None:
        sites = [read_pattern(elsewhere)]
    for site in sites:
        assert any(meets(site, place) for place in kept_out()), site


def kept_out() -> Iterable[Pattern | Page]:
    for name in ("sign_in", "personal_settings", "admin_consoles"):
        match = CATALOGUE.exclusions[name].match
        yield from map(read_pattern, match.urls)
        yield from map(read_page, match.pages)


def meets(site: Pattern, place: Pattern | Page) -> bool:
    """Whether a host of the one can be a host of the other."""
    return site.host == place.host or (
        (site.below and place.host.endswith(f".{site.host}"))
        or (place.below and site.host.endswith(f".{place.host}"))
    )


WRONG = {
    "an unknown list": ("allowed: []", "is not known here"),
    "no outcome": ("excluded: [{address: 'https://a.example'}]", "by: line 1.*is missing"),
    "an exclusion that is none": (
        "excluded: [{by: nothing, address: 'https://a.example'}]",
        "'nothing' is no by",
    ),
    "an app that is none": ("captured: [{as: nothing, app: slack}]", "'nothing' is no as"),
    "a refusal that is none": ("denied: [{because: bored, app: slack}]", "'bored' is no because"),
    "a field that is none": ("unlisted: [{app: slack, field: paasword}]", "no field"),
    "a member that is none": ("unlisted: [{app: slack, unknown: [mood]}]", "no member of a place"),
    "no program": ("unlisted: [{title: Alone}]", "has no program"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_of_examples_is_read_strictly(tmp_path: Path, wrong: str) -> None:
    text, problem = WRONG[wrong]
    (tmp_path / "x.examples.yaml").write_text(text)
    with pytest.raises(Unreadable, match=problem):
        read_examples(tmp_path, CATALOGUE)
