"""How rows of policy are held against the log (``app.db.rows``)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from app.audit.entries.model import Kind
from app.audit.entries.older import Wanted, events_of
from app.db.engine import Tx
from app.db.rows import Rows
from app.db.seals import SealedTable
from app.policy.rows import (
    WAITING_CHAIN,
    chain_of_change,
    chain_of_event,
    chain_of_region,
)
from app.policy.tables import CATALOGUE_STEP, CHANGE, COMPANY, EVENT, FLOOR, STEP, STOP

_STEPS: Mapping[str, Kind] = {
    "proposed": Kind.POLICY_PROPOSED,
    "tightened": Kind.POLICY_PROPOSED,
    "approved": Kind.POLICY_APPROVED,
    "published": Kind.POLICY_PUBLISHED,
    "withdrawn": Kind.POLICY_WITHDRAWN,
}
_STOPS: Mapping[str, Kind] = {
    "stopped": Kind.POLICY_STOPPED,
    "resume_proposed": Kind.POLICY_RESUME_PROPOSED,
    "resumed": Kind.POLICY_RESUMED,
}
_CATALOGUES: Mapping[str, Kind] = {
    "shipped": Kind.POLICY_CATALOGUE_SHIPPED,
    "proposed": Kind.POLICY_CATALOGUE_PROPOSED,
    "declined": Kind.POLICY_CATALOGUE_DECLINED,
    "approved": Kind.POLICY_CATALOGUE_APPROVED,
}


def _of(kinds: Mapping[str, Kind], step: object) -> tuple[Kind, ...]:
    return (kinds[step],) if isinstance(step, str) and step in kinds else ()


def _floor(row: Row[Any]) -> Wanted:
    facts = {"region": row.region, "policy": row.digest}
    return (Kind.POLICY_FLOOR_ADOPTED,), row.recorded_at, facts


def _step(row: Row[Any]) -> Wanted:
    role = {"role": row.role} if row.step == "approved" else {}
    return _of(_STEPS, row.step), row.at, {"change": row.change_id, **role}


def _stop(row: Row[Any]) -> Wanted:
    return _of(_STOPS, row.step), row.at, {"stop": row.stop, "region": row.region}


def _catalogue(row: Row[Any]) -> Wanted:
    return _of(_CATALOGUES, row.step), row.at, {"policy": row.digest, "base": row.base}


def _older(
    sealed: SealedTable, wanted: Callable[[Row[Any]], Wanted]
) -> Callable[[Tx, Sequence[Row[Any]]], Mapping[str, str]]:
    return lambda tx, rows: events_of(tx, sealed, rows, wanted)


ROWS: Mapping[str, Rows] = {
    "policy_event": Rows(EVENT, lambda row, _: chain_of_event(row)),
    "policy_floor": Rows(
        FLOOR, lambda row, _: chain_of_region("floor", row.region), _older(FLOOR, _floor)
    ),
    "policy_company": Rows(COMPANY, lambda row, _: chain_of_region("policy", row.region)),
    "policy_stop": Rows(
        STOP, lambda row, _: chain_of_region("stop", row.region), _older(STOP, _stop)
    ),
    "policy_catalogue_step": Rows(
        CATALOGUE_STEP, lambda _row, _names: WAITING_CHAIN, _older(CATALOGUE_STEP, _catalogue)
    ),
    "policy_change": Rows(CHANGE, lambda row, _: chain_of_change(row.id)),
    "policy_step": Rows(STEP, lambda row, _: chain_of_change(row.change_id), _older(STEP, _step)),
}
"""By table."""
