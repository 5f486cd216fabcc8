"""One event of the user interface, as a recorder offers it to the guard."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.kernel.vocabulary import Signal

_FIELDS = {"time", "app", "url", "signal", "field", "private"}
_MAX_TEXT = 8_192


@dataclass(frozen=True)
class FirstFormEvent:
    """Where something happened, and which signal it is; never what was typed or shown.

    Attributes:
        time: local time of the device with its offset from UTC: working hours are judged by it.
        app: bundle id or executable of the program in front.
        url: address of the page in front, in a browser.
        field: kind of the field that has the focus, e.g. ``password``.
        private: whether the window is a private one.
    """

    time: datetime
    app: str
    signal: Signal
    url: str | None = None
    field: str | None = None
    private: bool = False


UiEvent = FirstFormEvent
"""The name of an event in the guard, until it judges those of app/event."""


def read_event(value: object) -> UiEvent:
    """Read an event from a JSON object, strictly.

    Raises:
        ValueError: a field is missing, unknown or wrong; the message names it.
    """
    if not isinstance(value, Mapping):
        raise ValueError("an event is a JSON object")  # noqa: TRY004 - one error for every bad form
    unknown = sorted(str(name) for name in value.keys() - _FIELDS)
    if unknown:
        msg = f"{unknown[0]}: not a field of an event"
        raise ValueError(msg)
    private = value.get("private", False)
    if not isinstance(private, bool):
        raise ValueError("private: neither true nor false")  # noqa: TRY004 - as above
    app = _text(value, "app")
    if app is None:
        raise ValueError("app: missing")
    return UiEvent(
        time=_time(value),
        app=app,
        signal=_signal(value),
        url=_text(value, "url"),
        field=_text(value, "field"),
        private=private,
    )


def _time(value: Mapping[str, object]) -> datetime:
    try:
        at = datetime.fromisoformat(str(value["time"]))
    except (KeyError, ValueError) as error:
        raise ValueError("time: not an RFC 3339 instant") from error
    if at.utcoffset() is None:
        raise ValueError("time: carries no offset from UTC")
    return at


def _signal(value: Mapping[str, object]) -> Signal:
    try:
        return Signal(str(value["signal"]))
    except (KeyError, ValueError) as error:
        msg = f"signal: not one of {', '.join(Signal)}"
        raise ValueError(msg) from error


def _text(value: Mapping[str, object], name: str) -> str | None:
    text = value.get(name)
    if text is None:
        return None
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_TEXT:
        msg = f"{name}: not text of 1 to {_MAX_TEXT} characters"
        raise ValueError(msg)
    return text
