"""Tables of the regions an entry concerns, and of how many entries each hour brought.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.db.metadata import RowNumber, UtcTime
from app.kernel.clock import instant
from migrations.append_only import protect, unprotect

revision = "0011_regions"
down_revision = "0010_erasure"
branch_labels = None
depends_on = None

PAGE = 250


def upgrade() -> None:
    regions = op.create_table(
        "audit_leaf_region",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("idx", RowNumber, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("region", "idx", name=op.f("pk_audit_leaf_region")),
    )
    tally = op.create_table(
        "audit_tally",
        sa.Column("hour", UtcTime(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("entries", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint("hour", "kind", "refusal", name=op.f("pk_audit_tally")),
    )
    counts: Counter[tuple[Any, ...]] = Counter()
    for page in _pages():
        rows = [
            {"region": region, "idx": leaf["idx"]}
            for leaf in page
            for region in sorted(_regions_of(leaf))
        ]
        if rows:
            op.bulk_insert(regions, rows)
        for leaf in page:
            hour = instant(leaf["integrated_at"]).replace(minute=0, second=0, microsecond=0)
            counts[hour, leaf["kind"], _refusal(leaf) or ""] += 1
    if counts:
        names = ("hour", "kind", "refusal")
        op.bulk_insert(
            tally,
            [dict(zip(names, key, strict=True)) | {"entries": n} for key, n in counts.items()],
        )
    protect("audit_leaf_region", ("region", "idx"))


def downgrade() -> None:
    unprotect("audit_leaf_region")
    op.drop_table("audit_leaf_region")
    op.drop_table("audit_tally")


# As app.audit.model had them at this revision: what a migration does must not change with the app.

_REGION = re.compile(r"GLOBAL|EU|EEA|[A-Z]{2}(-[A-Z0-9]{1,3})?")


def _regions_of(leaf: Mapping[str, Any]) -> frozenset[str]:
    """The regions an entry concerns; with ``US-NY`` also ``US``."""
    facts = leaf["facts"]
    regions, people = facts.get("regions"), facts.get("people")
    said = [facts.get("region"), facts.get("place"), facts.get("entity_region")]
    said += regions.values() if isinstance(regions, dict) else ()
    said += regions if isinstance(regions, list) else ()
    for person in people if isinstance(people, list) else ():
        said.append(person.get("region") if isinstance(person, dict) else None)
    named = {one for one in said if isinstance(one, str) and _REGION.fullmatch(one)}
    return frozenset(named | {one.partition("-")[0] for one in named})


def _refusal(leaf: Mapping[str, Any]) -> str | None:
    """The first reason of an entry that records a refusal; None for every other entry."""
    facts = leaf["facts"]
    said = (facts.get(key) for key in ("outcome", "capture"))
    outcome = next((one for one in said if isinstance(one, str)), None)
    reasons = facts.get("reasons")
    if outcome not in {"deny", "off"} or not isinstance(reasons, list) or not reasons:
        return None
    return reasons[0] if isinstance(reasons[0], str) else None


def _pages() -> Iterator[list[dict[str, Any]]]:
    """The entries that are there already, a page at a time."""
    page = sa.text("SELECT entry FROM audit_leaf WHERE idx >= :at AND idx < :end ORDER BY idx")
    at = 0
    while found := op.get_bind().execute(page, {"at": at, "end": at + PAGE}).scalars().all():
        yield [json.loads(entry) for entry in found]
        at += PAGE
