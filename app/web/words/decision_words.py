"""A decision as one sentence, for its receipt and the history. Pure.

Rules:
1. What is said to have ended or rested is what stood just before, by the fold that decides
   (``consent.timeline.stood_before``). Where nothing did, the sentence says that.
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
"""Acts that end or interrupt what was agreed to, where nothing of it held."""

_NOTHING_HELD: Mapping[State, str] = {
    State.EXPIRED: "; what you had agreed to had ended before",
    State.INVALIDATED: "; what you had agreed to did not hold any more",
}


def decision_in_words(decision: Decision, before: Standing) -> tuple[Part, ...]:
    """Say a decision, without a full stop.

    Args:
        decision: the decision.
        before: what stood just before it.
    """
    empty = before.agreed is None and decision.act in _OVER_NOTHING
    sentence = _OVER_NOTHING[decision.act] if empty else _ACTS[decision.act]
    until = (Part(" until "), Part("", at=decision.until)) if decision.until else ()
    nothing = _NOTHING_HELD.get(before.state, "; nothing was agreed to then")
    return (Part(sentence), *until, *((Part(nothing),) if empty else ()))
