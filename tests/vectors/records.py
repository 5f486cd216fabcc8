"""What each kind of entry says, by the class from whose fields it is written and read back."""

from collections.abc import Mapping

from app.access.decision.model import Consumer
from app.access.decision.record import AccessRecord, UseRecord
from app.access.floor.terms import PurposesAdoption
from app.agents.devices.model import DeviceRecord
from app.agents.leases.record import LeaseRecord
from app.agents.reports.model import ReportRecord
from app.audit.entries.model import Kind
from app.audit.entries.records import (
    AlarmRaised,
    AlarmStep,
    CustodiansAdoption,
    LogOpening,
    RolesAdoption,
    RulesAdoption,
    SealsAdoption,
    SealsRebuilt,
    WitnessesAdoption,
)
from app.audit.export.record import ExportRecord
from app.audit.restore.record import RestoreRecord
from app.consent.model import Act, Decision
from app.consent.notice_records import NoticeAdoption, NoticeShowing
from app.directory.doorkeeper import DoorRefusals
from app.directory.model import ImportRecord, PersonRecord, SessionEnd
from app.keys.record import KeysAdoption
from app.policy.catalogue.model import CatalogueAdoption
from app.policy.changes.record import (
    CatalogueWaiting,
    ChangeApproval,
    ChangeProposal,
    ChangePublication,
    ChangeWithdrawal,
    StopRecord,
)
from app.policy.law.layer import FloorAdoption
from app.rights.model import ErasureRecord

WHOLE: Mapping[Kind, type] = {
    Kind.LOG_OPENED: LogOpening,
    Kind.LOG_EXPORTED: ExportRecord,
    Kind.LOG_RESTORED: RestoreRecord,
    Kind.LOG_CUSTODIANS_ADOPTED: CustodiansAdoption,
    Kind.LOG_WITNESSES_ADOPTED: WitnessesAdoption,
    Kind.RULES_ADOPTED: RulesAdoption,
    Kind.ROLES_ADOPTED: RolesAdoption,
    Kind.KEYS_ADOPTED: KeysAdoption,
    Kind.SEALS_ADOPTED: SealsAdoption,
    Kind.SEALS_REBUILT: SealsRebuilt,
    Kind.ALARM_RAISED: AlarmRaised,
    Kind.ALARM_CLEAR_PROPOSED: AlarmStep,
    Kind.ALARM_CLEARED: AlarmStep,
    Kind.SESSION_ENDED: SessionEnd,
    Kind.DOOR_REFUSED: DoorRefusals,
    Kind.DIRECTORY_IMPORTED: ImportRecord,
    Kind.DIRECTORY_PERSON: PersonRecord,
    Kind.POLICY_FLOOR_ADOPTED: FloorAdoption,
    Kind.POLICY_CATALOGUE_ADOPTED: CatalogueAdoption,
    Kind.POLICY_CATALOGUE_SHIPPED: CatalogueWaiting,
    Kind.POLICY_CATALOGUE_PROPOSED: CatalogueWaiting,
    Kind.POLICY_CATALOGUE_DECLINED: CatalogueWaiting,
    Kind.POLICY_CATALOGUE_APPROVED: CatalogueWaiting,
    Kind.POLICY_PURPOSES_ADOPTED: PurposesAdoption,
    Kind.POLICY_PROPOSED: ChangeProposal,
    Kind.POLICY_APPROVED: ChangeApproval,
    Kind.POLICY_PUBLISHED: ChangePublication,
    Kind.POLICY_WITHDRAWN: ChangeWithdrawal,
    Kind.POLICY_STOPPED: StopRecord,
    Kind.POLICY_RESUME_PROPOSED: StopRecord,
    Kind.POLICY_RESUMED: StopRecord,
    Kind.NOTICE_ADOPTED: NoticeAdoption,
    Kind.NOTICE_SHOWN: NoticeShowing,
    Kind.DEVICE_PAIRING_STARTED: DeviceRecord,
    Kind.DEVICE_PAIRED: DeviceRecord,
    Kind.DEVICE_TOKEN_ISSUED: DeviceRecord,
    Kind.DEVICE_REVOKED: DeviceRecord,
    Kind.LEASE_CHANGED: LeaseRecord,
    Kind.AGENT_REPORTED: ReportRecord,
    Kind.ACCESS_USED: UseRecord,
    Kind.SUBJECT_ERASED: ErasureRecord,
}
"""Kinds of which one class says all."""

RECORDS: Mapping[Kind, type] = {
    **WHOLE,
    **{Kind(f"consent.{act.value}"): Decision for act in Act},
    Kind.ACCESS_DECIDED: AccessRecord,
    Kind.ACCESS_CONSUMER_REGISTERED: Consumer,
}
"""Those of which several do, or whose reader is given more than the entry."""

SHOWN_ONLY: Mapping[Kind, str] = {
    Kind.LOG_READ: "pages show fact by fact what was searched, counted and opened",
    Kind.LOG_BODY_READ: "pages show fact by fact whose details were opened",
}
"""Kinds whose facts no program reads back, with the reason why they need no class."""
