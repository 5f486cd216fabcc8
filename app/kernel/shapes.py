"""How names are written: each pattern once, for every reader and writer.

Rules:
1. A pattern describes a whole text. Use ``fits``, or ``fullmatch``; ``whole`` is for those who
   search (JSON Schema).
2. A pattern says how a name is written, never that what it names exists.
3. Three places are different on purpose and keep their own patterns: C2SP numbers have no upper
   bound (app/audit/tree), the codes of a leaf are looser, because a leaf takes names of every kind
   (app/audit/entries/codes.py), and ids of people are the employer's (app/directory/packs.py).
"""

import re

PARENTS = ("GLOBAL", "EU", "EEA")
"""Regions above countries; nobody lives in a region of this list alone."""

REGION = re.compile(rf"({'|'.join(PARENTS)}|[A-Z]{{2}}(-[A-Z0-9]{{1,3}})?)")
"""An ISO 3166-1 or 3166-2 code, or one of ``PARENTS``."""

SHA256 = re.compile(r"[0-9a-f]{64}")
"""A SHA-256 in hex, as people copy it from other programs."""

DIGEST = re.compile(rf"sha256:{SHA256.pattern}")
"""The name of a document: ``canonical.digest`` of its bytes."""

COMMITMENT = re.compile(rf"hmac-sha256:{SHA256.pattern}")
"""What a leaf says of a body that is kept next to the log."""

TOKEN_ID = re.compile(r"[0-9a-f]{32}")
"""128 random bits: the ``jti`` of a lease, the name of an export job."""

PSEUDONYM = re.compile(rf"p_{TOKEN_ID.pattern}")
"""A person, as the log names them."""

DEVICE_ID = re.compile(rf"d_{TOKEN_ID.pattern}")

EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A UUID in lower case: an entry, before it has an index."""

INDEX = re.compile(r"[0-9]{1,15}")
"""The index of an entry, as people type it: leading zeros do no harm."""

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

INSTANT = re.compile(rf"{DAY.pattern}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}\.[0-9]{{6}}Z")
"""As ``clock.timestamp`` writes it."""

PURPOSE = re.compile(r"[a-z][a-z0-9_.]{0,63}")
"""The key of a purpose, on the closed list or not."""

CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""A dataset, a consumer, an app: what administrators name."""

KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""An entry of the files under ``policies``: an app, an exclusion, a notice, an item of content."""

EXCLUSION = re.compile(rf"(own\.)?{KEY.pattern}")
"""A place that is never captured: of the catalogue, or ``own.`` of a company policy."""

LANGUAGE = re.compile(r"[a-z]{2}")


def fits(shape: re.Pattern[str], value: object) -> bool:
    """Say whether a value is a text and has the shape.

    >>> fits(REGION, "US-NY"), fits(REGION, "New York"), fits(REGION, None)
    (True, False, False)
    """
    return isinstance(value, str) and shape.fullmatch(value) is not None


def whole(shape: re.Pattern[str]) -> str:
    """The pattern for programs that search in a text (rule 1).

    >>> whole(DAY)
    '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
    """
    return f"^{shape.pattern}$"
