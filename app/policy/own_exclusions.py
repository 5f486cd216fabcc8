"""Places that a company excludes by itself, next to the exclusions of the catalogue (pure).

Rules:
1. Each has an id, a name, a reason, at least one way to be recognised, and at least one example
   that it excludes. An example is judged by the code that judges events.
2. They can only narrow. All that any policy names holds; where two use the same id, both hold.
3. What counts is what is excluded. A set that excludes as much as another is no looser, whatever
   the names, reasons and examples are.
4. To agents and in reports each is ``own.ID``, so that it is never taken for one of the catalogue.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.policy.catalogue.address import read_address
from app.policy.catalogue.loosening import beyond
from app.policy.catalogue.meeting import uniting
from app.policy.catalogue.model import Exclusion, Matchers
from app.policy.catalogue.patterns import excludes, plain, read_page, read_pattern, read_title

PREFIX = "own."
WAYS = ("pages", "titles", "urls", "bundle_ids", "executables")
"""The matchers that a company may use, in the order of pages."""

_WEB = ("https://", "http://")


@dataclass(frozen=True)
class OwnExclusion:
    """One place that the company excludes.

    Attributes:
        examples: an address, ``APP: TITLE`` or the name of a program.
    """

    id: str
    name: str
    why: str
    match: Matchers
    examples: tuple[str, ...]

    def __str__(self) -> str:
        """The id, under which it is also told who asks for it."""
        return self.id

    def excludes(self, example: str) -> bool:
        """Whether an example is excluded by it.

        >>> match = Matchers(pages=("wiki.example.com/hr",), executables=("pay.exe",))
        >>> hr = OwnExclusion("hr", "HR pages", "Personnel files", match, ())
        >>> hr.excludes("https://wiki.example.com/HR/lane"), hr.excludes("Pay.exe")
        (True, True)
        >>> hr.excludes("https://wiki.example.com/hrx")
        False
        """
        if example.startswith(_WEB):
            return self._excludes_address(example)
        app, colon, title = example.partition(": ")
        if colon:
            return self._excludes_title(app, title)
        names = (*self.match.bundle_ids, *self.match.executables)
        return example.casefold() in {name.casefold() for name in names}

    def _excludes_address(self, text: str) -> bool:
        address = read_address(text)
        return address is not None and (
            any(read_page(page).fits(address) for page in self.match.pages)
            or any(excludes(read_pattern(url), address) for url in self.match.urls)
        )

    def _excludes_title(self, app: str, text: str) -> bool:
        titles, seen = map(read_title, self.match.titles), plain(text)
        return seen is not None and any(
            title.asks(app) and title.glob.fits(seen) for title in titles
        )


def write_own(item: OwnExclusion) -> dict[str, Any]:
    """Write one as policies and offers do: ways without a text are left out.

    >>> hr = OwnExclusion("hr", "HR", "Files.", Matchers(urls=("hr.example.com",)), ("x",))
    >>> [*write_own(hr)]
    ['id', 'name', 'why', 'urls', 'examples']
    """
    ways = {name: sorted(getattr(item.match, name)) for name in WAYS}
    return {
        "id": item.id,
        "name": item.name,
        "why": item.why,
        **{name: texts for name, texts in ways.items() if texts},
        "examples": sorted(item.examples),
    }


def read_own(raw: Mapping[str, Any]) -> OwnExclusion:
    """Read what ``write_own`` wrote.

    >>> hr = OwnExclusion("hr", "HR", "", Matchers(pages=("wiki.example.com/hr",)), ("x",))
    >>> read_own(write_own(hr)) == hr
    True
    """
    ways: dict[str, Any] = {name: tuple(raw.get(name, ())) for name in WAYS}
    match = Matchers(**ways)
    return OwnExclusion(raw["id"], raw["name"], raw["why"], match, tuple(raw["examples"]))


def in_order(items: Iterable[OwnExclusion]) -> tuple[OwnExclusion, ...]:
    """By id; those of one id in an order that depends on nothing but themselves.

    >>> hr = OwnExclusion("hr", "HR", "Files.", Matchers(urls=("hr.example.com",)), ("x",))
    >>> lab = OwnExclusion("lab", "Lab", "Secret.", Matchers(executables=("lab",)), ("lab",))
    >>> [item.id for item in in_order({lab, hr})]
    ['hr', 'lab']
    """
    return tuple(sorted(items, key=lambda item: (item.id, str(write_own(item)))))


def as_exclusions(items: Iterable[OwnExclusion]) -> tuple[Exclusion, ...]:
    """What agents are told: one exclusion for each id, with the ways of all that share it.

    >>> hr = OwnExclusion("hr", "HR", "", Matchers(pages=("wiki.example.com/hr",)), ("x",))
    >>> from dataclasses import replace
    >>> pay = replace(hr, match=Matchers(pages=("wiki.example.com/pay",)))
    >>> [(told.id, told.match.pages) for told in as_exclusions({hr, pay})]
    [('own.hr', ('wiki.example.com/hr', 'wiki.example.com/pay'))]
    """
    told: dict[str, Exclusion] = {}
    for item in in_order(items):
        name = PREFIX + item.id
        before = told.get(name)
        names = (item.name,) if before is None else (before.name, item.name)
        match = item.match if before is None else uniting(before.match, item.match)
        told[name] = Exclusion(name, " / ".join(dict.fromkeys(names)), item.why, match)
    return tuple(told.values())


def covers(items: Iterable[OwnExclusion], others: Iterable[OwnExclusion]) -> bool:
    """Whether all that others exclude is excluded by these, too (rule 3).

    >>> hr = OwnExclusion("hr", "HR", "", Matchers(pages=("wiki.example.com/hr",)), ("x",))
    >>> from dataclasses import replace
    >>> covers({replace(hr, name="Personnel")}, {hr}), covers((), {hr})
    (True, False)
    """
    return beyond(_ways(others), _ways(items)) == Matchers()


def _ways(items: Iterable[OwnExclusion]) -> Matchers:
    match = Matchers()
    for item in items:
        match = uniting(match, item.match)
    return match
