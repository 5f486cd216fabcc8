"""What entries of the directory say about its rows (pure): see app/audit/entries/recorded.py.

Each ``directory.person`` entry recorded one version of one person; the person's row is the newest.
Sessions are no part of it: an entry says that somebody's session began or ended, not which.
"""

from collections.abc import Iterator, Mapping

from app.audit.entries.model import Kind
from app.audit.entries.recorded import Ahead, Leaf, Recorded, Recording
from app.directory.model import PersonRecord
from app.kernel.canonical import Json
from app.kernel.facts import decode

VERSION = "person_version"


def _person(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    (pseudonym,) = leaf["subjects"]
    chain = f"person:{pseudonym}"
    number = ahead(chain) + 1
    fields: dict[str, Json] = {
        **shown(decode(PersonRecord, leaf["facts"])),
        "version": number,
        "recorded_at": leaf["occurred_at"],
    }
    yield Recorded(VERSION, f"{pseudonym}/{number}", chain, fields)


def shown(record: PersonRecord) -> dict[str, Json]:
    """What an entry shows of a version; older entries show no residence, or no regions of roles.

    >>> sorted(shown(PersonRecord("DE", "DE", "DE", True, None, (), ("legal",))))
    ['active', 'entity_region', 'functions', 'manager', 'place', 'region']
    """
    fields: dict[str, Json] = {
        "region": record.region,
        "place": record.place,
        "entity_region": record.entity_region,
        "active": record.active,
        "manager": record.manager,
        "functions": list(record.functions),
    }
    if record.residence:
        fields["residence"] = record.residence
    if record.roles is not None:
        fields["roles"] = [str(role) for role in record.roles]
    return fields


RECORDED: Mapping[Kind, Recording] = {Kind.DIRECTORY_PERSON: _person}
