"""What is excluded wherever it is shown: by every way to recognise it, and under which name."""

from typing import Any

import pytest

from app.event.model import Program, UiEvent
from app.event.verdict import Allowed, judge
from tests.agent_simulator import BROWSER, EDITOR, SIGNERS, event
from tests.event.ready import app, exclusion, rules_of

APPS = [
    app("chrome", "browser", programs=[f"{BROWSER}@{SIGNERS[BROWSER]}"]),
    app("vscode", programs=[f"{EDITOR}@{SIGNERS[EDITOR]}"]),
    app("work", urls=["*.example.com"]),
    app("slack", programs=["slack@Slack Technologies, LLC"], urls=["*.slack.com"]),
]
WORK = "https://app.example.com"


def kept(seen: UiEvent, *exclusions: dict[str, Any], **policy: Any) -> str:
    """The app in which an event counts; or the exclusion, or the reason."""
    verdict = judge(seen, rules_of(apps=APPS, exclusions=list(exclusions), **policy))
    if isinstance(verdict, Allowed):
        return verdict.app
    return verdict.exclusion or str(verdict.reason)


class TestPages:
    PAY = exclusion("pay", pages=["*.example.com/*/pay?tab=slip#/year"])

    @pytest.mark.parametrize(
        ("rest", "expected"),
        [
            ("/lane/pay?tab=slip#year", "pay"),
            ("/LANE/Pay/x?a=1&tab=SLIP#/year/2026", "pay"),
            ("/lane/pay?tab=slip", "work"),
            ("/lane/pay?tab=room#year", "work"),
            ("/pay?tab=slip#year", "work"),
        ],
    )
    def test_a_page_of_a_listed_site_is_excluded_and_its_neighbours_are_not(
        self, rest: str, expected: str
    ) -> None:
        assert kept(event(address=f"{WORK}{rest}"), self.PAY) == expected

    def test_law_7_a_parameter_that_cannot_be_read_could_be_the_excluded_one(self) -> None:
        assert kept(event(address=f"{WORK}/lane/pay?tab=%ff#%ff"), self.PAY) == "pay"

    @pytest.mark.parametrize("address", ["http://app.example.com/x/pay", "https://bank.test/x"])
    def test_a_place_is_excluded_without_encryption_too(self, address: str) -> None:
        pages = exclusion("pages", pages=["app.example.com/*/pay"], urls=["*.bank.test/x"])
        for written in (address, address.replace("https", "http")):
            assert kept(event(address=written), pages) == "pages"

    @pytest.mark.parametrize("end", ["%20", "...", "%C2%A0", ".%20.", "%E3%80%80", ";v=1", " .;v"])
    def test_what_servers_drop_at_the_end_of_a_segment_hides_nothing(self, end: str) -> None:
        places = exclusion("pay", pages=["app.example.com/x/pay"], urls=["*.example.com/salary"])
        tail = end.replace(" ", "%20")
        for path in (f"/x/pay{tail}", f"/x{tail}/pay{tail}/y", f"/salary{tail}/x"):
            assert kept(event(address=f"{WORK}{path}"), places) == "pay"
        assert kept(event(address=f"{WORK}/x/payroll"), places) == "work"

    def test_a_frame_of_a_page_is_excluded_as_the_page_is(self) -> None:
        seen = event(address=f"{WORK}/", frames=(f"{WORK}/a", f"{WORK}/lane/pay?tab=slip#year"))
        assert kept(seen, self.PAY) == "pay"


class TestTitles:
    PAYROLL = exclusion("payroll", titles=["slack: *payroll*"])
    SECRET = exclusion("secret", titles=["*: secret*"])

    @pytest.mark.parametrize("title", ["payroll", "May PAYROLL - Slack", "Pay\u200broll"])
    def test_a_window_of_the_app_is_excluded_in_its_program_and_its_page(self, title: str) -> None:
        assert kept(event("slack", title=title), self.PAYROLL) == "payroll"
        page = event(address="https://acme.slack.com/client", title=title)
        assert kept(page, self.PAYROLL) == "payroll"

    def test_a_window_of_another_app_is_not(self) -> None:
        assert kept(event(EDITOR, title="payroll"), self.PAYROLL) == "vscode"
        assert kept(event(address=f"{WORK}/", title="payroll"), self.PAYROLL) == "work"

    def test_a_window_of_any_app_is_excluded_even_if_nothing_else_is_known_of_it(self) -> None:
        assert kept(event(EDITOR, title="Secrets"), self.SECRET) == "secret"
        unknown = event(program=Program(None, None, None), title="SECRET plan")
        assert kept(unknown, self.SECRET) == "secret"

    def test_law_7_a_title_that_is_not_known_is_denied_where_a_title_is_asked_about(self) -> None:
        for seen, expected in [(event("slack", title=None), "title_unknown"), (event(), "vscode")]:
            assert kept(seen, self.PAYROLL) == expected
        assert kept(event(EDITOR, title=None), self.PAYROLL) == "vscode"
        assert kept(event(EDITOR, title=None), self.SECRET) == "title_unknown"

    def test_a_title_that_cannot_be_compared_is_not_known(self) -> None:
        piled = "general" + "\u0301" * 31
        assert kept(event("slack", title=piled), self.PAYROLL) == "title_unknown"
        assert kept(event(EDITOR, title=piled), self.PAYROLL) == "vscode"

    def test_a_window_without_a_title_is_called_nothing(self) -> None:
        assert kept(event("slack", title=""), self.PAYROLL, self.SECRET) == "slack"


class TestPrograms:
    VAULT = exclusion("vault", bundle_ids=["com.vault.App"], executables=["Vault.exe"])

    @pytest.mark.parametrize(
        "program",
        [
            Program("com.vault.App", None, None),
            Program("COM.VAULT.APP", "Whoever", "code"),
            Program(None, None, "vault.EXE"),
            Program(EDITOR, SIGNERS[EDITOR], "Vault.exe"),
            Program("Vault.exe", None, None),
        ],
    )
    def test_either_name_is_enough_whoever_signed_it(self, program: Program) -> None:
        assert kept(event(program=program), self.VAULT) == "vault"

    def test_names_that_only_sound_alike_are_not(self) -> None:
        program = Program(EDITOR, SIGNERS[EDITOR], "Vault.exe.old")
        assert kept(event(program=program), self.VAULT) == "vscode"


class TestFields:
    @pytest.mark.parametrize("first", [True, False])
    @pytest.mark.parametrize(
        ("seen", "expected"),
        [
            ({"field": "secret"}, "it"),
            ({"window": "private"}, "it"),
            ({"field": "unknown"}, "field_unknown"),
            ({"window": "unknown"}, "window_unknown"),
        ],
    )
    def test_wherever_in_the_list_the_exclusion_stands(
        self, seen: dict[str, Any], expected: str, first: bool
    ) -> None:
        it = exclusion("it", fields=["secret"], private=True)
        other = exclusion("other", urls=["other.test"])
        listed = (it, other) if first else (other, it)
        assert kept(event(**seen), *listed) == expected


class TestWhichIsNamed:
    def test_of_several_that_fit_the_first_of_the_document(self) -> None:
        """Whatever it is recognised by."""
        everything = [
            exclusion("a", fields=["secret"]),
            exclusion("b", urls=["*.example.com"]),
            exclusion("c", pages=["app.example.com/x"]),
            exclusion("d", titles=["*: pay*"]),
            exclusion("e", bundle_ids=[BROWSER]),
            exclusion("f", private=True),
            exclusion("g", executables=["chrome.exe"]),
        ]
        seen = event(
            program=Program(BROWSER, SIGNERS[BROWSER], "chrome.exe"),
            address=f"{WORK}/x",
            field="secret",
            title="Payday",
            window="private",
        )
        for place in range(len(everything)):
            turned = [*everything[place:], *everything[:place]]
            assert kept(seen, *turned) == turned[0]["id"]

    @pytest.mark.parametrize(
        "way",
        [
            {"fields": ["secret"]},
            {"private": True},
            {"executables": ["code"]},
            {"bundle_ids": [EDITOR]},
        ],
    )
    def test_of_two_with_the_same_way_the_first(self, way: dict[str, Any]) -> None:
        program = Program(EDITOR, SIGNERS[EDITOR], "code")
        seen = event(program=program, field="secret", window="private")
        assert kept(seen, exclusion("one", **way), exclusion("two", **way)) == "one"

    def test_one_of_the_catalogue_before_one_of_the_companys_own(self) -> None:
        catalogue, own = exclusion("fields", fields=["secret"]), exclusion("own.x", private=True)
        seen = event(field="secret", window="private")
        assert kept(seen, catalogue, own_exclusions=[own]) == "fields"
        assert kept(event(window="private"), catalogue, own_exclusions=[own]) == "own.x"
