"""Examples to try: events that can happen under a policy, filled into the form. Pure.

An example uses the apps, browsers and accounts that the policy document lists. What it does not
list makes no example: nobody is shown a chat where no chat is captured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.kernel.vocabulary import FieldKind, Signal
from app.policy.catalogue.model import BROWSER
from app.policy.tenants import TenantKind, read_tenant
from app.web.trial.form import TypedPlace, browser_of, site_of

App = Mapping[str, Any]

_HR_PAGES = (
    ("confluence", "https://example.atlassian.net/wiki/spaces/HR/overview"),
    ("sharepoint", "https://example.sharepoint.com/sites/hr"),
    ("jira", "https://example.atlassian.net/browse/HR-12"),
)
"""Pages of HR in apps that companies list, the usual ones first."""
_BANK = "https://www.paypal.com/"
_PEOPLE = ("chat", "mail", "meetings", "tickets")
"""Apps in which other people speak, the liveliest first."""


@dataclass(frozen=True)
class TrialExample:
    """One example: its id, and the form filled in."""

    id: str
    typed: TypedPlace


def examples(document: Mapping[str, Any]) -> tuple[TrialExample, ...]:
    """The examples of a policy document; none where it lists no app."""
    return tuple(TrialExample(name, typed) for name, typed in _examples(document))


def _examples(document: Mapping[str, Any]) -> Iterator[tuple[str, TypedPlace]]:
    browser, apps = browser_of(document), _apps(document)
    if not apps:
        return
    quiet = next((app for app in apps if _counts(app, document)), apps[0])
    plain = in_app(quiet, document)
    yield "listed", plain
    hr_page = next(((app, url) for app, url in _HR_PAGES if _lists(apps, app)), None)
    if browser and hr_page:
        yield "hr_page", replace(plain, app=hr_page[0], address=hr_page[1], title="Our team")
    chat = next((app for kind in _PEOPLE for app in apps if app["others"] == kind), None)
    if chat:
        among = in_app(chat, document)
        typing = replace(among, signal=Signal.KEY_CONTENT.value, field=FieldKind.TEXT.value)
        yield "chat_germany", replace(typing, counterparties="DE")
        yield "others_unknown", replace(among, counterparties="unknown")
    yield "private_unknown", replace(plain, window="unknown")
    private = next((app for app in apps if app["private_accounts"]), None)
    if private:
        own = in_app(private, document)
        site = (site_of(private) or "") if own.address else ""
        yield "private_account", replace(own, address=site, account="lane@example.net")
    if browser:
        yield "bank_pictured", replace(plain, signal=Signal.SCREENSHOT.value, pictured=_BANK)
    yield "password", replace(plain, field=FieldKind.PASSWORD.value)


def in_app(app: App, document: Mapping[str, Any]) -> TypedPlace:
    """The form for a click in an app, in an account of the company's where it names one."""
    typed = TypedPlace(app=app["id"], title="Weekly plan")
    tenants = map(read_tenant, document["tenants"])
    mine = next((tenant for tenant in tenants if tenant.app == app["id"]), None)
    if mine is None:
        return typed
    match mine.kind:
        case TenantKind.ADDRESS:
            return replace(typed, address=f"https://{mine.value.replace('*.', 'www.', 1)}")
        case TenantKind.DOMAIN:
            return replace(typed, account=f"lane@{mine.value}")
        case TenantKind.ACCOUNT:
            return replace(typed, account=mine.value)


def _apps(document: Mapping[str, Any]) -> list[App]:
    """The apps in which an event can count: browsers are none, and sites need a browser."""
    browser = browser_of(document)
    return [
        app
        for app in document["apps"]
        if app["group"] != BROWSER and (browser or app["match"]["programs"])
    ]


def _counts(app: App, document: Mapping[str, Any]) -> bool:
    """Whether an app shows nobody else's words, and it is known in which accounts it counts."""
    named = any(read_tenant(text).app == app["id"] for text in document["tenants"])
    return not app["others"] and (named or not app["private_accounts"])


def _lists(apps: list[App], name: str) -> bool:
    return any(app["id"] == name and app["match"]["urls"] for app in apps)
