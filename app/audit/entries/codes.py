"""What a leaf may hold: codes, never sentences (pure).

A leaf is for ever and anybody may read it. So every text of an entry has to look like a code, a
digest, a pseudonym, an id, a region, an instant or a version. No space and no ``@`` fits, so that
neither a sentence nor an address gets in; a single word of a name would, and is the caller's care.
"""

import re
from collections.abc import Iterator, Mapping

from app.kernel.canonical import Json

LONGEST_CODE = 128

_CODE = re.compile(rf"[A-Za-z0-9._:/+-]{{1,{LONGEST_CODE}}}")


def is_code(text: str) -> bool:
    """Say whether a leaf may hold a text."""
    return _CODE.fullmatch(text) is not None


def require_codes(what: str, *texts: Json) -> None:
    """Refuse a value that holds any text which is not a code, a mapping's keys included.

    Raises:
        ValueError: the message says of what, and not which text it is.
    """
    for text in texts:
        if not all(is_code(string) for string in _strings(text)):
            msg = f"{what} would hold a text that is not a code"
            raise ValueError(msg)


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield key
            yield from _strings(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _strings(member)
