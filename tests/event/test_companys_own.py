"""The guard keeps to the company's own accounts and places, whatever the recorder does not know."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.event.reading import read_event
from app.event.rules import Circumstance, EventRules
from app.event.verdict import Allowed, Denied, judge
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Signal
from app.policy.agreement import Limits
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.document import document
from app.policy.lattice import compile_layers
from app.policy.law.layer import Claim, Layer, Why
from app.policy.own_exclusions import OwnExclusion
from tests.event.events import JsonObject, a_place, a_screenshot, an_event
from tests.policy.pace import unhurried

APPS = {
    "chrome": App(
        "chrome", "Chrome", "browser", Matchers(programs=("com.google.Chrome@EQHXZ8M8AV",))
    ),
    "github": App(
        "github", "GitHub", "development", Matchers(urls=("github.com",)), private_accounts=True
    ),
    "slack": App(
        "slack",
        "Slack",
        "chat",
        Matchers(programs=("com.tinyspeck.slackmacgap@BQR82RBBHL",)),
        private_accounts=True,
    ),
    "wiki": App("wiki", "Wiki", "documents", Matchers(urls=("wiki.example.com",))),
}
NOBODY: JsonObject = {"regions": {}, "unknown": {}}
SLACK = {"id": "com.tinyspeck.slackmacgap", "signer": "BQR82RBBHL", "executable": None}
TENANTS = (
    "github: address github.com/example-devices",
    "slack: account acme",
    "slack: domain example.com",
)
PLACES = (
    OwnExclusion("hr", "HR", "Files.", Matchers(pages=("wiki.example.com/HR",)), ("x",)),
    OwnExclusion("pay", "Pay", "Files.", Matchers(titles=("slack: *payroll*",)), ("x",)),
    OwnExclusion("lab", "Lab", "Secret.", Matchers(executables=("lab.exe",)), ("x",)),
)


def rules(tenants: Any = TENANTS, places: Any = PLACES) -> EventRules:
    values: dict[str, Any] = {
        "status": 1,
        "bases": frozenset({"consent"}),
        "apps": frozenset(APPS),
        "purposes": frozenset({"ai_training.computer_use"}),
        "tenants": frozenset(tenants),
        "own_exclusions": frozenset(places),
        "personal_device": Mode.ALLOW,
        "off_hours": Mode.ALLOW,
        "counterparty": Mode.ALLOW,
        **{f"signals.{signal}.mode": Mode.ALLOW for signal in Signal},
    }
    claims = {knob: Claim(value, Why("company/DE")) for knob, value in values.items()}
    layer = Layer("company/DE", "company", "DE", "sha256:0", claims)
    told = document(Limits(compile_layers([layer]), Catalogue(APPS, {})), 2)
    return EventRules.of(told, NOBODY, Circumstance())


RULES = rules()


def verdict(event: JsonObject, by: EventRules = RULES) -> Allowed | Denied:
    return judge(read_event(event), by)


def in_slack(**changes: Any) -> JsonObject:
    return an_event(**{"program": SLACK, "address": None, "title": "general", **changes})


EVENTS: dict[str, tuple[JsonObject, Allowed | Denied]] = {
    "a page of the company's": (an_event(), Allowed(Mode.ALLOW, "github")),
    "a page of somebody's own": (
        an_event(address="https://github.com/lane/notes"),
        Denied(Refusal.TENANT_OTHER),
    ),
    "a page of somebody's own in the company's account": (
        an_event(address="https://github.com/lane/notes", account="example-devices"),
        Denied(Refusal.TENANT_OTHER),
    ),
    "a frame of somebody's own in a page of the company's": (
        an_event(frames=["https://github.com/lane/notes"]),
        Denied(Refusal.TENANT_OTHER),
    ),
    "a frame of the company's in a page of the company's": (
        an_event(frames=["https://github.com/example-devices/other"]),
        Allowed(Mode.ALLOW, "github"),
    ),
    "the company's workspace": (in_slack(account="ACME"), Allowed(Mode.ALLOW, "slack")),
    "the company's mail address": (
        in_slack(account="lane@example.com"),
        Allowed(Mode.ALLOW, "slack"),
    ),
    "another workspace": (in_slack(account="family"), Denied(Refusal.TENANT_OTHER)),
    "a private mail address": (in_slack(account="lane@gmail.com"), Denied(Refusal.TENANT_OTHER)),
    "an account that is not known": (in_slack(account=None), Denied(Refusal.TENANT_UNKNOWN)),
    "an app that private people do not use": (
        an_event(address="https://wiki.example.com/plan", account=None),
        Allowed(Mode.ALLOW, "wiki"),
    ),
    "a place of the company's own": (
        an_event(address="https://wiki.example.com/hr/lane"),
        Denied(Refusal.EXCLUDED, "own.hr"),
    ),
    "a frame of such a place": (
        an_event(address="https://wiki.example.com/plan", frames=["https://wiki.example.com/HR/x"]),
        Denied(Refusal.EXCLUDED, "own.hr"),
    ),
    "a window of such a title": (
        in_slack(account="acme", title="PAYROLL (8)"),
        Denied(Refusal.EXCLUDED, "own.pay"),
    ),
    "a title that is not known": (
        in_slack(account="acme", title=None),
        Denied(Refusal.TITLE_UNKNOWN),
    ),
    "a program of the company's own": (
        an_event(program={"id": None, "signer": None, "executable": "LAB.EXE"}, address=None),
        Denied(Refusal.EXCLUDED, "own.lab"),
    ),
    "a picture with such a place in it": (
        a_screenshot(a_place(address="https://wiki.example.com/HR")),
        Denied(Refusal.EXCLUDED, "own.hr"),
    ),
    "a picture with a private account in it": (
        a_screenshot(a_place(address="https://github.com/lane")),
        Denied(Refusal.TENANT_OTHER),
    ),
}


@pytest.mark.parametrize(("event", "expected"), EVENTS.values(), ids=EVENTS.keys())
def test_accounts_and_places_of_the_company_decide(
    event: JsonObject, expected: Allowed | Denied
) -> None:
    assert verdict(event) == expected


@pytest.mark.parametrize("event", [in_slack(account="acme"), an_event()])
def test_without_a_tenant_an_app_that_private_people_use_is_captured_nowhere(
    event: JsonObject,
) -> None:
    assert verdict(event, rules(tenants=())) == Denied(Refusal.TENANT_UNKNOWN)


EVERY = [event for event, _ in EVENTS.values()]


@unhurried
@given(
    st.sampled_from(EVERY),
    st.frozensets(st.sampled_from(TENANTS)),
    st.frozensets(st.sampled_from(PLACES)),
    st.sampled_from(TENANTS),
    st.sampled_from(PLACES),
)
def test_one_tenant_fewer_and_one_place_more_never_allow_more(
    event: JsonObject,
    tenants: frozenset[str],
    places: frozenset[OwnExclusion],
    fewer: str,
    more: OwnExclusion,
) -> None:
    wide = verdict(event, rules(tenants, places))
    narrow = verdict(event, rules(tenants - {fewer}, places | {more}))
    assert isinstance(wide, Allowed) or isinstance(narrow, Denied)


@unhurried
@given(st.sampled_from(EVERY), st.sets(st.sampled_from(["account", "title", "address"])))
def test_what_is_not_known_never_allows_more(event: JsonObject, unknown: set[str]) -> None:
    less = {**event, **dict.fromkeys(unknown)}
    assert isinstance(verdict(event), Allowed) or isinstance(verdict(less), Denied)
