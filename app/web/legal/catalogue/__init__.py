"""Legal's page of the app catalogue: what is in force, what waits, and the words for both."""
