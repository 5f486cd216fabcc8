"""The form that describes an event: what was typed becomes the event that a recorder would write.

Pure.

Rules:
1. The form fills in what a recorder would know by itself, from the policy document: the program of
   an app, the browser that shows a page, the address of a site. The page shows the event that came
   out, so nothing of it is hidden.
2. An event that was pasted in counts instead of the fields, and is taken as it is.
3. What is wrong is told at its field, and everything that was typed stays.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.capture.trial import Laptop, Told
from app.event.model import UiEvent
from app.event.reading import read_event, read_event_text
from app.event.verdict import NOT_KNOWN
from app.kernel.clock import zone_named
from app.kernel.errors import Fault
from app.kernel.vocabulary import Signal
from app.policy.catalogue.model import BROWSER
from app.web.trial.words import TRIAL_FIELDS

JsonObject = dict[str, Any]

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
"""How a browser sends a day and a time of day."""
PASTED = "event"


@dataclass(frozen=True)
class TypedPlace:
    """What a form carries, as it was typed; empty: nothing was.

    Attributes:
        region: home; place: where the laptop is; both for legal only.
        app: id of a listed app; empty: none of them.
        program: ``NAME@SIGNER``; without a signer, nobody knows who signed it.
        frames, pictured: one a line.
        at: day and time of day, in the laptop's zone.
        zone: the laptop's; empty: that at home, ``unknown``: nobody knows.
        event: JSON that counts instead of the fields.
        example: the id of one to fill in.
    """

    region: str = ""
    place: str = ""
    personal: str = ""
    zone: str = ""
    signal: str = Signal.CLICK.value
    app: str = ""
    program: str = ""
    address: str = ""
    frames: str = ""
    window: str = "ordinary"
    title: str = ""
    account: str = ""
    field: str = "none"
    counterparties: str = ""
    at: str = ""
    pictured: str = ""
    event: str = ""
    example: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> "TypedPlace":
        """Read a form; a field that was not sent is empty, and files are no text."""
        names = (row.name for row in dataclasses.fields(cls))
        return cls(**{name: _plain(sent.get(name)) for name in names})


@dataclass(frozen=True)
class Described:
    """The event that came out of a form, or what is wrong with it.

    Attributes:
        value: as a recorder writes it; None where pasted text is not even JSON.
        event: the same, read; None where something is wrong.
    """

    value: object
    event: UiEvent | None
    faults: tuple[Fault, ...] = ()


def laptop_of(typed: TypedPlace, told: Told) -> Laptop:
    """The laptop that a form describes."""
    zone = typed.zone or told.zones[0]
    return Laptop(None if zone == NOT_KNOWN else zone, bool(typed.personal))


def described(typed: TypedPlace, told: Told, now: datetime) -> Described:
    """Make the event.

    Args:
        typed: what the form carries.
        told: the policy document names programs and sites, the zones the time at home.
        now: the time of the event where none was typed.
    """
    if typed.event.strip():
        return _pasted(typed.event)
    zone = laptop_of(typed, told).zone or told.zones[0]
    value = event_value(typed, told.document, _instant(typed.at.strip(), zone, now))
    try:
        return Described(value, read_event(value))
    except ValueError as error:
        return Described(value, None, (_fault(str(error)),))


def _pasted(text: str) -> Described:
    try:
        event = read_event_text(text)
    except ValueError as error:
        member, _, rest = str(error).partition(": ")
        problem, _, cure = rest.rpartition("; ")
        return Described(None, None, (Fault(PASTED, f"{member} {problem}.", _cure(cure)),))
    return Described(json.loads(text), event)


def _fault(message: str) -> Fault:
    """A fault of the event as one of the field that it was typed in."""
    member, _, rest = message.partition(": ")
    problem, _, cure = rest.rpartition("; ")
    field = re.split(r"[.\[]", member)[0]
    if field not in TRIAL_FIELDS:
        return Fault(PASTED, f"{member} {problem}.", _cure(cure))
    return Fault(field, f"{TRIAL_FIELDS[field]}: {problem}.", _cure(cure))


def _cure(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def event_value(typed: TypedPlace, document: Mapping[str, Any], at: str) -> JsonObject:
    """The event that the fields describe, as a recorder writes it.

    >>> typed = TypedPlace(program="slack@Slack Technologies, LLC", counterparties="de, US-CA")
    >>> value = event_value(typed, {"apps": []}, "2026-11-22T08:30:00Z")
    >>> value["program"]["signer"], value["counterparties"], value["title"]
    ('Slack Technologies, LLC', ['DE', 'US-CA'], None)
    """
    program, address = _shown(typed, document)
    value: JsonObject = {
        "at": at,
        "signal": typed.signal,
        "program": program,
        "address": address,
        "frames": _lines(typed.frames),
        "window": typed.window,
        "title": typed.title or None,
        "account": typed.account.strip() or None,
        "field": typed.field,
        "counterparties": _regions(typed.counterparties),
    }
    if typed.signal == Signal.SCREENSHOT:
        value["pictured"] = _pictured(typed.pictured, document)
    return value


def _shown(typed: TypedPlace, document: Mapping[str, Any]) -> tuple[JsonObject, str | None]:
    """The program in front, and the address that it shows (rule 1)."""
    app = next((app for app in document["apps"] if app["id"] == typed.app), None)
    address = typed.address.strip() or None
    if typed.program.strip():
        return program_of(typed.program), address
    programs = app["match"]["programs"] if app is not None else []
    if app is not None and address is None and not programs:
        address = site_of(app)
    if address is not None and (app is None or not programs or app["match"]["urls"]):
        return program_of(browser_of(document)), address
    return program_of(programs[0] if programs else ""), address


def program_of(text: str) -> JsonObject:
    """A program from ``NAME@SIGNER``; a name that ends in ``.exe`` is that of a file.

    >>> program_of("Code.exe@Microsoft Corporation")["executable"], program_of("slack")["signer"]
    ('Code.exe', None)
    """
    name, _, signer = text.strip().partition("@")
    file = name.casefold().endswith(".exe")
    return {
        "id": None if file else name or None,
        "signer": signer or None,
        "executable": name if file else None,
    }


def browser_of(document: Mapping[str, Any]) -> str:
    """The first program of a listed browser; empty: none is listed."""
    browsers = (app for app in document["apps"] if app["group"] == BROWSER)
    return next((program for app in browsers for program in app["match"]["programs"]), "")


def site_of(app: Mapping[str, Any]) -> str | None:
    """An address of an app's; None: it has none.

    >>> site_of({"match": {"urls": ["*.slack.com/client"]}})
    'https://www.slack.com/client'
    """
    first = next(iter(app["match"]["urls"]), None)
    if first is None:
        return None
    return f"https://{first.replace('*.', 'www.', 1)}"


def _instant(text: str, zone: str, now: datetime) -> str:
    """A day and time of day in a zone, with their offset; anything else as it is."""
    if not text:
        return now.isoformat()
    try:
        local = datetime.fromisoformat(text) if _LOCAL.fullmatch(text) else None
    except ValueError:  # a day that no calendar has: whoever reads the event says so
        return f"{text[:16]}:00Z"
    return text if local is None else local.replace(tzinfo=zone_named(zone) or UTC).isoformat()


def _lines(text: str) -> list[str] | None:
    """One text a line; None where they are not known."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return None if lines == [NOT_KNOWN] else lines


def _regions(text: str) -> list[str] | None:
    codes = text.replace(",", " ").split()
    return None if [code.casefold() for code in codes] == [NOT_KNOWN] else [*map(str.upper, codes)]


def _pictured(text: str, document: Mapping[str, Any]) -> list[JsonObject] | None:
    """The other windows, each an address or a program; nothing else is in them."""
    lines = _lines(text)
    if lines is None:
        return None
    return [_window(line, document) for line in lines]


def _window(line: str, document: Mapping[str, Any]) -> JsonObject:
    paged = "://" in line
    return {
        "program": program_of(browser_of(document) if paged else line),
        "address": line if paged else None,
        "frames": [],
        "window": "ordinary",
        "title": "",
        "account": None,
        "field": "none",
        "counterparties": [],
    }


def _plain(value: object) -> str:
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""
