"""The choices a person has now, as buttons of equal weight. Pure.

Rules:
1. Yes and no are the same shape, size and number of clicks, and stand in the same place.
2. Saying yes needs a notice that was read. Where the same notice and the same offer were read
   before, yes is one click; otherwise the button leads to the notice, where it is one click.
3. Saying no never needs anything. Whose record is in doubt can say it, whatever they said before;
   what they are said to have chosen is not told then.
4. Whoever paused can go on, stop, say no or pause longer, each with one button of the same size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.capture.obstacles import Obstacle
from app.capture.situation import Situation
from app.consent.choosing import PAUSE_MAX
from app.consent.model import OPENING, Act, Decision, Standing, State
from app.web.employee.state.state_words import offered_acts


@dataclass(frozen=True)
class Button:
    """One choice: a form that says ``act`` and what goes with it, or a link to read first.

    Attributes:
        shown: what was shown, for a yes to the very same.
        minutes: how long a pause lasts from now; 0 for everything else.
    """

    label: str
    glyph: str
    act: str = ""
    shown: str = ""
    href: str = ""
    minutes: int = 0


@dataclass(frozen=True)
class Current:
    """The choice that stands, next to the other."""

    label: str
    glyph: str
    since: datetime


@dataclass(frozen=True)
class Choices:
    """What is shown in the place of the choice.

    Attributes:
        current: the choice that stands; None where none does, or where both are open.
        pauses: whether pausing is offered, too.
        on_record: whether the only thing to do is to put a no on record; where a record is in
            doubt, that is a choice like any other.
        known: the number of the person's last decision, which the forms send back.
    """

    current: Current | None
    buttons: tuple[Button, ...]
    pauses: bool
    on_record: bool
    known: int


_CURRENT = {
    State.GIVEN: ("You agreed", "allow"),
    State.ACKNOWLEDGED: ("You agreed", "allow"),
    State.WITHDRAWN: ("You said stop", "deny"),
    State.REFUSED: ("You said no", "deny"),
    State.REVOKED: ("Somebody else said stop", "deny"),
}

_ENDED = frozenset({State.WITHDRAWN, State.REVOKED})
"""The states after which a yes is one more, if there was one before."""


_MORE = timedelta(hours=1)
"""By how much one click makes a pause longer."""


def choices(
    situation: Situation, history: Iterable[Decision], notices: frozenset[str], now: datetime
) -> Choices:
    """Say what the person can choose now.

    Args:
        situation: where the person stands.
        history: the person's decisions.
        notices: digests of the current notice, one per language.
        now: the present instant, from which pauses count.
    """
    standing, decisions = situation.standing, tuple(history)
    acts = offered_acts(situation)
    buttons = []
    if Act.RESUMED in acts:
        buttons.append(Button("End the pause now", "allow", act=Act.RESUMED.value))
    if opening := next((act for act in acts if act in OPENING), None):
        shown = read_before(situation, decisions, notices)
        buttons.append(_yes(standing.state, opening, shown, decisions))
    if Act.WITHDRAWN in acts:
        buttons.append(Button("Stop capturing me", "deny", act=Act.WITHDRAWN.value))
    elif Act.REFUSED in acts:
        buttons.append(_no())
    if standing.state is State.PAUSED:
        buttons += [*_pause_longer(standing.until, now), _no()]
    in_doubt = Obstacle.RECORD_DISPUTED in situation.obstacles
    current = _current(standing) if len(buttons) < 2 else None  # noqa: PLR2004 - yes and no
    return Choices(
        current=current,
        buttons=tuple(buttons),
        pauses=Act.PAUSED in acts,
        on_record=current is None and len(buttons) == 1 and not in_doubt,
        known=max((decision.seq for decision in decisions), default=0),
    )


def _current(standing: Standing) -> Current | None:
    """The choice that stands; none is told of rows that do not agree with the log."""
    words = _CURRENT.get(standing.state)
    if words is None or standing.decision is None or standing.disputed:
        return None
    return Current(*words, since=standing.decision.decided_at)


def _no() -> Button:
    return Button("Do not capture me", "deny", act=Act.REFUSED.value)


def _pause_longer(until: datetime | None, now: datetime) -> Iterator[Button]:
    """One hour more than the pause that runs, in whole minutes, unless that is too long a pause."""
    if until is not None and (longer := until + _MORE - now) <= PAUSE_MAX:
        minutes = -(-longer // timedelta(minutes=1))
        yield Button("Pause one hour more", "pause", act=Act.PAUSED.value, minutes=minutes)


def read_before(situation: Situation, history: Iterable[Decision], notices: frozenset[str]) -> str:
    """The id of what was shown, if the person has agreed to the very same before; else empty."""
    for decision in sorted(history, key=lambda decision: decision.seq, reverse=True):
        same_offer = decision.offer_digest == situation.offer.digest
        same_notice = decision.notice is not None and decision.notice.digest in notices
        if decision.shown_id and same_offer and same_notice:
            return decision.shown_id
    return ""


def _yes(state: State, act: Act, shown: str, history: tuple[Decision, ...]) -> Button:
    if state not in _ENDED and state is not State.REFUSED:
        return Button("Read the notice and decide", "", href="/me/decide")
    agreed = any(decision.act in OPENING for decision in history)
    label = "Capture me again" if agreed and state in _ENDED else "Capture me"
    if shown:
        return Button(label, "allow", act=act.value, shown=shown)
    return Button(label, "allow", href="/me/decide")
