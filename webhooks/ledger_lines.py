"""The ledger of a shop as plain data, for JSON and for tables."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connector.flows.ledger import DAYS
from connector.rules.zones import zone_of
from connector.storage.ledger import LedgerDay, MissedOrder, WebhookRepair
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord
from webhooks.exports import time_text

Line = dict[str, Any]
MOST_LISTED: Final = 100
_LOOKED_BACK: Final = timedelta(days=DAYS)


def ledger_line(tx: Transaction, shop: ShopRecord, now: datetime) -> Line:
    """Give the last seven days of a shop: counts, mended misses, mended webhooks."""
    since = now - _LOOKED_BACK
    first = now.astimezone(zone_of(shop.timezone)).date() - timedelta(days=DAYS - 1)
    return {
        "ledger": [
            {**day_line(line), "checked_at": time_text(line.checked_at)}
            for line in tx.ledger_days(shop.id, first)
        ],
        "missed": [miss_line(item) for item in tx.missed_orders(shop.id, since, MOST_LISTED)],
        "webhook_repairs": [
            repair_line(item) for item in tx.webhook_repairs(shop.id, since, MOST_LISTED)
        ],
    }


def day_line(line: LedgerDay) -> Line:
    """Give one day: what the shop says, what we hold, what is missing or unreadable."""
    return {
        "day": line.day.isoformat(),
        "shop_says": line.shop_says,
        "we_hold": line.we_hold,
        "missing": [str(ref) for ref in line.missing],
        "unreadable": [str(ref) for ref in line.unreadable],
    }


def miss_line(miss: MissedOrder) -> Line:
    """Give one mended miss: which order, when it changed, when it was found."""
    return {
        "order": str(miss.order_ref),
        "changed_at": time_text(miss.changed_at),
        "found_at": time_text(miss.found_at),
        "delay_s": round(miss.delay_s, 3),
    }


def repair_line(repair: WebhookRepair) -> Line:
    """Give one mended webhook."""
    return {
        "topic": repair.topic,
        "was": repair.was,
        "became": repair.became,
        "repaired_at": time_text(repair.repaired_at),
        "gap_since": time_text(repair.gap_since),
    }


def ledger_words(shop: Mapping[str, Any]) -> str:
    """Say it in one cell of a table."""
    says = sum(day["shop_says"] for day in shop["ledger"])
    hold = sum(day["we_hold"] for day in shop["ledger"])
    words = [f"shop says {says}, we hold {hold}" if shop["ledger"] else "not counted yet"]
    odd = sum(len(day["unreadable"]) for day in shop["ledger"])
    if odd:
        words.append(f"{odd} unreadable")
    if shop["missed"]:
        words.append(f"{len(shop['missed'])} missed and found")
    if shop["webhook_repairs"]:
        words.append(f"{len(shop['webhook_repairs'])} webhooks mended")
    return ", ".join(words)
