"""Settings become services. The only place that chooses implementations."""

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from app.access.consumers import ConsumerService
from app.access.service import AccessService
from app.agents.devices.service import DeviceService
from app.agents.leases.service import LeaseService
from app.agents.pairing.service import PairingService
from app.agents.reports.service import ReportService
from app.audit.entries import store
from app.audit.entries.documents import CUSTODIANS, ROLES
from app.audit.entries.model import Kind
from app.audit.export.service import ExportService
from app.audit.growing.backlog import Backlog
from app.audit.growing.entrances import require_head
from app.audit.growing.fold import Fold
from app.audit.growing.integrator import Integrator
from app.audit.reading.desk import Desk
from app.audit.restore.continuity import has_begun, require_same_log
from app.audit.restore.service import Restore, finish
from app.audit.witnesses.asking import Witnesses
from app.db.engine import Database, Tx
from app.directory.doorkeeper import Doorkeeper
from app.directory.sessions import SessionService
from app.kernel.clock import Clock, SystemClock
from app.kernel.errors import Conflict
from app.kernel.signing import jwk
from app.kernel.tokens import KEY_USE, TYPE_OF
from app.keys.kept import Coming
from app.keys.listing import Listing, listed
from app.keys.service import KeyService
from app.reconcile.alarms import AlarmService
from app.reconcile.examination import Progress
from app.reconcile.service import Reconciler
from app.rights.service import RightsService, scrub_erased
from app.settings import Settings
from app.wiring.core import Core, make_core
from app.wiring.foundation import Foundation, lay_foundation
from app.wiring.holdings import holdings
from app.wiring.rooms import (
    make_access,
    make_exports,
    make_fold,
    make_integrator,
    make_keys,
    make_leases,
    make_pairing,
    make_reconciler,
    make_rights,
    make_witnesses,
)
from app.wiring.shipped import Shipped, read_shipped


@dataclass(frozen=True, kw_only=True)
class Services(Core):
    """Everything a handler or a verb can call, made once at start."""

    desk: Desk
    exports: ExportService
    integrator: Integrator
    fold: Fold
    sessions: SessionService
    doorkeeper: Doorkeeper
    pairing: PairingService
    devices: DeviceService
    leases: LeaseService
    reports: ReportService
    consumers: ConsumerService
    access: AccessService
    rights: RightsService
    backlog: Backlog
    witnesses: Witnesses
    reconciler: Reconciler
    alarms: AlarmService
    key_sets: KeyService

    @property
    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys of leases, receipts and grants (RFC 7517 §5), each for its own tokens."""
        return {
            "keys": [
                {**jwk(public), KEY_USE: typ}
                for typ in TYPE_OF.values()
                for public in self.key_sets.publics(typ)
            ]
        }

    def listed_keys(self, tx: Tx, now: datetime) -> Listing:
        """Every key that this instance holds or publishes, and what to do next."""
        return listed(holdings(tx, self, self.key_sets, self.witnesses, self.consumers), now)

    def catch_up(self) -> None:
        """Learn what the log knows of the rows, before anything is believed of them."""
        snapshot = self.settings.var / "fold.json"
        loaded = self.fold.load(snapshot)
        if not loaded:
            self.fold.restart()
        folded = self.fold.catch_up()
        if loaded and self.fold.ring.broken is not None:
            # The snapshot may be of entries that a restore has lost: look at those that are there.
            self.fold.restart()
            folded = self.fold.catch_up()
        if folded > _WORTH_KEEPING:
            self.fold.save(snapshot)

    def close(self) -> None:
        """Close the connections to witnesses, the database and the lock store."""
        self.witnesses.close()
        self.database.engine.dispose()
        self.integrator.database.engine.dispose()
        self.lock.database.engine.dispose()

    def adopt(self, *, serving: bool = True, progress: Progress = lambda *_: None) -> None:
        """Bring floors, catalogue, purposes and notices into the database and the log.

        Args:
            progress: is told how far it is where the rows of before are sealed.
            serving: also take custodians, witness policy and rules into force. A verb next to the
                service leaves them alone: its shell may not have the service's settings.

        Raises:
            Unavailable: the database's log is not the log that this instance has kept so far.
        """
        now = self.clock.now()
        coming = self._prepare_keys(now) if serving else None
        with self.database.write() as tx:
            # It holds the log's lock, so that of two instances one is refused.
            if self.log.open(tx, now):
                self.log.adopt_seals(tx, now)
            require_same_log(tx, self.log, self.log_key, self.lock.read())
            self.reconciler.seal_first(tx, progress, now)
            if serving:
                self._adopt_settings(tx, coming, now)
            self.policy.adopt(tx, now)
            self.access.adopt(tx, now)
            self.notices.adopt(tx, now)
            back = self.rights.erase_again(tx, now)
        if serving:
            self.key_sets.take_newest()
        if back:  # a restored database held them; what it still shows of them is written over
            self._scrub()
        if serving:
            self.reconciler.resume(progress)
        self.integrator.integrate()

    def _prepare_keys(self, now: datetime) -> Coming | None:
        """Keep the key sets that come into force, in the lock store of this log only."""
        known = self.lock.read()
        with self.database.read() as tx:
            if has_begun(tx):
                require_same_log(tx, self.log, self.log_key, known)
        return self.key_sets.prepare(now)

    def _adopt_settings(self, tx: Tx, coming: Coming | None, now: datetime) -> None:
        """Take into force what a service is started with: lists, keys, rules and roles."""
        if self.custodians is not None:
            kind, listed = Kind.LOG_CUSTODIANS_ADOPTED, self.custodians.document
            self.log.adopt(tx, kind, CUSTODIANS, listed, now)
        self.key_sets.adopt(tx, coming, now)
        self.witnesses.adopt(tx, self.log, now)
        rules = self.access.rules
        self.log.adopt_rules(tx, rules.version, rules.release, now)
        self._adopt_roles(tx, now)

    def _adopt_roles(self, tx: Tx, now: datetime) -> None:
        is_first = not self.log.has_adopted(tx, ROLES)
        self.log.adopt(tx, Kind.ROLES_ADOPTED, ROLES, self.authority.document, now)
        if is_first:
            self.directory.state_roles(tx, now)

    def _scrub(self) -> None:
        left = scrub_erased(self.database)
        if left is not None:
            _logger.warning(
                "people whom a restored copy had brought back are erased again, but %s. Run habeas "
                "database scrub, or deleted rows stay in the files.",
                left,
            )


_logger = logging.getLogger(__name__)

_WORTH_KEEPING = 1_000
"""How many entries are folded anew before a snapshot is worth its file."""


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    serving: bool = True,
    shipped: Shipped | None = None,
) -> Services:
    """Open the database, bring it to this schema, and join the services.

    Args:
        settings: all that can be chosen.
        clock: the machine's where none is given.
        database: that of the settings where none is given.
        serving: see ``Services.adopt``.
        shipped: for who starts several in one process; read anew where none is given.

    Raises:
        Unavailable: the database cannot be used, or its log is not that of this instance.
        Unreadable: a shipped policy file cannot be read.
    """
    with ExitStack() as stores:
        services, _ = _opened(settings, clock, database, stores, shipped=shipped)
        services.adopt(serving=serving)
        stores.pop_all()  # kept open from here on; closed where the start was refused
    return services


def look(settings: Settings, *, lacking: bool = False) -> Services:
    """Join the services over a database that is only looked at: nothing is adopted or numbered.

    Args:
        settings: as for ``build``.
        lacking: see ``KeyService.open``.

    Raises:
        Unavailable: as ``build``; or somebody else moved the log's head (kind ``head-unsealed``).
        Unreadable: as ``build``.
    """
    with ExitStack() as stores:
        services, _ = _opened(settings, None, None, stores, lacking=lacking)
        with services.database.read() as tx:
            kept, newest = services.lock.read(), store.last_checkpoint(tx)
            require_same_log(tx, services.log, services.log_key, kept)
            if kept is None and newest is not None:
                kept = newest.note.encode()
            require_head(tx, store.head_of(tx), kept)
        stores.pop_all()
    return services


def restore(
    settings: Settings,
    *,
    clock: Clock | None = None,
    database: Database | None = None,
    shipped: Shipped | None = None,
) -> tuple[Services, Restore]:
    """Join the services over a database whose log was rolled back, under the log's next name.

    Nothing is adopted and nothing served: what comes back can acknowledge the restore and no more.
    A restore that was begun before is finished first.

    Args:
        settings: as for ``build``.
        clock: as for ``build``.
        database: as for ``build``.
        shipped: as for ``build``.

    Raises:
        Forbidden, Unavailable: as ``build``, but for the state that is to be acknowledged.
    """
    with ExitStack() as stores:
        services, finished = _opened(
            settings, clock, database, stores, after_restore=True, shipped=shipped
        )
        log, integrator = services.log, services.integrator
        if finished:
            raise Conflict(
                f"the restore that was begun is finished: the log goes on as {log.origin}",
                cure="Start again.",
            )
        stores.pop_all()
    return services, Restore(services.database, services.lock, log, integrator, services.custodians)


def _opened(
    settings: Settings,
    clock: Clock | None,
    database: Database | None,
    stores: ExitStack,
    *,
    after_restore: bool = False,
    shipped: Shipped | None = None,
    lacking: bool = False,
) -> tuple[Services, bool]:
    """Open the stores and join the services; say whether a restore was finished on the way."""
    foundation, unfinished = lay_foundation(
        settings, clock or SystemClock(), database, stores, after_restore=after_restore
    )
    services = _joined(foundation, shipped or read_shipped(settings.policies))
    if services.integrator.database is not services.database:
        stores.callback(services.integrator.database.engine.dispose)
    services.catch_up()
    with services.database.read() as tx:
        services.key_sets.open(tx, begun=has_begun(tx), lacking=lacking)
    if unfinished:
        finish(services.lock, services.integrator)
        services.fold.catch_up()
    return services, unfinished


def _joined(on: Foundation, shipped: Shipped) -> Services:
    """Make each service from those below it, in the order of the house."""
    core = make_core(on, shipped)
    fold = make_fold(core)
    keys = make_keys(core)
    integrator = make_integrator(core, fold, keys)
    devices = DeviceService(core.log, core.directory, core.authority, core.policy.chain)
    consumers = ConsumerService(core.log, core.authority)
    access = make_access(core, shipped, consumers)
    return Services(
        **vars(core),
        desk=Desk(core.log, core.authority),
        exports=make_exports(core, integrator, access),
        integrator=integrator,
        fold=fold,
        sessions=SessionService(core.log),
        doorkeeper=Doorkeeper(core.database, core.log, core.clock),
        pairing=make_pairing(core),
        devices=devices,
        leases=make_leases(core, shipped),
        reports=ReportService(core.log, core.directory, core.policy),
        consumers=consumers,
        access=access,
        rights=make_rights(core, devices),
        backlog=Backlog(core.settings.pending_max, core.merge_within),
        witnesses=make_witnesses(core),
        reconciler=make_reconciler(core, fold),
        alarms=AlarmService(core.log, core.authority, fold),
        key_sets=keys,
    )
