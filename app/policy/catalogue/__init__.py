"""The catalogue of apps and exclusions, and how events match it."""
