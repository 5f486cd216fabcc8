"""What people do about policies, stops and the catalogue, and a region as they see it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.policy.catalogue.loosening import Loosening
from app.policy.catalogue.model import Catalogue
from app.policy.law.layer import CompanyPolicy, Direction, Floor
from app.policy.model import InForce, KnobChange
from app.policy.prospect import ApprovalTerms


@dataclass(frozen=True)
class Preview:
    """What publishing a text would mean, layer against layer: it decides who must approve.

    Attributes:
        changes: differences from the policies that are met now, or are decided for later.
        terms: what an approval would bind.
    """

    policy: CompanyPolicy
    direction: Direction
    changes: tuple[KnobChange, ...]
    approvals_needed: tuple[str, ...]
    terms: ApprovalTerms


class ChangeState(StrEnum):
    """The state of a change of a company policy."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What somebody does with a change."""

    PROPOSED = "proposed"
    TIGHTENED = "tightened"
    APPROVED = "approved"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class StepTaken:
    """One step of a change; the role is that of the approval, else empty."""

    seq: int
    step: Step
    actor: str
    role: str
    at: datetime


@dataclass(frozen=True)
class Change:
    """A company policy on its way, with everything that was done about it.

    Attributes:
        author: a person's id.
        changes: differences from the policy that was in force when it was written.
        approvals_needed: roles still to approve.
        valid_from: when it replaces the policy before; None until it is published.
        terms: what an approval given now binds; None where none is needed.
        disputed: its rows cannot be believed, so that it cannot be published.
    """

    id: str
    region: str
    policy: CompanyPolicy
    direction: Direction
    author: str
    note: str
    created_at: datetime
    state: ChangeState
    steps: tuple[StepTaken, ...]
    changes: tuple[KnobChange, ...]
    approvals_needed: tuple[str, ...]
    valid_from: datetime | None
    terms: ApprovalTerms | None = None
    disputed: bool = False

    @property
    def digest(self) -> str:
        """The digest that an approval binds."""
        return self.policy.digest


@dataclass(frozen=True)
class Stop:
    """A region where capture is off, or everywhere (GLOBAL).

    Attributes:
        proposed_by: the person who proposed to resume, if one did since the last stop.
        disputed: the rows about the region's stops cannot be believed: nobody resumes.
    """

    id: str
    region: str
    stopped_by: str
    note: str
    stopped_at: datetime
    proposed_by: str | None
    disputed: bool = False


@dataclass(frozen=True)
class CatalogueProposal:
    """Who proposed the catalogue that waits, when and why."""

    person: str
    at: datetime
    note: str


@dataclass(frozen=True)
class WaitingCatalogue:
    """A catalogue that the files have and that is not in force, because it loosens.

    Attributes:
        digest: names it; an approval binds it.
        base: digest of the one in force; an approval binds it too.
        loosened: what it loosens.
        since: when a service was started with these files first.
        proposed: the proposal that stands, if one does.
        disputed: the rows about it cannot be believed: nobody proposes and nobody approves.
    """

    digest: str
    base: str
    catalogue: Catalogue
    loosened: tuple[Loosening, ...]
    since: datetime
    proposed: CatalogueProposal | None
    disputed: bool = False


@dataclass(frozen=True)
class RegionView:
    """A region as legal sees it.

    Attributes:
        policy: the newest published company policy of this very region, if any.
        scheduled: when it replaces the policy before, if that is still to come.
        stop: the stop of this very region; ``in_force.stopped`` also names those above.
    """

    region: str
    chain: tuple[str, ...]
    floor: Floor
    in_force: InForce
    policy: CompanyPolicy | None
    scheduled: datetime | None
    stop: Stop | None
    changes: tuple[Change, ...]
