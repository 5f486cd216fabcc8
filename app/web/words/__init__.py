"""Words that several readers share."""
