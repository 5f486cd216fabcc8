"""What a new company policy of a region would come into (pure).

Rules:
1. It is measured against what holds now, and against everything that is already decided for later:
   a policy that was approved and waits for its day, a floor or a policy above that begins or ends.
   It narrows only if it makes nothing wider at any of those instants. Else one person could undo
   what two have decided, by publishing something on top of it before its day.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.kernel.canonical import Json, canonical, digest
from app.kernel.clock import timestamp
from app.policy.difference import differences, direction
from app.policy.knobs import APPROVER_ROLES, NOTICE_LEAD_DAYS
from app.policy.lattice import Element, closed, meet, meet_all
from app.policy.law.layer import CompanyPolicy, Direction
from app.policy.model import KnobChange
from app.policy.timeline import CompanyRow, History, met, moments

SECOND_PERSON = "legal"


@dataclass(frozen=True)
class ApprovalTerms:
    """What an approver is shown and agrees to (rule 2).

    Attributes:
        starts: when the policy would replace the one before if it were published now.
        lead_days: of notice, counted from publication.
        digest: names all of it; the same for as long as an approval of it can be given.
    """

    starts: datetime
    lead_days: int
    digest: str


@dataclass(frozen=True)
class Prospect:
    """What holds from an instant on if nothing more is published.

    Attributes:
        at: the instant.
        context: what the floors and the policies of the regions above say.
        policies: the policies of the region itself that are met.
    """

    at: datetime
    context: Element
    policies: tuple[CompanyPolicy, ...]

    def under(self, *policies: CompanyPolicy) -> Element:
        """What would hold in the region under these policies."""
        return closed(meet(self.context, meet_all(policy.layer for policy in policies)))

    def points(self, after: CompanyPolicy) -> tuple[Element, Element]:
        """What holds without the new policy, and what would hold under it."""
        return self.under(*self.policies), self.under(after)

    def differences(self, after: CompanyPolicy) -> tuple[KnobChange, ...]:
        """What the new policy would change from here on."""
        return differences(self.policies, after, self.at, self.context)


@dataclass(frozen=True)
class RegionOutlook:
    """What a new policy of a region would come into.

    Attributes:
        now: what holds now.
        later: what is decided for later, in order of time.
        latest: what was published last, in force or not yet.
    """

    region: str
    now: Prospect
    later: tuple[Prospect, ...]
    latest: CompanyPolicy | None

    def approvals(self, after: CompanyPolicy) -> tuple[str, ...]:
        """Every role that must approve, the second person of legal first (rule 2)."""
        further = {name for point in self._points(after) for name in _names(point)}
        return (SECOND_PERSON, *sorted(further - {SECOND_PERSON}))

    def notice_lead_days(self, after: CompanyPolicy) -> int:
        """The longest of the lead times before and after."""
        values = [point.value(NOTICE_LEAD_DAYS.name) for point in self._points(after)]
        return max(value for value in values if isinstance(value, int))

    def compare(self, after: CompanyPolicy) -> tuple[Direction, tuple[KnobChange, ...]]:
        """Say what the new policy changes, and which way (rule 1).

        The changes are those against what holds now. A knob that becomes wider only than what is
        decided for later is told against that.
        """
        changes = {_place(change): change for change in self.now.differences(after)}
        for prospect in self.later:
            for change in prospect.differences(after):
                known = changes.get(_place(change))
                if change.direction == "widens" and (known is None or known.direction != "widens"):
                    changes[_place(change)] = change
        listed = tuple(changes.values())
        return direction(self.now.policies, listed), listed

    def publication(self, after: CompanyPolicy, now: datetime) -> tuple[Direction, datetime]:
        """Which way the new policy goes, and when it replaces the old policy if published now."""
        way, _ = self.compare(after)
        starts = max(now, after.valid_from or now)
        if way == "widens":
            starts = max(starts, now + timedelta(days=self.notice_lead_days(after)))
        return way, starts

    def terms(self, after: CompanyPolicy, now: datetime) -> ApprovalTerms:
        """What an approval of the new policy binds if it is given now (rule 2)."""
        way, starts = self.publication(after, now)
        lead_days = self.notice_lead_days(after) if way == "widens" else 0
        bound: dict[str, Json] = {
            "policy": after.digest,
            "direction": way,
            "day": starts.date().isoformat(),
            "approvals": list(self.approvals(after)),
            "now": _held(self.now, after),
            "later": [[timestamp(one.at), _held(one, after)] for one in self.later],
        }
        return ApprovalTerms(starts, lead_days, digest(canonical(bound)))

    def _points(self, after: CompanyPolicy) -> tuple[Element, ...]:
        return tuple(
            point for prospect in (self.now, *self.later) for point in prospect.points(after)
        )


def _held(prospect: Prospect, after: CompanyPolicy) -> list[Json]:
    """What holds without the new policy and under it, by knob, and what is met without it."""
    points = [
        {name: row.readable(point.value(name)) for name, row in point.registry.rows.items()}
        for point in prospect.points(after)
    ]
    return [*points, [policy.digest for policy in prospect.policies]]


def _place(change: KnobChange) -> tuple[str, str]:
    """Tells changes apart: a knob changes once, evidence of one kind piece by piece."""
    pieces = (change.before, change.after) if change.knob.startswith("evidence.") else ()
    return change.knob, repr(pieces)


def _names(point: Element) -> frozenset[str]:
    value = point.value(APPROVER_ROLES.name)
    return frozenset(str(item) for item in value) if isinstance(value, frozenset) else frozenset()


def met_policies(history: History, region: str, now: datetime) -> tuple[CompanyPolicy, ...]:
    """The company policies of one region that are met now."""
    counted = met(history.company_of(region), now, timedelta(0))
    return tuple(item.row.policy for item in counted)


def outlook_of(history: History, names: tuple[str, ...], now: datetime) -> RegionOutlook:
    """Compute it; ``names`` are the region and those above it."""
    prospects = [_prospect(history, names, now)]
    for at in moments(history):
        if at > now:
            prospect = _prospect(history, names, at)
            if replace(prospect, at=prospects[-1].at) != prospects[-1]:
                prospects.append(prospect)
    published = history.company_of(names[0])
    latest = published[-1].policy if published else None
    return RegionOutlook(names[0], prospects[0], tuple(prospects[1:]), latest)


def published(
    history: History, policy: CompanyPolicy, names: tuple[str, ...], now: datetime
) -> tuple[History, datetime]:
    """What the history would be if a policy were published now, and when it alone would hold.

    Args:
        history: as it is.
        policy: what would be published.
        names: its region and those above it.
        now: the present instant.
    """
    way, starts = outlook_of(history, names, now).publication(policy, now)
    last = max((row.id for row in history.company), default=0)
    row = CompanyRow(
        id=last + 1,
        region=policy.region,
        policy=policy,
        change_id="",
        direction=way,
        valid_from=starts,
        recorded_at=now,
    )
    return replace(history, company=(*history.company, row)), starts


def _prospect(history: History, names: tuple[str, ...], at: datetime) -> Prospect:
    floors = history.floors_at(at)
    above = [policy.at(at) for name in names[1:] for policy in met_policies(history, name, at)]
    context = meet_all([*(floors[name].at(at) for name in names), *above])
    return Prospect(at, context, met_policies(history, names[0], at))
