"""What every table of field words has, and which of two words is the stricter one (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.kernel.vocabulary import FieldKind

RANKS = (
    FieldKind.NONE,
    FieldKind.TEXT,
    FieldKind.SEARCH,
    FieldKind.USERNAME,
    FieldKind.EMAIL_ADDRESS,
    FieldKind.PHONE_NUMBER,
    FieldKind.PERSONAL,
    FieldKind.UNKNOWN,
    FieldKind.PASSWORD,
    FieldKind.ONE_TIME_CODE,
    FieldKind.PAYMENT_CARD,
    FieldKind.BANK_ACCOUNT,
    FieldKind.NATIONAL_ID,
    FieldKind.HEALTH,
    FieldKind.SECRET,
)
"""From the mildest to the strictest. What is certainly a secret stays one, whatever else is said
about the field; what is perhaps one is ``unknown``."""


@dataclass(frozen=True)
class FieldTable:
    """The values that a platform has for one property, each with its field word.

    Attributes:
        title: what the values are.
        source: the standard or header that lists them.
        words: a value as people write it, and its word; None if it says nothing of the purpose.
    """

    title: str
    source: str
    words: Mapping[str, FieldKind | None]


def strictest(*said: FieldKind | None) -> FieldKind:
    """The strictest of the words that several properties of one field lead to.

    >>> strictest(FieldKind.TEXT, None, FieldKind.PAYMENT_CARD).value
    'payment_card'
    >>> strictest(FieldKind.EMAIL_ADDRESS, FieldKind.UNKNOWN).value
    'unknown'

    Args:
        said: words; None of a property that says nothing. Where none says anything: ``unknown``.
    """
    return max((word for word in said if word is not None), key=RANKS.index, default=_NOTHING_SAID)


_NOTHING_SAID = FieldKind.UNKNOWN
