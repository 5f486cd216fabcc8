"""Schema versions (Alembic) and the triggers that keep append-only tables append-only."""
