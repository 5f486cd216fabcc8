"""The texts of the catalogue: what each recognises, what it does not, and which are refused."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.policy.catalogue.address import read_address
from app.policy.catalogue.patterns import (
    MOST_MARKS,
    SignedProgram,
    plain,
    read_glob,
    read_page,
    read_signed,
    read_title,
)
from tests.policy.pace import unhurried


@unhurried
@given(st.text("ab*", max_size=7), st.text("ab", max_size=9))
@example("a*a", "a")
@example("*ab*b", "ab")
@example("*aa*aa*", "aaa")
def test_a_star_stands_for_any_run_of_letters(pattern: str, text: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert read_glob(pattern).fits(text) == (re.fullmatch(expression, text) is not None)


# Pages

WITHIN = [
    ("hr.example.com/pay", "/pay"),
    ("hr.example.com/pay", "/pay/"),
    ("hr.example.com/pay", "/pay/may?x=1#y"),
    ("hr.example.com/pay", "/PAY/may"),
    ("hr.example.com/Pay", "/pay"),
    ("hr.example.com/pay", "/pay;session=1/may"),
    ("hr.example.com/pay", "/p%61y"),
    ("hr.example.com/my%20pay", "/My%20Pay/x"),
    ("hr.example.com/*/pay", "/lane/pay"),
    ("hr.example.com/d*", "/d0123"),
    ("hr.example.com/d*", "/D"),
    ("hr.example.com/*slip*", "/payslips"),
    ("hr.example.com/x?tab=pay", "/x?tab=pay"),
    ("hr.example.com/x?tab=pay", "/x/y?a=1&TAB=PAY"),
    ("hr.example.com/x?tab=pay", "/x?tab=room&tab=pay"),
    ("hr.example.com/x?tab=pay", "/x?t%61b=p%61y"),
    ("hr.example.com/x?tab=my*pay", "/x?tab=my+pay"),
    ("hr.example.com/x?tab=pay&of=me", "/x?of=me&tab=pay"),
    ("hr.example.com?tab=pay", "/any/where?tab=pay"),
    ("hr.example.com/x#/salary", "/x#salary"),
    ("hr.example.com/x#salary", "/x#!/Salary/may?y=1"),
    ("hr.example.com/x#a/*/pay", "/x#a/lane/pay/may"),
    ("hr.example.com/x#pay*", "/x#p%61yments"),
    ("hr.example.com#tab=pay", "/#tab=pay&x"),
    ("hr.example.com/geh%C3%A4lter", "/Geha%CC%88lter/x"),
    ("hr.example.com/geha%CC%88lter", "/GEH%C3%84LTER"),
    ("hr.example.com/x?tab=geh\u00e4lter", "/x?tab=Geha%CC%88lter"),
]
BESIDE = [
    ("hr.example.com/pay", "/"),
    ("hr.example.com/pay", "/payment"),
    ("hr.example.com/pay", "/my/pay"),
    ("hr.example.com/pay/may", "/pay"),
    ("hr.example.com/*/pay", "/pay"),
    ("hr.example.com/*/pay", "/a/b/pay"),
    ("hr.example.com/d*", "/c0123"),
    ("hr.example.com/x?tab=pay", "/x"),
    ("hr.example.com/x?tab=pay", "/x?tab=payment"),
    ("hr.example.com/x?tab=pay", "/x?tabs=pay"),
    ("hr.example.com/x?tab=pay", "/y?tab=pay"),
    ("hr.example.com/x?tab=pay&of=me", "/x?tab=pay"),
    ("hr.example.com/x?tab=pay", "/x#tab=pay"),
    ("hr.example.com/x#salary", "/x"),
    ("hr.example.com/x#salary", "/x#pay/salary"),
    ("hr.example.com/x#salary", "/x#salaries"),
]


def fits(page: str, rest: str, host: str = "hr.example.com") -> bool:
    address = read_address(f"https://{host}{rest}")
    assert address is not None
    return read_page(page).fits(address)


@pytest.mark.parametrize(("page", "rest"), WITHIN)
def test_what_is_of_a_page_fits_it(page: str, rest: str) -> None:
    assert fits(page, rest)


@pytest.mark.parametrize(("page", "rest"), BESIDE)
def test_what_lies_next_to_a_page_does_not_fit_it(page: str, rest: str) -> None:
    assert not fits(page, rest)


@pytest.mark.parametrize(
    ("page", "host", "within"),
    [
        ("hr.example.com/pay", "hr.example.com", True),
        ("hr.example.com/pay", "a.hr.example.com", False),
        ("hr.example.com/pay", "example.com", False),
        ("*.example.com/pay", "a.hr.example.com", True),
        ("*.example.com/pay", "example.com", True),
        ("*.example.com/pay", "anexample.com", False),
    ],
)
def test_a_page_is_of_its_host_and_with_a_star_of_all_below(
    page: str, host: str, within: bool
) -> None:
    assert fits(page, "/pay", host) is within


@pytest.mark.parametrize(
    ("page", "rest"),
    [("hr.example.com/x?tab=pay", "/x?tab=%ff"), ("hr.example.com/x#salary", "/x#%ff")],
)
def test_law_7_what_of_an_address_cannot_be_read_could_be_anything(page: str, rest: str) -> None:
    assert fits(page, rest)
    assert not fits(page, rest.replace("/x", "/y"))


def test_a_page_counts_without_encryption_too() -> None:
    address = read_address("http://hr.example.com/pay")
    assert address is not None
    assert read_page("hr.example.com/pay").fits(address)


SEGMENTS = st.lists(st.sampled_from(["pay", "a", "b1", "Pay"]), max_size=3)


@unhurried
@given(
    st.lists(st.sampled_from(["pay", "a", "b*", "*"]), min_size=1, max_size=3), SEGMENTS, SEGMENTS
)
def test_everything_below_what_fits_a_page_fits_it(
    page: list[str], path: list[str], below: list[str]
) -> None:
    pattern = "/".join(["hr.example.com", *page])
    if fits(pattern, "".join(f"/{one}" for one in path)):
        assert fits(pattern, "".join(f"/{one}" for one in (*path, *below)).upper())


BAD_PAGES = {
    "": "host",
    "hr.example.com": "needs a path",
    "hr.example.com/": "needs a path",
    "com/pay": "one label",
    "HR.example.com/pay": "lower case",
    "https://hr.example.com/pay": "path|host",
    "hr.*.com/pay": "host",
    "hr.example.com/a//b": "one way",
    "hr.example.com/a/../b": "one way",
    "hr.example.com/a%2fb": "one way",
    "hr.example.com/x?": "after",
    "hr.example.com/x?tab": "name=value",
    "hr.example.com/x?tab=": "name=value",
    "hr.example.com/x?=pay": "name=value",
    "hr.example.com/x?t*=pay": "name=value",
    "hr.example.com/x?a=1&": "name=value",
    "hr.example.com/x#": "after",
    "hr.example.com/x#/": "after",
    "hr.example.com/x#a//b": "between slashes",
    "hr.example.com/" + "a" * 500: "path",
}


@pytest.mark.parametrize(("page", "problem"), BAD_PAGES.items())
def test_a_page_that_means_too_much_or_nothing_is_refused(page: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_page(page)


# Titles

CALLED = [
    ("*: payroll", "Payroll"),
    ("*: *payroll*", "May - PAYROLL - Docs"),
    ("*: payroll*", "Payroll of May"),
    ("*: *payroll*", "Pay\u200broll"),
    ("*: *payroll*", "Pay\u00adroll"),
    ("*: *payroll*", "\uff30\uff41\uff59\uff52\uff4f\uff4c\uff4c"),
    ("*: *gehälter*", "GEHA\u0308LTER"),
    ("*: *strasse*", "STRA\u00dfE"),
    ("*: *(dm)*", "Jane (DM) - Slack"),
]
NOT_CALLED = [
    ("*: payroll", "Payroll of May"),
    ("*: payroll*", "May: payroll"),
    ("*: *payroll*", "pay roll"),
    ("*: *payroll*", ""),
]


@pytest.mark.parametrize(("title", "text"), CALLED)
def test_a_title_is_compared_as_people_see_it(title: str, text: str) -> None:
    assert read_title(title).glob.fits(plain(text))


@pytest.mark.parametrize(("title", "text"), NOT_CALLED)
def test_another_title_does_not_fit(title: str, text: str) -> None:
    assert not read_title(title).glob.fits(plain(text))


@pytest.mark.parametrize("pile", ["\u0301\u0323" * 4_000, "\u0f73" * 8_000, "\u0301\u200b" * 4_000])
def test_a_title_under_a_pile_of_marks_is_not_compared_which_would_take_long(pile: str) -> None:
    assert plain(f"payroll{pile}") is None
    assert plain("e" + "\u0301" * MOST_MARKS + "e" + "\u0301" * MOST_MARKS) is not None


def test_a_title_names_its_app_and_the_rest_is_text() -> None:
    title = read_title("slack: Pay: May")
    assert title.app == "slack"
    assert title.glob.fits("pay: may")


BAD_TITLES = {
    "": "APP: TEXT",
    "payroll": "APP: TEXT",
    "slack:payroll": "APP: TEXT",
    "Slack: payroll": "APP: TEXT",
    "*slack: payroll": "APP: TEXT",
    ": payroll": "APP: TEXT",
    "slack: ": "every title",
    "slack: *": "every title",
    "slack: * *": "every title",
    "slack: *\u200b*": "every title",
    "slack: *\u00a0*": "every title",
    "slack: " + "a" * 500: "too long",
    "slack: a" + "\u0301" * 31: "too long",
}


@pytest.mark.parametrize(("title", "problem"), BAD_TITLES.items())
def test_a_title_that_means_too_much_or_nothing_is_refused(title: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_title(title)


# Programs


def test_a_program_is_its_name_in_any_case_and_its_signer_letter_for_letter() -> None:
    assert read_signed("Code.exe@Microsoft Corporation") == read_signed(
        "CODE.EXE@Microsoft Corporation"
    )
    assert read_signed("a@T") != read_signed("a@t")
    assert read_signed("a@b@c") == SignedProgram("a", "b@c")


@pytest.mark.parametrize("text", ["", "a", "a@", "@T", "@", " a@T", "a@T ", "a@T\n"])
def test_a_program_without_name_or_signer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAME@SIGNER"):
        read_signed(text)
