"""Decisions, standing, notices shown, receipts."""
