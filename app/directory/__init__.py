"""People, employments, reporting lines, sessions."""
