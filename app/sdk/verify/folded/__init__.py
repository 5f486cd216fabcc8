"""State folded from the log: people, law, devices, consumers."""
