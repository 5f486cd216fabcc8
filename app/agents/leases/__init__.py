"""What a device may do now: lease terms and their entries."""
