"""What entries of every kind say about rows, each told by the capability whose entries they are."""

from collections.abc import Mapping

from app.access import recorded as access
from app.agents.devices import recorded as devices
from app.agents.leases import recorded as leases
from app.audit.entries import lists
from app.audit.entries.model import Kind
from app.audit.entries.recorded import Recording
from app.consent import recorded as consent
from app.directory import recorded as directory
from app.policy import recorded as policy

RECORDING: Mapping[Kind, Recording] = {
    **lists.RECORDED,
    **consent.RECORDED,
    **directory.RECORDED,
    **policy.RECORDED,
    **devices.RECORDED,
    **leases.RECORDED,
    **access.RECORDED,
}
