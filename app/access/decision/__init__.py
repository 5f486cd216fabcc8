"""The access decision: question, facts, reasons, and their record in the log."""
