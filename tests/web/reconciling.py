"""What the tests about reconciliation share: a shop that drops every webhook."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.model.order import ShopId
from connector.storage.records import ShopRecord
from tests.running import Running
from tests.support import FrozenClock
from tests.web.connected import ANA, Sandbox, ask, connect
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

SANDBOXES = [WooShop, ShopifyShop]


def buy(sandbox: Sandbox, *, days_ago: float = 0, **changes: Any) -> str:
    """Place an order, maybe in the past; give its reference."""
    body = {**ANA, **changes}
    if days_ago:
        at = datetime.now(UTC) - timedelta(days=days_ago)
        if isinstance(sandbox, ShopifyShop):
            body["created_at"] = at.isoformat()
        else:
            body["placed_at"] = at.strftime("%Y-%m-%dT%H:%M:%S")
    return str(ask(sandbox, "POST", "/_sandbox/orders", body)["id"])


def drop(sandbox: Sandbox) -> None:
    """Let no webhook out any more."""
    ask(sandbox, "POST", "/_sandbox/settings", {"webhooks": "drop"})


def held(running: Running, shop: ShopRecord) -> list[str]:
    """Name the orders we hold, sorted."""
    return sorted(line["ref"] for line in running.export("orders", shop.id))


def again(running: Running, shop: ShopRecord) -> ShopRecord:
    """Read the shop as it is stored now."""
    with running.storage.reading() as tx:
        found = tx.shop(ShopId(shop.id))
    assert found is not None
    return found


def ahead() -> FrozenClock:
    """Give a clock one minute ahead of the shops', so that what they stamp has happened."""
    return FrozenClock(datetime.now(UTC) + timedelta(minutes=1))


def opened(folder: Path, **settings: Any) -> Running:
    """Make a server whose work is done only when the test says so."""
    return Running(folder, clock=ahead(), **settings)


__all__ = ["SANDBOXES", "again", "ahead", "buy", "connect", "drop", "held", "opened"]
