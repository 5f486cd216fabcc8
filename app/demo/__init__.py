"""Only for the demo: sample organisation, local sign-in provider, seeding."""
