"""The services that the others are made from: the log, the people, policy, consent, capture."""

from dataclasses import dataclass

from app.access.enforcer import CasbinAuthority
from app.access.floor.terms import ALLOWED
from app.audit.entries.halt import Halt
from app.audit.entries.receipts import SubmissionReceipts
from app.audit.entries.service import AuditService
from app.audit.entries.subjects import SealedNames
from app.audit.entries.vault import Vault
from app.capture.service import CaptureService
from app.consent.notices import NoticeService, texts_of
from app.consent.service import ConsentService
from app.directory.service import DirectoryService
from app.policy.service import PolicyService
from app.wiring.foundation import Foundation
from app.wiring.shipped import Shipped


@dataclass(frozen=True, kw_only=True)
class Core(Foundation):
    """What every further service is made from."""

    authority: CasbinAuthority
    log: AuditService
    directory: DirectoryService
    policy: PolicyService
    notices: NoticeService
    consent: ConsentService
    capture: CaptureService


def make_core(on: Foundation, shipped: Shipped) -> Core:
    """Make each service from those before it."""
    log = _log(on)
    directory, policy = DirectoryService(log, shipped.authority), _policy(shipped, log)
    notices = NoticeService(log, directory, texts_of(shipped.notices))
    consent = ConsentService(
        log=log,
        directory=directory,
        notices=notices,
        authority=shipped.authority,
        chain=policy.chain,
        signer=on.ring.signer("receipt"),
        issuer=on.settings.issuer,
    )
    return Core(
        **vars(on),
        authority=shipped.authority,
        log=log,
        directory=directory,
        policy=policy,
        notices=notices,
        consent=consent,
        capture=CaptureService(
            policy=policy,
            consent=consent,
            direct=shipped.rules.directive,
            whole_offer=shipped.rules.whole_offer,
            places=shipped.rules.places,
        ),
    )


def _log(on: Foundation) -> AuditService:
    signer, vault = on.ring.signer("submission"), Vault(on.keys.secret("vault"))
    on.database.seals.names = SealedNames(vault)
    return AuditService(
        vault=vault,
        origin=on.origin,
        halt=Halt(),
        receipts=SubmissionReceipts(signer, on.settings.issuer, on.merge_within),
        merge_within=on.merge_within,
    )


def _policy(shipped: Shipped, log: AuditService) -> PolicyService:
    return PolicyService.join(
        log=log,
        authority=shipped.authority,
        floors=shipped.floors,
        catalogue=shipped.catalogue,
        allowed_purposes=ALLOWED,
        registry=shipped.registry,
    )
