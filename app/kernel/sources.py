"""The source of a request: what counts as one address where strangers are counted (pure).

An IPv6 line has 2^64 addresses or more, so its network of 64 bits is one source. What is no address
is one source together: nobody gets a count of their own by a name that they made up.
"""

from ipaddress import IPv6Address, ip_address, ip_network

UNKNOWN = "unknown"
_LINE_BITS = 64


def source_of(address: str) -> str:
    """The source that an address belongs to.

    >>> source_of("192.0.2.7"), source_of("::ffff:192.0.2.7"), source_of("my laptop")
    ('192.0.2.7', '192.0.2.7', 'unknown')
    >>> source_of("2001:db8::1") == source_of("2001:db8::ffff:1")
    True
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, _LINE_BITS), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
