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
from tests.vectors import second_guard, second_matching
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


HOSTS = (
    "hub.example.com", "hub.example.com", "a.hub.example.com", "wiki.hub.example.com",
    "docs.example.com", "code.example.com", "Bank.example.com.", "xhub.example.com",
)  # fmt: skip
SEGMENTS = (
    "people", "People;v=1", "%70eople", "lane", "pay", "pay", "payments", "hr", "hr-2026",
    "finance", "Admin", "users;x", "d", "x-z", "secret", "projects", "finch-2", "a%20b", "spaces",
    "HR", "app", "%c3%a9",
)  # fmt: skip
QUERIES = (
    "tab=pay", "TAB=%50ayroll", "mode=edit", "Mode=EDIT", "view[kind]=my+salary", "x", "q=%ff",
    "view%5Bkind%5D=Salary", "tab=%", "=", "tab=pay=1", "mode=edit%26",
)  # fmt: skip
FRAGMENTS = (
    "settings", "settings", "/", "!/", "?", "&", "keys", "lane", "%73ettings", "%ff", "%", "label",
    "pay%20roll", "pay+roll", "a%2fb", "#",
)  # fmt: skip
SCHEMES = ("https://", "https://", "https://", "HTTPS://", "http://", "blob:https://", "//")
PORTS = ("", "", "", "", ":443", ":80", ":", "@hub.example.com")
UNREADABLE = ("", "..", "%2f", "%ff", "a|b", "%", "\\", "[", "é")


def addresses(
    schemes: tuple[str, ...], ports: tuple[str, ...], segments: tuple[str, ...]
) -> st.SearchStrategy[str]:
    return st.builds(
        "{}{}{}{}{}{}".format,
        *map(st.sampled_from, (schemes, HOSTS, ports)),
        _joined(segments, "/", "/"),
        _joined(QUERIES, "?", "&"),
        _joined(FRAGMENTS, "#", "/"),
    )


def _joined(parts: tuple[str, ...], mark: str, between: str) -> st.SearchStrategy[str]:
    """Nothing, or a mark and some parts with a character between them."""
    return st.lists(st.sampled_from(parts), max_size=4).map(
        lambda chosen: mark + between.join(chosen) if chosen else ""
    )


PLAIN = addresses(("https://",), ("",), SEGMENTS)
ODD = addresses(SCHEMES, PORTS, (*SEGMENTS, *UNREADABLE))
WORDS = (
    "sick leave", "sick", " ", "leave", "(dm)", "Inbox", "Lane", "2026", "?", "secret", "caf", "é",
    "e\u0301", "*", "\u200b", "\uff53", "\u017f", "ß", "SS", "İ", "\n", "\u00a0", "privat",
    "Krankmeldung",
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
    PLAIN | ODD,
    st.just([]) | st.lists(PLAIN | ODD, max_size=1),
    TITLES,
    ACCOUNTS,
)
def test_both_read_odd_addresses_titles_and_accounts_alike(
    file: str, address: str, frames: list[str], title: str, account: str
) -> None:
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
    values = [*vars(second_guard).values(), *vars(second_matching).values()]
    modules = {str(getattr(value, "__module__", "")) for value in values}
    ours = {name for name in modules if name.startswith(("app", "tests"))}
    assert ours == {second_guard.__name__, second_matching.__name__}


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
