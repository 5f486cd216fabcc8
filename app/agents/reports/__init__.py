"""What agents say they applied and did, and what that adds up to."""
