"""How a log goes on after a restore: custodians, statements, a new epoch."""
