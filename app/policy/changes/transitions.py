"""The steps of a change as data: from where to where, who may, what the log records.

After publication only time moves a change: scheduled, in force, superseded.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from app.audit.entries.model import Kind
from app.kernel.errors import Conflict
from app.policy.changes.model import ChangeState, Step, StepTaken
from app.policy.timeline import CompanyRow, History, met

TRANSITIONS: Mapping[tuple[ChangeState, Step], ChangeState] = {
    (ChangeState.DRAFT, Step.PROPOSED): ChangeState.IN_REVIEW,
    (ChangeState.DRAFT, Step.TIGHTENED): ChangeState.APPROVED,
    (ChangeState.IN_REVIEW, Step.APPROVED): ChangeState.IN_REVIEW,
    (ChangeState.IN_REVIEW, Step.WITHDRAWN): ChangeState.WITHDRAWN,
    (ChangeState.IN_REVIEW, Step.PUBLISHED): ChangeState.SCHEDULED,
    (ChangeState.APPROVED, Step.PUBLISHED): ChangeState.SCHEDULED,
}

PERMISSIONS: Mapping[Step, tuple[str, str]] = {
    Step.PROPOSED: ("policy", "propose"),
    Step.TIGHTENED: ("policy", "tighten"),
    Step.APPROVED: ("policy", "approve"),
    Step.WITHDRAWN: ("policy", "withdraw"),
}
"""Publishing is not asked for: it follows from the last approval, or from tightening."""

KINDS: Mapping[Step, Kind] = {
    Step.PROPOSED: Kind.POLICY_PROPOSED,
    Step.TIGHTENED: Kind.POLICY_PROPOSED,
    Step.APPROVED: Kind.POLICY_APPROVED,
    Step.PUBLISHED: Kind.POLICY_PUBLISHED,
    Step.WITHDRAWN: Kind.POLICY_WITHDRAWN,
}


def state_of(taken: tuple[StepTaken, ...]) -> ChangeState:
    """Where the steps lead; what is published counts as scheduled."""
    state = ChangeState.DRAFT
    for step in taken:
        state = TRANSITIONS[state, step.step]
    return state


def state_by_rows(taken: tuple[StepTaken, ...]) -> ChangeState:
    """Where a change stands of which the steps cannot be believed: nothing of them opens.

    It is in review until it is withdrawn; what was published is told by its publication.
    """
    withdrawn = any(step.step is Step.WITHDRAWN for step in taken)
    return ChangeState.WITHDRAWN if withdrawn else ChangeState.IN_REVIEW


def state_in_time(history: History, published: CompanyRow, now: datetime) -> ChangeState:
    """Where time has moved a published change."""
    rows = history.company_of(published.region)
    if any(row.id > published.id and row.starts < published.starts for row in rows):
        return ChangeState.SUPERSEDED  # it may still narrow for a while, but never holds alone
    for item in met(rows, now, timedelta(0)):
        if item.row.id == published.id:
            return ChangeState.IN_FORCE if item.alone_from <= now else ChangeState.SCHEDULED
    return ChangeState.SCHEDULED if published.starts > now else ChangeState.SUPERSEDED


def require_possible(taken: tuple[StepTaken, ...], step: Step, *, stands: bool = True) -> None:
    """Return if the step can be taken now.

    Args:
        taken: what was done so far.
        step: what is to be done.
        stands: whether what was done can be believed; if not, the change can only be withdrawn.

    Raises:
        Conflict: it cannot; says where the change stands.
    """
    if not stands and step is not Step.WITHDRAWN:
        raise Conflict(
            "the record of this change is disputed: somebody changed it, so nobody can approve it",
            cure="Withdraw it, and propose the text again.",
        )
    state = state_of(taken) if stands else state_by_rows(taken)
    if (state, step) not in TRANSITIONS:
        raise Conflict(
            f"the change is {_IN_WORDS[state]}: it cannot be {step.value} any more",
            cure="Load it again; if you want something else, propose a new change.",
        )


_IN_WORDS: Mapping[ChangeState, str] = {
    ChangeState.DRAFT: "a draft",
    ChangeState.IN_REVIEW: "in review",
    ChangeState.APPROVED: "approved",
    ChangeState.SCHEDULED: "published",
    ChangeState.IN_FORCE: "in force",
    ChangeState.SUPERSEDED: "superseded",
    ChangeState.WITHDRAWN: "withdrawn",
}
