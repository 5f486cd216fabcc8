"""What a policy document says about events, made ready once so that judging is fast (pure).

Rules:
1. Rules are made from a document that was read strictly, the counterparty document of the same
   lease, the zones in which hours are judged, and whether the laptop is the person's own.
2. Every knob that is judged, and every matcher, has its code in this room: ``JUDGED``, ``MATCHED``.
   A guard refuses a document with any other: it would be a rule that nobody keeps to.
3. Of several exclusions that fit, the first of the document is named.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Any

from app.event.model import Program
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode, Reason, Signal
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
from app.policy.knob_row import Applied, LeastInterval, ModeCap, When
from app.policy.knobs import (
    APPS,
    EXCLUSIONS,
    HOURS,
    OWN_EXCLUSIONS,
    PURPOSES,
    REGISTRY,
    TENANTS,
    KnobRegistry,
)
from app.policy.tenants import Tenant, read_tenant

MATCHED = frozenset(
    {"bundle_ids", "executables", "urls", "fields", "private", "programs", "pages", "titles"}
)
"""The matchers that have code here."""
JUDGED = frozenset(row.name for row in (APPS, TENANTS, EXCLUSIONS, OWN_EXCLUSIONS, PURPOSES, HOURS))
"""The judged knobs that have code here."""


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
            for pattern in map(read_pattern, raw["match"]["urls"]):
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


@dataclass(frozen=True)
class Cap:
    """No more than this mode may be kept when something is so."""

    when: When
    mode: Mode
    refusal: Reason | Refusal


@dataclass(frozen=True)
class SignalRules:
    """What a document says of one signal.

    Attributes:
        intervals: seconds between two events, and the refusal of what comes too soon.
        apply: what the recorder applies to what it keeps, by knob.
    """

    mode: Mode
    caps: tuple[Cap, ...]
    intervals: tuple[tuple[int, Refusal], ...]
    apply: Mapping[str, Any]


@dataclass(frozen=True)
class Circumstance:
    """Of the laptop: in which zones hours are judged, and whether it is the person's own.

    Attributes:
        zones: the device's and those of the home region; None is a zone that is not known.
    """

    zones: tuple[tzinfo | None, ...] = ()
    personal_device: bool = False


@dataclass(frozen=True)
class EventRules:
    """All that an event is judged by.

    Attributes:
        tenants: the company's accounts, by app.
        hours: of the week; None: no hours are named.
        others: modes by region and signal, where the other side is there; the region ``unknown`` is
            for whoever is nobody knows where.
    """

    apps: AppIndex
    tenants: Mapping[str, tuple[Tenant, ...]]
    exclusions: ExclusionIndex
    signals: Mapping[Signal, SignalRules]
    hours: frozenset[int] | None
    others: Mapping[str, Mapping[str, Mode]]
    circumstance: Circumstance

    @classmethod
    def of(
        cls,
        document: Mapping[str, Any],
        counterparties: Mapping[str, Any],
        circumstance: Circumstance,
        registry: KnobRegistry = REGISTRY,
    ) -> "EventRules":
        """Make documents ready.

        Args:
            document: a policy document of a form that has signed programs, read strictly.
            counterparties: the counterparty document that goes with it.
            circumstance: of the laptop.
            registry: the knobs that there are.

        Raises:
            KeyError, ValueError: a document was not read strictly before.
        """
        hours = document[HOURS.name]
        return cls(
            AppIndex.of(document[APPS.name]),
            _tenants(document[TENANTS.name]),
            ExclusionIndex.of((*document[EXCLUSIONS.name], *document[OWN_EXCLUSIONS.name])),
            _signals(document, registry),
            None if hours is None else frozenset(hours),
            _others(counterparties),
            circumstance,
        )

    def outside_hours(self, at: datetime) -> bool:
        """Whether an instant is outside the hours somewhere (the stricter zone holds)."""
        if self.hours is None:
            return False
        for zone in self.circumstance.zones or (None,):
            if zone is None:
                return True
            local = at.astimezone(zone)
            if 24 * local.weekday() + local.hour not in self.hours:
                return True
        return False

    def among(self, regions: tuple[str, ...] | None, signal: Signal) -> Mode:
        """How much of a signal may be kept where the other people are in these regions."""
        rows = [self.others.get(name) for name in (("unknown",) if regions is None else regions)]
        modes = (Mode.DENY if row is None else row.get(signal, Mode.DENY) for row in rows)
        return min(modes, default=Mode.ALLOW)


def names_of(program: Program) -> tuple[str, ...]:
    """The names that a program bears, as they are compared."""
    return tuple(name.casefold() for name in (program.id, program.executable) if name is not None)


def _tenants(texts: Iterable[str]) -> Mapping[str, tuple[Tenant, ...]]:
    tenants: dict[str, tuple[Tenant, ...]] = {}
    for tenant in map(read_tenant, texts):
        tenants[tenant.app] = (*tenants.get(tenant.app, ()), tenant)
    return tenants


def _signals(document: Mapping[str, Any], registry: KnobRegistry) -> Mapping[Signal, SignalRules]:
    purposeless = not document[PURPOSES.name]
    told = registry.told_in(document["v"])
    signals: dict[Signal, SignalRules] = {}
    for signal in registry.signals_in(document["v"]):
        rows = [row for row in told if row.governs(signal)]
        mode = Mode[document["signals"][str(signal)]["mode"].upper()]
        signals[signal] = SignalRules(
            Mode.DENY if purposeless else mode,
            tuple(
                Cap(row.use.when, Mode[document[row.name].upper()], row.use.refusal)
                for row in told
                if isinstance(row.use, ModeCap)
            ),
            tuple(
                (document[row.name], row.use.refusal)
                for row in rows
                if isinstance(row.use, LeastInterval) and document[row.name] is not None
            ),
            MappingProxyType(
                {
                    row.name: document[row.name]
                    for row in rows
                    if isinstance(row.use, Applied) and document[row.name] not in (None, [])
                }
            ),
        )
    return MappingProxyType(signals)


def _others(counterparties: Mapping[str, Any]) -> Mapping[str, Mapping[str, Mode]]:
    rows = {**counterparties["regions"], "unknown": counterparties["unknown"]}
    return {
        region: {signal: Mode[word.upper()] for signal, word in modes.items()}
        for region, modes in rows.items()
    }
