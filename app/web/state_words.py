"""The state as a sentence, and the way forward, made from the real situation. Pure.

Rules:
1. The sentence is computed from the same situation as the lease. It never says more than is known.
2. Every noun of a sentence that says "captured" leads to its detail.
3. A reason is said with who can change it. What nobody here can change is said plainly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from app.agents.service import Situation
from app.consent.model import Act, State, allowed_acts
from app.kernel.vocabulary import Mode, Reason
from app.web.policy_words import PRECONDITIONS, counted, listed
from app.web.text import SENTENCE_WORDS, purpose_phrase


class Part(NamedTuple):
    """A piece of the sentence: plain, a link to its detail, or an instant."""

    text: str
    href: str = ""
    at: datetime | None = None
    style: str = "moment"


@dataclass(frozen=True)
class Said:
    """The state in words.

    Attributes:
        parts: the sentence.
        forward: what it means and what can be done; empty if nothing needs saying.
        also: further reasons why capture is off, one sentence each.
        mark: ``allow`` (on), ``deny`` (off) or ``pause``: the glyph beside the sentence.
    """

    parts: tuple[Part, ...]
    forward: tuple[Part, ...]
    also: tuple[str, ...]
    mark: str


CLOSED = frozenset(
    {
        Reason.LEFT,
        Reason.REGION_UNKNOWN,
        Reason.REGION_BLOCKED,
        Reason.POLICY_MISSING,
        Reason.PRECONDITION_MISSING,
    }
)
"""Reasons under which agreeing would lead to nothing, so it is not offered."""


def offered_acts(situation: Situation) -> tuple[Act, ...]:
    """What the person is offered to do from here.

    Opting out is always among it while something stands; letting capture happen only where it would
    have an effect that the person can read about.
    """
    acts = allowed_acts(situation.standing, situation.in_force.compiled.bases)
    offer = situation.offer
    nothing = not (offer.signals and offer.apps and offer.purposes)
    if nothing or not CLOSED.isdisjoint(situation.directive.reasons):
        return tuple(act for act in acts if act not in {Act.GIVEN, Act.ACKNOWLEDGED})
    return acts


def offered(situation: Situation) -> Situation:
    """The same situation without the mask of what was agreed to before: what is offered now."""
    return replace(situation, standing=replace(situation.standing, scope=None))


def said(situation: Situation, names: Mapping[str, str], laptops: int) -> Said:
    """Say the state.

    Args:
        situation: as the lease sees it.
        names: region code to name.
        laptops: how many of the person's laptops are paired now.
    """
    if situation.directive.capture:
        return _on(situation, laptops)
    return _off(situation, names)


def signals_phrase(signals: list[str]) -> str:
    """``pointer, clicks and menus``, in the order of the vocabulary."""
    return listed([SENTENCE_WORDS[name] for name in SENTENCE_WORDS if name in signals])


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


def kept_phrase(situation: Situation) -> str:
    """``14 days``, or ``up to 30 days`` where signals differ."""
    signals = captured_signals(situation)
    rules = situation.in_force.compiled.signals
    days = {rule.retention_days for signal, rule in rules.items() if signal.value in signals}
    if not days:
        return "0 days"
    longest = counted(max(days), "day")
    return longest if len(days) == 1 else f"up to {longest}"


def _on(situation: Situation, laptops: int) -> Said:
    signals, apps = captured_signals(situation), captured_apps(situation)
    if not laptops:
        return Said(
            (
                Part("Nothing is captured: you agreed, but no "),
                Part("laptop", "#laptops"),
                Part(" is paired."),
            ),
            (
                Part(
                    "Capture starts when a laptop is paired with you. Until then there is nothing to stop."
                ),
            ),
            (),
            "deny",
        )
    if not signals or not apps:
        return Said(
            (
                Part(
                    "Nothing is captured: what you agreed to and what the rules allow do not meet."
                ),
            ),
            (Part("The rules became stricter since you decided. You need do nothing."),),
            (),
            "deny",
        )
    return Said(
        (
            Part("Your "),
            Part(signals_phrase(signals), "#what"),
            Part(" are captured in "),
            Part(counted(len(apps), "app"), "#where"),
            Part(" on "),
            Part(counted(laptops, "laptop"), "#laptops"),
            Part(", for "),
            Part(purpose_phrase(captured_purposes(situation)), "#why"),
            Part(", kept "),
            Part(kept_phrase(situation), "#how-long"),
            Part("."),
        ),
        (),
        (),
        "allow",
    )


def _off(situation: Situation, names: Mapping[str, str]) -> Said:
    reasons = situation.directive.reasons
    first = next((reason for reason in _TOLD_FIRST if reason in reasons), reasons[0])
    parts, forward = _reason(first, situation, names)
    also = tuple(
        "".join(part.text for part in _reason(reason, situation, names)[0][1:]).strip()
        for reason in reasons
        if reason is not first and reason not in _OWN and first not in _FINAL
    )
    mark = "pause" if reasons == (Reason.PAUSED,) else "deny"
    return Said(parts, forward, also, mark)


_FINAL = frozenset({Reason.LEFT, Reason.REGION_UNKNOWN, Reason.REGION_BLOCKED})
"""Reasons beside which no other matters."""

_OWN = frozenset(
    {
        Reason.CONSENT_MISSING,
        Reason.CONSENT_REFUSED,
        Reason.CONSENT_WITHDRAWN,
        Reason.PAUSED,
        Reason.NOTICE_PENDING,
    }
)
"""Reasons that lie with the person's own decision; the two choices say them already."""

_TOLD_FIRST = (
    Reason.LEFT,
    Reason.REGION_UNKNOWN,
    Reason.REGION_BLOCKED,
    Reason.POLICY_MISSING,
    Reason.CONSENT_WITHDRAWN,
    Reason.CONSENT_REFUSED,
    Reason.PAUSED,
    Reason.STOPPED,
    Reason.PRECONDITION_MISSING,
    Reason.LEAD_TIME,
    Reason.NOTICE_PENDING,
    Reason.CONSENT_MISSING,
)
"""What nobody can change comes first, then what the person did, then what others must do."""

_Words = tuple[tuple[Part, ...], tuple[Part, ...]]


def _reason(reason: Reason, situation: Situation, names: Mapping[str, str]) -> _Words:
    """Say one reason: the sentence (its first part is always "Nothing is captured"), the way forward."""
    home = situation.person.region
    place = names.get(home, home)
    given = situation.circumstances
    match reason:
        case Reason.LEFT:
            return _words("You have left, so nothing of yours can be captured.", "")
        case Reason.REGION_UNKNOWN:
            unknown = listed([names.get(region, region) for region in given.unknown])
            return _words(
                f"The rules for {unknown} are not known here.",
                "Where the rules are not known, capture is off. Nobody can turn it on until legal "
                "has added them.",
            )
        case Reason.REGION_BLOCKED:
            return _blocked(situation, names)
        case Reason.POLICY_MISSING:
            return _words(
                f"Your company has published no rules for {place}.",
                "Legal would have to publish them first, and two people would have to agree. You "
                "will be asked before anything is captured.",
            )
        case Reason.STOPPED:
            stopped = [
                "everywhere" if region == "GLOBAL" else f"in {names.get(region, region)}"
                for region in given.stopped
            ]
            return _words(
                f"Capture is stopped {listed(stopped)}.",
                "Somebody responsible pressed the stop. Resuming takes two people. What you decided "
                "stays as it is.",
            )
        case Reason.PRECONDITION_MISSING:
            missing = listed([PRECONDITIONS.get(kind, kind) for kind in given.missing])
            return _words(
                f"In {place} this must come first and is missing: {missing}.",
                "Until it is in place nobody can be captured there. You need do nothing.",
            )
        case Reason.LEAD_TIME:
            return (
                (
                    Part("Nothing is captured. "),
                    Part("New rules come into force on "),
                    Part("", at=given.lead_until, style="day"),
                    Part("."),
                ),
                (Part("They were announced ahead, so that you can read them first."),),
            )
        case _:
            return _own_reason(reason, situation, names)


def _own_reason(reason: Reason, situation: Situation, names: Mapping[str, str]) -> _Words:
    """Say a reason that lies with the person's own decision."""
    standing, home = situation.standing, situation.person.region
    decided = standing.decision.decided_at if standing.decision else None
    nothing = Part("Nothing is captured. ")
    match reason:
        case Reason.CONSENT_REFUSED:
            return (nothing, Part("You said no on "), Part("", at=decided), Part(".")), _FREE
        case Reason.CONSENT_WITHDRAWN if standing.state is State.REVOKED:
            return (
                (
                    nothing,
                    Part("Somebody else ended your consent on "),
                    Part("", at=decided),
                    Part("."),
                ),
                (Part("The receipt below says why. You can agree anew if you want to."),),
            )
        case Reason.CONSENT_WITHDRAWN:
            return (nothing, Part("You stopped it on "), Part("", at=decided), Part(".")), _FREE
        case Reason.PAUSED:
            return (
                (nothing, Part("You paused until "), Part("", at=standing.until), Part(".")),
                (Part("After that it goes on by itself. To stop for good, use the button."),),
            )
        case Reason.NOTICE_PENDING:
            return _words(
                "The notice has changed since you decided.",
                "What you agreed to does not carry over. Read the new text, then decide again.",
            )
        case Reason.CONSENT_MISSING if standing.state is State.EXPIRED:
            return (
                (
                    nothing,
                    Part("What you agreed to ended on "),
                    Part("", at=standing.until, style="day"),
                    Part("."),
                ),
                (Part("It holds for a year, then you are asked again."),),
            )
        case Reason.CONSENT_MISSING if standing.state is State.INVALIDATED:
            return _words(
                f"You moved to {names.get(home, home)}, and what you agreed to does not move with you.",
                "Other rules hold there. Read what is offered now, then decide.",
            )
        case _:
            return _words(
                "You have not decided.",
                "Until you do, nothing will be. There is no date by which you must.",
            )


_FREE = (Part("You need give no reason, and can change your mind at any time."),)


def _blocked(situation: Situation, names: Mapping[str, str]) -> _Words:
    """Say which law, or whose policy, forbids it."""
    compiled = situation.in_force.compiled
    whys = compiled.why.get("bases" if not compiled.bases else "status", ())
    laws = [why.layer.partition("/")[2] for why in whys if why.layer.startswith("floor/")]
    companies = [why.layer.partition("/")[2] for why in whys if why.layer.startswith("company/")]
    if laws or not companies:
        place = listed([names.get(region, region) for region in laws or [situation.person.region]])
        return _words(
            f"The law in {place} does not allow this.",
            "Nothing can be captured, whatever you or the company choose.",
        )
    place = listed([names.get(region, region) for region in companies])
    return _words(
        f"Your company’s rules for {place} do not allow it.",
        "Nothing can be captured until legal changes them, which takes two people.",
    )


def _words(sentence: str, forward: str) -> _Words:
    return (Part("Nothing is captured. "), Part(sentence)), ((Part(forward),) if forward else ())
