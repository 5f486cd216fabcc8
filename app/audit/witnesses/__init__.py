"""Asking witnesses for cosignatures."""
