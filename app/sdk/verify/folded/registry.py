"""Devices, consumers and purposes, folded from the log."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.access.decision.model import Consumer
from app.access.floor.terms import PurposesAdoption
from app.agents.devices.model import DeviceRecord
from app.kernel.canonical import parse_canonical
from app.kernel.facts import decode
from app.sdk.verify.folded.people import Documents, Unknown

NEVER = "performance_evaluation"
"""The purpose that every list of purposes must prohibit."""


@dataclass
class PairedDevice:
    """A device.

    Attributes:
        revoked: index of the entry that turned it off.
    """

    person: str
    revoked: int | None = None


class Registry:
    """Folds ``device.*``, ``access.consumer_registered``, ``policy.purposes_adopted``."""

    def __init__(
        self, documents: Documents, doubted: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Begin with nothing; ``doubted``: whether an alarm is or was on a consumer's rows."""
        self._documents = documents
        self._doubted = doubted
        self._devices: dict[str, PairedDevice] = {}
        self._consumers: dict[str, tuple[Consumer, int]] = {}
        self._datasets: dict[str, frozenset[str]] = {}

    def device(self, device: str) -> PairedDevice:
        """A device.

        Raises:
            Unknown: no entry pairs it.
        """
        paired = self._devices.get(device)
        if paired is None:
            raise Unknown(f"is about the device {device}, which no entry pairs before it")
        return paired

    def consumer(self, consumer: str) -> tuple[Consumer, int]:
        """The newest version of a consumer, without its name, and the index of its entry.

        Raises:
            Unknown: no entry registers it.
        """
        newest = self._consumers.get(consumer)
        if newest is None:
            raise Unknown(f"answers {consumer}, which no entry registers before it")
        return newest

    def datasets(self, purposes: str) -> frozenset[str]:
        """What can be asked for under an adopted list of purposes."""
        return self._datasets.get(purposes, frozenset())

    def paired(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``device.paired``."""
        device, (person,) = decode(DeviceRecord, leaf["facts"]).device, leaf["subjects"]
        if leaf["actor"] != {"kind": "person", "id": person}:
            yield f"pairs as {leaf['actor']['id']} what only {person} can"
        if device in self._devices:
            yield f"pairs the device {device}, which was paired before"
        self._devices[device] = PairedDevice(person)

    def revoked(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``device.revoked``."""
        device = self.device(decode(DeviceRecord, leaf["facts"]).device)
        if device.person not in leaf["subjects"]:
            yield f"revokes, as another person's, a device of {device.person}"
        device.revoked = position

    def registered(self, position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``access.consumer_registered``."""
        stated = decode(Consumer, leaf["facts"], name="")
        before = self._consumers.get(stated.id)
        expected = before[0].version + 1 if before else 1
        if self._doubted(stated.id):  # versions that no entry recorded are left out then
            expected = max(expected, stated.version)
        if stated.version != expected:
            yield f"says version {stated.version} of the consumer; by the log it is {expected}"
        self._consumers[stated.id] = (replace(stated, version=expected), position)

    def purposes(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``policy.purposes_adopted``; the document must say what the entry says."""
        adoption = decode(PurposesAdoption, leaf["facts"])
        body = self._documents(adoption.policy)
        if body is None:
            raise Unknown(f"names the document {adoption.policy}, which is not here")
        document = parse_canonical(body)
        self._datasets[adoption.policy] = frozenset(document["datasets"])
        stated = {"allowed": adoption.allowed, "prohibited": adoption.prohibited}
        for section, purposes in stated.items():
            if sorted(document[section]) != sorted(purposes):
                yield f"says other purposes to be {section} than its document"
        if NEVER not in document["prohibited"]:
            yield f"names a document that does not prohibit {NEVER}"
