"""A company policy while it is written: what was typed, what it would mean, what to mend."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from app.capture.effect import PolicyEffect
from app.db.engine import Tx
from app.kernel.errors import Fault, HabeasError
from app.policy.changes.model import Preview, RegionView
from app.web.legal import change_rows, policy_text
from app.web.legal.effect_rows import (
    EffectReader,
    agreement_in_words,
    approval_in_words,
    dates,
    effect_headline,
    in_vain,
)
from app.web.words.policy_words import counted
from app.web.words.region_words import names_of
from app.wiring import Services

MAX_TEXT = 200_000
"""Characters of a policy; a long policy has a few thousand."""

MAX_NOTE = 2_000


@dataclass(frozen=True)
class Draft:
    """A text on its way, as somebody typed it.

    Attributes:
        preview: how the text differs from the one before, and who must approve; None if it cannot
            be read.
        effect: what comes out for people if it were published now.
        reader: says that in words.
    """

    region: str
    text: str
    note: str
    preview: Preview | None = None
    problem: HabeasError | None = None
    effect: PolicyEffect | None = None
    reader: EffectReader | None = None


class TextFault(NamedTuple):
    """A fault with the line and column where it is; 0 where it names none."""

    line: int
    column: int
    field: str
    problem: str
    cure: str


_PLACE = re.compile(r"line (\d+)(?:, column (\d+))?: ")
"""How the reader of policy files begins a problem."""


def first_draft(view: RegionView) -> Draft:
    """The published policy, or a starting text where there is none."""
    if view.policy is not None:
        return Draft(view.region, policy_text.published_text(view.policy.body), "")
    return Draft(view.region, policy_text.starting_text(view), "")


def examine(
    services: Services, tx: Tx, draft: Draft, now: datetime, problem: HabeasError | None = None
) -> Draft:
    """Add to a draft what it would mean, or why it cannot be read.

    Args:
        services: the services.
        tx: a transaction to read in.
        draft: the draft.
        now: the present instant.
        problem: why it was not taken; shown with what the text would mean.
    """
    try:
        preview = services.policy.workflow.check(tx, draft.region, draft.text, now)
    except HabeasError as error:
        return replace(draft, problem=problem or error)
    effect = services.capture.effect(tx, preview.policy, now)
    reader = EffectReader(names_of(services.policy.regions(tx, now)), services.policy.catalogue(tx))
    return replace(draft, preview=preview, problem=problem, effect=effect, reader=reader)


def places(problem: HabeasError | None) -> tuple[TextFault, ...]:
    """The faults of a problem, each with its line and column."""
    return tuple(_text_fault(fault) for fault in (problem.faults if problem else ()))


def _text_fault(fault: Fault) -> TextFault:
    place = _PLACE.match(fault.problem)
    if place is None:
        return TextFault(0, 0, fault.field, fault.problem, fault.cure)
    rest = fault.problem[place.end() :]
    return TextFault(int(place[1]), int(place[2] or 1), fault.field, rest, fault.cure)


def trouble(problem: HabeasError | None) -> str:
    """A problem in a few words; where it is in the text, the places say what is wrong."""
    if problem is None:
        return ""
    count = sum(place.line > 0 for place in places(problem))
    if not count:
        return problem.problem
    return f"{counted(count, 'place')} in the text {'needs' if count == 1 else 'need'} mending"


def preview_context(draft: Draft) -> dict[str, Any]:
    """What the template of a preview is told."""
    context: dict[str, Any] = {
        "region": draft.region,
        "preview": draft.preview,
        "problem": draft.problem,
        "trouble": trouble(draft.problem),
        "places": places(draft.problem),
    }
    preview, effect, reader = draft.preview, draft.effect, draft.reader
    if preview is None or effect is None or reader is None:
        return context
    return context | {
        "summary": f"{effect_headline(effect)} {approval_in_words(preview)}",
        "headline": effect_headline(effect),
        "approval": approval_in_words(preview),
        "agreement": agreement_in_words(effect),
        "effects": reader.rows(effect, preview.changes),
        "dates": dates(preview.policy, effect, "if it is published now", preview.terms),
        "rows": change_rows.diff_rows(preview.changes, reader.catalogue),
        "in_vain": in_vain(effect, reader.catalogue),
    }
