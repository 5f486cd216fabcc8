"""What entries about notices say (pure; app/kernel/facts.py writes and reads them)."""

from dataclasses import dataclass, field

from app.consent.offers import Notice
from app.kernel.facts import fact


@dataclass(frozen=True)
class NoticeAdoption:
    """``notice.adopted``: one text of a notice, by the digest of its bytes."""

    notice: str
    version: int
    language: str
    digest: str

    @classmethod
    def of(cls, notice: Notice) -> "NoticeAdoption":
        """Name a text."""
        return cls(notice.id, notice.version, notice.language, notice.digest)


@dataclass(frozen=True)
class NoticeShowing:
    """``notice.shown``: what a person was shown before a decision.

    Attributes:
        shown: id under which the decision names it.
        offer: digest of the offer that was shown with the text.
    """

    shown: str
    text: NoticeAdoption = field(metadata=fact(inline=True))
    offer: str
