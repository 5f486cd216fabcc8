"""A decision as one sentence, for its receipt and the history. Pure.

Rules:
1. What is said to have ended or rested is what stood just before, by the fold that decides
   (``consent.timeline.stood_before``). Where nothing did, the sentence says that.
2. Where nobody can say what stood before, the sentence claims nothing of it: it says what was asked
   for.
"""

from collections.abc import Mapping

from app.consent.model import Act, Decision, Standing, State
from app.web.words.obstacle_words import Part

_ACTS: Mapping[Act, str] = {
    Act.GIVEN: "You agreed to be captured",
    Act.ACKNOWLEDGED: "You read the notice and agreed to be captured",
    Act.REFUSED: "You said no",
    Act.WITHDRAWN: "You stopped capture",
    Act.PAUSED: "You paused capture",
    Act.RESUMED: "You ended the pause",
    Act.REVOKED: "Somebody else ended your consent",
}

_OVER_NOTHING: Mapping[Act, str] = {
    Act.WITHDRAWN: "You said that nothing of yours may be captured",
    Act.PAUSED: "You asked for a pause",
    Act.REVOKED: "Somebody else said that nothing of yours may be captured",
}
"""Acts that end or interrupt what was agreed to, where nothing of it held, as far as is known."""

_NOTHING_HELD: Mapping[State, str] = {
    State.EXPIRED: "; what you had agreed to had ended before",
    State.INVALIDATED: "; what you had agreed to did not hold any more",
}


def decision_in_words(decision: Decision, before: Standing | None) -> tuple[Part, ...]:
    """Say a decision, without a full stop.

    Args:
        decision: the decision.
        before: what stood just before it; None: nobody can say.
    """
    ended = before is not None and before.agreed is not None
    said = _ACTS if ended else {**_ACTS, **_OVER_NOTHING}
    until = (Part(" until "), Part("", at=decision.until)) if decision.until else ()
    nothing: tuple[Part, ...] = ()
    if before is not None and not ended and decision.act in _OVER_NOTHING:
        nothing = (Part(_NOTHING_HELD.get(before.state, "; nothing was agreed to then")),)
    return (Part(said[decision.act]), *until, *nothing)
