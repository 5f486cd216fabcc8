"""What was done so far: what laptops captured and dropped, who used it, who looked one up."""
