"""What entries of leases say of their rows (pure): see app/audit/entries/recorded.py."""

from collections.abc import Iterator, Mapping

from app.agents.devices.recorded import chain_of
from app.audit.entries.model import Kind
from app.audit.entries.recorded import Ahead, Leaf, Recorded, Recording
from app.kernel.canonical import Json

LEASE = "agent_lease"


def _changed(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    device = leaf["facts"]["device"]
    fields: dict[str, Json] = {
        "device_id": device,
        "event_id": leaf["event"],
        "recorded_at": leaf["occurred_at"],
    }
    yield Recorded(LEASE, leaf["event"], chain_of(device, LEASES), fields)


LEASES = "lease"
"""What the chain of a device's leases is called."""

RECORDED: Mapping[Kind, Recording] = {Kind.LEASE_CHANGED: _changed}
