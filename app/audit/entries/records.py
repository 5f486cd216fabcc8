"""What the log's own entries say, as values (pure; app/kernel/facts.py writes and reads them).

Those about exports and restores are in ``audit.export.record`` and ``audit.restore.record``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.audit.entries.model import FORMAT, Kind
from app.kernel.canonical import canonical, digest
from app.kernel.facts import fact


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


@dataclass(frozen=True)
class SealsAdoption:
    """``seals.adopted``: from here on rows are sealed.

    Attributes:
        key: id of the key.
        sealed: how many rows of before the log confirmed.
        unsealed: how many it did not; they do not stand.
    """

    key: str
    sealed: int
    unsealed: int


@dataclass(frozen=True)
class SealsRebuilt:
    """``seals.rebuilt``: all rows were sealed again, with another key.

    Attributes:
        key, sealed, unsealed: as ``SealsAdoption``.
        statement: digest of what two custodians signed.
        custodians: digest of the list of whom two signed.
    """

    key: str
    sealed: int
    unsealed: int
    statement: str
    custodians: str


@dataclass(frozen=True)
class AlarmRaised:
    """``alarm.raised``: a chain does not stand.

    Attributes:
        chain: what the rows are about.
        why: a code of ``app.db.ring.Flaw``.
        table: where it was found; empty where it is about the whole chain.
        row: the row's key; empty as above.
    """

    chain: str
    why: str
    table: str = field(default="", metadata=fact(sparse=True))
    row: str = field(default="", metadata=fact(sparse=True))


@dataclass(frozen=True)
class AlarmStep:
    """``alarm.clear_proposed`` and ``alarm.cleared``.

    Attributes:
        alarm: the event that raised it.
        chain: what it was raised on.
        proposer: pseudonym of who proposed it; empty in a proposal.
    """

    alarm: str
    chain: str
    proposer: str = field(default="", metadata=fact(sparse=True))


def version_document(what: str, version: int) -> str:
    """The digest under which a version of something is in force: that of its number.

    >>> version_document("rules", 2)[:15]
    'sha256:05ed17cb'
    """
    return digest(canonical({what: version}))


Adoption = CustodiansAdoption | WitnessesAdoption | RolesAdoption

ADOPTIONS: Mapping[Kind, type[Adoption]] = {
    Kind.LOG_CUSTODIANS_ADOPTED: CustodiansAdoption,
    Kind.LOG_WITNESSES_ADOPTED: WitnessesAdoption,
    Kind.ROLES_ADOPTED: RolesAdoption,
}
"""Lists that are taken into force, each by the digest of its document."""
