"""A change of a company policy as people review it: what differs, who approved, who must still.

Pure. The difference is by knob, not by line of text: two texts that mean the same show no change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from app.capture.effect import ways_of
from app.kernel.authority import Authority
from app.policy.catalogue.model import Catalogue
from app.policy.changes.model import Change, ChangeState, Step, StepTaken
from app.policy.knob_shapes import NameSet, OwnExclusions
from app.policy.knobs import OWN_EXCLUSIONS, REGISTRY
from app.policy.model import KnobChange
from app.web.words.knob_words import knob_in_words, member_in_words, own_difference, value_in_words
from app.web.words.policy_words import APPROVERS, ROLES, listed

_WAITING = frozenset({ChangeState.DRAFT, ChangeState.IN_REVIEW})


@dataclass(frozen=True)
class DiffRow:
    """One knob that differs. Sets show what is added and removed, not both whole lists.

    Attributes:
        direction: as the macro ``direction`` says it; ``both`` for an exchange of members.
    """

    knob: str
    name: str
    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    direction: str


class Approval(NamedTuple):
    """One approval that a change needs: by whom, and whether it was given."""

    role: str
    who: str
    given_by: str
    at: datetime | None


class StepRow(NamedTuple):
    """One step of a change, in words."""

    sentence: str
    at: datetime


def diff_rows(changes: Iterable[KnobChange], catalogue: Catalogue) -> tuple[DiffRow, ...]:
    """The rows of a semantic difference, in the order of the knobs."""
    return tuple(_diff_row(change, catalogue) for change in changes)


def _diff_row(change: KnobChange, catalogue: Catalogue) -> DiffRow:
    before, after = change.before, change.after
    row = REGISTRY.rows.get(change.knob)
    is_set = row is not None and isinstance(row.shape, NameSet | OwnExclusions)
    added, removed = _exchanged(change, catalogue) if is_set else ((), ())
    return DiffRow(
        knob=change.knob,
        name=knob_in_words(change.knob),
        before=_whole(change.knob, before, is_set=is_set),
        after=_whole(change.knob, after, is_set=is_set),
        added=added,
        removed=removed,
        direction="both" if len(ways_of(change)) > 1 else change.direction,
    )


def _exchanged(change: KnobChange, catalogue: Catalogue) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a set gains, and what it loses."""
    if change.knob == OWN_EXCLUSIONS.name:
        return own_difference(change.before or (), change.after or ())
    return (
        _members(change.knob, change.after, change.before, catalogue),
        _members(change.knob, change.before, change.after, catalogue),
    )


def _members(knob: str, these: Any, others: Any, catalogue: Catalogue) -> tuple[str, ...]:
    """What stands in one list and not in the other, by name."""
    return tuple(
        member_in_words(knob, member, catalogue)
        for member in these or ()
        if member not in (others or ())
    )


def _whole(knob: str, value: Any, *, is_set: bool) -> str:
    if not is_set or value is None:
        return value_in_words(knob, value)
    return f"{len(value)} listed" if value else "none"


def approvals(change: Change, names: Mapping[str, str]) -> tuple[Approval, ...]:
    """Given approvals first, then those that are still to come.

    Args:
        change: the change.
        names: person id to name.
    """
    given = [
        Approval(step.role, APPROVERS.get(step.role, step.role), _name(step.actor, names), step.at)
        for step in change.steps
        if step.step is Step.APPROVED
    ]
    open_ = [
        Approval(role, APPROVERS.get(role, role), "", None) for role in change.approvals_needed
    ]
    return (*given, *open_)


def history(change: Change, names: Mapping[str, str]) -> tuple[StepRow, ...]:
    """Everything that was done about a change, the newest first."""
    return tuple(StepRow(_step_in_words(step, names), step.at) for step in reversed(change.steps))


def _step_in_words(step: StepTaken, names: Mapping[str, str]) -> str:
    who = _name(step.actor, names)
    match step.step:
        case Step.PROPOSED:
            return f"Proposed by {who}"
        case Step.TIGHTENED:
            return f"Tightened at once by {who}"
        case Step.APPROVED:
            return f"Approved by {who} for {ROLES.get(step.role, step.role)}"
        case Step.PUBLISHED:
            return "Published"
        case Step.WITHDRAWN:
            return f"Withdrawn by {who}"


def headline(change: Change, names: Mapping[str, str]) -> str:
    """The state of a change as a sentence."""
    where = names.get(change.region, change.region)
    match change.state:
        case ChangeState.DRAFT | ChangeState.IN_REVIEW:
            return f"A change for {where} {waits_in_words(change)}."
        case ChangeState.APPROVED:
            return f"A change for {where} is approved."
        case ChangeState.SCHEDULED:
            return f"A change for {where} is published and comes into force later."
        case ChangeState.IN_FORCE:
            return f"A change for {where} is in force."
        case ChangeState.SUPERSEDED:
            return f"A change for {where} was replaced by a later one."
        case ChangeState.WITHDRAWN:
            return f"A change for {where} was withdrawn."


def waits_in_words(change: Change) -> str:
    """What a change that is not decided waits for, or why it waits in vain."""
    if change.disputed:
        return "is disputed: its record does not agree with the log"
    return f"waits for {needed_in_words(change)}"


def needed_in_words(change: Change) -> str:
    """Who must still approve: ``a second person of legal and the works council``."""
    return listed([APPROVERS.get(role, role) for role in change.approvals_needed])


def people_in(changes: Iterable[Change]) -> frozenset[str]:
    """The ids of everybody who did something about the changes."""
    return frozenset(
        person for change in changes for person in (change.author, *(s.actor for s in change.steps))
    )


def _name(person_id: str, names: Mapping[str, str]) -> str:
    return names.get(person_id, person_id)


_DISPUTED = (
    "Somebody may have changed the database, so nobody can approve this change. Withdraw it and "
    "propose the text again. An alarm is raised; two people have to find out what happened and "
    "clear it."
)


def is_waiting(change: Change) -> bool:
    """Whether somebody must still approve it."""
    return change.state in _WAITING


def why_not_approve(change: Change, person_id: str, roles: Any, authority: Authority) -> str:
    """Why this person cannot approve this change; empty if they can.

    The service decides; this only says beforehand what it would answer.
    """
    if not is_waiting(change) or change.disputed:
        return _DISPUTED if is_waiting(change) else "Nothing is left to approve."
    if person_id == change.author:
        return (
            "You wrote this change. Somebody else has to approve it: one person alone cannot "
            "loosen a policy."
        )
    if any(s.step is Step.APPROVED and s.actor == person_id for s in change.steps):
        return "You have approved it already. Each approval comes from another person."
    if not authority.may(roles, change.region, "policy", "approve"):
        needed = " or ".join(f"{role}@{change.region}" for role in change.approvals_needed)
        return f"To approve it you need the role {needed}."
    held = {role.name for role in roles if role.region == change.region}
    if not held & set(change.approvals_needed):
        return "The approvals that are still missing are not yours to give."
    return ""
