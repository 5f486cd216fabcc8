"""What people may demand of what is kept about them: erasure."""
