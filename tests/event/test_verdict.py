"""Which app, which exclusion: and every way to be taken for another."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.event.model import Program, UiEvent
from app.event.verdict import Allowed, Denied, judge
from app.policy.catalogue.address import read_address
from app.policy.catalogue.patterns import read_pattern
from tests.agent_simulator import BROWSER, EDITOR, SIGNERS, event
from tests.event.ready import app, exclusion, rules_of
from tests.policy.pace import unhurried

DOCUMENT = {
    "apps": [
        app("chrome", "browser", programs=[f"{BROWSER}@{SIGNERS[BROWSER]}"]),
        app("github", urls=["*.github.com"]),
        app("wiki", urls=["intranet.example.com/wiki"]),
        app("vscode", programs=[f"{EDITOR}@{SIGNERS[EDITOR]}", "Code.exe@Microsoft Corporation"]),
        app("cafe", urls=["xn--caf-dma.example"]),
    ],
    "exclusions": [
        exclusion("billing", urls=["github.com/settings/billing"]),
        exclusion("bank", urls=["*.bank.example"]),
        exclusion("passwords", fields=["password"]),
        exclusion("private", private=True),
        exclusion("vault", bundle_ids=["com.vault.App"], executables=["Vault.exe"]),
    ],
}


RULES = rules_of(**DOCUMENT)


def page(address: str, **changes: Any) -> UiEvent:
    """A click on a page in a listed browser."""
    return event(BROWSER, address=address, **changes)


def windows(executable: str, signer: str | None = "Microsoft Corporation") -> UiEvent:
    """A click in a program of Windows."""
    return event(program=Program(None, signer, executable))


def found(seen: UiEvent) -> str | None:
    """Where an event counts, or what excludes it, or nothing."""
    verdict = judge(seen, RULES)
    if isinstance(verdict, Allowed):
        return verdict.app
    return f"not {verdict.exclusion}" if verdict.exclusion else None


def why(seen: UiEvent) -> str:
    """The reason of a refusal."""
    verdict = judge(seen, RULES)
    assert isinstance(verdict, Denied)
    return str(verdict.reason)


HONEST = {
    "https://github.com/acme/widgets": "github",
    "https://github.com": "github",
    "https://gist.github.com/x": "github",
    "https://github.com:443/acme": "github",
    "https://GitHub.com/acme": "github",
    "HTTPS://github.com/acme": "github",
    "https://github.com./acme": "github",
    "https://github.com/search?q=https://bank.example/&x=a%2Fb#top": "github",
    "https://github.com/acme%20widgets": "github",
    "https://intranet.example.com/wiki": "wiki",
    "https://intranet.example.com/wiki/": "wiki",
    "https://intranet.example.com/wiki/page?x=1": "wiki",
    "https://intranet.example.com/%77iki/page": "wiki",
    "https://xn--caf-dma.example/menu": "cafe",
}


@pytest.mark.parametrize(("url", "listed"), HONEST.items())
def test_a_page_belongs_to_the_app_whose_address_it_is(url: str, listed: str) -> None:
    assert found(page(url)) == listed


ATTACKS = {
    "a user name that looks like the host": "https://github.com@evil.example/",
    "a user name and password before the host": "https://github.com:443@evil.example/",
    "a user name at the right host": "https://evil.example@github.com/",
    "an empty user name": "https://@github.com/",
    "a user name in percent code": "https://github.com%40evil.example/",
    "a backslash, which browsers read as a slash": "https://evil.example\\@github.com/",
    "a backslash after the host": "https://github.com\\.evil.example/",
    "no encryption": "http://github.com/acme",
    "no encryption, with its port": "http://github.com:80/acme",
    "another port": "https://github.com:8443/",
    "the port of the other scheme": "http://github.com:443/",
    "a port that is no number": "https://github.com:abc/",
    "a port too large": "https://github.com:65536/",
    "a colon without a port": "https://github.com:/",
    "the host as a prefix": "https://github.com.evil.example/",
    "the host as a suffix": "https://evilgithub.com/",
    "the host with a hyphen": "https://evil-github.com/",
    "two final dots": "https://github.com../",
    "an empty label": "https://gist..github.com/",
    "a leading dot": "https://.github.com/",
    "a full-width letter": "https://\uff47ithub.com/",
    "an ideographic full stop": "https://github\u3002com/",
    "a Cyrillic letter": "https://g\u0456thub.com/",
    "a dotless i": "https://g\u0131thub.com/",
    "a soft hyphen": "https://git\u00adhub.com/",
    "a zero-width space": "https://git\u200bhub.com/",
    "a Kelvin sign": "https://\u212aafe.example/",
    "a lookalike in punycode": "https://xn--gthub-cza.com/",
    "the name in letters where the pattern has punycode": "https://caf\u00e9.example/menu",
    "a percent code in the host": "https://git%68ub.com/",
    "a tab in the host": "https://git\thub.com/",
    "a line break in the host": "https://git\nhub.com/",
    "a space before": " https://github.com/",
    "a NUL": "https://github.com/\x00",
    "no scheme": "github.com/acme",
    "no scheme but slashes": "//github.com/acme",
    "one slash": "https:/github.com/acme",
    "three slashes": "https:///github.com/acme",
    "a script": "javascript://github.com/%0aalert(1)",
    "a file": "file://github.com/etc/passwd",
    "a view of the source": "view-source:https://github.com/",
    "a blob": "blob:https://github.com/1234",
    "an address inside a path": "https://evil.example/https://github.com/",
    "an address inside a query": "https://evil.example/?u=https://github.com/",
    "an address inside a fragment": "https://evil.example/#https://github.com/",
    "an unclosed bracket": "https://[github.com/",
    "an address in brackets": "https://[::1]/",
    "a number for a host": "https://2130706433/",
    "a very long address": "https://github.com/" + "a" * 9_000,
    "a path that only begins alike": "https://intranet.example.com/wikileaks",
    "a path in another case": "https://intranet.example.com/WIKI",
    "a path above the prefix": "https://intranet.example.com/",
    "a step out of the prefix": "https://intranet.example.com/wiki/../payroll",
    "a step out in percent code": "https://intranet.example.com/wiki/%2e%2e/payroll",
    "a step out in mixed code": "https://intranet.example.com/wiki/.%2E/payroll",
    "a step out in double code": "https://intranet.example.com/wiki/%252e%252e/payroll",
    "a slash in percent code": "https://intranet.example.com/wiki%2fpage",
    "a slash in double code": "https://intranet.example.com/wiki%252fpage",
    "a backslash in percent code": "https://intranet.example.com/wiki%5c..%5cpayroll",
    "a step to where one is": "https://intranet.example.com/./wiki",
    "an empty segment": "https://intranet.example.com//wiki",
    "a NUL in percent code": "https://intranet.example.com/wiki%00/payroll",
    "a broken percent code": "https://intranet.example.com/wiki/%zz",
    "a percent code that is no UTF-8": "https://intranet.example.com/wiki/%ff",
    "parameters on the segment": "https://intranet.example.com/wiki;x=1/page",
}


@pytest.mark.parametrize("url", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_address_that_pretends_is_not_listed(url: str) -> None:
    assert found(page(url)) is None


EXCLUDED = {
    "the place itself": "https://github.com/settings/billing",
    "below it": "https://github.com/settings/billing/cards",
    "another case": "https://github.com/Settings/BILLING",
    "in percent code": "https://github.com/%73ettings/billing",
    "with parameters": "https://github.com/settings;x=1/billing;y",
    "with the other scheme": "http://github.com/settings/billing",
    "with a final dot": "https://github.com./settings/billing",
}


@pytest.mark.parametrize("url", EXCLUDED.values(), ids=EXCLUDED.keys())
def test_an_exclusion_wins_over_the_app_that_contains_it(url: str) -> None:
    assert found(page(url)) == "not billing"


NEITHER = {
    "a slash in percent code": "https://github.com/settings%2fbilling",
    "an empty segment": "https://github.com//settings/billing",
    "a detour": "https://github.com/x/../settings/billing",
    "a detour in percent code": "https://github.com/x/%2E%2E/settings/billing",
    "double percent code": "https://github.com/%2573ettings/billing",
    "a backslash": "https://github.com/settings\\billing",
    "a port": "https://github.com:8443/settings/billing",
    "a user name": "https://me@github.com/settings/billing",
}


@pytest.mark.parametrize("url", NEITHER.values(), ids=NEITHER.keys())
def test_hiding_from_an_exclusion_takes_the_page_off_the_list(url: str) -> None:
    """A server might read these as the excluded place, so the app must not be matched either."""
    assert found(page(url)) is None


@pytest.mark.parametrize("host", ["bank.example", "www.bank.example", "a.b.bank.example"])
def test_a_star_stands_for_every_host_below_and_the_host_itself(host: str) -> None:
    assert found(page(f"https://{host}/")) == "not bank"


def test_without_a_star_only_the_host_itself_is_meant() -> None:
    assert found(page("https://sub.intranet.example.com/wiki")) is None


class TestPrograms:
    def test_a_listed_program_is_recognised_in_any_case(self) -> None:
        assert found(event(EDITOR)) == "vscode"
        assert found(windows("CODE.EXE")) == "vscode"

    @pytest.mark.parametrize("name", ["com.microsoft.VSCode.evil", "com.microsoft.VSCod"])
    def test_a_program_that_only_sounds_alike_is_not_listed(self, name: str) -> None:
        assert why(event(program=Program(name, SIGNERS[EDITOR], None))) == "app_unlisted"
        assert why(windows(f"/opt/{name}")) == "app_unlisted"

    def test_a_program_that_is_merely_called_like_a_listed_one_is_not_believed(self) -> None:
        assert why(windows("Code.exe", signer=None)) == "program_unknown"
        assert why(windows("Code.exe", signer="Somebody Ltd")) == "app_unlisted"
        assert why(windows("Code.exe", signer="microsoft corporation")) == "app_unlisted"
        assert why(event(program=Program(EDITOR, None, None))) == "program_unknown"
        assert why(event(program=Program(BROWSER, None, None), address="https://github.com/")) == (
            "program_unknown"
        )

    def test_a_program_without_a_name_is_not_known(self) -> None:
        assert why(event(program=Program(None, SIGNERS[EDITOR], None))) == "program_unknown"

    def test_a_browser_without_a_known_page_is_no_app(self) -> None:
        assert why(event(BROWSER)) == "address_unknown"
        assert why(page("unknown")) == "address_unknown"

    def test_a_browser_on_an_unlisted_page_is_no_app(self) -> None:
        assert why(page("https://news.example/")) == "app_unlisted"

    @pytest.mark.parametrize("address", ["https://news.example/", "https://github.com/"])
    def test_a_listed_program_with_the_address_of_another_is_none_of_both(self, address) -> None:
        assert why(event(EDITOR, address=address)) == "app_unlisted"

    @pytest.mark.parametrize("address", ["https://me@github.com/", "http:", "about:blank", " "])
    def test_a_listed_program_with_an_address_that_cannot_be_read_is_none(self, address) -> None:
        assert why(event(EDITOR, address=address)) == "address_unreadable"

    def test_a_password_manager_with_the_address_of_a_document_is_no_document(self) -> None:
        unlisted = Program("com.forgotten.passwords", "TEAM", None)
        assert why(event(program=unlisted, address="https://github.com/acme")) == "app_unlisted"

    def test_an_excluded_program_is_excluded_whatever_it_shows_and_whoever_signed_it(self) -> None:
        assert found(event("com.vault.App")) == "not vault"
        assert found(windows("VAULT.EXE", signer=None)) == "not vault"
        assert found(event("com.vault.App", address="https://github.com/")) == "not vault"


class TestFieldsAndWindows:
    def test_a_password_field_is_excluded_in_a_listed_app(self) -> None:
        assert found(event(EDITOR, field="password")) == "not passwords"
        assert found(page("https://github.com/login", field="password")) == "not passwords"

    def test_another_field_is_not(self) -> None:
        assert found(event(EDITOR, field="search")) == "vscode"

    def test_a_private_window_is_excluded(self) -> None:
        assert found(page("https://github.com/", window="private")) == "not private"

    def test_a_window_or_field_that_is_not_known_could_be_excluded(self) -> None:
        assert why(page("https://github.com/", window="unknown")) == "window_unknown"
        assert why(event(EDITOR, field="unknown")) == "field_unknown"

    def test_where_nothing_asks_about_them_they_need_not_be_known(self) -> None:
        rules = rules_of(apps=DOCUMENT["apps"])
        seen = page("https://github.com/", window="unknown", field="unknown", title=None)
        assert isinstance(judge(seen, rules), Allowed)


class TestFrames:
    HOME = "https://github.com/acme"

    def test_a_frame_of_the_same_app_belongs_to_it(self) -> None:
        assert found(page(self.HOME, frames=("https://gist.github.com/x",))) == "github"

    @pytest.mark.parametrize(
        ("frame", "reason"),
        [
            ("https://pay.example/card", "app_unlisted"),
            ("https://intranet.example.com/wiki", "app_unlisted"),
            ("blob:https://github.com/1", "address_unreadable"),
            ("https://a.bank.example/", "excluded"),
        ],
    )
    def test_another_frame_does_not(self, frame: str, reason: str) -> None:
        assert why(page(self.HOME, frames=(frame,))) == reason
        assert why(page(self.HOME, frames=("https://github.com/x", frame))) == reason
        assert why(page(self.HOME, frames=(frame, "https://github.com/x"))) == reason

    def test_frames_that_are_not_known_could_be_any(self) -> None:
        assert why(page(self.HOME, frames=None)) == "frame_unknown"


@unhurried
@given(st.text())
def test_no_address_at_all_makes_the_matcher_fail(url: str) -> None:
    found(page(url))


@unhurried
@given(st.text(alphabet="ab./%25ef;\\@:", max_size=30))
def test_what_is_listed_has_one_reading_only(rest: str) -> None:
    """The matched host is what is written between the slashes, with nothing around it."""
    url = f"https://github.com{rest}"
    if found(page(url)) is not None:
        host = url.removeprefix("https://").split("/")[0]
        assert host.removesuffix(".") == "github.com" or host.removesuffix(".").endswith(
            ".github.com"
        )
        assert "/../" not in url
        assert "%2f" not in url.lower()


AMBIGUOUS = {
    "a dot": "2e",
    "a slash": "2f",
    "a percent sign": "25",
    "a backslash": "5c",
    "a NUL": "00",
    "a line break": "0a",
    "an escape": "1b",
    "a delete": "7f",
}


@pytest.mark.parametrize("code", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_an_address_with_an_ambiguous_character_in_percent_code_is_unreadable(code: str) -> None:
    """Whatever is listed: programs disagree about what such an address names."""
    for written in (code, code.upper()):
        assert read_address(f"https://docs.example.com/a%{written}b") is None
    assert read_address("https://docs.example.com/a%20b") is not None


BAD_PATTERNS = (
    "*.com",
    "com",
    "*",
    "GitHub.com",
    "https://github.com",
    "github.com/",
    "github.com/a/../b",
    "github.com/a%2fb",
    "github.com:443",
    "a.*.com",
    "*github.com",
    "github.com.",
    "caf\u00e9.example",
    "user@github.com",
    "github.com?x",
    "",
)


@pytest.mark.parametrize("pattern", BAD_PATTERNS)
def test_a_pattern_that_means_too_much_or_too_little_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"host|path"):
        read_pattern(pattern)


def test_host_and_path_are_read_apart() -> None:
    address = read_address("https://Docs.Example.com./a/b%20c/?q=1#f")
    assert address is not None
    assert (address.host, address.path) == ("docs.example.com", ("a", "b c"))
