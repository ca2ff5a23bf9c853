"""Tries to sign in: after some that failed each one more makes the next wait longer.

Names are counted whether a user of that name exists or not, so that a refusal tells
nothing. A try counts before its password is looked at: many at once gain nothing.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connector.storage.port import Transaction

_FORGET_AFTER: Final = timedelta(hours=24)
_LONGEST: Final = timedelta(minutes=30)
_FIRST: Final = timedelta(seconds=15)
_FREE_FAR: Final = 20
_FREE_NEAR: Final = 200


@dataclass(frozen=True, slots=True)
class _Counter:
    name: str
    free: int


def _counters(name: str, address: str) -> tuple[_Counter, _Counter]:
    # Digests: a password typed in the wrong field must not lie in the table.
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return _Counter(f"name:{digest}", 5), _of_address(address)


def _of_address(address: str) -> _Counter:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return _Counter("address:", _FREE_NEAR)
    if not known.is_global:
        # Perhaps a proxy, behind which everybody stands: one must not shut out all.
        return _Counter(f"address:{known}", _FREE_NEAR)
    if known.version == 6:  # noqa: PLR2004 - one line has as many addresses as it likes
        network = ipaddress.ip_network((known, 64), strict=False)
        return _Counter(f"address:{network}", _FREE_FAR)
    return _Counter(f"address:{known}", _FREE_FAR)


def wait_after(count: int, free: int) -> timedelta:
    """Tell how long the next try waits after so many, the first `free` of which cost nothing."""
    if count < free:
        return timedelta(0)
    wait: timedelta = _FIRST * 2 ** min(count - free, 16)
    return min(wait, _LONGEST)


def begin_try(tx: Transaction, name: str, address: str, now: datetime) -> datetime | None:
    """Count a try of this name from this address.

    Args: name: in its comparable form.
    Returns: until when tries are refused; None when this one may go on.
    """
    refused: list[datetime] = []
    for counter in _counters(name, address):
        count, until = tx.count_try(counter.name, now=now, forget_before=now - _FORGET_AFTER)
        if until is not None:
            refused.append(until)
            continue
        wait = wait_after(count, counter.free)
        if wait:
            tx.refuse_tries(counter.name, now + wait)
    return max(refused, default=None)


def forget(tx: Transaction, name: str, address: str) -> None:
    """Begin anew after a try that was right."""
    of_name, of_address = _counters(name, address)
    tx.forget_tries(of_name.name)
    tx.forget_tries(of_address.name)
