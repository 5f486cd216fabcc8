"""A witness: sees that a log only grows, signs that it saw it, keeps what contradicts it.

It runs on a machine of somebody else, such as a works council's. So it stands on the pure core, the
database engine and FastAPI alone: no settings, no service and no table of Habeas.
"""
