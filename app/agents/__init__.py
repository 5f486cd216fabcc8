"""Pairing, leases, reports: what a capture agent fetches before it captures."""
