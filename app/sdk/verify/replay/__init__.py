"""Every decision of the log made again."""
