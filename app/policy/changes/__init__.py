"""How company policies change: workflow, transitions, difference, prospect."""
