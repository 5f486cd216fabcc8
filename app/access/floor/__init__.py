"""The purpose floor: the closed list, its aliases, its descriptions."""
