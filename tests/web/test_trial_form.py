"""The form of a trial: it describes the event that a recorder would write, and loses nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.capture.trial import Laptop, Told, trial
from app.event.verdict import Allowed, Denied
from app.kernel.refusals import Refusal
from app.web.trial.examples import examples
from app.web.trial.form import TypedPlace, described, event_value, laptop_of
from app.web.trial.words import EXAMPLE_WORDS
from tests.agent_simulator import policy_document
from tests.event.ready import app
from tests.policy.pace import unhurried

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
APPS = [
    app("chrome", "browser", programs=["com.google.Chrome@EQHXZ8M8AV"]),
    app("vscode", programs=["com.microsoft.VSCode@UBF8T346G9", "Code.exe@Microsoft Corporation"]),
    app("slack", programs=["slack@Slack"], urls=["*.slack.com"], others="chat"),
    app("confluence", urls=["*.atlassian.net/wiki"], private_accounts=True),
]
TENANTS = ["confluence: address ours.atlassian.net/wiki", "slack: domain example.com"]


def told(**changes: Any) -> Told:
    document = policy_document(**{"apps": APPS, "tenants": TENANTS, **changes})
    return Told(document, {"regions": {}, "unknown": {}}, ("America/Los_Angeles",))


def value(**typed: str) -> dict[str, Any]:
    return event_value(TypedPlace(**typed), told().document, "2026-11-16T09:00:00Z")


@pytest.mark.parametrize(
    ("typed", "program", "address"),
    [
        ({"app": "vscode"}, "com.microsoft.VSCode", None),
        ({"app": "slack"}, "slack", None),
        ({"app": "slack", "address": "https://a.slack.com/"}, "com.google.Chrome", "a.slack.com/"),
        ({"app": "confluence"}, "com.google.Chrome", "www.atlassian.net/wiki"),
        ({"address": "https://a.example/"}, "com.google.Chrome", "a.example/"),
        ({"app": "slack", "program": "other@Somebody"}, "other", None),
        ({}, None, None),
    ],
)
def test_the_program_of_an_app_or_a_browser_is_filled_in(
    typed: dict[str, str], program: str | None, address: str | None
) -> None:
    made = value(**typed)
    assert made["program"]["id"] == program
    assert made["address"] == (None if address is None else f"https://{address}")


def test_without_a_browser_in_the_list_no_program_shows_a_page() -> None:
    alone = told(apps=APPS[1:]).document
    made = event_value(TypedPlace(address="https://a.slack.com/"), alone, "")
    assert made["program"] == {"id": None, "signer": None, "executable": None}


def test_what_is_left_empty_or_called_unknown_is_not_known() -> None:
    made = value(app="slack", frames="unknown", counterparties="Unknown")
    unknown = ("frames", "counterparties", "title", "account")
    assert [made[name] for name in unknown] == [None] * 4
    known = value(app="slack", frames="https://a.example\n\nhttps://b.example", counterparties="")
    assert known["frames"] == ["https://a.example", "https://b.example"]
    assert known["counterparties"] == []


def test_other_windows_are_of_pictures_only_and_each_line_is_one() -> None:
    assert "pictured" not in value(app="slack", pictured="https://a.example/")
    windows = value(signal="screenshot", pictured="https://a.example/\nsigner.exe@S")["pictured"]
    assert [window["address"] for window in windows] == ["https://a.example/", None]
    assert windows[1]["program"] == {"id": None, "signer": "S", "executable": "signer.exe"}
    assert value(signal="screenshot", pictured="unknown")["pictured"] is None


def test_the_time_is_that_of_the_laptop() -> None:
    typed = TypedPlace(app="slack", at="2026-11-16T08:30", title="x")
    event = described(typed, told(), NOW).event
    assert event is not None
    assert event.at.isoformat() == "2026-11-16T16:30:00+00:00"
    berlin = described(replace(typed, zone="Europe/Berlin"), told(), NOW).event
    assert berlin is not None
    assert berlin.at.isoformat() == "2026-11-16T07:30:00+00:00"
    now = described(replace(typed, at=""), told(), NOW).event
    assert now is not None
    assert now.at == NOW
    assert laptop_of(replace(typed, zone="unknown"), told()) == Laptop(None)


@pytest.mark.parametrize(
    ("typed", "field", "problem"),
    [
        ({"signal": "sound"}, "signal", "Kind of event: is no word of the list."),
        ({"at": "2026-02-31T08:30"}, "at", "Time at the laptop: is no day of the calendar."),
        ({"at": "yesterday"}, "at", "Time at the laptop: is no instant with an offset."),
        (
            {"counterparties": "DE, EU"},
            "counterparties",
            "Where other people are",
        ),
        ({"title": "x" * 9_000}, "title", "Title of the window: has 9000 characters."),
        ({"program": "x" * 9_000}, "program", "Program: has 9000 characters."),
        ({"event": "{"}, "event", "the event is no JSON in line 1, column 2."),
        ({"event": '{"at": 1, "at": 1}'}, "event", "the event has the member 'at' twice."),
        ({"event": '{"at": 1}'}, "event", "signal is missing."),
    ],
)
def test_a_fault_is_told_at_its_field_with_the_way_out(
    typed: dict[str, str], field: str, problem: str
) -> None:
    found = described(TypedPlace(**typed), told(), NOW)
    assert found.event is None
    assert [fault.field for fault in found.faults] == [field]
    assert found.faults[0].problem.startswith(problem)
    assert found.faults[0].cure.endswith(".")


TYPED = (
    "app", "program", "address", "frames", "window", "title", "account", "field", "counterparties",
    "at", "zone", "pictured", "event", "personal",
)  # fmt: skip
TEXTS = st.text(max_size=12) | st.sampled_from(["unknown", "https://a.slack.com/", "DE", "slack"])


@unhurried
@given(
    st.builds(
        TypedPlace,
        signal=st.sampled_from(["click", "screenshot", "sound"]),
        **dict.fromkeys(TYPED, TEXTS),
    )
)
def test_whatever_is_typed_is_an_event_or_a_fault_with_a_way_out(typed: TypedPlace) -> None:
    found = described(typed, told(), NOW)
    assert (found.event is None) == bool(found.faults)
    assert all(fault.problem and fault.cure for fault in found.faults)
    if found.event is not None:
        trial(found.event, told(), laptop_of(typed, told()))


def test_examples_are_those_that_can_happen_under_the_policy() -> None:
    assert [one.id for one in examples(told().document)] == list(EXAMPLE_WORDS)
    no_chat = told(apps=[APPS[0], APPS[1]]).document
    assert {one.id for one in examples(no_chat)} == {
        "listed", "private_unknown", "bank_pictured", "password",
    }  # fmt: skip
    assert examples(told(apps=[APPS[0]]).document) == ()
    assert examples(told(apps=[APPS[3]]).document) == ()


@pytest.mark.parametrize("app_id", ["vscode", "slack", "confluence"])
def test_the_first_example_is_captured_in_an_account_of_the_company_s(app_id: str) -> None:
    apps = [APPS[0], *(one for one in APPS if one["id"] == app_id)]
    documents = told(apps=apps, counterparty="allow")
    first = examples(documents.document)[0]
    event = described(first.typed, documents, NOW).event
    assert event is not None
    assert isinstance(trial(event, documents, Laptop("America/Los_Angeles")).verdict, Allowed)


def test_the_private_account_of_an_example_is_nobody_s_of_the_company_s() -> None:
    for apps in (APPS, [app("slack", programs=["slack@Slack"], private_accounts=True)]):
        documents = told(apps=apps)
        private = {one.id: one.typed for one in examples(documents.document)}["private_account"]
        event = described(private, documents, NOW).event
        assert event is not None
        done = trial(event, documents, Laptop("America/Los_Angeles"))
        assert done.verdict == Denied(Refusal.TENANT_OTHER)


def test_a_field_that_was_not_sent_or_is_a_file_is_empty() -> None:
    assert TypedPlace.of({"title": "a\r\nb", "address": 7}) == TypedPlace(
        title="a\nb", signal="", window="", field=""
    )
