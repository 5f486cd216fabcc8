"""What the log's own entries say, as values (pure; app/kernel/facts.py writes and reads them).

Those about exports and restores are in ``audit.export.record`` and ``audit.restore.record``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.audit.entries.model import FORMAT, Kind


@dataclass(frozen=True)
class LogOpening:
    """``log.opened``: the name of the log, and the format of its entries."""

    origin: str
    format: str = FORMAT


@dataclass(frozen=True)
class CustodiansAdoption:
    """``log.custodians_adopted``: the digest of the list that is in force from here on."""

    custodians: str


@dataclass(frozen=True)
class WitnessesAdoption:
    """``log.witnesses_adopted``: the digest of the witness policy in force from here on."""

    policy: str


@dataclass(frozen=True)
class RolesAdoption:
    """``roles.adopted``: the digest of the rows that say from here on what each role may do."""

    policy: str


@dataclass(frozen=True)
class RulesAdoption:
    """``rules.adopted``: the version of the rules, and the first release that carries it."""

    version: int
    release: str


Adoption = CustodiansAdoption | WitnessesAdoption | RolesAdoption

ADOPTIONS: Mapping[Kind, type[Adoption]] = {
    Kind.LOG_CUSTODIANS_ADOPTED: CustodiansAdoption,
    Kind.LOG_WITNESSES_ADOPTED: WitnessesAdoption,
    Kind.ROLES_ADOPTED: RolesAdoption,
}
"""Lists that are taken into force, each by the digest of its document."""
