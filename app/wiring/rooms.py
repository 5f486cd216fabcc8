"""One step for each service that needs more than the core: keys, settings, other services."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Protocol

from app.access.consumers import ConsumerService
from app.access.decision.inquiry import Inquirer
from app.access.grants.permit import GrantSigner
from app.access.service import AccessService
from app.agents.devices.service import DeviceService
from app.agents.leases.service import LeaseService
from app.agents.pairing.sealed import PairingSeal
from app.agents.pairing.service import PairingService
from app.audit.export.jobs import ExportJobs
from app.audit.export.service import ExportService
from app.audit.export.writing import Documents
from app.audit.growing.fold import Fold
from app.audit.growing.integrator import Integrator
from app.audit.tree.epoch import base_of
from app.audit.witnesses.asking import Witnesses, read_policy
from app.db.engine import Database, Tx, open_database
from app.db.selftest import require_guarded
from app.kernel.errors import Conflict, Unavailable
from app.kernel.lanes import Lane
from app.keys.kept import KeptSets
from app.keys.service import KeyService
from app.reconcile.examination import Examination
from app.reconcile.service import Reconciler
from app.rights.service import RightsService
from app.wiring.core import Core
from app.wiring.foundation import Foundation
from app.wiring.held import DOCUMENTS, HELD
from app.wiring.recording import RECORDING
from app.wiring.shipped import Shipped

_logger = logging.getLogger(__name__)


def make_fold(core: Core) -> Fold:
    """What the log knows of the rows in the tables."""
    return Fold(core.database, RECORDING)


def make_integrator(core: Core, fold: Fold, keys: KeyService) -> Integrator:
    """What gives entries their places and signs the tree."""
    return Integrator(
        database=_for_integrator(core),
        signer=core.keys.signer("log"),
        origin=core.origin,
        clock=core.clock,
        every_s=core.settings.integrate_every_s,
        lock=core.lock,
        halt=core.log.halt,
        merge_within=core.merge_within,
        fold=fold,
        raise_found=partial(_raise_found, core),
        folded=partial(_follow, keys),
    )


def make_reconciler(core: Core, fold: Fold) -> Reconciler:
    """What holds the tables against the log."""
    return Reconciler(
        database=core.database,
        clock=core.clock,
        log=core.log,
        fold=fold,
        examination=Examination(RECORDING, HELD, DOCUMENTS),
        custodians=core.custodians,
        key=replace(core.log_key, name=base_of(core.origin)),
        every_s=core.settings.reconcile_every_s,
        file=core.settings.var / "reconciled.json",
    )


def make_keys(core: Core) -> KeyService:
    """Which keys sign, and the sets in which they are published."""
    return KeyService(
        database=core.database,
        log=core.log,
        ring=core.ring,
        kept=KeptSets(core.lock, core.log, core.keys),
        issuer=core.settings.issuer,
        custodians=core.custodians,
    )


def _follow(keys: KeyService) -> None:
    """Sign by the keys that came into use; the log goes on where that cannot be."""
    try:
        keys.follow()
    except (Conflict, Unavailable) as why:
        _logger.critical("the key set in force is not followed: %s", why)


def _raise_found(core: Core) -> None:
    """Append the alarms about what was found by those who only read."""
    found = core.database.seals.take_found()
    if not found:
        return
    try:
        with core.database.write(Lane.LOG) as tx:
            core.log.raise_alarms(tx, core.clock.now(), found)
    except Unavailable as why:  # such as of a log that was rolled back: it grows by nothing now
        core.database.seals.found(found)
        _logger.critical("alarms are not recorded yet: %s", why)


def _for_integrator(on: Foundation) -> Database:
    """Open the same database with the integrator's role; it still hears of every commit here."""
    if not on.settings.integrator_url:
        return on.database
    opened = replace(
        open_database(on.settings.integrator_url),
        committed=on.database.committed,
        seals=on.database.seals,
    )
    require_guarded(opened, strict=not on.settings.demo)
    return opened


def make_witnesses(on: Foundation) -> Witnesses:
    """Those who are asked to cosign, by the witness policy of the settings."""
    policy = read_policy(on.settings.witnesses, on.log_key)
    return Witnesses(on.database, on.clock, on.log_key, policy)


def make_exports(core: Core, integrator: Integrator, access: AccessService) -> ExportService:
    """Exports, with every document that an entry can name."""
    return ExportService(
        authority=core.authority,
        clock=core.clock,
        database=core.database,
        log=core.log,
        integrator=integrator,
        documents=_documents(core.log, core.policy, access, core.notices),
        jobs=ExportJobs(core.settings.var / "exports", core.clock),
    )


class _Keeper(Protocol):
    """A service that keeps documents which its entries name by digest."""

    def documents(self, tx: Tx) -> Iterable[tuple[str, bytes]]:
        """Every such document, each with its digest."""
        ...


def _documents(*keepers: _Keeper) -> Documents:
    return lambda tx: chain.from_iterable(keeper.documents(tx) for keeper in keepers)


def make_pairing(core: Core) -> PairingService:
    """Pairing; what devices ask for is sealed under the vault's key."""
    issuer = core.settings.issuer
    return PairingService(core.log, PairingSeal(core.keys.secret("vault"), issuer), issuer)


def make_leases(core: Core, shipped: Shipped) -> LeaseService:
    """Leases, signed."""
    return LeaseService(
        log=core.log,
        directory=core.directory,
        policy=core.policy,
        capture=core.capture,
        signer=core.ring.signer("lease"),
        issuer=core.settings.issuer,
        ttl_s=core.settings.lease_ttl_s,
        poll_s=core.settings.poll_s,
        every_decision=shipped.rules.every_decision,
    )


def make_access(core: Core, shipped: Shipped, consumers: ConsumerService) -> AccessService:
    """Access decisions, with signed grants."""
    inquirer = Inquirer(
        log=core.log,
        directory=core.directory,
        policy=core.policy,
        consent=core.consent,
        authority=core.authority,
        datasets=frozenset(shipped.purposes.datasets),
        whole_offer=shipped.rules.whole_offer,
        places=shipped.rules.places,
    )
    return AccessService(
        log=core.log,
        consumers=consumers,
        inquirer=inquirer,
        grants=GrantSigner(core.ring.signer("grant"), core.settings.issuer),
        purposes=shipped.purposes,
        rules=shipped.rules,
    )


def make_rights(core: Core, devices: DeviceService) -> RightsService:
    """What a person may demand, with signed records."""
    return RightsService(
        log=core.log,
        directory=core.directory,
        devices=devices,
        custodians=core.custodians,
        remembers=core.lock,
        signer=core.ring.signer("erasure"),
        issuer=core.settings.issuer,
    )
