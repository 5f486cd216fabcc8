"""A device (pure)."""

from dataclasses import dataclass, field
from datetime import datetime

from app.kernel.facts import fact
from app.kernel.signing import thumbprint


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
    disputed: bool = False
    """Its rows do not stand: it gets no token, and no lease that says on."""

    @property
    def active(self) -> bool:
        """Whether nobody revoked it."""
        return self.revoked_at is None

    @property
    def record(self) -> "DeviceRecord":
        """What its entries say."""
        return DeviceRecord(self.id)

    @property
    def pairing_record(self) -> "DeviceRecord":
        """What the entry of its pairing says: which key it has, too."""
        return DeviceRecord(self.id, thumbprint(self.public))


@dataclass(frozen=True)
class DeviceRecord:
    """``device.*``: which laptop was paired, was given a token, was revoked.

    Attributes:
        key: thumbprint of its public key (RFC 7638), in ``device.paired`` only.
        tokens: how many were given since the entry before, in ``device.token_issued`` only.
    """

    device: str
    key: str = field(default="", metadata=fact(sparse=True))
    tokens: int = field(default=1, metadata=fact(sparse=True))
