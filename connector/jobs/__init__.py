"""Claiming, settling, backing off: how rows are worked through."""
