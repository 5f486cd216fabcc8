"""A company policy while it is written: what was typed, what it would mean, what to mend."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from app.db.engine import Tx
from app.kernel.errors import Fault, HabeasError
from app.policy.changes.model import Preview, RegionView
from app.web.legal import change_rows, policy_text
from app.web.legal.region_table import ObstacleRow, obstacle_rows
from app.web.words.policy_words import APPROVERS, counted, listed
from app.web.words.region_words import names_of
from app.wiring import Services

MAX_TEXT = 200_000
"""Characters of a policy; a long policy has a few thousand."""

MAX_NOTE = 2_000


@dataclass(frozen=True)
class Draft:
    """A text on its way, as somebody typed it.

    Attributes:
        outlook: whether capture can run once the text is in force, and whether it can now, as a
            sentence.
    """

    region: str
    text: str
    note: str
    preview: Preview | None = None
    problem: HabeasError | None = None
    outlook: str = ""


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
    names = names_of(services.policy.regions(tx, now))
    outlook = services.capture.outlook(tx, preview.policy, now)
    starts = preview.policy.valid_from
    day = outlook.at if starts is not None and starts > now else None
    before, after = (
        obstacle_rows(in_force, names, services.policy.catalogue)
        for in_force in (outlook.now, outlook.then)
    )
    sentence = outlook_in_words(before, after, day)
    return replace(draft, preview=preview, problem=problem, outlook=sentence)


def outlook_in_words(
    before: Sequence[ObstacleRow], after: Sequence[ObstacleRow], day: datetime | None = None
) -> str:
    """Whether capture can run once a text is in force, compared with now, and why not.

    Args:
        before: everything that keeps capture off now.
        after: everything that will keep it off then.
        day: when the text is in force, if it names a day to come.
    """
    when = "Once it is in force" if day is None else f"From {day.day} {day:%b %Y} on"
    if not after:
        return f"{when}, capture can run{', which it cannot now' if before else ' as it can now'}."
    reasons = listed([row.sentence for row in after])
    if before:
        return f"{when}, nothing can be captured, as now: {reasons}."
    return f"{when}, capture, which can run now, stops: {reasons}."


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


def summary(preview: Preview) -> str:
    """What publishing would mean, in one or two sentences."""
    if not preview.changes and preview.direction == "same":
        return "This changes nothing: the same holds as before."
    wide = sum(change.direction == "widens" for change in preview.changes)
    narrow = sum(change.direction == "narrows" for change in preview.changes)
    parts = [
        f"{verb} {counted(number, 'rule')}"
        for verb, number in (("widens", wide), ("narrows", narrow))
        if number
    ]
    what = f"This {listed(parts)}." if parts else "This is the first policy of the region."
    if preview.direction == "widens":
        who = listed([APPROVERS.get(role, role) for role in preview.approvals_needed])
        return f"{what} It needs the approval of {who}{_lead(preview)}."
    return f"{what} It only narrows, so one person may put it in force at once."


def _lead(preview: Preview) -> str:
    if not preview.notice_lead_days:
        return ""
    return f", and then {counted(preview.notice_lead_days, 'day')} of notice"


def preview_context(services: Services, draft: Draft) -> dict[str, Any]:
    """What the template of a preview is told."""
    preview = draft.preview
    return {
        "region": draft.region,
        "preview": preview,
        "summary": summary(preview) if preview else "",
        "outlook": draft.outlook,
        "rows": change_rows.diff_rows(preview.changes, services.policy.catalogue)
        if preview
        else (),
        "approvals": [APPROVERS.get(role, role) for role in preview.approvals_needed]
        if preview
        else [],
        "problem": draft.problem,
        "trouble": trouble(draft.problem),
        "places": places(draft.problem),
    }
