"""How the log grows: the integrator, its lock store, and the check that the tree only continues."""
