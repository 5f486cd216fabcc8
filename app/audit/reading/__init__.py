"""Reading the log: searches, selections, counts, proofs, tiles."""
