"""Entries before and after they have an index: what they say, how they are kept, what is erased.

It has more than a dozen modules because each table next to the leaves has one of its own.
"""
