"""What came out of a trial, as a page and a command tell it. Pure: a trial in, words out.

Rules:
1. The verdict is the trial's. Nothing is judged here.
2. Every refusal says who decided it, with the citation; an exclusion says its name and its reason.
3. Where capture is off, that is told first, and then what would be so if it were on.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.capture.trial import OTHER_SIDE, Trial, as_json
from app.event.verdict import Allowed, Denied
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Mode
from app.policy.agreement import Limits
from app.policy.catalogue.model import Exclusion, Matchers
from app.policy.knobs import EXCLUSIONS, OWN_EXCLUSIONS, REDACTORS_ASKED, TENANTS, mode_of
from app.policy.law.layer import Why
from app.policy.own_exclusions import PREFIX, OwnExclusion, as_exclusions
from app.web.trial.words import BECAUSE, NOT_KNOWN
from app.web.words.knob_words import knob_in_words
from app.web.words.region_words import Decider, Names, named, reasons
from app.web.words.text import REDACTOR_WORDS, REMAINS, counted, listed, lower_first


@dataclass(frozen=True)
class TrialGround:
    """What the words about a trial are taken from.

    Attributes:
        limits: what binds the recorder, and who decided it.
        names: of regions.
        others: who decided the mode of the signal in each region of the other side that the
            document describes.
    """

    limits: Limits
    names: Names
    others: Mapping[str, tuple[Why, ...]]


@dataclass(frozen=True)
class DecidedBy:
    """Something that a verdict rests on, and who decided it."""

    what: str
    reasons: tuple[Decider, ...]


@dataclass(frozen=True)
class TrialWords:
    """A trial in words.

    Attributes:
        mark: ``allow``, ``redact`` or ``deny``.
        lines: whole sentences.
        unknown: what is not known of the event, in words.
        verdict: as the published examples write it, in JSON.
    """

    mark: str
    headline: str
    lines: tuple[str, ...]
    decided: tuple[DecidedBy, ...]
    unknown: tuple[str, ...]
    verdict: str


def outcome(trial: Trial, ground: TrialGround) -> TrialWords:
    """Tell a trial."""
    return TrialWords(
        mark=trial.verdict.mode.word if isinstance(trial.verdict, Allowed) else Mode.DENY.word,
        headline=_headline(trial, ground),
        lines=tuple(_lines(trial, ground)),
        decided=tuple(_decided(trial, ground)),
        unknown=tuple(NOT_KNOWN[member] for member in trial.unknown),
        verdict=json.dumps(as_json(trial.verdict)),
    )


def _headline(trial: Trial, ground: TrialGround) -> str:
    if trial.off:
        return "It would not be captured: capture is off."
    if isinstance(trial.said, Denied):
        return "It would not be captured."
    return f"It would be {_captured(trial.said, ground)}."


def _captured(said: Allowed, ground: TrialGround) -> str:
    how = "in full" if said.mode is Mode.ALLOW else "in part"
    app = ground.limits.catalogue.apps.get(said.app)
    return f"captured {how}, in {app.name if app is not None else said.app}"


def _lines(trial: Trial, ground: TrialGround) -> Iterator[str]:
    yield from (BECAUSE[reason] for reason in trial.off)
    if trial.off and isinstance(trial.said, Allowed):
        yield f"If capture were on, it would be {_captured(trial.said, ground)}."
    elif trial.off:
        yield "It would not be captured if capture were on, either."
    if isinstance(trial.said, Allowed):
        yield from _kept(trial, trial.said)
    else:
        yield from _because(trial, trial.said, ground)
    if OTHER_SIDE in trial.knobs:
        yield f"The rules where the other people are allow no more: {_where(trial, ground)}."


def _kept(trial: Trial, said: Allowed) -> Iterator[str]:
    if said.mode is not Mode.ALLOW:
        yield f"What is kept: {REMAINS[trial.event.signal]}."
    removed = said.apply.get(REDACTORS_ASKED.name, ())
    if removed:
        words = (REDACTOR_WORDS.get(name, name.replace("_", " ")) for name in sorted(removed))
        yield f"Removed before it is kept: {listed(words)}."
    yield f"Kept for {counted(trial.days, 'day')}."


def _because(trial: Trial, said: Denied, ground: TrialGround) -> Iterator[str]:
    if trial.window:
        yield f"The reason is another window in the picture, number {trial.window} of the others."
    if said.exclusion is not None:
        place = _exclusions(ground.limits).get(said.exclusion, _nameless(said.exclusion))
        yield f"It is in an excluded place: {lower_first(place.name)}."
        yield from filter(None, (place.why,))
    else:
        yield BECAUSE[said.reason]
    if said.reason is Refusal.TENANT_UNKNOWN and not ground.limits.compiled[TENANTS]:
        yield "No policy names an account of the company's."


def _where(trial: Trial, ground: TrialGround) -> str:
    return listed(_region(region, ground) for region in trial.regions)


def _region(region: str | None, ground: TrialGround) -> str:
    if region is None:
        return "a region that is not known, which counts as the strictest of all"
    name = named(region, ground.names)
    return name if region in ground.others else f"{name}, which no rules describe"


def _decided(trial: Trial, ground: TrialGround) -> Iterator[DecidedBy]:
    why, names = ground.limits.compiled.why, ground.names
    places = _exclusions(ground.limits)
    for knob in trial.knobs:
        if knob == OTHER_SIDE:
            whys = (why for region in trial.regions for why in ground.others.get(region or "", ()))
            what = f"{knob_in_words(mode_of(trial.event.signal).name)}, where the others are"
            if decided := reasons(dict.fromkeys(whys), names):
                yield DecidedBy(what, decided)
        else:
            yield DecidedBy(_knob(knob, places), reasons(why.get(knob, ()), names))


def _knob(knob: str, places: Mapping[str, Exclusion]) -> str:
    family, _, member = knob.partition(".")
    name = {EXCLUSIONS.name: member, OWN_EXCLUSIONS.name: PREFIX + member}.get(family)
    return knob_in_words(knob) if name is None else places.get(name, _nameless(name)).name


def _exclusions(limits: Limits) -> Mapping[str, Exclusion]:
    own: frozenset[OwnExclusion] = limits.compiled[OWN_EXCLUSIONS]
    return {**limits.catalogue.exclusions, **{item.id: item for item in as_exclusions(own)}}


def _nameless(name: str) -> Exclusion:
    return Exclusion(name, name, "", Matchers())
