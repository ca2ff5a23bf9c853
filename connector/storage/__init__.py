"""What the store keeps (records) and what it can do (port)."""
