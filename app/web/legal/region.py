"""One region as legal reads it: the sentence, each knob with who decided it, evidence. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.capture.gaps import gaps, reached
from app.policy.agreement import Limits
from app.policy.catalogue.model import Catalogue
from app.policy.changes.model import RegionView
from app.policy.knob_row import Knob
from app.policy.knob_shapes import NameSet
from app.policy.knobs import OWN_EXCLUSIONS, STATUS
from app.policy.law.layer import Evidence
from app.policy.model import Compiled, InForce
from app.policy.own_exclusions import OwnExclusion, in_order
from app.web.legal.region_table import (
    Cell,
    basis_in_words,
    cells,
    kept_in_words,
    obstacle_rows,
)
from app.web.words.knob_words import (
    knob_in_words,
    meet_in_words,
    member_in_words,
    value_in_words,
)
from app.web.words.matcher_words import ways_in_words
from app.web.words.policy_words import PRECONDITIONS, counted, listed
from app.web.words.region_words import Decider, Names, gap_in_words, reasons
from app.web.words.text import SENTENCE_WORDS


@dataclass(frozen=True)
class KnobRow:
    """A knob of the region page: its value, in words or as members, and who decided it."""

    knob: str
    name: str
    meet: str
    value: str
    members: tuple["Member", ...]
    reasons: tuple[Decider, ...]


@dataclass(frozen=True)
class Member:
    """One member of a knob that is a set, with who asks for it where that differs by member."""

    id: str
    name: str
    reasons: tuple[Decider, ...]


def region_sentence(view: RegionView, names: Names, catalogue: Catalogue) -> str:
    """The region page as one sentence, made from what holds."""
    blocks = obstacle_rows(view.in_force, names, catalogue)
    if blocks:
        return f"{view.floor.name}: nothing can be captured, because {blocks[0].sentence}."
    return f"{view.floor.name}: {capture_in_words(view.in_force, names, catalogue)}."


def capture_in_words(in_force: InForce, names: Names, catalogue: Catalogue) -> str:
    """What can be captured where nothing prevents it: signals, apps, basis, retention."""
    captured = [cell for cell in cells(in_force, names) if cell.mode in {"allow", "redact"}]
    what = listed([_signal_in_words(cell) for cell in captured])
    apps = counted(len(reached(Limits(in_force.compiled, catalogue))), "app")
    bases, kept = basis_in_words(in_force), kept_in_words(in_force)
    return f"{what} can be captured in {apps}, after {bases}, kept {kept}"


def _signal_in_words(cell: Cell) -> str:
    part = " in part" if cell.mode == "redact" else ""
    return f"{SENTENCE_WORDS[cell.signal]}{part}"


def knob_rows(view: RegionView, names: Names, catalogue: Catalogue) -> tuple[KnobRow, ...]:
    """Every knob other than the signals, with its value and who decided it."""
    compiled = view.in_force.compiled
    return tuple(
        _knob_row(row, compiled, names, catalogue)
        for row in compiled.registry.knobs
        if row != STATUS
    )


def _knob_row(row: Knob[Any], compiled: Compiled, names: Names, catalogue: Catalogue) -> KnobRow:
    members = _members(row, compiled, names, catalogue) if isinstance(row.shape, NameSet) else ()
    return KnobRow(
        knob=row.name,
        name=knob_in_words(row.name),
        meet=meet_in_words(row),
        value="" if members else value_in_words(row.name, compiled[row]),
        members=members,
        reasons=reasons(compiled.why.get(row.name, ()), names),
    )


@dataclass(frozen=True)
class OwnPlace:
    """A place that the company excludes by itself: how it is recognised, an example, who asks."""

    name: str
    why: str
    ways: tuple[str, ...]
    examples: tuple[str, ...]
    reasons: tuple[Decider, ...]


def own_places(view: RegionView, names: Names) -> tuple[OwnPlace, ...]:
    """The places that the company excludes here, in the order of their ids."""
    compiled = view.in_force.compiled
    excluded: frozenset[OwnExclusion] = compiled[OWN_EXCLUSIONS]
    return tuple(
        OwnPlace(
            item.name,
            item.why,
            ways_in_words(item.match),
            item.examples,
            reasons(compiled.why.get(f"{OWN_EXCLUSIONS.name}.{item}", ()), names),
        )
        for item in in_order(excluded)
    )


def vain_in_words(view: RegionView, catalogue: Catalogue) -> tuple[str, ...]:
    """What the region lists in vain, with the way out."""
    limits = Limits(view.in_force.compiled, catalogue)
    return tuple(gap_in_words(gap, catalogue) for gap in gaps(limits))


def _members(
    row: Knob[Any], compiled: Compiled, names: Names, catalogue: Catalogue
) -> tuple[Member, ...]:
    return tuple(
        Member(
            member,
            member_in_words(row.name, member, catalogue),
            reasons(compiled.why.get(f"{row.name}.{member}", ()), names),
        )
        for member in sorted(compiled[row])
    )


@dataclass(frozen=True)
class EvidenceRow:
    """What shows that a precondition is met, and for how long it will."""

    kind: str
    reference: str
    sha256: str
    valid_to: str
    state: str


def evidence_rows(view: RegionView, now: datetime) -> tuple[EvidenceRow, ...]:
    """The evidence that counts here, then what the region's own policy shows next to it."""
    own = view.policy.evidence if view.policy is not None else ()
    every = dict.fromkeys((*view.in_force.evidence, *own))
    counted_now = frozenset(view.in_force.evidence)
    return tuple(
        EvidenceRow(
            kind=PRECONDITIONS.get(item.kind, item.kind),
            reference=item.reference,
            sha256=item.sha256,
            valid_to=item.valid_to or "",
            state=_evidence_state(item, now, counts=item in counted_now),
        )
        for item in every
    )


def _evidence_state(item: Evidence, now: datetime, *, counts: bool) -> str:
    if not item.valid(now):
        return "expired"
    if not counts:
        return "counts once its policy is in force"
    if item.valid_to is None:
        return "does not expire"
    left = (date.fromisoformat(item.valid_to) - now.date()).days
    return f"expires in {counted(left, 'day')}" if left else "expires today"


def missing_in_words(view: RegionView) -> tuple[str, ...]:
    """The preconditions that nothing valid shows."""
    return tuple(PRECONDITIONS.get(kind, kind) for kind in view.in_force.missing)
