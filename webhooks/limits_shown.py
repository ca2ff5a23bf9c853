"""How hosts stand and which ceilings were reached, for status, doctor and metrics."""

from datetime import datetime, timedelta
from typing import Any, Final

from connector.jobs.breaker import BreakerState
from connector.jobs.standing import host_of, standing_of
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord, ShopState
from webhooks.exports import time_text
from webhooks.wiring import Application

# Ceilings reached longer ago are old news.
ALARM_FOR: Final = timedelta(hours=24)


def breaker_line(tx: Transaction, shop: ShopRecord, now: datetime) -> dict[str, Any]:
    """Tell how a shop's host stands."""
    host = host_of(shop)
    standing = standing_of(tx.host_limits(host), host, now)
    return {
        "breaker": str(standing.breaker),
        "resting_until": time_text(standing.resting_until),
    }


def alarm_lines(tx: Transaction, now: datetime) -> list[dict[str, Any]]:
    """List the ceilings that were reached within a day, newest first."""
    return [
        {
            "shop": str(item.shop_id),
            "kind": item.kind,
            "hour": time_text(item.hour),
            "count": item.used,
            "reached_at": time_text(item.reached_at),
        }
        for item in tx.reached_ceilings(now - ALARM_FOR)
    ]


def go_on(app: Application, shop: ShopRecord) -> None:
    """Let the work of a shop that answers again go on at once."""
    host, now = host_of(shop), app.clock.now()
    with app.storage.reading() as tx:
        standing = standing_of(tx.host_limits(host), host, now)
    rests = standing.breaker is not BreakerState.CLOSED or standing.resting_until is not None
    if rests:
        app.engine.gates.of(shop).reset()
    if rests or shop.state is not ShopState.CONNECTED:
        with app.storage.transaction() as tx:
            tx.wake_deliveries(shop.id, now=now)
        app.bell.ring(shop.id)
