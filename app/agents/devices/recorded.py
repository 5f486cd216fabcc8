"""What entries about devices say of their rows (pure): see app/audit/entries/recorded.py.

``device.paired`` recorded the device, ``device.revoked`` its revocation: two rows of one chain.
Entries of before say nothing of the device's key, so nothing is claimed of it.
"""

from collections.abc import Iterator, Mapping

from app.agents.devices.model import DeviceRecord
from app.audit.entries.model import Kind
from app.audit.entries.recorded import Ahead, Leaf, Recorded, Recording
from app.kernel.canonical import Json
from app.kernel.facts import decode
from app.kernel.shapes import DEVICE_ID, fits

DEVICE, REVOCATION = "agent_device", "agent_revocation"
UNNAMED = "unnamed"


def chain_of(device_id: object, about: str = "device") -> str:
    """The chain of a device, its leases, its pairing or its tokens.

    Whatever was never a device's id shares one.

    >>> chain_of("d_" + "0" * 32)
    'device:d_00000000000000000000000000000000'
    >>> chain_of("my laptop", "token")
    'token:unnamed'
    """
    return f"{about}:{device_id if fits(DEVICE_ID, device_id) else UNNAMED}"


def _paired(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    record, (person,) = decode(DeviceRecord, leaf["facts"]), leaf["subjects"]
    fields: dict[str, Json] = {"person_id": person, "paired_at": leaf["occurred_at"]}
    if record.key:
        fields["key"] = record.key
    yield Recorded(DEVICE, record.device, chain_of(record.device), fields)


def _revoked(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    device, at = decode(DeviceRecord, leaf["facts"]).device, leaf["occurred_at"]
    yield Recorded(
        REVOCATION, f"{device}/{at}", chain_of(device), {"device_id": device, "revoked_at": at}
    )


RECORDED: Mapping[Kind, Recording] = {
    Kind.DEVICE_PAIRED: _paired,
    Kind.DEVICE_REVOKED: _revoked,
}
