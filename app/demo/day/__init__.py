"""The recorded day of a made-up engineer: what a visit is, and which visits there are."""
