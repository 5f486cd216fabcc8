"""Vocabulary, errors, clock, canonical bytes and signatures: what every room shares."""
