"""What a company policy changes for people, as legal and approvers read it. Pure: effects to words.

Rules:
1. A direction is said of what comes out for people, never of the text (app/capture/effect.py).
2. Groups for which the same is said are told once, with everybody they are.
3. What decides who must approve is the text, layer against layer; the sentence about it says so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.capture.effect import (
    LESS,
    MORE,
    Comparison,
    Consequence,
    GroupEffect,
    HeldBack,
    PolicyEffect,
    ways_of,
)
from app.capture.gaps import Gap, GapKind, gaps
from app.capture.obstacles import Obstacle
from app.directory.model import Headcount
from app.policy.agreement import Limits
from app.policy.catalogue.model import Catalogue
from app.policy.changes.model import Preview
from app.policy.knobs import REGISTRY
from app.policy.law.layer import CompanyPolicy, Direction
from app.policy.model import InForce, KnobChange
from app.policy.prospect import ApprovalTerms
from app.web.legal.change_rows import DiffRow, diff_rows
from app.web.legal.region import capture_in_words
from app.web.legal.region_table import obstacle_rows
from app.web.words.knob_words import knob_in_words, value_in_words
from app.web.words.policy_words import APPROVERS, PRECONDITIONS, counted, listed
from app.web.words.region_words import Decider, Names, gap_in_words, named, reasons


class PeopleRow(NamedTuple):
    """A group of people with the same regions: who they are, and how many."""

    who: str
    number: str


@dataclass(frozen=True)
class StageRow:
    """What holds differently from an instant on; ``way`` as for the macro ``direction``."""

    when: str
    way: str
    sentence: str
    rows: tuple[DiffRow, ...]


class HeldRow(NamedTuple):
    """A rule where what holds does not follow the text, and who holds it."""

    sentence: str
    reasons: tuple[Decider, ...]


@dataclass(frozen=True)
class EffectRow:
    """What is said of one or several groups."""

    people: tuple[PeopleRow, ...]
    stages: tuple[StageRow, ...]
    held: tuple[HeldRow, ...]

    @property
    def title(self) -> str:
        """Everybody in one line: ``Germany: 38 people``."""
        return "; ".join(f"{row.who}: {row.number}" for row in self.people)


class DateRow(NamedTuple):
    """One line about when: a term and what is so."""

    term: str
    sentence: str


@dataclass(frozen=True)
class EffectReader:
    """Reads effects aloud.

    Attributes:
        names: region code to name.
        catalogue: where apps and exclusions are described.
    """

    names: Names
    catalogue: Catalogue

    def rows(
        self, effect: PolicyEffect, text: Iterable[KnobChange], *, past: bool = False
    ) -> tuple[EffectRow, ...]:
        """What a policy changes, group by group.

        Args:
            effect: what comes out.
            text: how the text differs from the policy before.
            past: it was published, so its beginning is an instant and not "at once".
        """
        changed, since = tuple(text), None if past else effect.since
        told: dict[tuple[tuple[StageRow, ...], tuple[HeldRow, ...]], list[PeopleRow]] = {}
        for group in effect.groups:
            said = self._stages(group, since), self._held(group, changed)
            told.setdefault(said, []).append(self._people(group))
        return tuple(EffectRow(tuple(who), *said) for said, who in told.items())

    def _people(self, effect: GroupEffect) -> PeopleRow:
        group = effect.group
        parts = [named(group.region, self.names)]
        if group.place != group.region:
            parts.append(f"working in {named(group.place, self.names)}")
        if group.entity_region not in group.places:
            parts.append(f"employed in {named(group.entity_region, self.names)}")
        return PeopleRow(", ".join(parts), people_in_words(group.people))

    def _stages(self, effect: GroupEffect, since: datetime | None) -> tuple[StageRow, ...]:
        stages: list[StageRow] = []
        known: tuple[DiffRow, ...] = ()
        for stage in effect.stages:
            rows = diff_rows(stage.changes, self.catalogue)
            when = "At once" if stage.at == since else f"From {_instant(stage.at)}"
            sentence = self._sentence(stage, effect.group, later=bool(stages), more=bool(known))
            fresh = tuple(row for row in rows if row not in known)
            stages.append(StageRow(when, _way(stage), sentence, fresh))
            known = rows
        return tuple(stages)

    def _sentence(self, stage: Comparison, group: Headcount, *, later: bool, more: bool) -> str:
        start = "no difference any more" if later else "nothing differs"
        under = self._why_off(stage.under, stage.keeps_off, group)
        without = self._why_off(stage.without, stage.kept_off, group)
        match stage.consequence:
            case Consequence.SAME:
                return f"{start}: the same can be captured with this text and without it."
            case Consequence.OFF:
                start = start if later else "nothing opens"
                return f"{start}: {_off_either_way(under, without)}."
            case Consequence.OPENS:
                can = capture_in_words(stage.under, self.names, self.catalogue)
                return f"capture opens: {can}. Without this text it is off, because {without}."
            case Consequence.CLOSES:
                return f"everything closes: capture is off, because {under}."
            case Consequence.WIDENS | Consequence.NARROWS | Consequence.MIXED:
                tail = ", in all; below is what is new" if more else ""
                return f"{_counted_changes(stage)}{tail}."

    def _why_off(self, in_force: InForce, off: Iterable[Obstacle], group: Headcount) -> str:
        """Why capture is off under these rules.

        Where it is not known whose law holds, nothing is told as forbidden.
        """
        if Obstacle.PLACE_TOO_WIDE in off:
            wide = [place for place in group.places if place in in_force.too_wide]
            return f"{self._named(wide)} does not say whose law holds; HR has to record more"
        if in_force.unknown:
            return f"no rules are recorded here for {self._named(in_force.unknown)}"
        rows = obstacle_rows(in_force, self.names, self.catalogue)
        return listed([row.sentence for row in rows])

    def _named(self, regions: Iterable[str]) -> str:
        return listed([named(region, self.names) for region in regions])

    def _held(self, effect: GroupEffect, text: Iterable[KnobChange]) -> tuple[HeldRow, ...]:
        return tuple(
            HeldRow(_held_in_words(item, self.catalogue), reasons(item.whys, self.names))
            for item in effect.held_back(text)
        )


def _off_either_way(under: str, without: str) -> str:
    """Why capture is off with the text and without it: one reason for both, or one for each."""
    if under == without:
        return f"with this text and without it capture is off, because {under}"
    return f"capture is off with this text, because {under}; and without it, because {without}"


def _way(stage: Comparison) -> str:
    if stage.consequence is Consequence.MIXED:
        return "both"
    if stage.consequence in MORE:
        return "widens"
    return "narrows" if stage.consequence in LESS else "same"


def _counted_changes(stage: Comparison) -> str:
    counts = Counter(ways_of(change) for change in stage.changes)
    parts = []
    for ways, words in _BECOMES.items():
        number = counts[ways]
        if number:
            parts.append(f"{counted(number, 'rule')} become{'s' * (number == 1)} {words}")
    return listed(parts)


_BECOMES: Mapping[tuple[Direction, ...], str] = {
    ("widens",): "wider",
    ("narrows",): "narrower",
    ("widens", "narrows"): "wider in part and narrower in part",
}


def _held_in_words(item: HeldBack, catalogue: Catalogue) -> str:
    (row,) = diff_rows([KnobChange(item.knob, item.before, item.after, "same")], catalogue)
    parts = [
        f"{verb} {listed(list(names))}"
        for verb, names in (("adds", row.added), ("takes out", row.removed))
        if names
    ]
    if parts:
        return f"{row.name}: the text {listed(parts)}; what holds stays as it is"
    verb = "becomes" if item.moves else "stays"
    holds = value_in_words(item.knob, item.value)
    return f"{row.name}: {row.before} → {row.after} in the text; what holds {verb} {holds}"


def people_in_words(number: int) -> str:
    """Say how many: ``1 person``, ``38 people``, ``nobody at present``."""
    if not number:
        return "nobody at present"
    return "1 person" if number == 1 else f"{number:,} people"


_HEADLINE = {
    "widens": "wider",
    "narrows": "narrower",
    "both": "wider in part and narrower in part",
}


def effect_headline(effect: PolicyEffect) -> str:
    """What a policy changes for how many people, as a sentence."""
    if not effect.people:
        would = _HEADLINE.get(effect_way(effect))
        what = f"rules would become {would}" if would else "nothing would change"
        return f"Nobody in the directory is concerned at present; {what} here."
    counts = Counter[str]()
    for group in effect.groups:
        counts[_direction([group])] += group.group.people
    rest = people_in_words(counts["same"])
    parts = [
        f"{words} for {people_in_words(counts[way])}"
        for way, words in _HEADLINE.items()
        if counts[way]
    ]
    if not parts:
        return f"Nothing changes for the {rest} whom it concerns."
    tail = f"; nothing changes for {rest}" if counts["same"] else ""
    return f"Rules become {listed(parts)}{tail}."


def effect_way(effect: PolicyEffect) -> str:
    """Which way a policy goes for people, as the macro ``direction`` says it."""
    return _direction(effect.groups)


def _direction(groups: Iterable[GroupEffect]) -> str:
    every = tuple(groups)
    more, less = any(one.more for one in every), any(one.less for one in every)
    if more and less:
        return "both"
    return "widens" if more else "narrows" if less else "same"


def agreement_in_words(effect: PolicyEffect) -> str:
    """What a widening means for people who agreed before; empty where nothing becomes wider."""
    if not any(group.more for group in effect.groups):
        return ""
    widened = frozenset[str]().union(*(group.widened for group in effect.groups))
    rest = [knob_in_words(name) for name in REGISTRY.rows if name in widened - _AGREED]
    also = f"; what is not agreed to holds for them too: {listed(rest)}" if rest else ""
    return f"Whoever agreed before stays within what they agreed to until they agree to more{also}."


_AGREED = frozenset(row.name for row in REGISTRY.agreed)


def in_vain(effect: PolicyEffect, catalogue: Catalogue) -> tuple[str, ...]:
    """What the text lists in vain, with the way out: for everybody, and for some people only."""
    results = [group.settled.under.compiled for group in effect.groups]
    found = [gaps(Limits(compiled, catalogue)) for compiled in results]
    sentences = []
    for kind in GapKind:
        vain = [{app for gap in each if gap.kind is kind for app in gap.apps} for each in found]
        every = frozenset[str]().union(*vain)
        pairs = [*zip(results, vain, strict=True)]
        some = {app for app in every for one, gone in pairs if app in one.apps - gone}
        for apps, whose in ((every - some, ""), (some, "For some people: ")):
            if apps:
                sentences.append(whose + gap_in_words(Gap(kind, tuple(sorted(apps))), catalogue))
    return tuple(sentences)


def approval_in_words(preview: Preview) -> str:
    """Who may publish a text, and that the text decides it (rule 3)."""
    if not preview.changes and preview.direction == "same":
        return "The text says the same as the text before it."
    who = listed([APPROVERS.get(role, role) for role in preview.approvals_needed])
    if preview.direction == "widens":
        wide = sum(change.direction == "widens" for change in preview.changes)
        what = f"widens {counted(wide, 'rule')}" if wide else "is the first of its region"
        return f"Compared with the text before it, this text {what}: it needs {who} to approve."
    narrows = "Compared with the text before it, this text only narrows"
    if preview.policy.valid_from is not None and preview.terms.starts <= preview.policy.valid_from:
        return f"{narrows}, but it begins on a later day, so it needs {who} to approve."
    return f"{narrows}: one person may put it in force at once."


def dates(
    policy: CompanyPolicy,
    effect: PolicyEffect,
    condition: str = "",
    terms: ApprovalTerms | None = None,
) -> tuple[DateRow, ...]:
    """When a policy begins and ends, and what it shows: what an approval binds.

    Args:
        policy: the text.
        effect: what it changes.
        condition: what has to happen first, such as ``if the last approval is given now``.
        terms: what an approval given now would bind; None where it was published.
    """
    return (
        DateRow("Begins", _starts(policy, effect, condition, terms)),
        DateRow("First difference for people", _when(effect.begins, effect, condition)),
        DateRow("Last day", _last_day(policy)),
        DateRow("Evidence", listed(_evidence(policy)) or "none"),
    )


def _starts(
    policy: CompanyPolicy, effect: PolicyEffect, condition: str, terms: ApprovalTerms | None
) -> str:
    when = _when(effect.starts, effect, condition)
    first = f"first day in the text: {_day(policy.valid_from) if policy.valid_from else 'none'}"
    if terms is None:
        return f"{when} ({first})"
    lead = f"{counted(terms.lead_days, 'day')} of notice after the last approval"
    return f"{when} ({first}; {lead if terms.lead_days else 'no notice to wait for'})"


def _when(at: datetime | None, effect: PolicyEffect, condition: str) -> str:
    if at is None:
        return "none"
    if not condition:
        return _instant(at)
    return f"at once, {condition}" if at <= effect.since else f"{_instant(at)}, {condition}"


def _last_day(policy: CompanyPolicy) -> str:
    if policy.valid_to is None:
        return "none"
    last = _day(policy.valid_to - timedelta(days=1))
    return f"{last}; after it capture is off until another policy replaces this one"


def _evidence(policy: CompanyPolicy) -> list[str]:
    return [
        f"{PRECONDITIONS.get(item.kind, item.kind)} {item.reference}"
        f"{f' (until {item.valid_to})' if item.valid_to else ''}"
        for item in policy.evidence
    ]


def _instant(at: datetime) -> str:
    return f"{_day(at)}, {at:%H:%M} UTC"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
