"""Floors, company policies and their workflow, the app catalogue, compile.

It holds more than a dozen modules because the compile is one chain, from the knobs over the lattice
to the timeline, in which each module builds on those before it (the contract in pyproject.toml
lists them in order); law, catalogue and changes are rooms of their own.
"""
