"""Tables of the regions an entry concerns, and of how many entries each hour brought.

Safety: expand first, contract in a later release; never UPDATE, DELETE or ALTER TYPE an append-only
table; old code must run against the new schema.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.audit.model import refusal, regions_of
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
            for region in sorted(regions_of(leaf))
        ]
        if rows:
            op.bulk_insert(regions, rows)
        for leaf in page:
            hour = instant(leaf["integrated_at"]).replace(minute=0, second=0, microsecond=0)
            counts[hour, leaf["kind"], refusal(leaf) or ""] += 1
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


def _pages() -> Iterator[list[dict[str, Any]]]:
    """The entries that are there already, a page at a time."""
    page = sa.text("SELECT entry FROM audit_leaf WHERE idx >= :at AND idx < :end ORDER BY idx")
    at = 0
    while found := op.get_bind().execute(page, {"at": at, "end": at + PAGE}).scalars().all():
        yield [json.loads(entry) for entry in found]
        at += PAGE
