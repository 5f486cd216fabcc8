"""The tree, its signatures and single proofs, checked."""
