"""Grants after they were given: the use of each, said once and in time."""
