"""How apps and exclusions of a policy document are recognised, looked up fast (pure).

Rules:
1. Each matcher has its code here: ``MATCHED``. A guard refuses a document with any other.
2. Apps are looked up by signed program and by host, exclusions by name, by field, and by host and
   first segment of the path. A lookup finds what trying every pattern would find.
3. Of several exclusions that fit, the first of the document is named.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.event.model import Program
from app.policy.catalogue.address import Address
from app.policy.catalogue.model import BROWSER
from app.policy.catalogue.patterns import (
    ANY_APP,
    Glob,
    Page,
    Pattern,
    SignedProgram,
    bare,
    excludes,
    first_of,
    fits,
    hosts_of,
    read_page,
    read_pattern,
    read_signed,
    read_title,
)

MATCHED = frozenset(
    {"bundle_ids", "executables", "urls", "fields", "private", "programs", "pages", "titles"}
)
"""The matchers that have code here."""


@dataclass(frozen=True)
class ListedApp:
    """An app of a document.

    Attributes:
        browser: it shows pages, and is no app itself.
        others: in what it shows other people's words; empty: it does not.
        private_accounts: private people use it, too; it counts in the company's accounts only.
    """

    id: str
    browser: bool
    others: str
    private_accounts: bool


@dataclass(frozen=True)
class AppIndex:
    """The apps of a document, by how they are recognised; each list in the document's order."""

    programs: Mapping[SignedProgram, tuple[ListedApp, ...]]
    names: frozenset[str]
    hosts: Mapping[str, tuple[tuple[Pattern, ListedApp], ...]]

    @classmethod
    def of(cls, apps: Iterable[Mapping[str, Any]]) -> "AppIndex":
        """Make the index."""
        programs: dict[SignedProgram, list[ListedApp]] = defaultdict(list)
        hosts: dict[str, list[tuple[Pattern, ListedApp]]] = defaultdict(list)
        for raw in apps:
            app = ListedApp(
                raw["id"],
                raw["group"] == BROWSER,
                raw["others"],
                raw["private_accounts"],
            )
            for text in raw["match"]["programs"]:
                programs[read_signed(text)].append(app)
            pages = () if app.browser else raw["match"]["urls"]
            for pattern in map(read_pattern, pages):
                hosts[pattern.host].append((pattern, app))
        names = frozenset(program.name for program in programs)
        return cls(
            {program: tuple(rows) for program, rows in programs.items()},
            names,
            {host: tuple(rows) for host, rows in hosts.items()},
        )

    def of_program(self, program: Program) -> tuple[ListedApp, ...]:
        """The apps and browsers whose signed program it is."""
        if program.signer is None:
            return ()
        signed = (SignedProgram(name, program.signer) for name in names_of(program))
        return tuple(app for one in signed for app in self.programs.get(one, ()))

    def of_address(self, address: Address) -> ListedApp | None:
        """The app whose address it is."""
        for host in hosts_of(address.host):
            for pattern, app in self.hosts.get(host, ()):
                if fits(address, pattern):
                    return app
        return None


@dataclass(frozen=True)
class ExclusionIndex:
    """The exclusions of a document, by what they ask about; each named by its place in the list.

    Attributes:
        places: by host and first segment of the path; None where the segment may be any, or none.
        titles: by app; ``*`` for windows of any. Each with a text that is in every title it fits.
    """

    ids: tuple[str, ...]
    programs: Mapping[str, int]
    fields: Mapping[str, int]
    private: int | None
    places: Mapping[tuple[str, str | None], tuple[tuple[Pattern | Page, int], ...]]
    titles: Mapping[str, tuple[tuple[str, Glob, int], ...]]

    @classmethod
    def of(cls, exclusions: Iterable[Mapping[str, Any]]) -> "ExclusionIndex":
        """Make the index."""
        listed = list(exclusions)
        programs: dict[str, int] = {}
        fields: dict[str, int] = {}
        places: dict[tuple[str, str | None], list[tuple[Pattern | Page, int]]] = defaultdict(list)
        titles: dict[str, list[tuple[str, Glob, int]]] = defaultdict(list)
        for number, match in enumerate(item["match"] for item in listed):
            for name in (*match["bundle_ids"], *match["executables"]):
                programs.setdefault(name.casefold(), number)
            for name in match["fields"]:
                fields.setdefault(name, number)
            found: list[Pattern | Page] = [*map(read_pattern, match["urls"])]
            for place in (*found, *map(read_page, match["pages"])):
                places[place.host, first_of(place)].append((place, number))
            for title in map(read_title, match["titles"]):
                titles[title.app].append((title.glob.longest, title.glob, number))
        private = (number for number, item in enumerate(listed) if item["match"]["private"])
        return cls(
            tuple(item["id"] for item in listed),
            programs,
            fields,
            next(private, None),
            {where: tuple(rows) for where, rows in places.items()},
            {app: tuple(rows) for app, rows in titles.items()},
        )

    def of_address(self, address: Address) -> Iterable[int]:
        """Which exclusions an address falls under."""
        firsts = (None, *map(bare, address.path[:1]))
        for host in hosts_of(address.host):
            for first in firsts:
                for place, number in self.places.get((host, first), ()):
                    if place.fits(address) if isinstance(place, Page) else excludes(place, address):
                        yield number

    def of_title(self, app: str, title: str) -> Iterable[int]:
        """Which exclusions a window with a title (as ``patterns.plain`` gives it) falls under."""
        rows = self.titles.get(app, ())
        return (number for part, glob, number in rows if part in title and glob.fits(title))

    def asks_titles(self, app: str) -> bool:
        """Whether any exclusion asks what a window of an app is called."""
        return app in self.titles or ANY_APP in self.titles


def names_of(program: Program) -> tuple[str, ...]:
    """The names that a program bears, as they are compared."""
    return tuple(name.casefold() for name in (program.id, program.executable) if name is not None)
