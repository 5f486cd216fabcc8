"""Floors, company policies and their workflow, the app catalogue, compile."""
