"""What entries about company policies, stops and catalogues say (app/kernel/facts.py writes them).

A class for each kind, because each step says something else. ``policy`` is the digest of the
document, ``change`` the id of the company policy on its way.
"""

from dataclasses import dataclass
from datetime import datetime

from app.policy.law.layer import Direction


@dataclass(frozen=True)
class ChangeProposal:
    """``policy.proposed``, of a tightening too."""

    change: str
    region: str
    policy: str
    direction: Direction


@dataclass(frozen=True)
class ChangeApproval:
    """``policy.approved``: the role that was supplied, and those that are still missing."""

    change: str
    region: str
    policy: str
    role: str
    remaining: tuple[str, ...]


@dataclass(frozen=True)
class ChangePublication:
    """``policy.published``."""

    change: str
    region: str
    policy: str
    direction: Direction
    valid_from: datetime


@dataclass(frozen=True)
class ChangeWithdrawal:
    """``policy.withdrawn``."""

    change: str
    region: str
    policy: str


ChangeRecord = ChangeProposal | ChangeApproval | ChangePublication | ChangeWithdrawal


@dataclass(frozen=True)
class StopRecord:
    """``policy.stopped``, ``policy.resume_proposed``, ``policy.resumed``."""

    stop: str
    region: str


@dataclass(frozen=True)
class CatalogueWaiting:
    """``policy.catalogue_shipped``, ``_proposed``, ``_declined``, ``_approved``.

    ``policy`` is the digest of the catalogue that the files have, ``base`` that of the one in
    force. Where both are the same, nothing waits any more.
    """

    policy: str
    base: str
