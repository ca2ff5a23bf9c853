"""What a shop says about itself: that we were removed, or that a person asks."""

from datetime import datetime, timedelta
from typing import Final

from connector.errors import AuthRejected
from connector.flows.engine import Engine
from connector.model.event import EventType, ShopEvent
from connector.storage.records import ShopRecord, ShopState

# Source: Shopify, "Privacy law compliance", checked 2026-11-22: 30 days.
PRIVACY_TERM: Final = timedelta(days=30)


def close_shop(engine: Engine, shop: ShopRecord) -> str:
    """Stop working for a shop that removed us, if that is true.

    The word alone proves nothing: one app secret signs for all shops, and it may come
    late, after a new installation. So the shop's own key is tried.

    Raises: AdapterError: the shop could not be asked now.
    """
    try:
        engine.adapter_of(shop).look_at_shop()
    except AuthRejected:
        with engine.storage.transaction() as tx:
            tx.update_shop(shop.id, state=ShopState.UNINSTALLED)
        engine.log("shop.uninstalled", shop_id=shop.id)
        return "uninstalled: the shop refuses our key; its effects wait"
    return "uninstalled was said, but our key still works: nothing changed"


def privacy_request(event: ShopEvent, received_at: datetime) -> str:
    """Say what a person has to do about a privacy request, and until when."""
    until = (received_at + PRIVACY_TERM).date().isoformat()
    what = {
        EventType.CUSTOMER_DATA_REQUEST: "hand the buyer's data to the shop owner",
        EventType.CUSTOMER_REDACT: "erase the buyer's data",
        EventType.SHOP_REDACT: "erase the shop's data",
    }[event.type]
    return f"needs a person until {until}: {what} ({event.topic})"
