"""Why nothing is captured: each obstacle of the closed list as a sentence, with the way forward.

Rules:
1. An obstacle is told with who can change it. What nobody here can change is told plainly.
2. Every sentence begins with what the person wants to know: "Nothing is captured."
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias, cast

from app.capture.obstacles import Obstacle
from app.capture.situation import Situation
from app.consent.choosing import allowed_acts
from app.consent.model import Act, State, suffices
from app.kernel.places import why_no_place
from app.policy.knob_shapes import APPROVED
from app.policy.knobs import BASES, DECISION_CONTENT, PRECONDITIONS_ASKED
from app.policy.law.layer import Layer
from app.web.words.policy_words import PRECONDITIONS, listed
from app.web.words.region_words import Names, named


class Part(NamedTuple):
    """A piece of a sentence: plain, a link to its detail, or an instant."""

    text: str
    href: str = ""
    at: datetime | None = None
    style: str = "moment"


class Words(NamedTuple):
    """A sentence, and what it means or what can be done."""

    sentence: tuple[Part, ...]
    forward: tuple[Part, ...]


NOTHING = Part("Nothing is captured. ")

_FREE = "You need give no reason, and can change your mind at any time."


def obstacle_words(obstacle: Obstacle, situation: Situation, names: Names) -> Words:
    """Say one obstacle in this situation."""
    return _SAY[obstacle](situation, names)


def _plain(sentence: str, forward: str) -> Words:
    return Words((NOTHING, Part(sentence)), (Part(forward),) if forward else ())


def _dated(before: str, at: datetime | None, forward: str, style: str = "moment") -> Words:
    return Words((NOTHING, Part(before), Part("", at=at, style=style), Part(".")), (Part(forward),))


def _place(situation: Situation, names: Names) -> str:
    return named(situation.person.region, names)


def _in(place: str, names: Names) -> str:
    return "everywhere" if place == "GLOBAL" else f"in {named(place, names)}"


def _askers(situation: Situation, names: Names, knob: str, members: Iterable[str]) -> str:
    """The regions whose rules ask for these members of a knob; the home where none is known."""
    why = situation.in_force.compiled.why
    layers = {claim.layer for member in members for claim in why.get(f"{knob}.{member}", ())}
    return _named(situation, names, {layer.partition("/")[2] for layer in layers})


def _demanding(situation: Situation, names: Names, state: State) -> str:
    """The regions whose rules accept no decision of this kind; the home where none does alone."""
    against = {layer.region for layer in situation.in_force.layers if _rejects(layer, state)}
    return _named(situation, names, against)


def _rejects(layer: Layer, state: State) -> bool:
    """Whether a layer alone accepts no decision of this kind."""
    bases = layer.knobs.get(BASES.name)
    return bases is not None and not suffices(cast("frozenset[str]", bases.value), state)


def _named(situation: Situation, names: Names, regions: Collection[str]) -> str:
    known = [name for region, name in names.items() if region in regions]
    return listed(known) if known else _place(situation, names)


def _decided(situation: Situation) -> datetime | None:
    decision = situation.standing.decision
    return decision.decided_at if decision else None


def _left(_situation: Situation, _names: Names) -> Words:
    return _plain("You have left, so nothing of yours can be captured.", "")


def _unknown(situation: Situation, names: Names) -> Words:
    """Say whose rules are not known; where a code is no place's, no rules can be added for it."""
    missing = situation.circumstances.unknown
    unknown = listed([named(region, names) for region in missing])
    wrong = [one for one in situation.person.regions if one in missing and why_no_place(one, ())]
    forward = "Nobody can turn it on until legal has added them."
    if wrong:
        verb = "is no code" if len(wrong) == 1 else "are no codes"
        forward = (
            f"{listed(wrong)} {verb} of ISO 3166 for a country or a part of one: ask your HR "
            "department to correct what is recorded of you."
        )
    return _plain(
        f"The rules for {unknown} are not known here.",
        f"Where the rules are not known, capture is off. {forward}",
    )


def _too_wide(situation: Situation, names: Names) -> Words:
    """Say what the directory says, and who can correct it."""
    person, wide = situation.person, situation.circumstances.too_wide
    recorded = {"living": person.region, "working": person.place}
    ways = [f"{verb} {_in(place, names)}" for verb, place in recorded.items() if place in wide]
    return _plain(
        f"You are recorded as {listed(ways)}, and that does not say whose law holds.",
        "Ask your HR department to record the country, and the part of it where parts have law of "
        "their own. Then you are asked; nobody can turn capture on before.",
    )


def _blocked(situation: Situation, names: Names) -> Words:
    """Say which law, or whose policy, forbids it."""
    barring = [layer for layer in situation.in_force.layers if _bars(layer)]
    kinds = {layer.kind for layer in barring}
    place = listed([names.get(layer.region, layer.region) for layer in barring])
    if kinds == {"company"}:
        return _plain(
            f"The rules of your company for {place} do not allow it.",
            "Nothing can be captured until legal changes them, which takes two people.",
        )
    forward = "Nothing can be captured, whatever you or the company choose."
    if len(situation.person.regions) > 1:
        forward += " The laws of where you live, work and are employed all count."
    if not barring:  # none alone: what one allows, another does not
        together = listed(list(names.values()))
        return _plain(f"The laws of {together} together leave no ground for it.", forward)
    laws = [names.get(layer.region, layer.region) for layer in barring if layer.kind == "floor"]
    return _plain(f"The law in {listed(laws)} does not allow this.", forward)


def _bars(layer: Layer) -> bool:
    """Whether a layer alone forbids capture: it accepts no basis, or is not approved."""
    bases, status = layer.knobs.get("bases"), layer.knobs.get("status")
    no_basis = bases is not None and not bases.value
    return no_basis or (status is not None and status.value != APPROVED)


def _no_policy(situation: Situation, names: Names) -> Words:
    return _plain(
        f"Your company has published no rules for {_place(situation, names)}.",
        "Legal would have to publish them first, and two people would have to agree. You will be "
        "asked before anything is captured.",
    )


def _stopped(situation: Situation, names: Names) -> Words:
    stopped = [_in(region, names) for region in situation.circumstances.stopped]
    return _plain(
        f"Capture is stopped {listed(stopped)}.",
        "Somebody responsible pressed the stop. Resuming takes two people. What you decided stays "
        "as it is.",
    )


def _precondition(situation: Situation, names: Names) -> Words:
    kinds = situation.circumstances.missing
    missing = listed([PRECONDITIONS.get(kind, kind) for kind in kinds])
    where = _askers(situation, names, PRECONDITIONS_ASKED.name, kinds)
    return _plain(
        f"In {where} this must come first and is missing: {missing}.",
        "Until it is in place nothing of yours can be captured. You need do nothing.",
    )


def _lead_time(situation: Situation, _names: Names) -> Words:
    return _dated(
        "New rules come into force on ",
        situation.circumstances.lead_until,
        "They were announced ahead, so that you can read them first.",
        style="day",
    )


def _notice(_situation: Situation, _names: Names) -> Words:
    return _plain(
        "The notice has changed since you decided.",
        "What you agreed to does not carry over. Read the new text, then decide again.",
    )


def _refused(situation: Situation, _names: Names) -> Words:
    return _dated("You said no on ", _decided(situation), _FREE)


def _withdrawn(situation: Situation, _names: Names) -> Words:
    return _dated("You said stop on ", _decided(situation), _FREE)


def _revoked(situation: Situation, _names: Names) -> Words:
    return _dated(
        "Somebody else said stop for you on ",
        _decided(situation),
        "You have a receipt of it below. You can agree if you want to.",
    )


def _paused(situation: Situation, _names: Names) -> Words:
    alone = situation.obstacles == (Obstacle.PAUSED,)
    compiled = situation.in_force.compiled
    acts = allowed_acts(situation.standing, compiled.bases, compiled.decision_content)
    goes_on = "After that it goes on by itself. You can also end the pause now, or stop for good."
    holds = "After that what you agreed to stands again, as far as the rules allow it then."
    return _dated(
        "You paused until ",
        situation.standing.until,
        goes_on if alone and Act.RESUMED in acts else holds,
    )


def _missing(_situation: Situation, _names: Names) -> Words:
    return _plain(
        "You have not decided.",
        "Until you do, nothing will be. There is no date by which you must.",
    )


def _expired(situation: Situation, _names: Names) -> Words:
    return _dated(
        "What you agreed to ended on ",
        situation.standing.until or _ended(situation),
        "It holds for a year, then you are asked again.",
        style="day",
    )


def _ended(situation: Situation) -> datetime | None:
    decision = situation.standing.decision
    return decision.valid_until if decision else None


def _moved(situation: Situation, names: Names) -> Words:
    return _plain(
        f"Where you live was recorded anew since you decided: {_place(situation, names)}.",
        "What you agreed to does not carry over. Read what is offered now, then decide.",
    )


def _insufficient(situation: Situation, names: Names) -> Words:
    if lacking := situation.circumstances.lacking:
        where = _askers(situation, names, DECISION_CONTENT.name, lacking)
        return _plain(
            f"What you decided does not say yet all that {where} asks for.",
            "The rules there ask you to confirm, too, that you read the notice. Read what is "
            "offered, then decide; you are asked this once.",
        )
    where = _demanding(situation, names, situation.standing.state)
    return _plain(
        f"What you decided is not enough for {where}.",
        "The rules ask for another kind of decision now. Read what is offered, then decide.",
    )


def _no_basis(situation: Situation, names: Names) -> Words:
    where = _demanding(situation, names, State.GIVEN)
    return _plain(
        f"In {where} no decision of yours would be enough.",
        "Only a collective agreement or a permit is accepted there, and neither is enough by "
        "itself. Nothing can be captured, whatever you or the company choose.",
    )


def _nothing_allowed(_situation: Situation, _names: Names) -> Words:
    return _plain("The rules leave no signal, no app or no purpose.", "You need do nothing.")


def _nothing_agreed(_situation: Situation, _names: Names) -> Words:
    return _plain(
        "What you agreed to and what the rules allow never meet.",
        "The rules became stricter since you decided. You need do nothing.",
    )


def _unpaired(_situation: Situation, _names: Names) -> Words:
    return _plain("This laptop is not paired any more.", "Pair it again if you want to.")


_DISPUTED = {
    "person": "what the directory has of you",
    "consent": "what you decided",
    "device": "this laptop",
    "policy": "the rules of your region",
}


def _disputed(situation: Situation, _names: Names) -> Words:
    what = listed([_DISPUTED[name] for name in situation.circumstances.disputed])
    return _plain(
        f"The record of {what} does not agree with the log.",
        "Somebody may have changed the database, so nothing in that record opens anything. An "
        "alarm is raised; two people have to find out what happened and clear it. Ask your data "
        "protection officer. You can say stop or no at any time.",
    )


_Sayer: TypeAlias = Callable[[Situation, Names], Words]

_SAY: Mapping[Obstacle, _Sayer] = {
    Obstacle.LEFT: _left,
    Obstacle.DEVICE_REVOKED: _unpaired,
    Obstacle.RECORD_DISPUTED: _disputed,
    Obstacle.PLACE_TOO_WIDE: _too_wide,
    Obstacle.REGION_UNKNOWN: _unknown,
    Obstacle.REGION_BLOCKED: _blocked,
    Obstacle.BASIS_INSUFFICIENT: _no_basis,
    Obstacle.POLICY_MISSING: _no_policy,
    Obstacle.CONSENT_WITHDRAWN: _withdrawn,
    Obstacle.CONSENT_REVOKED: _revoked,
    Obstacle.CONSENT_REFUSED: _refused,
    Obstacle.PAUSED: _paused,
    Obstacle.STOPPED: _stopped,
    Obstacle.PRECONDITION_MISSING: _precondition,
    Obstacle.LEAD_TIME: _lead_time,
    Obstacle.NOTICE_PENDING: _notice,
    Obstacle.RESIDENCE_CHANGED: _moved,
    Obstacle.CONSENT_EXPIRED: _expired,
    Obstacle.CONSENT_INSUFFICIENT: _insufficient,
    Obstacle.CONSENT_MISSING: _missing,
    Obstacle.NOTHING_ALLOWED: _nothing_allowed,
    Obstacle.NOTHING_AGREED: _nothing_agreed,
}
