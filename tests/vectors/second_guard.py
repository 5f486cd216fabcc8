"""A second guard, written from docs/events.md alone: one event, one verdict.

It shares no code with the guard of the product. So a sentence of the page that can be read in two
ways, or a rule that only the code knows, shows as two verdicts for one event. It judges nothing
that needs a memory: no lease, no interval between screenshots.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.vectors.second_matching import (
    comparable,
    equal,
    fits_tenant,
    fits_title,
    fold,
    in_page,
    in_url,
    of_app,
    pattern_parts,
    readable,
)

SIGNALS = frozenset(
    ("pointer", "click", "menu", "shortcut", "key_timing", "key_content", "screenshot", "app_url")
)
WORDS = frozenset(
    (
        "none", "text", "search", "username", "email_address", "phone_number", "personal",
        "password", "one_time_code", "payment_card", "bank_account", "national_id", "health",
        "secret",
    )
)  # fmt: skip
PLACE = frozenset(
    ("program", "address", "frames", "window", "title", "account", "field", "counterparties")
)
MAX_JSON = 1_048_576
STRICT = ["deny", "redact", "allow"]
INSTANT = re.compile(
    r"(?:19|2\d)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
REGION = re.compile(r"(?!EU$)[A-Z]{2}(?:-[A-Z0-9]{1,3})?")

Json = Any


class Denied(Exception):
    """A refusal: its reason and, of `excluded`, the exclusion."""

    def __init__(self, reason: str, exclusion: str | None = None) -> None:
        super().__init__(reason)
        self.answer = {"denied": reason} | ({"exclusion": exclusion} if exclusion else {})


def verdict(
    event: object,
    document: Json,
    counterparties: Json,
    zones: Sequence[str],
    device_zone: str | None,
    personal_device: bool,
) -> dict[str, Json]:
    """What the page says of an event (an object, or the text of one) under these documents."""
    try:
        read = _read(event)
        judge = _Judge(document, counterparties)
        mode, app = judge.verdict(read, [device_zone, *zones], personal_device)
    except Denied as denied:
        return denied.answer
    return {"allowed": {"mode": mode, "app": app}}


# An event


def _read(event: object) -> Json:
    """The event, if every member is there and is what it has to be."""
    try:
        if isinstance(event, str):
            _need(len(event) <= MAX_JSON)
            event = json.loads(event, object_pairs_hook=_once, parse_constant=_no_constant)
        _check_event(event)
    except (ValueError, RecursionError):
        raise Denied("event_unreadable") from None
    return event


def _need(*conditions: object) -> None:
    if not all(conditions):
        raise ValueError


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    _need(len({name for name, _ in pairs}) == len(pairs))
    return dict(pairs)


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _check_event(event: Json) -> None:
    _need(isinstance(event, dict))
    signal = event.get("signal")
    _need(isinstance(signal, str) and signal in SIGNALS)
    optional = {"pictured"} if signal == "screenshot" else set()
    _need(set(event) - optional == PLACE | {"at", "signal"})
    _need(isinstance(event["at"], str) and INSTANT.fullmatch(event["at"]))
    _instant(event["at"])
    windows = event.get("pictured", None)
    _need(windows is None or _is_list(windows))
    for window in windows or []:
        _need(isinstance(window, dict) and set(window) == PLACE)
    for place in (event, *(windows or [])):
        _check_place(place)


def _check_place(place: dict[str, Json]) -> None:
    program = place["program"]
    _need(isinstance(program, dict) and set(program) == {"id", "signer", "executable"})
    for text in (*program.values(), place["address"], place["account"]):
        _need(text is None or _is_text(text))
    _need(place["title"] in (None, "") or _is_text(place["title"]))
    _need(_is_text(place["field"]), place["window"] in ("private", "ordinary", "unknown"))
    for texts in (place["frames"], place["counterparties"]):
        _need(texts is None or (_is_list(texts) and all(map(_is_text, texts))))
    _need(all(map(REGION.fullmatch, place["counterparties"] or [])))


def _is_text(value: object) -> bool:
    whole = isinstance(value, str) and not re.search("[\ud800-\udfff]", value)
    return whole and 1 <= len(str(value)) <= 8192


def _is_list(value: object) -> bool:
    return isinstance(value, list) and len(value) <= 64


def _instant(at: str) -> datetime:
    whole = re.sub(r"\.\d+", "", at)  # hours do not ask for fractions of a second
    return datetime.fromisoformat(whole)


# The verdict


class _Judge:
    def __init__(self, document: Json, counterparties: Json) -> None:
        self.document = document
        self.rows = counterparties
        self.exclusions = [*document["exclusions"], *document["own_exclusions"]]

    def verdict(
        self, event: Json, zones: Sequence[str | None], personal_device: bool
    ) -> tuple[str, str]:
        """The mode and the app, or `Denied`."""
        signal = event["signal"]
        windows = [event, *(event.get("pictured") or [])]
        apps = [self._app_of(window) for window in windows]
        mode = self.document["signals"].get(signal, {}).get("mode", "deny")
        if mode == "deny" or not self.document["purposes"]:
            raise Denied("signal_denied")
        for window, app in zip(windows, apps, strict=True):
            for reason, limit in self._limits(window, app, event, zones, personal_device):
                if limit == "deny":
                    raise Denied(reason)
                mode = min(mode, limit, key=STRICT.index)
        if signal == "screenshot" and event.get("pictured") is None:
            raise Denied("picture_unknown")
        return mode, apps[0]["id"]

    def _app_of(self, window: Json) -> Json:
        """Steps 1 to 6."""
        self._exclude(window)
        app = self._page(window, self._programs(window["program"]))
        self._exclude_title(window["title"], app["id"])
        self._ask_what_is_unknown(window, app["id"])
        if app["private_accounts"]:
            self._tenant(window, app["id"])
        return app

    def _exclude(self, window: Json) -> None:
        program = window["program"]
        names = {fold(name) for name in (program["id"], program["executable"]) if name}
        shown = [window["address"], *(window["frames"] or [])]
        addresses = [address for address in map(readable, shown) if address]
        for exclusion in self.exclusions:
            match = exclusion["match"]
            if (
                any(fold(name) in names for name in match["bundle_ids"] + match["executables"])
                or any(in_url(url, a, equal) for url in match["urls"] for a in addresses)
                or any(in_page(page, a) for page in match["pages"] for a in addresses)
                or _word(window["field"]) in match["fields"]
                or (match["private"] and window["window"] == "private")
                or fits_title(match["titles"], "*", window["title"])
            ):
                raise Denied("excluded", exclusion["id"])

    def _programs(self, program: Json) -> list[Json]:
        """The apps that the program is one of, those by `id` first."""
        names = [fold(name) for name in (program["id"], program["executable"]) if name]
        if not names:
            raise Denied("program_unknown")
        called = [
            (app, signer)
            for wanted in names
            for app in self.document["apps"]
            for name, _, signer in (text.partition("@") for text in app["match"]["programs"])
            if fold(name) == wanted
        ]
        fitting = [app for app, signer in called if signer == program["signer"]]
        if not fitting:
            unknown = called and program["signer"] is None
            raise Denied("program_unknown" if unknown else "app_unlisted")
        return fitting

    def _page(self, window: Json, programs: list[Json]) -> Json:
        native = [app for app in programs if app["group"] != "browser"]
        address, frames = window["address"], window["frames"]
        if address == "unknown" or (address is None and not native):
            raise Denied("address_unknown")
        if address is None:
            app = native[0]
        else:
            app = self._site(address)
            if app is None or (app not in native and len(native) == len(programs)):
                raise Denied("app_unlisted")
        if frames is None:
            raise Denied("frame_unknown")
        if any(site is not app for site in list(map(self._site, frames))):
            raise Denied("app_unlisted")
        return app

    def _site(self, text: str) -> Json | None:
        """The app whose page it is, the one with the nearest host."""
        address = readable(text)
        if address is None:
            raise Denied("address_unreadable")
        fitting = [
            (len(pattern_parts(url)[0].removeprefix("*.").split(".")), app)
            for app in self.document["apps"]
            if app["group"] != "browser"
            for url in app["match"]["urls"]
            if of_app(url, address)
        ]
        return max(fitting, key=lambda found: found[0])[1] if fitting else None

    def _exclude_title(self, title: str | None, app: str) -> None:
        for exclusion in self.exclusions:
            if fits_title(exclusion["match"]["titles"], app, title):
                raise Denied("excluded", exclusion["id"])

    def _ask_what_is_unknown(self, window: Json, app: str) -> None:
        matches = [exclusion["match"] for exclusion in self.exclusions]
        if window["window"] == "unknown" and any(match["private"] for match in matches):
            raise Denied("window_unknown")
        if _word(window["field"]) == "unknown" and any(match["fields"] for match in matches):
            raise Denied("field_unknown")
        titles = [text.partition(":")[0] for match in matches for text in match["titles"]]
        if not comparable(window["title"]) and {"*", app} & set(titles):
            raise Denied("title_unknown")

    def _tenant(self, window: Json, app: str) -> None:
        named = [text.partition(": ") for text in self.document["tenants"]]
        asked = [rest.partition(" ") for name, _, rest in named if name == app]
        reasons = {
            _outside_tenants(asked, page, window["account"])
            for page in (window["address"], *window["frames"])
        }
        for reason in sorted(reasons - {""}):
            raise Denied(reason)

    def _limits(
        self,
        window: Json,
        app: Json,
        event: Json,
        zones: Sequence[str | None],
        personal_device: bool,
    ) -> Iterator[tuple[str, str]]:
        """The modes that bind in a window, each with the reason if it denies."""
        if _outside(self.document["hours"], _instant(event["at"]), zones):
            yield "off_hours", self.document["off_hours"]
        if personal_device:
            yield "personal_device", self.document["personal_device"]
        others, kind = window["counterparties"], app["others"]
        if kind and not (kind == "shared_documents" and others == []):
            yield "counterparty", self.document["counterparty"]
        if kind:
            for row in self._rows_of(others):
                yield "counterparty", row.get(event["signal"], "deny")

    def _rows_of(self, others: list[str] | None) -> list[Mapping[str, str]]:
        rows = self.rows or {"unknown": {}, "regions": {}}
        if others is None:
            return [rows["unknown"]]
        return [rows["regions"].get(region, {}) for region in others]


def _word(field: str) -> str:
    return field if field in WORDS else "unknown"


def _outside_tenants(
    asked: list[tuple[str, str, str]], page: str | None, account: str | None
) -> str:
    shown = [(way, value, page if way == "address" else account) for way, _, value in asked]
    known = [(way, value, text) for way, value, text in shown if text is not None]
    if any(fits_tenant(way, value, text) for way, value, text in known):
        return ""
    return "tenant_other" if known else "tenant_unknown"


def _outside(hours: list[int] | None, at: datetime, zones: Sequence[str | None]) -> bool:
    if hours is None:
        return False
    return any(_hour_of_week(at, zone) not in hours for zone in zones)


def _hour_of_week(at: datetime, zone: str | None) -> int | None:
    """0 is the hour that begins on Monday at 00:00; None in a zone that is not known."""
    try:
        local = at.astimezone(ZoneInfo(zone or ""))
    except (LookupError, ValueError, OSError):
        return None
    return local.weekday() * 24 + local.hour
