"""Read from the stored rows how a shop's host stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from connector.jobs.breaker import BreakerState
from connector.storage.limits import HostLimit, LimitKind
from connector.storage.records import ShopRecord


def host_of(shop: ShopRecord) -> str:
    """Name the host that a shop's API is called at."""
    address = shop.settings.get("api_url") or shop.settings.get("url") or shop.address
    return (urlsplit(address).netloc if "://" in address else address).lower()


@dataclass(frozen=True, slots=True)
class HostStanding:
    """What people are shown of a host.

    Attributes:
        resting_until: no call begins before; None when calls may begin.
    """

    breaker: BreakerState
    resting_until: datetime | None


def standing_of(limits: Sequence[HostLimit], host: str, now: datetime) -> HostStanding:
    """Work out from the stored rows how a host stands."""
    state, until = BreakerState.CLOSED, None
    for limit in limits:
        if limit.host != host:
            continue
        end = until_of(limit)
        if end is None:
            continue
        if limit.kind is LimitKind.BREAKER:
            state = BreakerState.OPEN if end > now else BreakerState.HALF_OPEN
        if end > now and (until is None or end > until):
            until = end
    return HostStanding(state, until)


def until_of(limit: HostLimit) -> datetime | None:
    """Read the end that a row tells of; None when it tells of none."""
    text = limit.state.get("until")
    return datetime.fromisoformat(text) if isinstance(text, str) else None
