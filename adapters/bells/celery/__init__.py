"""Wakes the workers of other processes and machines through a broker."""

from adapters.bells.celery.bell import CeleryBell

__all__ = ["CeleryBell"]
