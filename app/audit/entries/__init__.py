"""Entries before and after they have an index: what they say, how they are kept, what is erased."""
