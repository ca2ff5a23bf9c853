"""A channel that keeps messages instead of sending them."""
