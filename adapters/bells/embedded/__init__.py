"""Wakes the worker threads of the same process."""

from adapters.bells.embedded.bell import EmbeddedBell

__all__ = ["EmbeddedBell"]
