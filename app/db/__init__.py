"""The two databases: one metadata, one transaction type, SQLite and PostgreSQL.

It has more than a dozen modules because each thing that a connection is held to has one of its own:
the gate, the settings, the guards, the roles, the seals.
"""
