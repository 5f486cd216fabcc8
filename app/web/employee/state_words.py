"""The state as a sentence, made from the real situation. Pure.

Rules:
1. The sentence is computed from the same situation as the lease. It never says more than is known.
2. Every noun of a sentence that says "captured" leads to its detail.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.capture.obstacles import CLOSED, FINAL, OWN, UNPLACED, Obstacle
from app.capture.situation import Situation
from app.consent.choosing import NUMBERED, allowed_acts
from app.consent.model import Act
from app.web.words.obstacle_words import Part, obstacle_words
from app.web.words.policy_words import counted, listed
from app.web.words.region_words import Names
from app.web.words.text import SENTENCE_WORDS, purpose_phrase


@dataclass(frozen=True)
class StateWords:
    """The state in words.

    Attributes:
        parts: the sentence.
        forward: what it means and what can be done; empty if nothing needs saying.
        also: further reasons why capture is off, one sentence each.
    """

    parts: tuple[Part, ...]
    forward: tuple[Part, ...] = ()
    also: tuple[str, ...] = ()


def offered_acts(situation: Situation) -> tuple[Act, ...]:
    """What the person is offered to do from here.

    Opting out is always among it while something stands; letting capture happen only where it would
    have an effect that the person can read about.
    """
    compiled = situation.in_force.compiled
    acts = allowed_acts(situation.standing, compiled.bases, compiled.decision_content)
    if not CLOSED.isdisjoint(situation.obstacles):
        return tuple(act for act in acts if act not in NUMBERED)
    return acts


def state_in_words(
    situation: Situation, names: Names, laptops: int, lagging: Sequence[datetime] = ()
) -> StateWords:
    """Say the state.

    Args:
        situation: as the lease sees it.
        names: region code to name.
        laptops: how many of the person's laptops are paired now.
        lagging: for each laptop that may still act on an older permission, when that ends.
    """
    if not situation.obstacles:
        return _on(situation, laptops)
    words = _off(situation, names)
    return _still_ending(words, lagging) if lagging else words


def _still_ending(words: StateWords, lagging: Sequence[datetime]) -> StateWords:
    """Do not say that nothing is captured while a laptop may not have heard of it yet."""
    many = len(lagging) > 1
    return replace(
        words,
        parts=(Part("Capture is off. "), *words.parts[1:]),
        forward=(
            Part(
                f"{len(lagging)} laptop{'s' if many else ''} may not have heard yet and "
                f"stop{'' if many else 's'} by "
            ),
            Part("", at=max(lagging), style="time"),
            Part(" at the latest. "),
            *words.forward,
        ),
    )


def _on(situation: Situation, laptops: int) -> StateWords:
    extent = situation.extent
    if not laptops:
        no_laptop = (Part("laptop", "#laptops"), Part(" is paired."))
        return StateWords(
            (Part("Nothing is captured: you agreed, but no "), *no_laptop),
            (Part("Capture starts when a laptop is paired with you. Until then it cannot."),),
        )
    return StateWords(
        (
            Part("Your "),
            Part(listed([SENTENCE_WORDS[name] for name in extent.signals]), "#what"),
            Part(" are captured in "),
            Part(counted(len(extent.apps), "app"), "#where"),
            Part(" on "),
            Part(counted(laptops, "laptop"), "#laptops"),
            Part(", for "),
            Part(purpose_phrase(extent.purposes), "#why"),
            Part(", kept "),
            Part(_kept(situation, extent.signals), "#how-long"),
            Part("."),
        )
    )


def _kept(situation: Situation, signals: Sequence[str]) -> str:
    """``14 days``, or ``up to 30 days`` where signals differ."""
    rules = situation.limits.compiled.signals
    days = {rule.retention_days for signal, rule in rules.items() if signal.value in signals}
    longest = counted(max(days), "day")
    return longest if len(days) == 1 else f"up to {longest}"


def extent_in_words(situation: Situation, *, agreed: bool) -> str:
    """Say what the list of signals next to it is; empty where it is what is captured.

    Args:
        situation: as the lease sees it.
        agreed: whether the list is what the person agreed to, in force or resting behind a pause.
    """
    if not UNPLACED.isdisjoint(situation.obstacles):
        return "Nothing. Which signals may be captured is not known."
    if situation.barred:
        return "None of the signals may be captured."
    if not agreed:
        return "Nothing now. This is what would be captured if you agreed."
    if situation.obstacles:
        return "Nothing now. This is what you agreed to, within the rules of today."
    return ""


_FOLLOWS_FROM = {
    Obstacle.NOTHING_ALLOWED: Obstacle.POLICY_MISSING,
    Obstacle.NOTHING_AGREED: Obstacle.NOTHING_ALLOWED,
}
"""What says nothing new next to the obstacle that it follows from."""


def told(situation: Situation) -> tuple[Obstacle, ...]:
    """The obstacles that the page tells, in order.

    The person's own decision shows in the choices; next to a prohibition nothing else matters.
    """
    first, *others = situation.obstacles
    if first in FINAL:
        return (first,)
    new = [
        obstacle for obstacle in others if _FOLLOWS_FROM.get(obstacle) not in situation.obstacles
    ]
    return (first, *(obstacle for obstacle in new if obstacle not in OWN))


def _off(situation: Situation, names: Names) -> StateWords:
    first, *others = (obstacle_words(obstacle, situation, names) for obstacle in told(situation))
    also = tuple("".join(part.text for part in words.sentence[1:]) for words in others)
    return StateWords(first.sentence, first.forward, also)
