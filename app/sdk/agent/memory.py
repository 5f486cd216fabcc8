"""What the guard must never forget: how far it has seen the service come.

Rules:
1. A file that is missing, unreadable, of another device or damaged is not "nothing seen yet": it is
   a fault, and capture is off until the device is paired anew. Only pairing begins a memory.
2. A memory is on disk, whole and synced, before anything it records is relied on.
3. It only grows, but for the time: a lease with the nonce of its very request may be issued before
   the latest time that was signed, which then was wild. The wild time is kept apart and only grows,
   and so is that of a lease from the future: up to it, no lease counts without such a nonce. Else
   what was signed while the service's clock was wild could be shown when its time comes.

The checksum finds accidents. Somebody who owns the laptop can write any file; against them stands
the nonce, which binds an agent's first lease to this very run (see client.py).
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.kernel.canonical import Json, canonical, digest
from app.kernel.refusals import Refusal
from app.sdk import disk
from app.sdk.lease import Lease, Refused

_FILE = "guard.json"
_MAX_BYTES = 4_096


@dataclass(frozen=True)
class Memory:
    """The highest that one device has seen.

    Attributes:
        issued: ``iat`` of the last lease accepted, seconds: the highest, but for rule 3.
        says: the content of that lease.
        wild: the highest ``iat`` that was taken back, or not believed, seconds; 0 if none was.
    """

    device_id: str
    policy_seq: int = 0
    consent_seq: int = 0
    issued: int = 0
    says: str = ""
    wild: int = 0

    def after(self, lease: Lease) -> "Memory":
        """The memory once a lease has been accepted."""
        return Memory(
            self.device_id,
            policy_seq=max(self.policy_seq, lease.policy_seq),
            consent_seq=max(self.consent_seq, lease.consent_seq),
            issued=lease.issued,
            says=lease.says,
            wild=max(self.wild, self.issued if lease.issued < self.issued else 0),
        )

    def disbelieving(self, lease: Lease) -> "Memory":
        """The memory once a lease from the future has been refused."""
        return dataclasses.replace(self, wild=max(self.wild, lease.issued))

    def joined(self, other: "Memory") -> "Memory":
        """What two memories of the device know together."""
        return dataclasses.replace(
            max(self, other, key=lambda memory: memory.issued),
            policy_seq=max(self.policy_seq, other.policy_seq),
            consent_seq=max(self.consent_seq, other.consent_seq),
            wild=max(self.wild, other.wild),
        )

    def is_ahead_of(self, lease: Lease) -> bool:
        """Whether a lease, by its time, counts only with the nonce of its request (rule 3)."""
        return lease.issued < self.issued or lease.issued <= self.wild

    def body(self) -> dict[str, Json]:
        """The memory as a value with canonical bytes."""
        return {
            "v": 1,
            "device": self.device_id,
            "policy": self.policy_seq,
            "consent": self.consent_seq,
            "issued": self.issued,
            "says": self.says,
            **({"wild": self.wild} if self.wild else {}),
        }


def begin(folder: Path, device_id: str) -> None:
    """Begin the memory of a device that was paired just now."""
    write(folder, Memory(device_id))


def read(folder: Path, device_id: str) -> Memory:
    """Read a device's memory.

    Raises:
        Refused: it is missing, damaged or another device's.
    """
    try:
        with (folder / _FILE).open("rb") as file:
            kept = json.loads(file.read(_MAX_BYTES))
        body = kept["memory"]
        memory = _memory(body)
        intact = kept["sum"] == digest(canonical(body)) and memory.body() == body
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(
            Refusal.STATE_UNREADABLE, f"the guard's memory cannot be read: {error}"
        ) from error
    if not intact:
        raise Refused(Refusal.STATE_UNREADABLE, "the guard's memory is damaged")
    if memory.device_id != device_id:
        raise Refused(Refusal.STATE_UNREADABLE, "the guard's memory is another device's")
    return memory


def write(folder: Path, memory: Memory) -> None:
    """Put a memory on disk, whole: either the old memory is there afterwards, or the new memory.

    Raises:
        Refused: the disk did not take it.
    """
    body = memory.body()
    data = canonical({"memory": body, "sum": digest(canonical(body))})
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        disk.replace(folder / _FILE, data)
    except OSError as error:
        raise Refused(
            Refusal.STATE_UNREADABLE, f"the guard's memory cannot be written: {error}"
        ) from error


def _memory(body: dict[str, Any]) -> Memory:
    return Memory(
        device_id=str(body["device"]),
        policy_seq=_whole(body["policy"]),
        consent_seq=_whole(body["consent"]),
        issued=_whole(body["issued"]),
        says=str(body["says"]),
        wild=_whole(body.get("wild", 0)),
    )


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value
