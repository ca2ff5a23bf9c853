"""Pretend shops for the demo and the tests; nothing here is shared."""
