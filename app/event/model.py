"""An event of the user interface, form 2: where something happened, never what was typed (pure).

Rules:
1. ``None`` and the members ``UNKNOWN`` mean "the recorder does not know". They are not the same as
   an empty text or tuple, which mean that there is nothing.
2. A title and an account are judged and never kept, so no representation shows them.
3. Python does not check types. A text that stands for a word of a list, such as ``"private"`` for
   ``WindowKind.PRIVATE``, would be taken for another word, and a time without a zone for one of
   this machine, so an event with one is no event.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.kernel.vocabulary import FieldKind, Signal


class WindowKind(StrEnum):
    """Whether a window is a private one (a browser's incognito or InPrivate window)."""

    PRIVATE = "private"
    ORDINARY = "ordinary"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Program:
    """A program on the laptop, and who signed it; each None where it is not known.

    Attributes:
        id: bundle id (macOS) or desktop id (Linux).
        signer: team id (macOS), organisation of the certificate (Windows), or origin of the package
            (Linux), as the system verified it.
        executable: file name without its folder.
    """

    id: str | None
    signer: str | None
    executable: str | None


@dataclass(frozen=True)
class Place:
    """What one window shows: program, page, field, and whose words are in view.

    Attributes:
        address: of the page that this very program shows; None if it shows none. The text
            ``unknown`` says that there is a page of which no more is known.
        frames: addresses of the frames from the page down to where the event happened, outermost
            first; empty in the page itself and where there is no page.
        title: of the window; may be empty.
        account: the account, workspace or tenant in use, as the app shows it.
        field: what has the focus.
        counterparties: regions (ISO 3166) of the other people whose words are in view; empty if
            there is nobody else.
    """

    program: Program
    address: str | None
    frames: tuple[str, ...] | None
    window: WindowKind
    title: str | None = dataclasses.field(repr=False)
    account: str | None = dataclasses.field(repr=False)
    field: FieldKind
    counterparties: tuple[str, ...] | None


@dataclass(frozen=True)
class UiEvent:
    """One event: when, which signal, and where.

    Attributes:
        at: the instant, UTC.
        pictured: of a screenshot only, the other windows that are visible in it; empty if the
            picture shows one window alone, None if that is not known.
    """

    at: datetime
    signal: Signal
    place: Place
    pictured: tuple[Place, ...] | None = None

    @property
    def well_typed(self) -> bool:
        """Whether the time is an instant, and each word one of its list (rule 3)."""
        places = (self.place, *(self.pictured or ()))
        return (
            self.at.tzinfo is not None
            and isinstance(self.signal, Signal)
            and all(isinstance(place.window, WindowKind) for place in places)
            and all(isinstance(place.field, FieldKind) for place in places)
        )
