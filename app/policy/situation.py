"""What a new company policy of a region would come into."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.engine import Tx
from app.policy.compile import Element, closed, meet, meet_all
from app.policy.difference import differences, direction
from app.policy.layer import CompanyPolicy, Direction
from app.policy.model import KnobChange
from app.policy.reader import PolicyReader
from app.policy.timeline import History, met

SECOND_PERSON = "legal"


@dataclass(frozen=True)
class Situation:
    """What a new policy of a region would come into.

    Attributes:
        context: what the floors and the policies of the regions above say.
        before: the policies of the region itself that are met now.
        latest: what was published last, in force or not yet.
    """

    region: str
    context: Element
    before: tuple[CompanyPolicy, ...]
    latest: CompanyPolicy | None

    def under(self, *policies: CompanyPolicy) -> Element:
        """What would hold in the region under these policies."""
        return closed(meet(self.context, meet_all(one.layer for one in policies)))

    def approvals(self, after: CompanyPolicy) -> tuple[str, ...]:
        """Every role that must approve, the second person of legal first (rule 2)."""
        further = _names(self.under(*self.before), "approver_roles")
        further |= _names(self.under(after), "approver_roles")
        return (SECOND_PERSON, *sorted(further - {SECOND_PERSON}))

    def lead_days(self, after: CompanyPolicy) -> int:
        """The longer of the lead times before and after."""
        values = [
            point.value("notice_lead_days")
            for point in (self.under(*self.before), self.under(after))
        ]
        return max(value for value in values if isinstance(value, int))

    def compare(
        self, after: CompanyPolicy, now: datetime
    ) -> tuple[Direction, tuple[KnobChange, ...]]:
        """Say what the new policy changes, and which way."""
        changes = differences(self.before, after, now, self.context)
        return direction(self.before, changes), changes


def _names(point: Element, knob: str) -> frozenset[str]:
    value = point.value(knob)
    return frozenset(str(item) for item in value) if isinstance(value, frozenset) else frozenset()


def met_policies(history: History, region: str, now: datetime) -> tuple[CompanyPolicy, ...]:
    """The company policies of one region that are met now."""
    counted = met(history.company_of(region), now, timedelta(0))
    return tuple(one.row.policy for one in counted)


def read_situation(reader: PolicyReader, tx: Tx, region: str, now: datetime) -> Situation:
    """Read it from the rows.

    Raises:
        NotFound: the region has no floor.
    """
    names = reader.chain(tx, region, now)
    history = reader.history(tx)
    floors = history.floors_at(now)
    above = [one.at(now) for name in names[1:] for one in met_policies(history, name, now)]
    published = history.company_of(region)
    return Situation(
        region,
        meet_all([*(floors[name].at(now) for name in names), *above]),
        met_policies(history, region, now),
        published[-1].policy if published else None,
    )
