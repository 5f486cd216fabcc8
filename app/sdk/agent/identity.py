"""Who this device is, and whom it trusts: kept in its folder from pairing on.

Rule: the service's keys for leases, and the root that signs its key sets, are taken at pairing,
from the address that was typed in, and kept. So that nobody on the way can give us keys of his own,
that address is https, or this very machine.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.kernel.canonical import Json, canonical
from app.kernel.refusals import Refusal
from app.kernel.signing import jwk
from app.kernel.tokens import KEY_USE, LEASE_TYPE, keys_for
from app.keys.model import KeySet
from app.sdk import disk
from app.sdk.keys import kept_key_set
from app.sdk.lease import Refused

_DEVICE_FILE = "device.json"


class PairingFailed(Exception):
    """The device could not be paired; the message says why and what to do."""


class NotPaired(Exception):
    """There is no paired device in this folder."""


@dataclass(frozen=True)
class Identity:
    """What a paired device keeps in its folder, next to its key and the guard's memory.

    Attributes:
        keys: the service's public keys for leases at pairing, by key id.
        key_set: the service's key set as it was last taken; None: paired before there were any.
        personal: whether the device is the person's own.
    """

    base_url: str
    device_id: str
    name: str
    keys: Mapping[str, bytes]
    personal: bool = False
    key_set: KeySet | None = None


def open_identity(folder: Path) -> Identity:
    """The device that was paired in a folder.

    Raises:
        NotPaired: there is none, or its file cannot be read.
    """
    try:
        kept = json.loads((folder / _DEVICE_FILE).read_bytes())
        return Identity(
            str(kept["base_url"]),
            str(kept["device_id"]),
            str(kept["name"]),
            lease_keys(kept["jwks"]),
            personal=kept.get("personal", False) is not False,
            key_set=_key_set(folder, kept.get("root", False)),
        )
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
        PairingFailed,
    ) as error:
        raise NotPaired(f"no device is paired in {folder}: pair it first") from error


def keep_identity(folder: Path, identity: Identity) -> None:
    """Keep it; a device paired in the folder before is replaced."""
    body: dict[str, Json] = {
        "v": 1,
        "base_url": identity.base_url,
        "device_id": identity.device_id,
        "name": identity.name,
        "jwks": {
            "keys": [{**jwk(public), KEY_USE: LEASE_TYPE} for public in identity.keys.values()]
        },
        "personal": identity.personal,
        "root": identity.key_set is not None,
    }
    disk.replace(folder / _DEVICE_FILE, canonical(body))


def note_root(folder: Path, identity: Identity, taken: KeySet) -> None:
    """Note that there is a root from now on: a set that is missing then is not one never seen.

    Raises:
        Refused: the disk did not take it.
    """
    try:
        keep_identity(folder, replace(identity, key_set=taken))
    except OSError as error:
        problem = f"the root cannot be noted: {error}"
        raise Refused(Refusal.STATE_UNREADABLE, problem) from error


def _key_set(folder: Path, learned: object) -> KeySet | None:
    kept = kept_key_set(folder)
    if kept is None and learned is not False:
        raise ValueError("the key set is missing")  # it is not that none was ever seen
    return kept


def lease_keys(jwks: Mapping[str, Any]) -> dict[str, bytes]:
    """The public keys for leases of a key set, by key id."""
    try:
        return keys_for(jwks, LEASE_TYPE)
    except ValueError as error:
        raise PairingFailed(f"the service shows no keys that can be used: {error}") from error


def require_safe(base_url: str) -> None:
    """Return if nobody on the way can answer in the service's place .

    Raises:
        PairingFailed: plain http to another machine, or no address at all.
    """
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        near = host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)
    except ValueError as error:
        raise PairingFailed(f"{base_url} is not an address: {error}") from error
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and near)):
        raise PairingFailed(
            f"{base_url} is not safe to take keys from: use https (http only on this machine)"
        )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
