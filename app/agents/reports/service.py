"""Reports: what an agent says it did is taken once, and is an entry before it is answered.

Rules:
1. The same report again is answered the same and changes nothing; another under its id is refused.
2. The entry holds totals only; apps, signals and excluded places stay in the tables, for the
   person.
3. What was captured without a lease breaks law 1, so the entry says so.
4. An app and an excluded place are named by an id that was in force at some time, and by nothing
   else: a report has no room for an address.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.agents.devices.model import Device
from app.agents.reports import store
from app.agents.reports.model import AgentReport, ReportRecord, Totals
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory.service import DirectoryService
from app.kernel.canonical import parse_canonical
from app.kernel.errors import Conflict, Fault, InvalidInput, NotFound
from app.kernel.facts import encode
from app.kernel.refusals import REPORTABLE, Refusal
from app.policy.service import PolicyService


@dataclass(frozen=True)
class ReportService:
    """Takes reports and adds them up."""

    log: AuditService
    directory: DirectoryService
    policy: PolicyService

    def take(self, tx: Tx, device: Device, report: AgentReport, now: datetime) -> str:
        """Take what an agent says it applied and did; return the entry's event id.

        The same report again is answered the same and changes nothing.

        Raises:
            InvalidInput: a reason is not in the closed list, an app and signal is named twice, an
                app was in no catalogue, an excluded place was never in force, more events are said
                to be in excluded places than were refused there, or the policy document was never
                published for agents.
            Conflict: another report was taken under this id.
        """
        body = report.digest
        # Two deliveries of one report take turns, so that both get the same answer.
        self.directory.lock(tx, device.person_id)
        before = store.report(tx, device.id, report.id)
        if before is not None:
            if before.body != body:
                raise Conflict(
                    f"another report was taken under the id {report.id}",
                    cure="Give each report its own id, and send it again unchanged.",
                )
            return before.event_id
        self._check_report(tx, report)
        event_id = self.log.append(tx, _reported(device, report), now)
        row = store.ReportRow(body, event_id)
        store.insert_report(tx, device.id, report, row, now)
        return event_id

    def totals(self, tx: Tx, person_id: str) -> Totals:
        """What a person's devices say they captured and refused so far."""
        return Totals(
            store.allowed_totals(tx, person_id),
            store.refused_totals(tx, person_id),
            store.excluded_totals(tx, person_id),
            store.received_span(tx, person_id),
        )

    def _check_report(self, tx: Tx, report: AgentReport) -> None:
        faults = [
            Fault(f"refused.{reason}", "is not a reason", "Use the reasons of the guard.")
            for reason in report.refused
            if reason not in REPORTABLE
        ]
        places = [(row.app, row.signal) for row in report.allowed]
        if len(set(places)) != len(places):
            faults.append(Fault("allowed", "names an app and signal twice", "Add the counts up."))
        apps = {row.app for row in report.allowed}
        faults += (
            Fault(f"allowed.{app}", "is no app of any catalogue", "Use the ids of the document.")
            for app in sorted(apps - self.policy.app_names(tx, apps).keys())
        )
        faults += self._faults_of_excluded(tx, report)
        if faults:
            raise InvalidInput(f"{faults[0].field} {faults[0].problem}", faults=tuple(faults))
        if report.policy is not None and not self._was_for_agents(tx, report.policy):
            fault = Fault("policy", "was never published", "Name the lease's policy digest.")
            raise InvalidInput("the policy was never published", faults=(fault,))

    def _faults_of_excluded(self, tx: Tx, report: AgentReport) -> Iterator[Fault]:
        """What is wrong with the counts of excluded places (rule 4)."""
        named = {row.exclusion for row in report.excluded}
        for unknown in sorted(named - self.policy.exclusion_names(tx, named).keys()):
            yield Fault(
                f"excluded.{unknown}",
                "is no excluded place that was ever in force",
                "Use the ids of the policy document.",
            )
        said = sum(row.events for row in report.excluded)
        if said > report.refused.get(Refusal.EXCLUDED, 0):
            yield Fault(
                "excluded",
                "counts more events than refused.excluded",
                "Count each event under the first exclusion that fits, once.",
            )

    def _was_for_agents(self, tx: Tx, policy_digest: str) -> bool:
        """Whether a digest names a document for agents: the only documents without a kind."""
        try:
            return "kind" not in parse_canonical(self.policy.document(tx, policy_digest))
        except NotFound:
            return False


def _reported(device: Device, report: AgentReport) -> Event:
    """The entry of a report."""
    facts = encode(ReportRecord.of(device.id, report))
    return Event(
        Kind.AGENT_REPORTED, Actor("device", device.id), facts, subjects=(device.person_id,)
    )
