"""Laptops bound to people: which there are, and turning one off for good."""
