"""The source of a request: the address that limits count by. Pure.

Rules:
1. Whoever has an IPv6 line has 2^64 addresses of it or more, so the network of 64 bits is one
   source.
2. An IPv4 address that is written as IPv6 is the IPv4 address.
3. What is no address is one source together: nobody gets a limit of their own by inventing names.
"""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
_ONE_LINE = 64
"""Bits of an IPv6 address that name one line (RFC 6177 §2: a site gets at least this much)."""


@lru_cache(maxsize=4_096)
def source_of(address: str) -> str:
    """The source that an address belongs to.

    >>> source_of("192.0.2.7"), source_of("::ffff:192.0.2.7")
    ('192.0.2.7', '192.0.2.7')
    >>> source_of("2001:db8::1") == source_of("2001:db8::ffff")
    True
    >>> source_of("somebody")
    'unknown'
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, _ONE_LINE), strict=False))
    return str(parsed)


def source_of_request(scope: Mapping[str, Any]) -> str:
    """The source of a request, from the scope of its application (ASGI 3).

    >>> source_of_request({"client": ("192.0.2.7", 50_000)}), source_of_request({"client": None})
    ('192.0.2.7', 'unknown')
    """
    client = scope.get("client")
    return source_of(client[0]) if client else UNKNOWN


def is_named(address: str, networks: tuple[Network, ...]) -> bool:
    """Say whether an address is in one of the networks.

    >>> is_named("10.0.0.9", (ip_network("10.0.0.0/24"),)), is_named("", ())
    (True, False)
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
