"""The verdict: whether an event may be kept, and if not, why (pure).

The guard on the laptop, the page on which policies are tried, and the published test vectors ask
this one function.

Rules:
1. What the recorder does not know is as whatever it could be: the verdict is the strictest over all
   that it could have said. So an unknown never allows more. It has a reason of its own where it
   alone stands in the way.
2. An exclusion wins over every app. It is recognised by program, address, frame, field, private
   window or title.
3. An app is recognised by its signed program, or in a listed browser by its https address. What
   has an address belongs to no other app than the address does, and so do all its frames.
4. An app that private people use counts in the company's accounts only (policy/tenants.py), and so
   does each frame of its pages.
5. The mode is the signal's, and no more than any mode that binds here: outside the hours, on the
   person's own laptop, where other people speak, and wherever those people are.
6. A picture shows several windows: each of them is judged, and the strictest holds.
7. The first refusal in this order is named: excluded; program, page and frames; what is not known
   of the window; the account; the signal; what binds here; the picture.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from app.event.model import Place, Program, UiEvent, WindowKind
from app.event.recognition import ListedApp, names_of
from app.event.rules import EventRules
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import FieldKind, Mode, Reason, Signal
from app.policy.catalogue.address import Address, read_address
from app.policy.catalogue.model import SHARED_DOCUMENTS
from app.policy.catalogue.patterns import ANY_APP, plain
from app.policy.knob_row import When
from app.policy.tenants import fitting

NOT_KNOWN = "unknown"
"""The address of a page of which the recorder knows that it is there, and no more."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Allowed:
    """The event may be kept: everything of it, or what the redactors leave.

    Attributes:
        app: the id of the app in which it counts.
        apply: what the recorder has to apply to what it keeps, by knob: the redactors, say.
    """

    mode: Mode
    app: str
    apply: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, hash=False)


@dataclass(frozen=True)
class Denied:
    """The event must be dropped, and why.

    Attributes:
        exclusion: the id of the exclusion it falls under.
    """

    reason: Reason | Refusal
    exclusion: str | None = None


def judge(event: UiEvent, rules: EventRules) -> Allowed | Denied:
    """Say whether an event may be kept; intervals between events are left to the guard."""
    apps: list[ListedApp] = []
    places = (event.place, *(event.pictured or ()))
    for place in places:
        found = _app(place, rules)
        if isinstance(found, Denied):
            return found
        apps.append(found)
    signal = rules.signals.get(event.signal)
    if signal is None or signal.mode is Mode.DENY:
        return Denied(Refusal.SIGNAL_DENIED)
    mode: Mode = signal.mode
    for app, place in zip(apps, places, strict=True):
        capped = _capped(event, app, place, rules)
        if isinstance(capped, Denied):
            return capped
        mode = min(mode, capped)
    if event.signal is Signal.SCREENSHOT and event.pictured is None:
        return Denied(Refusal.PICTURE_UNKNOWN)
    return Allowed(mode, apps[0].id, signal.apply)


def _app(place: Place, rules: EventRules) -> ListedApp | Denied:
    """The app that a window belongs to, unless something about the window stands in the way."""
    address = None if place.address is None else read_address(place.address)
    frames = tuple(map(read_address, place.frames or ()))
    title = None if place.title is None else plain(place.title)
    excluded = min(_excluded(place, address, frames, title, rules), default=None)
    if excluded is not None:
        return Denied(Refusal.EXCLUDED, rules.exclusions.ids[excluded])
    app = _belongs(place, address, frames, rules)
    if isinstance(app, Denied):
        return app
    if title is not None:
        excluded = min(rules.exclusions.of_title(app.id, title), default=None)
        if excluded is not None:
            return Denied(Refusal.EXCLUDED, rules.exclusions.ids[excluded])
    refusal = _unknown(place, title, app, rules) or _elsewhere(
        place, (address, *frames), app, rules
    )
    return app if refusal is None else Denied(refusal)


def _excluded(
    place: Place,
    address: Address | None,
    frames: tuple[Address | None, ...],
    title: str | None,
    rules: EventRules,
) -> Iterator[int]:
    """Which exclusions a window falls under, whatever app it belongs to."""
    index = rules.exclusions
    for name in names_of(place.program):
        if name in index.programs:
            yield index.programs[name]
    if place.field in index.fields:
        yield index.fields[place.field]
    if place.window is WindowKind.PRIVATE and index.private is not None:
        yield index.private
    for each in (address, *frames):
        if each is not None:
            yield from index.of_address(each)
    if title is not None:
        yield from index.of_title(ANY_APP, title)


def _belongs(
    place: Place, address: Address | None, frames: tuple[Address | None, ...], rules: EventRules
) -> ListedApp | Denied:
    """The app of the program, or of the page in a browser; its frames belong to it, too."""
    shows = rules.apps.of_program(place.program)
    if not shows:
        return Denied(_unlisted(place.program, rules))
    app = _paged(place, address, shows, rules)
    if isinstance(app, Denied):
        return app
    refusal = _framed(place, frames, app, rules)
    return app if refusal is None else Denied(refusal)


def _unlisted(program: Program, rules: EventRules) -> Refusal:
    """Why a program is no listed one: it bears the name of one, perhaps, and nothing proves it."""
    names = names_of(program)
    bears = not rules.apps.names.isdisjoint(names)
    unknown = not names or (bears and program.signer is None)
    return Refusal.PROGRAM_UNKNOWN if unknown else Refusal.APP_UNLISTED


def _paged(
    place: Place, address: Address | None, shows: tuple[ListedApp, ...], rules: EventRules
) -> ListedApp | Denied:
    """The app of the page that a program shows, or of the program where it shows none."""
    itself = next((app for app in shows if not app.browser), None)
    if place.address == NOT_KNOWN or (place.address is None and itself is None):
        return Denied(Refusal.ADDRESS_UNKNOWN)
    if place.address is not None and address is None:
        return Denied(Refusal.ADDRESS_UNREADABLE)
    app = itself if address is None else rules.apps.of_address(address)
    browses = any(shown.browser for shown in shows)
    if app is None or not (browses or app in shows):
        return Denied(Refusal.APP_UNLISTED)
    return app


def _framed(
    place: Place, frames: tuple[Address | None, ...], app: ListedApp, rules: EventRules
) -> Refusal | None:
    """Why the frames of a page stand in the way."""
    if place.frames is None:
        return Refusal.FRAME_UNKNOWN
    if None in frames:
        return Refusal.ADDRESS_UNREADABLE
    elsewhere = any(each and rules.apps.of_address(each) is not app for each in frames)
    return Refusal.APP_UNLISTED if elsewhere else None


def _unknown(place: Place, title: str | None, app: ListedApp, rules: EventRules) -> Refusal | None:
    """What is not known of a window, and an exclusion asks about.

    A title that cannot be compared is not known either.
    """
    index = rules.exclusions
    if place.window is WindowKind.UNKNOWN and index.private is not None:
        return Refusal.WINDOW_UNKNOWN
    if place.field is FieldKind.UNKNOWN and index.fields:
        return Refusal.FIELD_UNKNOWN
    if title is None and index.asks_titles(app.id):
        return Refusal.TITLE_UNKNOWN
    return None


def _elsewhere(
    place: Place, addresses: tuple[Address | None, ...], app: ListedApp, rules: EventRules
) -> Refusal | None:
    """Why a window is not in an account of the company's, where private people have some, too.

    The page and each of its frames have to be in one.
    """
    if not app.private_accounts:
        return None
    named = rules.tenants.get(app.id, ())
    inside = {fitting(named, address, place.account) for address in addresses}
    if False in inside:
        return Refusal.TENANT_OTHER
    return Refusal.TENANT_UNKNOWN if None in inside else None


def _capped(event: UiEvent, app: ListedApp, place: Place, rules: EventRules) -> Mode | Denied:
    """The least mode that binds in a window, of those that bind at all."""
    mode = Mode.ALLOW
    for cap in rules.signals[event.signal].caps:
        if cap.mode < mode and _binds(cap.when, event, app, place, rules):
            mode = cap.mode
            if mode is Mode.DENY:
                return Denied(cap.refusal)
    if app.others:
        mode = min(mode, rules.among(place.counterparties, event.signal))
        if mode is Mode.DENY:
            return Denied(Refusal.COUNTERPARTY)
    return mode


def _binds(when: When, event: UiEvent, app: ListedApp, place: Place, rules: EventRules) -> bool:
    match when:
        case When.OFF_HOURS:
            return rules.outside_hours(event.at)
        case When.PERSONAL_DEVICE:
            return rules.circumstance.personal_device
        case When.COUNTERPARTY:
            alone = app.others == SHARED_DOCUMENTS and place.counterparties == ()
            return bool(app.others) and not alone
