"""The order of entries: indices, streams, promises, restores, erasures."""
