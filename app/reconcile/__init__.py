"""Tables against the log: every sealed row and every entry, compared both ways."""
