"""Which app an event belongs to, and whether it is in an excluded place (pure).

Shared with the guard on the laptop: only the standard library may be imported here.

Rules:
1. An event with an address is judged by the address alone: a page belongs to the app whose address
   it is, never to the browser that shows it. An event without one is judged by the program.
2. A browser without a known address is no app, also if a policy lists the browser.
3. An address that cannot be read in one way only (address.py) belongs to no app, and what is not
   listed is not captured.
4. An exclusion is recognised by program, address, kind of field, or private window. It wins over
   every app; asking for it first is the caller's duty.
5. Comparison errs towards exclusion: an app's path must be equal letter for letter, an exclusion's
   path in any case.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from app.policy.catalogue.address import Address, read_address
from app.policy.catalogue.patterns import Pattern, excludes, read_pattern

BROWSER = "browser"
COMMUNICATION = "communication"
"""The group of apps that show what other people write."""
MATCHED = frozenset({"bundle_ids", "executables", "urls", "fields", "private"})
"""The matchers that have code here; a guard refuses a document with any other."""


class Observed(Protocol):
    """What is known of an event's place."""

    @property
    def app(self) -> str:
        """Bundle id or executable of the program in front."""

    @property
    def url(self) -> str | None:
        """Address of the page in front, in a browser."""

    @property
    def field(self) -> str | None:
        """Kind of the field that has the focus, e.g. ``password``."""

    @property
    def private(self) -> bool:
        """Whether the window is private."""


def match_app(event: Observed, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the listed app of a policy document that the event belongs to, or None.

    >>> from types import SimpleNamespace
    >>> page = SimpleNamespace(app="Safari", url="https://mail.example.com/inbox")
    >>> match = {"bundle_ids": [], "executables": [], "urls": ["mail.example.com"]}
    >>> match_app(page, {"apps": [{"id": "mail", "group": "mail", "match": match}]})["id"]
    'mail'
    """
    if event.url is None:
        program = event.app.casefold()
        for app in document["apps"]:
            if app["group"] != BROWSER and program in _programs(app["match"]):
                return app  # type: ignore[no-any-return]
        return None
    address = read_address(event.url)
    if address is None:
        return None
    for app in document["apps"]:
        if any(_fits(address, read_pattern(url)) for url in app["match"]["urls"]):
            return app  # type: ignore[no-any-return]
    return None


def match_exclusion(event: Observed, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the exclusion of a policy document that the event falls under, or None.

    >>> from types import SimpleNamespace
    >>> event = SimpleNamespace(app="slack", url=None, field="Password", private=False)
    >>> match = {"bundle_ids": [], "executables": [], "urls": [], "private": False}
    >>> match["fields"] = ["password"]
    >>> match_exclusion(event, {"exclusions": [{"id": "passwords", "match": match}]})["id"]
    'passwords'
    """
    program = event.app.casefold()
    field = None if event.field is None else event.field.casefold()
    address = None if event.url is None else read_address(event.url)
    for item in document["exclusions"]:
        match = item["match"]
        if (
            program in _programs(match)
            or (field is not None and field in {name.casefold() for name in match["fields"]})
            or (match["private"] and event.private)
            or (address is not None and _excluded(address, match["urls"]))
        ):
            return item  # type: ignore[no-any-return]
    return None


def _fits(address: Address, pattern: Pattern) -> bool:
    return _same_host(address, pattern) and address.path[: len(pattern.path)] == pattern.path


def _excluded(address: Address, patterns: Iterable[str]) -> bool:
    return any(excludes(read_pattern(text), address) for text in patterns)


def _same_host(address: Address, pattern: Pattern) -> bool:
    return address.host == pattern.host or (
        pattern.below and address.host.endswith("." + pattern.host)
    )


def _programs(match: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name.casefold() for name in (*match["bundle_ids"], *match["executables"]))
