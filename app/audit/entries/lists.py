"""What entries about lists that are in force say about rows (pure; see ``recorded``)."""

from collections.abc import Iterator, Mapping

from app.audit.entries.model import Kind
from app.audit.entries.recorded import Ahead, Leaf, Recorded, Recording
from app.audit.entries.records import version_document


def _adopted(what: str, fact: str) -> Recording:
    def rows(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
        del ahead
        facts = leaf["facts"]
        name = facts[fact] if fact != "version" else version_document(what, facts[fact])
        fields = {"what": what, "digest": name, "adopted_at": leaf["occurred_at"]}
        yield Recorded("audit_adopted", leaf["event"], f"list:{what}", fields)

    return rows


RECORDED: Mapping[Kind, Recording] = {
    Kind.LOG_CUSTODIANS_ADOPTED: _adopted("custodians", "custodians"),
    Kind.LOG_WITNESSES_ADOPTED: _adopted("policy", "policy"),
    Kind.RULES_ADOPTED: _adopted("rules", "version"),
    Kind.ROLES_ADOPTED: _adopted("roles", "policy"),
    Kind.KEYS_ADOPTED: _adopted("keys", "note"),
}
