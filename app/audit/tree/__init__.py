"""The tree and what is signed about it: hashes, proofs, tiles, notes, cosignatures (pure)."""
