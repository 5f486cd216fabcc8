"""Devices: a person's laptops, and turning one off for good.

Rules:
1. A revocation is for ever: whoever wants the laptop back pairs it again.
2. Its person may revoke a device; so may whoever may stop capture for the person's region, and
   whoever may import people.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.agents.devices import store
from app.agents.devices.model import Device
from app.audit.entries.model import Actor, Event, Kind
from app.audit.entries.service import AuditService
from app.db.engine import Tx
from app.directory.model import Person
from app.directory.service import DirectoryService
from app.kernel.authority import Authority
from app.kernel.errors import NotFound
from app.kernel.facts import encode


@dataclass(frozen=True)
class DeviceService:
    """Lists devices and revokes them.

    Attributes:
        chain: a region and those above it, nearest first; None for an unknown region.
    """

    log: AuditService
    directory: DirectoryService
    authority: Authority
    chain: Callable[[str], tuple[str, ...] | None]

    def of_person(self, tx: Tx, person_id: str) -> tuple[Device, ...]:
        """A person's devices, first paired first, revoked devices too."""
        return store.devices_of(tx, person_id)

    def revoked(self, tx: Tx, actor: Person, device_id: str) -> bool:
        """Whether a device is off already; asked before ``revoke``, so that twice waits for nobody.

        Raises:
            NotFound: as ``revoke``.
        """
        return not self._revocable(tx, actor, device_id).active

    def revoke(self, tx: Tx, actor: Person, device_id: str, now: datetime) -> Device:
        """Turn a device off for good: its tokens are refused from now on. Twice is once.

        Raises:
            NotFound: there is no such device, or it is somebody else's.
        """
        self.directory.lock(tx, self._revocable(tx, actor, device_id).person_id)
        device = store.device(tx, device_id)
        assert device is not None  # devices are never deleted
        if not device.active:
            return device
        store.insert_revocation(tx, device.id, now)
        event = Event(
            Kind.DEVICE_REVOKED,
            Actor("person", actor.id),
            encode(device.record),
            subjects=(device.person_id,),
        )
        self.log.append(tx, event, now)
        return store.device(tx, device_id) or device

    def _revocable(self, tx: Tx, actor: Person, device_id: str) -> Device:
        device = store.device(tx, device_id)
        if device is None or not self._may_revoke(tx, actor, device):
            raise NotFound("there is no such device of yours")
        return device

    def _may_revoke(self, tx: Tx, actor: Person, device: Device) -> bool:
        """Its person may; so may whoever may stop capture for the person's region, and admins."""
        if actor.id == device.person_id:
            return True
        home = self.directory.person(tx, device.person_id).region
        chain = self.chain(home) or (home,)
        return self.authority.may(actor.roles, None, "people", "import") or any(
            self.authority.may(actor.roles, region, "capture", "stop") for region in chain
        )
