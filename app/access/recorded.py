"""What entries of access say of its rows (pure): see app/audit/entries/recorded.py.

A grant and its use are one chain, which the log knows only as long as the grant can be closed.
"""

from collections.abc import Iterator, Mapping

from app.access.decision.model import USE_WITHIN
from app.audit.entries.model import Kind
from app.audit.entries.recorded import Ahead, Leaf, Recorded, Recording
from app.kernel.shapes import CODE, EVENT_ID, fits

CONSUMER, GRANT, USE, PURPOSES = "access_consumer", "access_grant", "access_use", "access_purposes"
PURPOSES_CHAIN = "list:purposes"


def consumer_chain(consumer_id: object) -> str:
    """The chain of a consumer's versions; whatever was never a consumer's id shares one.

    >>> consumer_chain("pipeline"), consumer_chain("my pipeline")
    ('consumer:pipeline', 'consumer:/unnamed')
    """
    return f"consumer:{consumer_id if fits(CODE, consumer_id) else '/unnamed'}"


def grant_chain(grant_id: str) -> str:
    """The chain of a grant and its use.

    >>> grant_chain("6f1c0c3e-0000-4000-8000-000000000000")
    'use:6f1c0c3e-0000-4000-8000-000000000000'
    """
    return f"use:{grant_id if fits(EVENT_ID, grant_id) else '/unnamed'}"


def _registered(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    facts = leaf["facts"]
    consumer, version = facts["consumer"], facts["version"]
    fields = {
        "consumer_id": consumer,
        "version": version,
        "purposes": facts["purposes"],
        "functions": facts["functions"],
        "registered_at": leaf["occurred_at"],
        "overlap_until": facts.get("overlap_until"),
    }
    yield Recorded(CONSUMER, f"{consumer}/{version}", consumer_chain(consumer), fields)


def _decided(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    grant = leaf["facts"].get("grant")
    if grant is None:
        return
    fields = {
        "event_id": leaf["event"],
        "consumer_id": leaf["actor"]["id"],
        "purpose": leaf["purpose"],
        "decided_at": leaf["occurred_at"],
    }
    yield Recorded(GRANT, grant, grant_chain(grant), fields, kept=USE_WITHIN)


def _used(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    facts = leaf["facts"]
    fields = {
        "outcome": facts["outcome"],
        "row_count": facts["rows"],
        "result": facts["result"],
        "event_id": leaf["event"],
        "used_at": leaf["occurred_at"],
    }
    grant = facts["grant"]
    yield Recorded(USE, grant, grant_chain(grant), fields, kept=USE_WITHIN)


def _adopted(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    name = leaf["facts"]["policy"]
    yield Recorded(PURPOSES, name, PURPOSES_CHAIN, {"adopted_at": leaf["occurred_at"]})


RECORDED: Mapping[Kind, Recording] = {
    Kind.ACCESS_CONSUMER_REGISTERED: _registered,
    Kind.ACCESS_DECIDED: _decided,
    Kind.ACCESS_USED: _used,
    Kind.POLICY_PURPOSES_ADOPTED: _adopted,
}
