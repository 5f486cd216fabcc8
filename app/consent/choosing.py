"""What a person can decide from where they stand, and what changes nothing (pure).

Rules:
1. Opting out is possible from every state. Where the person's own no stands already, refusing and
   withdrawing change nothing, whichever of the two it was: its receipt says what holds. Somebody
   else's stop is not their word: over it their own no is written, once.
2. A pause needs something that it interrupts, now or when a fault is mended: what was agreed to and
   is not ended by an act. Over anything else it would claim what is not so.
3. A pause that ends less than a minute later than the one that runs, or sooner, changes nothing: a
   form counts whole minutes from when it is sent, so that sent again it ends a little later.
4. Only a pause can be resumed from, and only while what it interrupts would stand without it.
5. Whoever opens something names the number of their last decision: what they saw is what stands.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from app.consent.model import (
    OPENING,
    Act,
    Bases,
    DecidedSoFar,
    Decision,
    Standing,
    State,
    lacking,
    opening_act,
    pause_end,
    suffices,
)
from app.directory.model import Person
from app.kernel.errors import Conflict, wrong_field
from app.kernel.vocabulary import Basis

PAUSE_MIN = timedelta(minutes=5)
PAUSE_MAX = timedelta(days=7)

ENDED = frozenset({State.NONE, State.REFUSED, State.WITHDRAWN, State.REVOKED})
"""States in which nothing is agreed to and nothing can stand again without a new act."""

NUMBERED = OPENING | {Act.RESUMED}
"""What is decided on the number of the last decision (rule 5)."""

_LONGER = timedelta(minutes=1)
"""By how much a pause ends later, at least, than the one that runs (rule 3)."""

_NO = frozenset({Act.WITHDRAWN, Act.REFUSED})
"""What a person says who is not to be captured (rule 1)."""

_WAY_ON = "Nothing was changed. Look at what stands now, then decide."

_WHY_NOT: Mapping[State, str] = {
    State.NONE: "you have not decided yet",
    State.GIVEN: "no pause runs, and what you agreed to stands",
    State.ACKNOWLEDGED: "no pause runs, and what you agreed to stands",
    State.REFUSED: "you said no",
    State.WITHDRAWN: "you said stop",
    State.REVOKED: "somebody else said stop for you",
    State.EXPIRED: "what you agreed to has ended",
    State.INVALIDATED: "the notice or the region where you live has changed since you agreed",
}
"""Why nothing can be resumed, or paused, where no pause runs."""


def allowed_acts(current: Standing, bases: Bases, content: Iterable[str] = ()) -> tuple[Act, ...]:
    """List what a person can do from here, the opening act first.

    Opting out is listed whenever something stands, whatever the bases say now, and whenever the
    record of what stands is in doubt; and it is accepted from every state, listed or not.

    >>> [act.value for act in allowed_acts(Standing(State.GIVEN), [Basis.CONSENT])]
    ['withdrawn', 'paused', 'refused']
    """
    opening = _opening(current, tuple(bases), tuple(content))
    acts = [opening] if opening else []
    match current.state:
        case State.GIVEN | State.ACKNOWLEDGED | State.PAUSED:
            acts += [Act.WITHDRAWN, Act.PAUSED, Act.REFUSED]
        case State.NONE | State.EXPIRED | State.INVALIDATED | State.REVOKED:
            acts += [Act.REFUSED]
        case State.REFUSED | State.WITHDRAWN:
            acts += [Act.REFUSED] if current.disputed else []  # then it is taken down anew
    return tuple(acts)


def _opening(
    current: Standing, bases: tuple[Basis | str, ...], content: tuple[str, ...]
) -> Act | None:
    """The act that lets capture happen from here: resuming where what rests would be enough."""
    resting = current.agreed if current.state is State.PAUSED else None
    if resting and suffices(bases, State(resting.act.value), lacking(resting, content)):
        return Act.RESUMED
    enough = suffices(bases, current.state, lacking(current.decision, content))
    return None if enough else opening_act(bases)


def require_end(until: datetime | None, now: datetime) -> datetime:
    """Return the end of a pause.

    >>> now = datetime(2026, 11, 22, tzinfo=UTC)
    >>> require_end(now + timedelta(days=8), now)
    Traceback (most recent call last):
    app.kernel.errors.InvalidInput: minutes: a pause needs an end between 5 minutes and 7 days ...

    Raises:
        InvalidInput: there is none, or it is not 5 minutes to 7 days from now.
    """
    if until is None or until.tzinfo is None or not PAUSE_MIN <= until - now <= PAUSE_MAX:
        problem = "a pause needs an end between 5 minutes and 7 days from now"
        cure = "Give between 5 and 10080 minutes; to stop for good, withdraw."
        raise wrong_field("minutes", problem, cure)
    return until


def repeated(current: Standing, act: Act, until: datetime | None = None) -> Decision | None:
    """The decision that says this already (rules 1 and 3); None: it would change something.

    >>> repeated(Standing(State.GIVEN), Act.WITHDRAWN) is None
    True

    Args:
        current: what stands.
        act: what is decided; an opening act is never a repetition.
        until: the end of a pause.
    """
    last = current.decision
    if act in _NO:
        return last if last is not None and last.act in _NO else None
    runs = current.pause if act is Act.PAUSED else None
    if runs is None or until is None:
        return None
    return runs if until - pause_end(runs) < _LONGER else None


def require_effect(current: Standing, act: Act) -> None:
    """Return if a pause has something that it interrupts, and a resume a pause (rules 2 and 4).

    >>> require_effect(Standing(State.EXPIRED), Act.RESUMED)
    Traceback (most recent call last):
    app.kernel.errors.Conflict: nothing can be resumed: what you agreed to has ended

    Raises:
        Conflict: it has not. For a resume: no pause runs; or the notice or the home changed, or the
            agreement ended meanwhile.
    """
    if act is Act.PAUSED and current.state in ENDED:
        raise Conflict(f"there is nothing to pause: {_WHY_NOT[current.state]}", cure=_WAY_ON)
    if act is Act.RESUMED and current.state is not State.PAUSED:
        raise Conflict(f"nothing can be resumed: {_WHY_NOT[current.state]}", cure=_WAY_ON)


def require_undisputed(past: DecidedSoFar, person: Person) -> None:
    """Return if what is recorded of a person agrees with the log; nothing opens while it does not.

    >>> alex = Person("alex", "Alex", "a@example.com", "DE", "DE", "DE/Sample", "IT", None, ())
    >>> require_undisputed(DecidedSoFar(), alex)

    Raises:
        Conflict: it does not.
    """
    if past.disputed or person.disputed:
        raise Conflict(
            "what is recorded about you does not agree with the log, so nothing of yours is "
            "captured, and agreeing is not possible now",
            cure="Opting out works. Ask your data protection officer: an alarm about it is open, "
            "and two people have to find out what happened and clear it.",
            kind="record-disputed",
        )


def require_up_to_date(past: DecidedSoFar, known: int) -> None:
    """Return if the decider's last decision is the one that they know of (rule 5).

    >>> require_up_to_date(DecidedSoFar(), known=0)

    Args:
        past: the person's decisions.
        known: the number of the last one when the choice was put before them; 0: there was none.

    Raises:
        Conflict: they decided since.
    """
    if known == past.last:
        return
    last = past.decisions[-1] if past.decisions else None
    stands = f"number {last.seq}, {last.act.value}" if last else "none"
    raise Conflict(
        f"this is not what stands any more: your last decision is {stands}", cure=_WAY_ON
    )
