"""The log as files: exports, projections for other programs, the tail."""
