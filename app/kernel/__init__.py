"""Vocabulary, errors, clock, canonical bytes and signatures: what every room shares.

It holds more than a dozen modules because each is one small thing that others import by its name,
and most of them know none of the others.
"""
