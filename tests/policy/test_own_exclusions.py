"""The company's own places and accounts: read strictly, only narrowing, told to agents whole."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.capture.effect import ways_of
from app.event.rules import JUDGED
from app.kernel.errors import Fault, InvalidInput, Unreadable
from app.kernel.vocabulary import Mode
from app.policy.agreement import Limits, agreement_from, agreement_to, terms_of, within
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.document import document
from app.policy.knobs import OWN_EXCLUSIONS, REGISTRY, TENANTS, mode_of
from app.policy.lattice import changes_in, compile_layers
from app.policy.law.layer import Claim, CompanyPolicy, Layer, Why
from app.policy.law.packs import PolicyTexts
from app.policy.own_exclusions import (
    WAYS,
    OwnExclusion,
    as_exclusions,
    covers,
    read_own,
    write_own,
)
from app.policy.tenants import EVERYBODYS_DOMAINS
from tests.policy.house import ANNA, BERND, House, evidence, policy_text
from tests.policy.layers import PLACES
from tests.policy.pace import unhurried

APPS = {
    "wiki": App("wiki", "Wiki", "documents", Matchers(urls=("wiki.example.com",))),
    "slack": App(
        "slack",
        "Slack",
        "communication",
        Matchers(urls=("*.slack.com", "app.slack.com")),
        others="chat",
        private_accounts=True,
    ),
    "cad": App("cad", "CAD", "design", Matchers(), private_accounts=True),
}
CHROME = App("chrome", "Chrome", "browser", Matchers())
TEXTS = PolicyTexts(Catalogue({**APPS, "chrome": CHROME}, {}), frozenset())
HR: dict[str, Any] = {
    "id": "hr_wiki",
    "name": "HR pages of the wiki",
    "why": "They hold personnel files.",
    "pages": ["wiki.example.com/spaces/HR", "wiki.example.com/x?tab=pay*"],
    "titles": ["slack: *payroll*"],
    "examples": ["https://wiki.example.com/spaces/hr/lane", "slack: Payroll October"],
}


def text_with(**knobs: Any) -> str:
    named = {name: {"value": value} for name, value in knobs.items()}
    return json.dumps({"region": "DE", "knobs": named})  # JSON is YAML, without its aliases


def read(**knobs: Any) -> CompanyPolicy:
    return TEXTS.read_company_policy(text_with(**knobs), "DE")


def faults(**knobs: Any) -> tuple[Fault, ...]:
    with pytest.raises(Unreadable) as caught:
        read(**knobs)
    return caught.value.faults


def own(*entries: dict[str, Any]) -> frozenset[OwnExclusion]:
    value = read(own_exclusions=list(entries)).layer.knobs["own_exclusions"].value
    assert isinstance(value, frozenset)
    return value  # type: ignore[return-value]


# Reading


def test_a_place_is_read_as_it_is_written() -> None:
    (place,) = own(HR)
    assert place.match == Matchers(pages=tuple(HR["pages"]), titles=tuple(HR["titles"]))
    assert (place.id, place.name, place.why) == (HR["id"], HR["name"], HR["why"])
    assert set(place.examples) == set(HR["examples"])


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no example": ({"examples": []}, "examples", "is empty"),
    "no examples at all": ({"examples": None}, "examples", "is empty, not a list"),
    "an example that is a page next to it": (
        {"examples": ["https://wiki.example.com/spaces/HRX"]},
        "examples[0]",
        "'https://wiki.example.com/spaces/HRX' is not excluded by 'hr_wiki'",
    ),
    "an example that cannot be read": (
        {"examples": ["https://wiki.example.com:8443/spaces/HR"]},
        "examples[0]",
        "is not excluded by 'hr_wiki'",
    ),
    "an example of another app's title": (
        {"examples": ["wiki: Payroll October"]},
        "examples[0]",
        "is not excluded by 'hr_wiki'",
    ),
    "a program for an example": (
        {"examples": [HR["examples"][0], "pay.exe"]},
        "examples[1]",
        "'pay.exe' is not excluded by 'hr_wiki'",
    ),
    "no way": ({"pages": None, "titles": None}, "", "excludes nothing"),
    "an empty way": ({"pages": [], "titles": []}, "pages", "is empty"),
    "a page that is a whole site": ({"pages": ["wiki.example.com"]}, "pages[0]", "needs a path"),
    "a page with a scheme": (
        {"pages": ["https://wiki.example.com/hr"]},
        "pages[0]",
        "not a plain name",
    ),
    "a title of every window": ({"titles": ["*: *"]}, "titles[0]", "would fit every title"),
    "a title of an unknown app": (
        {"titles": ["teams: *payroll*"]},
        "titles[0]",
        "'teams' is no app of the catalogue",
    ),
    "a title of a browser": (
        {"titles": ["chrome: *payroll*"]},
        "titles[0]",
        "'chrome' is a browser, whose windows count as those of the app on the page",
    ),
    "a way twice": ({"titles": ["slack: a*", "slack: a*"]}, "titles[1]", "is given twice"),
    "an unknown part": ({"fields": ["password"]}, "fields", "not known"),
    "an id that is none": ({"id": "HR wiki"}, "id", "is no id"),
    "a name that turns round what follows it": (
        {"name": "HR \u202e pages"},
        "name",
        "a character that nobody sees",
    ),
    "no reason": ({"why": ""}, "why", "0 characters"),
}


@pytest.mark.parametrize(("change", "field", "problem"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_named_with_its_place_and_a_way_out(
    change: dict[str, Any], field: str, problem: str
) -> None:
    entry = {name: value for name, value in {**HR, **change}.items() if value is not None}
    if "examples" in change and change["examples"] is None:
        entry["examples"] = None
    told = faults(own_exclusions=[entry])
    where = f"knobs.own_exclusions.value[0]{f'.{field}' if field else ''}"
    assert any(fault.field == where and problem in fault.problem and fault.cure for fault in told)


def test_an_id_is_unique_within_a_policy() -> None:
    told = faults(own_exclusions=[HR, {**HR, "name": "Other"}])
    assert [fault.field for fault in told] == [
        "knobs.own_exclusions.value[0].id",
        "knobs.own_exclusions.value[1].id",
    ]
    assert "'hr_wiki' is given twice" in told[0].problem


EXAMPLES = [
    ({"pages": ["wiki.example.com/*/pay"]}, "https://wiki.example.com/lane/PAY/x", True),
    ({"pages": ["wiki.example.com/*/pay"]}, "http://wiki.example.com/lane/pay", True),
    ({"pages": ["wiki.example.com/*/pay"]}, "https://wiki.example.com/pay", False),
    ({"pages": ["wiki.example.com/x?tab=hr"]}, "https://wiki.example.com/x?a=1&tab=HR", True),
    ({"pages": ["wiki.example.com/x?tab=hr"]}, "https://wiki.example.com/x?tab=hrx", False),
    ({"urls": ["hr.example.com"]}, "https://hr.example.com/", True),
    ({"urls": ["hr.example.com"]}, "https://x.hr.example.com/", False),
    ({"urls": ["*.hr.example.com/pay"]}, "https://x.hr.example.com/Pay;v=1", True),
    ({"titles": ["*: *salary*"]}, "wiki: My SALARY, 2026", True),
    ({"titles": ["*: *salary*"]}, "wiki: My sala\u200bry", True),
    ({"titles": ["*: *salary*"]}, "wiki: My salad", False),
    ({"titles": ["*: *salary*"]}, "wiki: My salary" + "\u0301" * 31, False),
    ({"executables": ["Pay.exe"]}, "PAY.EXE", True),
    ({"bundle_ids": ["com.example.pay"]}, "com.example.Pay", True),
    ({"bundle_ids": ["com.example.pay"]}, "com.example.pay.helper", False),
]


@pytest.mark.parametrize(("ways", "example", "excluded"), EXAMPLES)
def test_an_example_is_tried_not_believed(
    ways: dict[str, Any], example: str, excluded: bool
) -> None:
    entry = {"id": "a", "name": "A", "why": "B.", **ways, "examples": [example]}
    if excluded:
        assert own(entry)
    else:
        (fault,) = faults(own_exclusions=[entry])
        assert fault.field == "knobs.own_exclusions.value[0].examples[0]"


TENANT_FAULTS = {
    "teams: account acme": "'teams' is no app of the catalogue",
    "wiki: account acme": "private people have no accounts of Wiki",
    "slack: address example.com": "Slack has no such pages",
    "slack: address app.slack.com": "those are pages of Slack that others have, too",
    "slack: address *.slack.com": "those are pages of Slack that others have, too",
    "slack: address *.slack.com/archives": "those are pages of Slack that others have, too",
    **{
        f"slack: domain {domain}": f"anybody can have an account of {domain}"
        for domain in sorted(EVERYBODYS_DOMAINS)
    },
    "slack: domain GMail.com": "anybody can have an account of gmail.com",
    "slack: workspace acme": "after the app comes",
    "cad: address cad.example.com": "CAD has no such pages",
}


@pytest.mark.parametrize(("text", "problem"), TENANT_FAULTS.items())
def test_a_tenant_without_a_meaning_is_named_with_a_way_out(text: str, problem: str) -> None:
    (fault,) = faults(tenants=[text])
    assert fault.field == "knobs.tenants.value[0]"
    assert problem in fault.problem
    assert fault.cure


def test_tenants_are_kept_as_they_are_compared() -> None:
    named = read(tenants=["slack: domain Example.COM", "slack: address acme.slack.com"])
    assert named.layer.knobs["tenants"].value == {
        "slack: domain example.com",
        "slack: address acme.slack.com",
    }
    (fault,) = faults(tenants=["slack: account Acme", "slack: account acme"])
    assert "slack: account acme is given twice" in fault.problem


@pytest.mark.parametrize("knob", ["tenants", "own_exclusions"])
def test_a_floor_names_neither_the_companys_accounts_nor_its_places(knob: str) -> None:
    setting = {"value": [], "cite": "Art. 1", "confidence": "G"}
    floor = json.dumps({"region": "DE", "knobs": {knob: setting}})
    with pytest.raises(Unreadable) as caught:
        TEXTS.read_floor(floor.encode(), "DE.yaml")
    named = [fault for fault in caught.value.faults if fault.field == f"DE.yaml: knobs.{knob}"]
    assert "not known here" in named[0].problem


# What counts


PLACED = st.frozensets(st.sampled_from(PLACES))


@unhurried
@given(PLACED, PLACED)
def test_more_places_cover_fewer_and_what_is_covered_counts_not_its_name(
    some: frozenset[OwnExclusion], more: frozenset[OwnExclusion]
) -> None:
    assert covers(some | more, some)
    assert covers(some, some | more) == covers(some, more)
    renamed = {replace(place, id="x", name="Other", why="", examples=("y",)) for place in some}
    assert covers(some, renamed)
    assert covers(renamed, some)


@unhurried
@given(PLACED, PLACED)
def test_agents_are_told_all_ways_of_all_policies_once(
    some: frozenset[OwnExclusion], more: frozenset[OwnExclusion]
) -> None:
    told = as_exclusions(some | more)
    assert [item.id for item in told] == sorted({f"own.{place.id}" for place in some | more})
    for place in some | more:
        (item,) = (item for item in told if item.id == f"own.{place.id}")
        for way in WAYS:
            assert set(getattr(place.match, way)) <= set(getattr(item.match, way))
        assert place.name in item.name


@given(PLACED)
def test_a_place_is_read_back_as_it_was_written(places: frozenset[OwnExclusion]) -> None:
    assert {read_own(write_own(place)) for place in places} == places


CHANGES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], tuple[str, ...]]] = {
    "a first place": ([], [HR], ("narrows",)),
    "one more place": ([HR], [HR, {**HR, "id": "b"}], ("same",)),
    "one more way": ([HR], [{**HR, "urls": ["hr.example.com"]}], ("narrows",)),
    "one way fewer": ([HR], [{**HR, "pages": HR["pages"][:1]}], ("widens",)),
    "a place fewer": ([HR], [], ("widens",)),
    "another name": ([HR], [{**HR, "name": "Personnel"}], ("same",)),
    "another id": ([HR], [{**HR, "id": "personnel"}], ("same",)),
    "another reason": ([HR], [{**HR, "why": "Because."}], ("same",)),
    "another example": ([HR], [{**HR, "examples": HR["examples"][:1]}], ("same",)),
    "the same in two places": (
        [HR],
        [{**HR, "titles": []} | {"examples": HR["examples"][:1]}, {**HR, "id": "b"}],
        ("same",),
    ),
    "one way for another": (
        [HR],
        [{**HR, "pages": [HR["pages"][0], "wiki.example.com/y"]}],
        ("widens", "narrows"),
    ),
}


@pytest.mark.parametrize(("before", "after", "ways"), CHANGES.values(), ids=CHANGES.keys())
def test_what_is_excluded_says_which_way_a_change_goes(
    before: list[dict[str, Any]], after: list[dict[str, Any]], ways: tuple[str, ...]
) -> None:
    after = [{key: value for key, value in entry.items() if value != []} for entry in after]
    changes = changes_in(
        REGISTRY,
        {"own_exclusions": own(*before)}.get,
        {"own_exclusions": own(*after)}.get,
    )
    assert [ways_of(change) for change in changes] == [ways]


# Publishing, on both databases


@pytest.fixture(scope="session")
def catalogue(shipped_catalogue: Catalogue) -> Catalogue:
    """The catalogue of the house: as shipped, and private people use Slack, too."""
    slack = replace(shipped_catalogue.apps["slack"], private_accounts=True)
    return Catalogue({**shipped_catalogue.apps, "slack": slack}, shipped_catalogue.exclusions)


KEPT = evidence("works_agreement", "dpia")
PLACE = {
    "id": "lab",
    "name": "Laboratory",
    "why": "Trade secrets.",
    "urls": ["lab.example.com"],
    "examples": ["https://lab.example.com/run/7"],
}
WITH_PLACE = policy_text("DE", {"own_exclusions": {"value": [PLACE]}}, evidence=KEPT)
WIDER_PLACE = {**PLACE, "name": "Labs", "executables": ["lab.exe"]}


def test_one_person_excludes_at_once_and_two_are_needed_to_stop_excluding(house: House) -> None:
    house.publish("DE", policy_text("DE", evidence=KEPT))
    house.clock.advance(60)
    house.tighten(ANNA, "DE", WITH_PLACE)
    more = policy_text("DE", {"own_exclusions": {"value": [WIDER_PLACE]}}, evidence=KEPT)
    house.clock.advance(60)
    house.tighten(BERND, "DE", more)
    (place,) = house.in_force("DE").compiled[OWN_EXCLUSIONS]
    assert (place.name, place.match.executables) == ("Labs", ("lab.exe",))
    house.clock.advance(60)
    with pytest.raises(InvalidInput) as caught:
        house.tighten(ANNA, "DE", WITH_PLACE)
    (fault,) = caught.value.faults
    assert fault.field == "own_exclusions"
    assert "lab" in fault.problem


def test_a_place_is_known_by_its_last_name_for_as_long_as_the_log_is_kept(house: House) -> None:
    """A laptop may report late, so that its policy is another one by then."""
    house.publish("DE", WITH_PLACE)
    house.clock.advance(60)
    house.tighten(
        ANNA,
        "DE",
        policy_text("DE", {"own_exclusions": {"value": [WIDER_PLACE]}}, evidence=KEPT),
    )
    house.clock.advance(60)
    house.publish("DE", policy_text("DE", evidence=KEPT))
    with house.database.read() as tx:
        names = house.policy.exclusion_names(tx, {"own.lab", "own.hr", "banking"})
    assert names == {"own.lab": "Labs", "banking": "Banking and payment"}


def test_a_further_tenant_needs_two_people_and_one_fewer_needs_one(house: House) -> None:
    usual = ["slack: account example", "slack: domain example.com"]
    texts = [
        policy_text("DE", {"tenants": {"value": named}}, evidence=KEPT)
        for named in (usual, usual[:1])
    ]
    house.publish("DE", texts[0])
    house.clock.advance(60)
    house.tighten(ANNA, "DE", texts[1])
    assert house.in_force("DE").compiled[TENANTS] == {"slack: account example"}
    house.clock.advance(60)
    with pytest.raises(InvalidInput) as caught:
        house.tighten(ANNA, "DE", texts[0])
    assert [fault.field for fault in caught.value.faults] == ["tenants"]


# What agents are told, and what people agree to


def layer(name: str = "company/DE", **values: Any) -> Layer:
    claims = {knob.replace("__", "."): Claim(value, Why(name)) for knob, value in values.items()}
    return Layer(name, "company", "DE", f"sha256:{name}", claims)


OPEN = layer(
    "floor/DE",
    status=1,
    bases=frozenset({"consent"}),
    apps=frozenset(APPS),
    purposes=frozenset({"ai_training.computer_use"}),
    signals__click__mode=Mode.ALLOW,
)


def limits(*layers: Layer) -> Limits:
    return Limits(compile_layers([OPEN, *layers]), Catalogue(APPS, {}))


def test_the_guard_has_code_for_both() -> None:
    assert {TENANTS.name, OWN_EXCLUSIONS.name} <= JUDGED


def test_agents_are_told_places_as_exclusions_and_tenants_as_texts() -> None:
    named = layer(own_exclusions=own(HR), tenants=frozenset({"slack: account acme"}))
    told = document(limits(named), 2)
    assert told["tenants"] == ["slack: account acme"]
    (place,) = told["own_exclusions"]
    assert place.keys() == {"id", "name", "match"}
    assert (place["id"], place["name"]) == ("own.hr_wiki", "HR pages of the wiki")
    assert place["match"]["pages"] == sorted(HR["pages"])
    assert place["match"].keys() == {row.name for row in REGISTRY.matchers_of_exclusions(2)}


def test_an_agent_that_cannot_be_told_places_may_capture_nothing() -> None:
    assert document(limits(), 1)["signals"]["click"]["mode"] == "allow"
    told = document(limits(layer(own_exclusions=own(HR))), 1)
    assert {rule["mode"] for rule in told["signals"].values()} == {"deny"}


def test_an_agent_that_cannot_be_told_tenants_does_not_get_the_apps_they_decide_about() -> None:
    """Where nobody names one, nothing else is denied to it: a program update denies nobody."""
    told = document(limits(), 1)
    assert [app["id"] for app in told["apps"]] == ["wiki"]
    assert told["signals"]["click"]["mode"] == "allow"


def test_what_a_home_region_does_not_name_no_other_region_opens() -> None:
    away = layer("company/FR", tenants=frozenset({"slack: account acme"}))
    assert compile_layers([OPEN], [away])[TENANTS] == frozenset()
    home = layer(tenants=frozenset({"slack: account acme", "cad: account acme"}))
    assert compile_layers([OPEN, home], [away])[TENANTS] == {"slack: account acme"}


def test_an_agreement_keeps_tenants_to_those_agreed_and_excludes_what_either_excludes() -> None:
    then = limits(layer(own_exclusions=own(HR), tenants=frozenset({"slack: account acme"})))
    other = own({**PLACE, "id": "lab"})
    now = limits(
        layer(
            own_exclusions=other,
            tenants=frozenset({"slack: account acme", "slack: account acme2"}),
        )
    )
    agreed = agreement_from("sha256:0", terms_of(then))
    assert agreed == agreement_to("sha256:0", then)
    bound = within(now, agreed).compiled
    assert bound[TENANTS] == {"slack: account acme"}
    assert bound[OWN_EXCLUSIONS] == own(HR) | other


def test_who_agreed_before_there_were_tenants_agreed_to_none() -> None:
    terms = terms_of(limits())
    for knob in (TENANTS, OWN_EXCLUSIONS):
        terms["knobs"].pop(knob.name)  # type: ignore[union-attr, attr-defined]
    agreed = agreement_from("sha256:0", terms)
    now = limits(layer(own_exclusions=own(HR), tenants=frozenset({"slack: account acme"})))
    bound = within(now, agreed).compiled
    assert bound[TENANTS] == frozenset()
    assert bound[OWN_EXCLUSIONS] == own(HR)
    assert bound[mode_of("click")] is Mode.ALLOW


def test_twenty_thousand_places_are_compared_in_a_moment() -> None:
    """Each with each would take an hour."""
    pages = tuple(f"wiki.example.com/spaces/{number}" for number in range(20_000))
    sites = tuple(f"{number}.example.com" for number in range(20_000))
    many = OwnExclusion("many", "Many", "Files.", Matchers(pages=pages, urls=sites), ("x",))
    fewer = replace(many, match=Matchers(pages=pages[1:], urls=sites))
    assert covers({many}, {fewer})
    assert not covers({fewer}, {many})
