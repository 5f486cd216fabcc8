"""What pairing takes and gives (pure)."""

from dataclasses import dataclass
from datetime import datetime

from app.kernel.signing import thumbprint


@dataclass(frozen=True)
class Pairing:
    """What the device shows and keeps (RFC 8628 §3.2); times in seconds.

    Attributes:
        request: the sealed request, for the link that the device shows.
    """

    device_id: str
    device_code: str
    user_code: str
    request: str
    expires_in: int
    interval: int


@dataclass(frozen=True)
class PendingPairing:
    """What a device asks for, and what a person sees before approving.

    Attributes:
        source: the address or the network from which the device asked; empty if it is not known.
        device_code: SHA-256 of the code that the device keeps, hex.
    """

    device_id: str
    name: str
    public: bytes
    started_at: datetime
    expires_at: datetime
    user_code: str
    source: str
    device_code: str

    @property
    def key_id(self) -> str:
        """The thumbprint of the device's key (RFC 7638)."""
        return thumbprint(self.public)


@dataclass(frozen=True)
class DeviceCode:
    """What the code that a device keeps says of it."""

    device_id: str
    public: bytes
    expires_at: datetime


@dataclass(frozen=True)
class Token:
    """A bearer token, shown once; ``expires_in`` in seconds."""

    value: str
    expires_in: int


@dataclass(frozen=True)
class TokenRefusal:
    """Why no token was given: a code of RFC 6749 §5.2 or RFC 8628 §3.5, and a sentence.

    Attributes:
        retry_after_s: in how many seconds asking again is of use; 0 where that is not known.
    """

    error: str
    description: str
    retry_after_s: int = 0
