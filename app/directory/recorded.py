"""What entries of the directory say about its rows (pure): see app/audit/entries/recorded.py.

Each ``directory.person`` entry recorded one version of one person; the person's row is the newest.
The end of a session is counted for as long as the session could have lived, and no row is claimed:
the row of a session that ended is gone, and one that is there all the same is behind.
"""

from collections.abc import Iterator, Mapping

from app.audit.entries.model import Kind
from app.audit.entries.recorded import Ahead, Leaf, Recorded, Recording
from app.directory.model import SESSION_LIFE, PersonRecord, SessionEnd
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


def _ended(leaf: Leaf, _ahead: Ahead) -> Iterator[Recorded]:
    session = decode(SessionEnd, leaf["facts"]).session
    if session:
        yield Recorded("", session, f"session:{session}", kept=SESSION_LIFE)


RECORDED: Mapping[Kind, Recording] = {
    Kind.DIRECTORY_PERSON: _person,
    Kind.SESSION_ENDED: _ended,
}
