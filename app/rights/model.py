"""On which ground somebody is erased, what custodians sign, and what the receipt says (pure).

Rules:
1. Statement, entry and receipt name the pseudonym, never the person.
2. The ground is a code of a closed list: what is for ever holds no free text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.audit.restore.custody import statement_text
from app.kernel.canonical import Json
from app.kernel.clock import timestamp

ACTION = "erase-person"


class ErasureBasis(StrEnum):
    """The legal ground of an erasure."""

    GDPR_17_1_A = "gdpr-17-1-a"
    GDPR_17_1_B = "gdpr-17-1-b"
    GDPR_17_1_C = "gdpr-17-1-c"
    GDPR_17_1_D = "gdpr-17-1-d"
    GDPR_17_1_E = "gdpr-17-1-e"
    GDPR_17_1_F = "gdpr-17-1-f"
    UK_GDPR_17_1 = "uk-gdpr-17-1"
    CH_FADP_32 = "ch-fadp-32"
    CCPA_1798_105 = "ccpa-1798.105"
    BR_LGPD_18 = "br-lgpd-18"
    CN_PIPL_47 = "cn-pipl-47"
    KR_PIPA_36 = "kr-pipa-36"
    JP_APPI_35 = "jp-appi-35"


GROUNDS: Mapping[ErasureBasis, str] = {
    ErasureBasis.GDPR_17_1_A: "the data are no longer necessary (GDPR 17(1)(a))",
    ErasureBasis.GDPR_17_1_B: "consent was withdrawn, and there is no other ground (GDPR 17(1)(b))",
    ErasureBasis.GDPR_17_1_C: "the person objected (GDPR 17(1)(c))",
    ErasureBasis.GDPR_17_1_D: "the data were processed unlawfully (GDPR 17(1)(d))",
    ErasureBasis.GDPR_17_1_E: "a legal obligation demands it (GDPR 17(1)(e))",
    ErasureBasis.GDPR_17_1_F: "collected from a child for an online service (GDPR 17(1)(f))",
    ErasureBasis.UK_GDPR_17_1: "right to erasure (UK GDPR 17(1))",
    ErasureBasis.CH_FADP_32: "erasure or destruction was demanded (FADP 32)",
    ErasureBasis.CCPA_1798_105: "right to delete (Cal. Civ. Code 1798.105)",
    ErasureBasis.BR_LGPD_18: "elimination was demanded (LGPD 18)",
    ErasureBasis.CN_PIPL_47: "deletion is due (PIPL 47)",
    ErasureBasis.KR_PIPA_36: "deletion was demanded (PIPA 36)",
    ErasureBasis.JP_APPI_35: "erasure was demanded (APPI 35)",
}
"""What each code means."""


@dataclass(frozen=True)
class Erased:
    """An erasure that was done.

    Attributes:
        basis, statement: None where a restored database was erased again; the first entry says
            them.
        event_id: the entry ``subject.erased``.
        keys, bodies: how many data keys and encrypted bodies were destroyed.
        rows: how many rows that named the person were deleted or now name the pseudonym.
    """

    pseudonym: str
    basis: str | None
    statement: str | None
    event_id: str
    keys: int
    bodies: int
    rows: int
    at: datetime


def statement_of(pseudonym: str, basis: ErasureBasis, origin: str) -> str:
    """What two custodians sign before a person is erased (rule 1)."""
    return statement_text(ACTION, {"pseudonym": pseudonym, "basis": basis.value, "log": origin})


@dataclass(frozen=True)
class ErasureRecord:
    """``subject.erased``.

    Attributes:
        basis, statement: ground, and digest of what was signed; None where it was done again.
        keys, bodies: how many were destroyed.
        again: a restored database, or a crash, had brought the person back.
    """

    basis: ErasureBasis | None
    statement: str | None
    keys: int
    bodies: int
    again: bool


def receipt_claims(erased: Erased, issuer: str, origin: str) -> dict[str, Json]:
    """The claims of the receipt that the person, or whoever asked for them, is given."""
    return {
        "iss": issuer,
        "iat": int(erased.at.timestamp()),
        "sub": erased.pseudonym,
        "basis": erased.basis,
        "statement": erased.statement,
        "erased_at": timestamp(erased.at),
        "keys": erased.keys,
        "bodies": erased.bodies,
        "rows": erased.rows,
        "log": {"origin": origin, "event": erased.event_id},
    }
