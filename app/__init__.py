"""Habeas: consent and policy governance for capture agents."""
