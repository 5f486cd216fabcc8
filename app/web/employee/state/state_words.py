"""The state as a sentence, made from the real situation. Pure.

Rules:
1. The sentence is computed from the same situation as the lease, and from what laptops can hold. It
   never says more than is known.
2. Every noun of a sentence that says "captured" leads to its detail.
3. "Nothing is captured" is said only where no laptop can hold a permission, and "is captured" only
   where one can hold that of now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.capture.gaps import reached
from app.capture.obstacles import CLOSED, FINAL, OWN, Obstacle
from app.capture.situation import Situation
from app.consent.choosing import NUMBERED, allowed_acts
from app.consent.model import Act
from app.kernel.vocabulary import Mode, Signal
from app.web.employee.state.phase import Permissions, Phase, phase_of
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

    Opting out is always among it while something stands, or any record is in doubt; letting capture
    happen only where it would have an effect that the person can read about.
    """
    compiled, standing = situation.in_force.compiled, situation.standing
    acts = allowed_acts(standing, compiled.bases, compiled.decision_content)
    in_doubt = Obstacle.RECORD_DISPUTED in situation.obstacles
    if in_doubt and Act.REFUSED not in acts:
        acts = (*acts, Act.REFUSED)
    if not CLOSED.isdisjoint(situation.obstacles):
        return tuple(act for act in acts if act not in NUMBERED)
    return acts


def state_in_words(situation: Situation, names: Names, held: Permissions) -> StateWords:
    """Say the state.

    Args:
        situation: as the lease sees it.
        names: region code to name.
        held: what the person's laptops can hold.
    """
    phase = phase_of(situation, held)
    if not situation.obstacles:
        return _NOTHING_AGAINST_IT[phase](situation, held)
    words = _off(situation, names)
    return _still_ending(words, held) if phase is Phase.ENDING else words


def _still_ending(words: StateWords, held: Permissions) -> StateWords:
    parts = (*_by("Capture ends by ", held), Part(". "), *words.parts[1:])
    return replace(words, parts=parts, forward=(*_not_heard(held), *words.forward))


def _by(before: str, held: Permissions) -> tuple[Part, ...]:
    """``Capture ends by 14:15 at the latest``."""
    return (Part(before), Part("", at=max(held.ends), style="time"), Part(" at the latest"))


def _not_heard(held: Permissions) -> tuple[Part, ...]:
    many = len(held.ends) > 1
    which = f"{len(held.ends)} laptops" if many else "1 laptop"
    stops = "each stops" if many else "it stops"
    return (Part(f"{which} may not have heard yet; {stops} at its next check. "),)


def _on(situation: Situation, held: Permissions) -> StateWords:
    forward: tuple[Part, ...] = ()
    if held.ends:
        further = counted(len(held.ends), "other laptop")
        forward = (
            *_by("Until ", held),
            Part(f", {further} may still act on what was so before."),
        )
    return StateWords(_captured(situation, "Your ", held.current), forward)


def _starting(situation: Situation, held: Permissions) -> StateWords:
    waiting = Part(_waiting(held), "#laptops")
    return StateWords(
        (Part("Nothing is captured yet: you agreed, and "), waiting, Part(" asked since.")),
        _from_the_next_check(situation),
    )


def _waiting(held: Permissions) -> str:
    waiting = held.paired - held.off - held.outdated
    if held.paired == 1:
        return "your laptop has not"
    if waiting == held.paired:
        return "none of your laptops has"
    return f"{waiting} of your {held.paired} laptops {'has' if waiting == 1 else 'have'} not"


def _elsewhere(_situation: Situation, held: Permissions) -> StateWords:
    if held.disputed:
        return _record_disputed(held)
    laptops = Part("your laptop is" if held.paired == 1 else "your laptops are", "#laptops")
    return StateWords(
        (Part("Nothing is captured: the rules of where "), laptops, Part(" do not allow it.")),
        (Part("You agreed. Where the rules allow it, capture goes on at the next check."),),
    )


def _record_disputed(held: Permissions) -> StateWords:
    if held.paired == 1:
        which = "your laptop"
    elif held.disputed == held.paired:
        which = "your laptops"
    else:
        which = f"{held.disputed} of your {held.paired} laptops"
    return StateWords(
        (
            Part("Nothing is captured: the record of "),
            Part(which, "#laptops"),
            Part(" does not agree with the log."),
        ),
        (
            Part(
                "Somebody may have changed the database. An alarm is raised; two people have to "
                "find out what happened and clear it. Ask your data protection officer, or unpair "
                "the laptop and pair it again."
            ),
        ),
    )


def _outdated(_situation: Situation, held: Permissions) -> StateWords:
    every = "program on your laptop is" if held.paired == 1 else "programs on your laptops are"
    which = every if held.outdated == held.paired else "program on a laptop is"
    return StateWords(
        (Part("Nothing is captured: the capture "), Part(which, "#laptops"), Part(" too old.")),
        (Part("You agreed. Once it is updated, capture goes on at the next check."),),
    )


def _changing(situation: Situation, held: Permissions) -> StateWords:
    laptops = Part(counted(len(held.ends), "laptop"), "#laptops")
    until = _by(" may act on what was so before, by ", held)
    return StateWords((laptops, *until, Part(".")), _from_the_next_check(situation))


def _from_the_next_check(situation: Situation) -> tuple[Part, ...]:
    return (Part("From the next check on, "), *_captured(situation, "your "))


def _no_laptop(_situation: Situation, _held: Permissions) -> StateWords:
    no_laptop = (Part("laptop", "#laptops"), Part(" is paired."))
    return StateWords(
        (Part("Nothing is captured: you agreed, but no "), *no_laptop),
        (Part("Capture starts when a laptop is paired with you. Until then it cannot."),),
    )


def _last_laptop_ending(_situation: Situation, held: Permissions) -> StateWords:
    no_laptop = (Part(": no "), Part("laptop", "#laptops"), Part(" is paired any more."))
    return StateWords((*_by("Capture ends by ", held), *no_laptop), _not_heard(held))


_NOTHING_AGAINST_IT: Mapping[Phase, Callable[[Situation, Permissions], StateWords]] = {
    Phase.ON: _on,
    Phase.STARTING: _starting,
    Phase.CHANGING: _changing,
    Phase.ELSEWHERE: _elsewhere,
    Phase.OUTDATED: _outdated,
    Phase.NO_LAPTOP: _no_laptop,
    Phase.ENDING: _last_laptop_ending,
}
"""What is said where no obstacle is left."""


def _captured(situation: Situation, your: str, laptops: int = 0) -> tuple[Part, ...]:
    """``Your clicks are captured, and your typed text in part, in 3 apps on 1 laptop, for …``."""
    extent = situation.extent
    on = (Part(" on "), Part(counted(laptops, "laptop"), "#laptops")) if laptops else ()
    return (
        Part(your),
        *_signals(situation),
        Part(" in "),
        Part(counted(len(reached(situation.limits)), "app"), "#where"),
        *on,
        Part(", for "),
        Part(purpose_phrase(extent.purposes), "#why"),
        Part(", kept "),
        Part(_kept(situation, extent.signals), "#how-long"),
        Part("."),
    )


def _signals(situation: Situation) -> tuple[Part, ...]:
    """The signals that are captured in full, then those of which only a part is."""
    full, part = signals_in(situation, Mode.ALLOW), signals_in(situation, Mode.REDACT)
    verb = " are captured" if _many(full or part) else " is captured"
    if not part:
        return (_linked(full), Part(verb))
    if not full:
        return (_linked(part), Part(f"{verb} in part,"))
    return (_linked(full), Part(f"{verb}, and your "), _linked(part), Part(" in part,"))


def _linked(signals: Sequence[str]) -> Part:
    return Part(listed([SENTENCE_WORDS[name] for name in signals]), "#what")


def _many(signals: Sequence[str]) -> bool:
    return len(signals) > 1 or SENTENCE_WORDS[signals[0]].endswith("s")


def signals_in(situation: Situation, mode: Mode) -> tuple[str, ...]:
    """The signals that can be captured in a mode, in their order."""
    rules = situation.limits.compiled.signals
    return tuple(name for name in situation.extent.signals if rules[Signal(name)].mode is mode)


def _kept(situation: Situation, signals: Sequence[str]) -> str:
    """``14 days``, or ``up to 30 days`` where signals differ."""
    rules = situation.limits.compiled.signals
    days = {rule.retention_days for signal, rule in rules.items() if signal.value in signals}
    longest = counted(max(days), "day")
    return longest if len(days) == 1 else f"up to {longest}"


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
