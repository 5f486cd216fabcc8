"""Grants: how a permit is signed and explained, and the use of each, said once and in time."""
