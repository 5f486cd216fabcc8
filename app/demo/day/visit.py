"""A visit of the recorded day: a place, what is done there, and what a guard has to answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Signal

CHROME = "com.google.Chrome"
CODE = "com.microsoft.VSCode"
SLACK = "com.tinyspeck.slackmacgap"
EXCEL = "com.microsoft.Excel"
SIGNERS = {
    "WINWORD.EXE": "Microsoft Corporation",
    "com.1password.1password": "2BUA8C4S2C",
    "com.figma.Desktop": "T8RA8NE3B7",
    "com.microsoft.Outlook": "UBF8T346G9",
    "com.microsoft.teams2": "UBF8T346G9",
    "com.spotify.client": "2FNC3A47ZF",
    CHROME: "EQHXZ8M8AV",
    CODE: "UBF8T346G9",
    EXCEL: "UBF8T346G9",
    SLACK: "BQR82RBBHL",
}
"""Who signed each program; Apple signs those of its system itself."""
SYSTEM = "Software Signing"

ACCOUNT = "lane.sample@example.com"
"""The account that apps show: a work account of the sample company."""
WORKSPACE = "Example Devices"
"""The same in Slack."""


@dataclass(frozen=True)
class RightAnswer:
    """What a guard has to answer.

    Attributes:
        reason: why the event is refused; None: it is captured.
        exclusion: id of the exclusion it falls under.
        signals: which signals are refused, all others being captured; empty: all of them.
    """

    reason: Refusal | None = None
    exclusion: str | None = None
    signals: frozenset[Signal] = frozenset()

    def to(self, signal: Signal) -> tuple[Refusal | None, str | None]:
        """The reason and the exclusion for one signal; None and None: it is captured."""
        if self.signals and signal not in self.signals:
            return None, None
        return self.reason, self.exclusion


CAPTURED = RightAnswer()
UNLISTED = RightAnswer(Refusal.APP_UNLISTED)
UNREADABLE = RightAnswer(Refusal.ADDRESS_UNREADABLE)
OTHER_SIDE = RightAnswer(Refusal.COUNTERPARTY)


def excluded(exclusion: str) -> RightAnswer:
    """The answer to a place that an exclusion of the catalogue names."""
    return RightAnswer(Refusal.EXCLUDED, exclusion)


@dataclass(frozen=True)
class RecordedVisit:
    """A place and what is done there.

    Attributes:
        app: bundle id or executable of the program in front.
        habit: signals that are drawn from, separated by spaces; one named twice is twice as likely.
        size: how many events one visit brings, about.
        url: the address in front, for a browser.
        answer: what a guard has to answer.
        frames: addresses of the frames in which it happens.
        window: private, ordinary or unknown.
        title: of the window.
        account: as the app shows it.
        field: the word for the field that has the focus.
        counterparties: regions of the people on the other side.
        signer: who signed the program, if it is not who should have.
        pictured: the other windows on a screenshot, of which each visit brings one then; None:
            not known.
    """

    app: str
    habit: str
    size: int
    url: str | None = None
    answer: RightAnswer = CAPTURED
    frames: tuple[str, ...] | None = ()
    window: str = "ordinary"
    title: str | None = ""
    account: str | None = ACCOUNT
    field: str = "none"
    counterparties: tuple[str, ...] | None = ()
    signer: str | None = ""
    pictured: "tuple[RecordedVisit, ...] | None" = ()

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
            "frames": _list(self.frames),
            "window": self.window,
            "title": self.title,
            "account": self.account,
            "field": self.field,
            "counterparties": _list(self.counterparties),
        }

    def event(self, at: str, signal: Signal) -> Mapping[str, Any]:
        """One event of the visit, as JSON has it."""
        event = {"at": at, "signal": signal.value, **self.place}
        if signal is not Signal.SCREENSHOT:
            return event
        others = self.pictured
        return {**event, "pictured": None if others is None else [each.place for each in others]}


def _list(items: tuple[str, ...] | None) -> list[str] | None:
    return None if items is None else [*items]
