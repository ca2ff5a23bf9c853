"""Who wakes the workers."""
