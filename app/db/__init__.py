"""The two databases: one metadata, one transaction type, SQLite and PostgreSQL."""
