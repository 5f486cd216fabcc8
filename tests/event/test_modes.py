"""How much of an event may be kept, and which of several reasons against it is named."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.event.model import Program, UiEvent, WindowKind
from app.event.verdict import Allowed, Denied, judge
from app.kernel.vocabulary import Reason, Signal
from tests.agent_simulator import BROWSER, EDITOR, SIGNERS, event, place
from tests.event.ready import app, exclusion, rules_of

APPS = [
    app("chrome", "browser", programs=[f"{BROWSER}@{SIGNERS[BROWSER]}"]),
    app("vscode", programs=[f"{EDITOR}@{SIGNERS[EDITOR]}"]),
    app("chat", urls=["chat.example.com"], others="chat"),
    app("docs", urls=["docs.example.com"], others="shared_documents"),
    app("code", urls=["code.example.com"], private_accounts=True),
]
CHAT, DOCS = "https://chat.example.com/room", "https://docs.example.com/d/1"
EVERYTHING = dict.fromkeys(map(str, Signal), "allow")
NOTHING = dict.fromkeys(map(str, Signal), "deny")


def said(seen: UiEvent, *given: Any, **policy: Any) -> str:
    """The mode in which an event may be kept, or why it may not."""
    verdict = judge(seen, rules_of(*given, **{"apps": APPS, **policy}))
    return verdict.mode.word if isinstance(verdict, Allowed) else str(verdict.reason)


def others(unknown: dict[str, str] = NOTHING, **regions: dict[str, str]) -> dict[str, Any]:
    return {"regions": regions, "unknown": unknown}


class TestHours:
    """Monday, 09:00 UTC: 10:00 in Berlin, 01:00 in Los Angeles."""

    BERLIN, THERE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Los_Angeles")
    MORNING = event(at=datetime(2026, 11, 16, 9, 0, tzinfo=UTC))

    def test_inside_the_hours_nothing_changes(self) -> None:
        assert said(self.MORNING, hours=[9]) == "allow"

    def test_outside_the_hours_the_mode_for_it_holds(self) -> None:
        assert said(self.MORNING, hours=[8, 10]) == "off_hours"
        assert said(self.MORNING, hours=[8, 10], off_hours="redact") == "redact"
        assert said(self.MORNING, hours=[]) == "off_hours"

    def test_an_hour_is_one_of_the_week(self) -> None:
        tuesday = event(at=datetime(2026, 11, 17, 9, 0, tzinfo=UTC))
        assert said(tuesday, hours=[9]) == "off_hours"
        assert said(tuesday, hours=[24 + 9]) == "allow"

    @pytest.mark.parametrize("zones", [(BERLIN, THERE), (THERE, BERLIN)])
    def test_law_7_the_hours_are_kept_in_every_zone(self, zones: tuple[ZoneInfo, ...]) -> None:
        assert said(self.MORNING, others(), zones, hours=[10]) == "off_hours"
        assert said(self.MORNING, others(), zones, hours=[1]) == "off_hours"
        assert said(self.MORNING, others(), zones, hours=[1, 10]) == "allow"

    def test_the_offset_of_an_event_is_no_zone(self) -> None:
        early = event(at=datetime(2026, 11, 16, 14, 30, tzinfo=UTC))  # 06:30 in Los Angeles
        assert said(early, others(), (self.THERE,), hours=list(range(8, 18))) == "off_hours"

    @pytest.mark.parametrize("zones", [(), (None,), (UTC, None), (None, UTC)])
    def test_law_7_in_a_zone_that_is_not_known_it_is_outside_the_hours(self, zones: Any) -> None:
        assert said(self.MORNING, others(), zones, hours=list(range(168))) == "off_hours"

    def test_without_hours_no_zone_is_asked_for(self) -> None:
        assert said(self.MORNING, others(), (None,)) == "allow"


class TestModes:
    def test_the_mode_is_the_signals(self) -> None:
        for mode, expected in [("allow", "allow"), ("redact", "redact"), ("deny", "signal_denied")]:
            rows = {name: {"mode": mode, "retention_days": 1} for name in EVERYTHING}
            assert said(event(), signals=rows) == expected

    def test_where_no_purpose_is_left_nothing_may_be_kept(self) -> None:
        assert said(event(), purposes=[]) == "signal_denied"

    def test_on_the_persons_own_laptop_the_mode_for_it_holds(self) -> None:
        assert said(event(), personal_device="redact", personal=True) == "redact"
        assert said(event(), personal_device="redact") == "allow"
        assert judge(event(), rules_of(personal=True)) == Denied(Reason.PERSONAL_DEVICE)

    @pytest.mark.parametrize(("off_hours", "own"), [("redact", "allow"), ("allow", "redact")])
    def test_of_several_that_bind_the_strictest_holds(self, off_hours: str, own: str) -> None:
        policy = {"hours": [], "off_hours": off_hours, "personal_device": own}
        assert said(event(), personal=True, **policy) == "redact"


class TestOtherPeople:
    """What may be kept where other people's words are in view."""

    def test_in_a_chat_other_people_are_always_there(self) -> None:
        for mode, expected in [("deny", "counterparty"), ("redact", "redact"), ("allow", "allow")]:
            assert said(event(address=CHAT), counterparty=mode) == expected

    def test_in_a_document_they_are_where_it_is_shared_or_nobody_knows(self) -> None:
        allowed = others(EVERYTHING, DE=EVERYTHING)
        for seen, expected in [((), "allow"), (("DE",), "redact"), (None, "redact")]:
            click = event(address=DOCS, counterparties=seen)
            assert said(click, allowed, counterparty="redact") == expected

    def test_elsewhere_nobody_is_asked_about(self) -> None:
        assert said(event(counterparties=("NO",)), counterparty="deny") == "allow"
        assert said(event(counterparties=None), counterparty="deny") == "allow"

    def test_what_may_be_kept_depends_on_where_they_are(self) -> None:
        regions = others(DE={**NOTHING, "click": "redact"}, GB=EVERYTHING)
        for seen, expected in [
            (("DE",), "redact"),
            (("GB",), "allow"),
            (("GB", "DE"), "redact"),
            (("DE", "GB"), "redact"),
            ((), "allow"),
        ]:
            assert said(event(address=CHAT, counterparties=seen), regions) == expected
        typed = event(signal="key_content", address=CHAT, counterparties=("DE",))
        assert said(typed, regions) == "counterparty"

    def test_law_7_a_region_without_a_row_and_a_signal_without_a_word_are_denied(self) -> None:
        regions = others(EVERYTHING, GB=EVERYTHING, DE={"pointer": "allow"})
        for seen in (("FR",), ("GB", "FR"), ("DE",)):
            click = event(address=CHAT, counterparties=seen)
            assert said(click, regions) == "counterparty"

    def test_of_whom_nobody_knows_where_they_are_the_row_for_it_holds(self) -> None:
        seen = event(address=CHAT, counterparties=None)
        assert said(seen, others(GB=EVERYTHING)) == "counterparty"
        assert said(seen, others({**NOTHING, "click": "redact"})) == "redact"

    def test_neither_the_policy_nor_the_region_makes_the_other_milder(self) -> None:
        regions = others(DE={**NOTHING, "click": "redact"}, GB=EVERYTHING)
        for seen, mode in [(("DE",), "allow"), (("GB",), "redact")]:
            click = event(address=CHAT, counterparties=seen)
            assert said(click, regions, counterparty=mode) == "redact"


class TestPictures:
    """Every window in a picture is judged, and the strictest of them holds."""

    def picture(self, *windows: Any, **changes: Any) -> UiEvent:
        return event(signal="screenshot", pictured=windows, **changes)

    def test_a_picture_of_one_window_is_as_the_window(self) -> None:
        assert said(self.picture()) == "allow"

    def test_a_picture_that_does_not_say_what_it_shows_could_show_anything(self) -> None:
        assert said(event(signal="screenshot", pictured=None)) == "picture_unknown"

    def test_it_counts_in_the_app_of_its_own_window(self) -> None:
        verdict = judge(self.picture(place(address=DOCS)), rules_of(apps=APPS))
        assert isinstance(verdict, Allowed)
        assert verdict.app == "vscode"

    @pytest.mark.parametrize(
        ("window", "expected"),
        [
            (place(address="https://bank.example/"), "excluded"),
            (place(program=Program("com.spotify.client", "S", None)), "app_unlisted"),
            (place(program=Program(None, None, None)), "program_unknown"),
            (place(address=CHAT, frames=None), "frame_unknown"),
            (place(window="unknown"), "window_unknown"),
            (place(address="https://code.example.com/", account=None), "tenant_unknown"),
            (place(address=CHAT, counterparties=("NO",)), "counterparty"),
        ],
    )
    def test_what_one_window_may_not_show_no_picture_of_it_may(
        self, window: Any, expected: str
    ) -> None:
        excluded = [exclusion("bank", urls=["bank.example"]), exclusion("private", private=True)]
        for windows in ((window,), (place(), window), (window, place())):
            assert said(self.picture(*windows), exclusions=excluded) == expected

    def test_the_strictest_window_holds_wherever_it_stands(self) -> None:
        regions = others(DE={**NOTHING, "screenshot": "redact"})
        chat = place(address=CHAT, counterparties=("DE",))
        for windows in ((chat,), (chat, place()), (place(), chat)):
            assert said(self.picture(*windows), regions) == "redact"
        own = self.picture(place(), address=CHAT, counterparties=("DE",))
        assert said(own, regions) == "redact"


CODE = "https://code.example.com/x"
SHOT = {name: {"mode": "allow", "retention_days": 1} for name in EVERYTHING}
IN_ORDER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("excluded", {"field": "password"}, {}),
    ("program_unknown", {"program": Program(None, None, None)}, {}),
    ("address_unknown", {"address": "unknown"}, {}),
    ("address_unreadable", {"address": "https://me@code.example.com/"}, {}),
    ("app_unlisted", {"address": "https://elsewhere.example/"}, {}),
    ("frame_unknown", {"frames": None}, {}),
    ("address_unreadable", {"frames": ("blob:x", "https://elsewhere.example/")}, {}),
    ("app_unlisted", {"frames": ("https://elsewhere.example/",)}, {}),
    ("window_unknown", {"window": "unknown"}, {}),
    ("field_unknown", {"field": "unknown"}, {}),
    ("title_unknown", {"title": None}, {}),
    ("tenant_unknown", {"account": None}, {}),
    ("tenant_other", {"account": "lane@home.example"}, {}),
    ("signal_denied", {}, {"signals": {**SHOT, "screenshot": {"mode": "deny"}}}),
    ("off_hours", {}, {"hours": []}),
    ("personal_device", {}, {"personal_device": "deny"}),
    ("counterparty", {}, {"counterparty": "deny"}),
    ("counterparty", {"counterparties": ("NO",)}, {}),
    ("picture_unknown", {"pictured": None}, {}),
    ("allow", {"address": CODE, "account": "lane@example.com", "pictured": ()}, {}),
]
"""Faults of a picture and of its policy; the last one is none."""


@pytest.mark.parametrize("first", range(len(IN_ORDER)), ids=[word for word, _, _ in IN_ORDER])
def test_of_several_reasons_the_first_in_order_is_named(first: int) -> None:
    seen: dict[str, Any] = {}
    policy: dict[str, Any] = {
        "personal_device": "allow",
        "signals": SHOT,
        "tenants": ["code: domain example.com"],
        "apps": [*APPS[:-1], {**APPS[-1], "others": "chat"}],
        "exclusions": [
            exclusion("titles", titles=["code: secret"]),
            exclusion("fields", fields=["password"]),
            exclusion("private", private=True),
        ],
    }
    for _, of_event, of_policy in reversed(IN_ORDER[first:]):
        seen |= of_event
        policy |= of_policy
    seen = {**seen, "window": WindowKind(seen.get("window", "ordinary"))}
    shot = event(signal="screenshot", **seen)
    assert said(shot, personal=True, **policy) == IN_ORDER[first][0]
