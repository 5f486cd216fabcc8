"""Which 32 bytes may be an Ed25519 public key (pure; RFC 8032 §5.1.3).

A point of small order lets one signature fit many messages, and a point that is written in a second
way is one key under two names. Nobody makes either by accident. So whoever takes in a public key
from outside, whatever the form it comes in, asks here.
"""

_KEY_BYTES = 32
# RFC 8032 §5.1: the field's prime, and the y coordinates of the eight points whose order divides 8.
_P = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})


def sound_point(public: bytes) -> bytes:
    """Return a public key that can be believed.

    >>> sound_point(bytes(32))
    Traceback (most recent call last):
    ValueError: the public key is a point of small order

    Raises:
        ValueError: of another length, of small order, or written in a second way.
    """
    if len(public) != _KEY_BYTES:
        msg = f"an Ed25519 public key has {_KEY_BYTES} bytes"
        raise ValueError(msg)
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    if y >= _P:
        raise ValueError("the public key is not written in its one form (RFC 8032 §5.1.3)")
    if y in _SMALL_ORDER_Y:
        raise ValueError("the public key is a point of small order")
    return public
