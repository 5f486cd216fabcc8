"""Grants: how a permit is signed and explained, and the use of each, reported once and in time."""
