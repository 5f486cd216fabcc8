"""The second guard, written from the page alone, and our rules say the same of generated events."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.event.model import Place, UiEvent
from tests.agent_simulator import policy_document
from tests.event.events import JSON_VALUES, broken_events
from tests.event.worlds import EVENTS, EXCLUDED, LISTED, OTHERS, SAID
from tests.policy.pace import unhurried
from tests.vectors import second_guard
from tests.vectors.judges import JsonObject, by_the_rules, by_the_second_guard
from tests.vectors.test_guard_vectors import FILES

ZONES = ["UTC", "America/Los_Angeles", "Atlantis/Poseidonis"]
WORLDS = st.fixed_dictionaries(
    {
        "document": st.builds(
            lambda said, own: policy_document(**{"apps": LISTED, "own_exclusions": own, **said}),
            SAID,
            st.lists(st.sampled_from(EXCLUDED), max_size=1),
        ),
        "counterparties": st.none() | OTHERS,
        "zones": st.lists(st.sampled_from(ZONES), max_size=2),
        "device_zone": st.none() | st.sampled_from(ZONES),
        "personal_device": st.booleans(),
    }
)


@unhurried
@given(WORLDS, EVENTS)
def test_both_say_the_same_of_an_event(world: JsonObject, event: UiEvent) -> None:
    agree(world, written(event))


@unhurried
@given(WORLDS, broken_events() | JSON_VALUES)
def test_both_say_the_same_of_what_may_be_no_event(world: JsonObject, event: object) -> None:
    agree(world, event)


PIECES = (
    "https://", "http://", "HTTPS://", "blob:", "//", "/", "hub.example.com", "a.hub.example.com",
    "docs.example.com", "code.example.com", "bank.example.com", ".", "..", ":443", ":", "@", "\\",
    "[", "]", "%2f", "%61", "%ff", "%", "people", "pay", "hr", "finance", "app", "tab=pay",
    "mode=edit", "view[kind]=salary", "settings", "keys", "?", "&", "=", "#", "!", ";", "+", "*",
    " ", "é", "A",
)  # fmt: skip
ADDRESSES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.builds(
    "https://{}/{}".format,
    st.sampled_from(["hub.example.com", "a.hub.example.com", "docs.example.com"]),
    st.lists(st.sampled_from(PIECES), max_size=10).map("".join),
)
WORDS = (
    "sick", " ", "leave", "(dm)", "Inbox", "Lane", "2026", "?", "secret", "caf", "é", "e\u0301",
    "*", "\u200b", "\uff53", "\u017f", "ß", "SS", "İ", "\n", "\u00a0", "privat", "Krankmeldung",
)  # fmt: skip
TITLES = st.lists(st.sampled_from(WORDS), max_size=8).map("".join)
ACCOUNT_PARTS = ("lane", "@", "example.com", "Example", ".", " ", "<", "\n", "ß", "K", "T01ABC")
ACCOUNTS = st.lists(st.sampled_from(ACCOUNT_PARTS), min_size=1, max_size=5).map("".join)


def a_case(file: str) -> JsonObject:
    event: JsonObject = FILES[file]["cases"][0]["event"]
    return event


@unhurried
@given(
    st.sampled_from(["addresses", "titles-and-pages", "own-exclusions", "tenants"]),
    st.lists(ADDRESSES.filter(bool), min_size=1, max_size=2),
    TITLES,
    ACCOUNTS,
)
def test_both_read_odd_addresses_titles_and_accounts_alike(
    file: str, addresses: list[str], title: str, account: str
) -> None:
    address, *frames = addresses
    browser = {"id": "com.google.Chrome", "signer": "EQHXZ8M8AV", "executable": None}
    odd = {"program": browser, "address": address, "frames": frames, "title": title}
    agree(FILES[file], {**a_case(file), **odd, "account": account})


NAMES = ("com.microsoft.VSCode", "Code.exe", "viewer.exe", "1Password.exe", "\u017f", None)
SIGNED = ("UBF8T346G9", "Microsoft Corporation", "Example, Inc.", None)


@unhurried
@given(*(st.sampled_from(one) for one in (NAMES, SIGNED, NAMES)), st.sampled_from([str.upper, str]))
def test_both_recognise_programs_alike(
    name: str | None, signer: str | None, executable: str | None, change: Callable[[str], str]
) -> None:
    program = {"id": name and change(name), "signer": signer, "executable": executable}
    agree(FILES["programs"], {**a_case("programs"), "program": program})


def test_the_second_guard_shares_no_code_with_ours() -> None:
    modules = {getattr(value, "__module__", "") for value in vars(second_guard).values()}
    assert not any(str(name).startswith(("app", "tests.event")) for name in modules)


def agree(world: JsonObject, event: object) -> None:
    assert by_the_second_guard(world, event) == by_the_rules(world, event)


def written(event: UiEvent) -> JsonObject:
    """An event as a recorder writes it."""
    pictured = None if event.pictured is None else [_place(one) for one in event.pictured]
    picture = {"pictured": pictured} if event.signal == "screenshot" else {}
    at = event.at.isoformat()
    return {"at": at, "signal": str(event.signal), **_place(event.place), **picture}


def _place(place: Place) -> JsonObject:
    def listed(texts: tuple[str, ...] | None) -> Any:
        return None if texts is None else list(texts)

    return {
        **vars(place),
        "program": dict(vars(place.program)),
        "frames": listed(place.frames),
        "window": str(place.window),
        "field": str(place.field),
        "counterparties": listed(place.counterparties),
    }
