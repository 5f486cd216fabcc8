"""What runs in a data store: the check of grants."""
