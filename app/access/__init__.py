"""Purpose decisions and grants: who may read captured data, and what for."""
