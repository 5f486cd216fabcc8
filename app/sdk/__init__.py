"""What leaves the building: the guard for agents, the lease check for stores, the verifier."""
