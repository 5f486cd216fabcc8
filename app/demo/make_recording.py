"""Makes data/events.jsonl: one working day of a made-up engineer, the same every time.

The day is a list of visits. A visit is a place (a program, or an address in a browser) and how much
happens there, drawn from a habit: writing, reading, drawing, talking. In between come visits that a
guard must refuse: places that nobody listed, places that are excluded, and addresses made to look
like listed ones. No text that anybody typed is in the file, only that something was.

One event of the event contract a line, in JSON (app/event/reading.py). The recorder of this day
knows all that it is asked about, but in the visits of ``UNKNOWN``.

Run it with ``python -m app.demo.make_recording`` after a change, and commit the file it writes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

RECORDING = Path(__file__).parent / "data" / "events.jsonl"

START = datetime(2026, 11, 16, 8, 30, tzinfo=timezone(timedelta(hours=-8)))
"""A Monday morning in California."""

SEED = 20261116
SHUFFLES = 10
"""How often the day returns to its places: once per block of about fifty minutes."""

CHROME = "com.google.Chrome"
SIGNERS = {
    "WINWORD.EXE": "Microsoft Corporation",
    "com.1password.1password": "2BUA8C4S2C",
    "com.figma.Desktop": "T8RA8NE3B7",
    "com.microsoft.Excel": "UBF8T346G9",
    "com.microsoft.Outlook": "UBF8T346G9",
    "com.microsoft.VSCode": "UBF8T346G9",
    "com.microsoft.teams2": "UBF8T346G9",
    "com.spotify.client": "2FNC3A47ZF",
    "com.tinyspeck.slackmacgap": "BQR82RBBHL",
    CHROME: "EQHXZ8M8AV",
}
"""Who signed each program; Apple signs those of its system itself."""
SYSTEM = "Software Signing"
ACCOUNT = "lane.sample@example.com"
"""The account that every app shows: a work account of the sample company."""

WRITING = "key_timing key_content key_timing key_content key_timing shortcut pointer click"
READING = "pointer pointer click pointer pointer shortcut"
DRAWING = "pointer click pointer pointer click menu shortcut pointer"
TALKING = "key_timing key_content click pointer key_timing shortcut"
GLANCE = "pointer click"


@dataclass(frozen=True)
class RecordedVisit:
    """A place and what is done there.

    Attributes:
        app: bundle id or executable of the program in front.
        habit: signals that are drawn from, separated by spaces; one named twice is twice as likely.
        size: how many events one visit brings, about.
        url: the address in front, for a browser.
        field: the word for the field that has the focus.
        window: private, ordinary or unknown.
        counterparties: regions of the people on the other side.
        signer: who signed the program, if it is not who should have.
    """

    app: str
    habit: str
    size: int
    url: str | None = None
    field: str = "none"
    window: str = "ordinary"
    counterparties: tuple[str, ...] | None = ()
    signer: str | None = ""

    @property
    def place(self) -> dict[str, Any]:
        """The members of an event that say where it happened."""
        windows = self.app.upper().endswith(".EXE")
        signer = SIGNERS.get(self.app, SYSTEM) if self.signer == "" else self.signer
        return {
            "program": {
                "id": None if windows else self.app,
                "signer": signer,
                "executable": self.app if windows else None,
            },
            "address": self.url,
            "frames": [],
            "window": self.window,
            "title": "",
            "account": ACCOUNT,
            "field": self.field,
            "counterparties": None if self.counterparties is None else [*self.counterparties],
        }


ROUND = (
    RecordedVisit("com.microsoft.VSCode", WRITING, 62),
    RecordedVisit(CHROME, READING, 24, "https://github.com/example-devices/firmware/pull/1187"),
    RecordedVisit("com.microsoft.VSCode", WRITING, 38),
    RecordedVisit(CHROME, READING, 12, "https://example-devices.atlassian.net/browse/FW-2031"),
    RecordedVisit("com.tinyspeck.slackmacgap", TALKING, 18, counterparties=("US-CA",)),
    RecordedVisit(CHROME, WRITING, 20, "https://docs.google.com/document/d/1sampleSample/edit"),
    RecordedVisit("com.microsoft.Excel", DRAWING, 16),
    RecordedVisit("com.figma.Desktop", DRAWING, 18),
    RecordedVisit("com.microsoft.Outlook", TALKING, 14, counterparties=("US-NY", "US-CA")),
    RecordedVisit(
        CHROME, READING, 10, "https://example-devices.atlassian.net/wiki/spaces/FW/pages/77"
    ),
    RecordedVisit("com.microsoft.teams2", TALKING, 10, counterparties=("US-CA",)),
    RecordedVisit("WINWORD.EXE", WRITING, 10),
)
"""Listed places, visited again and again."""

UNLISTED = (
    RecordedVisit("com.apple.finder", GLANCE, 5),
    RecordedVisit("com.apple.Terminal", WRITING, 12),
    RecordedVisit(CHROME, READING, 6, "https://news.example.org/today"),
    RecordedVisit(CHROME, READING, 5, "https://en.wikipedia.org/wiki/Habeas_data"),
    RecordedVisit("com.spotify.client", GLANCE, 4),
    RecordedVisit(CHROME, GLANCE, 3, "chrome://settings/"),
    RecordedVisit(CHROME, GLANCE, 3, "https://intranet.example.com/canteen"),
    RecordedVisit(CHROME, GLANCE, 3, "file:///Users/sample/notes.html"),
)
"""Places that no list names: refused because nothing allows them."""

EXCLUDED = (
    RecordedVisit(CHROME, READING, 6, "https://mail.google.com/mail/u/0/#inbox"),
    RecordedVisit(CHROME, READING, 6, "https://secure.chase.com/web/auth/dashboard"),
    RecordedVisit("com.1password.1password", GLANCE, 5),
    RecordedVisit(CHROME, READING, 5, "https://wd5.myworkday.com/example/d/home.htmld"),
    RecordedVisit(CHROME, READING, 5, "https://mychart.com/appointments"),
    RecordedVisit(CHROME, READING, 4, "https://www.cwa-union.org/join"),
    RecordedVisit("com.apple.MobileSMS", TALKING, 6),
    RecordedVisit(CHROME, READING, 4, "https://www.linkedin.com/jobs/search"),
    RecordedVisit(
        CHROME, "key_timing key_content", 4, "https://github.com/login", field="password"
    ),
    RecordedVisit("com.microsoft.VSCode", "key_timing key_content", 3, field="password"),
    RecordedVisit(
        CHROME,
        "key_timing key_content",
        3,
        "https://github.com/sessions/two-factor",
        field="one_time_code",
    ),
    RecordedVisit(CHROME, READING, 4, "https://github.com/sample-person/diary", window="private"),
)
"""Places that are excluded, some of them inside a listed app: refused whatever a list says."""

HOSTILE = (
    RecordedVisit(CHROME, GLANCE, 3, "https://github.com@phish.example/login"),
    RecordedVisit(CHROME, GLANCE, 3, "https://github.com.phish.example/login"),
    RecordedVisit(CHROME, GLANCE, 3, "https://github.com:8443/login"),
    RecordedVisit(CHROME, GLANCE, 3, "https://notgithub.com/login"),
    RecordedVisit(CHROME, GLANCE, 3, "https://phish.example/github.com/login"),
    RecordedVisit(CHROME, GLANCE, 3, "https://phish.example/?next=https://github.com/"),
    RecordedVisit(CHROME, GLANCE, 3, "https://phish.example/#@github.com/"),
    RecordedVisit(CHROME, GLANCE, 3, "https://g\u0456thub.com/login"),
    RecordedVisit(CHROME, GLANCE, 3, "https://docs.google.com/documentary/d/1"),
    RecordedVisit(CHROME, GLANCE, 3, "https://docs.google.com/document/../forms/d/1"),
    RecordedVisit(CHROME, GLANCE, 3, "https://docs.google.com/document/%2e%2e/forms/d/1"),
    RecordedVisit(CHROME, GLANCE, 3, "https://example-devices.atlassian.net/wikileaks"),
    RecordedVisit(CHROME, GLANCE, 3, "https://atlassian.net.phish.example/wiki"),
    RecordedVisit(CHROME, GLANCE, 2, "https://MAIL.Google.com:443/mail/u/1/"),
    RecordedVisit(CHROME, GLANCE, 2, "https://mail.google.com@github.com/mail/"),
    RecordedVisit(CHROME, GLANCE, 2, "javascript:location='https://github.com/'"),
)
"""Addresses made to look listed, or to hide an excluded host: all refused."""

UNKNOWN = (
    RecordedVisit(CHROME, READING, 4, "https://github.com/sample-person/notes", window="unknown"),
    RecordedVisit(CHROME, READING, 4, "https://github.com/sample-person/form", field="unknown"),
    RecordedVisit(CHROME, READING, 4),
    RecordedVisit("com.microsoft.VSCode", WRITING, 4, signer=None),
    RecordedVisit("com.microsoft.VSCode", WRITING, 4, signer="SAMPLE0000"),
)
"""What the recorder does not know, or only takes for a listed program: refused."""

SPELLINGS = (
    RecordedVisit(CHROME, READING, 4, "HTTPS://GitHub.COM/example-devices/firmware"),
    RecordedVisit(CHROME, READING, 4, "https://github.com:443/example-devices/firmware/issues"),
    RecordedVisit(CHROME, READING, 4, "https://github.com./example-devices/firmware/actions"),
    RecordedVisit(CHROME, READING, 4, "https://docs.google.com/document?usp=homescreen"),
)
"""Listed places, oddly written: captured like any other."""


def visits() -> Iterator[RecordedVisit]:
    """The day in order: rounds of work with the other visits spread between them."""
    others = [*UNLISTED, *EXCLUDED, *HOSTILE, *UNKNOWN, *SPELLINGS]
    for block in range(SHUFFLES):
        between = others[block::SHUFFLES]
        for number, visit in enumerate(ROUND):
            yield visit
            if number % 2 == 1 and number // 2 < len(between):
                yield between[number // 2]


def events() -> Iterator[Mapping[str, object]]:
    """The day's events, in order of time."""
    chance = Random(SEED)  # noqa: S311  (a recording needs repetition, not secrecy)
    at, pictured = START, START
    for visit in visits():
        for signal in _signals(visit, chance):
            at += timedelta(milliseconds=400 + int(chance.random() ** 3 * 38_000))
            yield _event(at, visit, signal)
            if at - pictured > timedelta(minutes=5):
                pictured = at
                yield _event(at, visit, "screenshot")


def recording() -> bytes:
    """The whole file: UTF-8, one JSON object a line."""
    lines = (json.dumps(event, ensure_ascii=False) for event in events())
    return "".join(f"{line}\n" for line in lines).encode()


def _signals(visit: RecordedVisit, chance: Random) -> Iterator[str]:
    """Arriving somewhere is an ``app_url``; then what the habit says."""
    yield "app_url"
    habit = visit.habit.split()
    for _ in range(visit.size - 1 + int(chance.random() * visit.size / 4)):
        yield habit[int(chance.random() * len(habit))]


def _event(at: datetime, visit: RecordedVisit, signal: str) -> Mapping[str, object]:
    event = {"at": at.isoformat(timespec="milliseconds"), "signal": signal, **visit.place}
    return {**event, "pictured": []} if signal == "screenshot" else event


if __name__ == "__main__":
    RECORDING.write_bytes(recording())
    print(f"{RECORDING}: {sum(1 for _ in events())} events")
