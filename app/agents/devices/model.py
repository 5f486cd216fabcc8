"""A device (pure)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Device:
    """A laptop's agent, bound to one person by pairing."""

    id: str
    person_id: str
    name: str
    public: bytes
    """The 32 bytes of its Ed25519 key."""
    paired_at: datetime
    revoked_at: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether nobody revoked it."""
        return self.revoked_at is None

    @property
    def record(self) -> "DeviceRecord":
        """What its entries say."""
        return DeviceRecord(self.id)


@dataclass(frozen=True)
class DeviceRecord:
    """``device.*``: which laptop was paired, was given a token, was revoked."""

    device: str
