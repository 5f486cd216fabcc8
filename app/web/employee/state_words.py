"""The state as a sentence, made from the real situation. Pure.

Rules:
1. The sentence is computed from the same situation as the lease. It never says more than is known.
2. Every noun of a sentence that says "captured" leads to its detail.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.capture.situation import Situation
from app.consent.model import OPENING, Act, allowed_acts
from app.kernel.vocabulary import Mode
from app.web.words.policy_words import counted, listed
from app.web.words.reason_words import CLOSED, FINAL, FIRST, OWN, Part, reason_words
from app.web.words.region_words import Names
from app.web.words.text import SENTENCE_WORDS, purpose_phrase


@dataclass(frozen=True)
class Said:
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
    acts = allowed_acts(situation.standing, situation.in_force.compiled.bases)
    offer = situation.offer
    nothing = not (offer.signals and offer.apps and offer.purposes)
    if nothing or not CLOSED.isdisjoint(situation.directive.reasons):
        return tuple(act for act in acts if act not in OPENING)
    return acts


def offered(situation: Situation) -> Situation:
    """The same situation without the mask of what was agreed to before: what is offered now."""
    return replace(situation, standing=replace(situation.standing, scope=None))


def said(
    situation: Situation, names: Names, laptops: int, lagging: Sequence[datetime] = ()
) -> Said:
    """Say the state.

    Args:
        situation: as the lease sees it.
        names: region code to name.
        laptops: how many of the person's laptops are paired now.
        lagging: for each laptop that may still act on an older permission, when that ends.
    """
    if situation.directive.capture:
        return _on(situation, laptops)
    words = _off(situation, names)
    return _still_ending(words, lagging) if lagging else words


def _still_ending(words: Said, lagging: Sequence[datetime]) -> Said:
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


def captured_signals(situation: Situation) -> list[str]:
    """The signals that may be captured now: what is in force, within what was agreed to."""
    scope = situation.standing.scope
    return [
        signal.value
        for signal, rule in situation.in_force.compiled.signals.items()
        if rule.mode is not Mode.DENY and (scope is None or signal.value in scope.signals)
    ]


def captured_apps(situation: Situation) -> list[str]:
    """The apps in which capture may happen now."""
    scope = situation.standing.scope
    apps = situation.in_force.compiled.apps
    return sorted(apps if scope is None else apps & scope.apps)


def captured_purposes(situation: Situation) -> list[str]:
    """The purposes for which captured data may be asked for now."""
    scope = situation.standing.scope
    purposes = situation.in_force.compiled.purposes
    return sorted(purposes if scope is None else purposes & scope.purposes)


def _on(situation: Situation, laptops: int) -> Said:
    signals, apps = captured_signals(situation), captured_apps(situation)
    if not signals or not apps:
        return Said(
            (Part("Nothing is captured: what you agreed to and what the rules allow never meet."),),
            (Part("The rules became stricter since you decided. You need do nothing."),),
        )
    if not laptops:
        no_laptop = (Part("laptop", "#laptops"), Part(" is paired."))
        return Said(
            (Part("Nothing is captured: you agreed, but no "), *no_laptop),
            (Part("Capture starts when a laptop is paired with you. Until then it cannot."),),
        )
    return Said(
        (
            Part("Your "),
            Part(listed([SENTENCE_WORDS[name] for name in signals]), "#what"),
            Part(" are captured in "),
            Part(counted(len(apps), "app"), "#where"),
            Part(" on "),
            Part(counted(laptops, "laptop"), "#laptops"),
            Part(", for "),
            Part(purpose_phrase(captured_purposes(situation)), "#why"),
            Part(", kept "),
            Part(_kept(situation, signals), "#how-long"),
            Part("."),
        )
    )


def _kept(situation: Situation, signals: list[str]) -> str:
    """``14 days``, or ``up to 30 days`` where signals differ."""
    rules = situation.in_force.compiled.signals
    days = {rule.retention_days for signal, rule in rules.items() if signal.value in signals}
    longest = counted(max(days), "day")
    return longest if len(days) == 1 else f"up to {longest}"


def _off(situation: Situation, names: Names) -> Said:
    reasons = situation.directive.reasons
    first = next((reason for reason in FIRST if reason in reasons), reasons[0])
    told = reason_words(first, situation, names)
    also = tuple(
        "".join(part.text for part in reason_words(reason, situation, names).sentence[1:])
        for reason in reasons
        # The person's own decision shows in the choices; beside a prohibition nothing else matters.
        if reason is not first and reason not in OWN and first not in FINAL
    )
    return Said(told.sentence, told.forward, also)
