"""Tenants: an app that private people use too is the company's only where that is certain."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.catalogue.address import Address, read_address
from app.policy.tenants import EVERYBODYS_DOMAINS, MAX_WORD, fitting, read_tenant
from tests.policy.pace import unhurried

DOMAIN = "docs: domain example.com"
WORD = "slack: account Acme"
SPACED = "notion: account Example Devices"
UMLAUT = "notion: account M\u00fcller GmbH"
PAGES = "github: address github.com/example-devices"
BELOW = "jira: address *.example.net"
HOST = "gitlab: address gitlab.example.com"


def page(address: str | None) -> Address | None:
    return None if address is None else read_address(address)


ACCOUNTS = [
    (DOMAIN, "lane@example.com", True),
    (DOMAIN, "Lane.Lopez+tests@Example.COM", True),
    (DOMAIN, "example.com", True),
    (DOMAIN, "EXAMPLE.COM", True),
    (DOMAIN, "o'neil_1@example.com", True),
    (DOMAIN, "lane@gmail.com", False),
    (DOMAIN, "lane@mail.example.com", False),
    (DOMAIN, "mail.example.com", False),
    (DOMAIN, "lane@example.com.evil", False),
    (DOMAIN, "lane@example.com.", False),
    (DOMAIN, "lane@notexample.com", False),
    (DOMAIN, "lane@example.co", False),
    (DOMAIN, "example.com@evil.example", False),
    (DOMAIN, "lane@example.com@evil.example", False),
    (DOMAIN, "lane@evil.example@example.com", False),
    (DOMAIN, '"lane@evil.example"@example.com', False),
    (DOMAIN, "Lane <lane@example.com>", False),
    (DOMAIN, "lane@example.com (private)", False),
    (DOMAIN, "lane@example.com ", False),
    (DOMAIN, " lane@example.com", False),
    (DOMAIN, "lane lopez@example.com", False),
    (DOMAIN, "lane@example.com\n", False),
    (DOMAIN, "lane@ example.com", False),
    (DOMAIN, "@example.com", False),
    (DOMAIN, "lane", False),
    (DOMAIN, "", False),
    (DOMAIN, "lane@ex\u0430mple.com", False),  # a Cyrillic a
    (DOMAIN, "lane@example\uff0ecom", False),  # a full-width dot
    (DOMAIN, "lane\uff20example.com", False),  # a full-width at
    (DOMAIN, "lane@exam\u200bple.com", False),  # a blank that nobody sees
    (DOMAIN, "l\u00e4ne@example.com", False),
    (DOMAIN, f"{'a' * 65}@example.com", False),
    ("docs: domain mask.com", "lane@mas\u212a.com", False),  # the sign for kelvin
    (WORD, "acme", True),
    (WORD, "ACME", True),
    (WORD, "acme2", False),
    (WORD, "acme corp", False),
    (WORD, " acme", False),
    (WORD, "lane@acme", False),
    (WORD, "acm\u0435", False),  # a Cyrillic e
    (WORD, "", False),
    ("slack: account kit", "\u212ait", False),
    (SPACED, "example devices", True),
    (SPACED, "Example  Devices", False),
    (SPACED, "Example", False),
    (UMLAUT, "M\u00fcller gmbh", True),
    (UMLAUT, "M\u00dcLLER GMBH", False),
    (UMLAUT, "Mu\u0308ller GmbH", False),
    (PAGES, "example-devices", None),
]
ADDRESSES = [
    (PAGES, "https://github.com/example-devices", True),
    (PAGES, "https://github.com/example-devices/firmware/pulls?q=is#x", True),
    (PAGES, "https://GITHUB.com/example-devices/", True),
    (PAGES, "https://github.com/example-devices-private/x", False),
    (PAGES, "https://github.com/Example-Devices/x", False),
    (PAGES, "https://github.com/lane/example-devices", False),
    (PAGES, "https://github.com/", False),
    (PAGES, "https://gist.github.com/example-devices", False),
    (PAGES, "http://github.com/example-devices", False),
    (PAGES, "https://github.com.evil.example/example-devices", False),
    (PAGES, "https://github.com/lane?next=/example-devices", False),
    (PAGES, "https://github.com/lane/..%2fexample-devices", None),
    (PAGES, "https://lane@github.com/example-devices", None),
    (PAGES, "about:blank", None),
    (BELOW, "https://team.example.net/browse/A-1", True),
    (BELOW, "https://example.net/", True),
    (BELOW, "https://team.example.net.evil.example/", False),
    (HOST, "https://gitlab.example.com/lane", True),
    (HOST, "https://x.gitlab.example.com/lane", False),
    (DOMAIN, "https://example.com/", None),
    (WORD, "https://app.slack.com/client/acme", None),
]


@pytest.mark.parametrize(("tenant", "account", "fits"), ACCOUNTS)
def test_an_account_is_the_companys_only_if_it_is_certainly(
    tenant: str, account: str, fits: bool | None
) -> None:
    assert read_tenant(tenant).fits(None, account) is fits


@pytest.mark.parametrize(("tenant", "address", "fits"), ADDRESSES)
def test_a_page_is_the_companys_only_if_it_is_certainly(
    tenant: str, address: str, fits: bool | None
) -> None:
    assert read_tenant(tenant).fits(read_address(address), None) is fits


@pytest.mark.parametrize("tenant", [DOMAIN, WORD, PAGES])
def test_what_is_not_known_is_in_no_tenant(tenant: str) -> None:
    assert read_tenant(tenant).fits(None, None) is None


@pytest.mark.parametrize(
    ("address", "account", "fits"),
    [
        ("https://github.com/example-devices", None, True),
        ("https://github.com/lane", None, False),
        ("https://github.com/lane", "acme", True),
        (None, "acme", True),
        (None, "lane", False),
        (None, None, None),
    ],
)
def test_one_tenant_that_fits_is_enough(
    address: str | None, account: str | None, fits: bool | None
) -> None:
    ours = [read_tenant(PAGES), read_tenant("github: account acme")]
    assert fitting(ours, page(address), account) is fits


def test_where_no_tenant_is_named_nothing_is_known() -> None:
    assert fitting([], read_address("https://github.com/example-devices"), "acme") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "begins with the id of an app"),
        ("slack", "begins with the id of an app"),
        ("Slack: account acme", "begins with the id of an app"),
        ("*: account acme", "begins with the id of an app"),
        ("slack:account acme", "begins with the id of an app"),
        ("slack: acme", "after the app comes"),
        ("slack: workspace acme", "after the app comes"),
        ("slack: account", "after the app comes"),
        ("slack: account ", "1 to 200 characters"),
        ("slack: account  acme", "without blanks around"),
        ("slack: account acme ", "without blanks around"),
        ("slack: account ac\u200bme", "that nobody sees"),
        ("slack: account ac\nme", "that nobody sees"),
        (f"slack: account {'a' * (MAX_WORD + 1)}", "1 to 200 characters"),
        ("docs: domain com", "at least two parts"),
        ("docs: domain b\u00fccher.example", "ASCII letters"),
        ("docs: domain *.example.com", "at least two parts"),
        ("docs: domain example.com.", "at least two parts"),
        ("docs: domain lane@example.com", "at least two parts"),
        ("github: address com", "one label only"),
        ("github: address https://github.com/x", "not a plain name"),
        ("github: address github.com/", "is empty"),
    ],
)
def test_a_tenant_that_could_mean_something_else_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_tenant(text)


@pytest.mark.parametrize("text", [WORD, DOMAIN, PAGES, BELOW, SPACED, UMLAUT])
def test_the_same_tenant_is_the_same_text(text: str) -> None:
    tenant = read_tenant(text)
    assert read_tenant(str(tenant)) == tenant
    assert str(read_tenant("docs: domain EXAMPLE.com")) == DOMAIN


@pytest.mark.parametrize("domain", sorted(EVERYBODYS_DOMAINS))
def test_what_is_published_can_be_read_when_its_domain_has_become_everybodys(domain: str) -> None:
    assert read_tenant(f"docs: domain {domain}").fits(None, f"lane@{domain}")


_KNOWN: st.SearchStrategy[Any] = st.sampled_from([text for _, text, _ in ACCOUNTS]) | st.text()


@unhurried
@given(_KNOWN, st.sampled_from([DOMAIN, WORD, SPACED, UMLAUT]))
def test_an_account_that_fits_differs_in_case_at_most(account: str, tenant: str) -> None:
    ours = read_tenant(tenant)
    if ours.fits(None, account):
        assert account.casefold().endswith(ours.value.casefold())
        assert account.isascii() or tenant == UMLAUT


@unhurried
@given(
    st.lists(st.sampled_from([DOMAIN, WORD, PAGES, SPACED]), max_size=4),
    st.sampled_from([DOMAIN, WORD, PAGES, SPACED]),
    st.none() | st.sampled_from([text for _, text, _ in ADDRESSES]),
    st.none() | _KNOWN,
)
def test_naming_one_tenant_fewer_never_lets_more_in(
    tenants: list[str], more: str, address: str | None, account: str | None
) -> None:
    place = page(address), account
    fewer, all_of_them = [map(read_tenant, named) for named in (tenants, [*tenants, more])]
    assert not fitting(fewer, *place) or fitting(all_of_them, *place)
