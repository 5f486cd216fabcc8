"""What the auditor's pages show, worked out from entries and counts: no request, no service."""
