"""The shops that webhooks come from, kept at hand for some seconds."""

import threading
import time
from datetime import datetime, timedelta
from typing import Final

from connector.model.order import ShopId
from connector.secret import Secret
from connector.storage.records import ShopRecord, ShopState
from webhooks.secret_rotation import old_is_good
from webhooks.wiring import Application

_FRESH: Final = timedelta(seconds=5)
# A wrong signature makes us look for a newer secret this often at most.
_AGAIN_S: Final = 0.5
_SIGNS: Final = {
    "shopify": ("client_secret", "old_client_secret", "webhook_secret"),
    "woocommerce": ("webhook_secret", "old_webhook_secret"),
}


class KnownShops:
    """Shops by address, kept for some seconds: a webhook costs no look-up."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[datetime, ShopRecord]] = {}
        self._asking = threading.Lock()
        self._again: dict[ShopId, tuple[float, ShopRecord]] = {}

    def is_fresh(self, kind: str, name: str) -> bool:
        """Tell whether a shop can be given without asking the store."""
        kept = self._kept.get((kind, name[:200]))
        return kept is not None and abs(self._app.clock.now() - kept[0]) < _FRESH

    def get(self, kind: str, name: str) -> ShopRecord | None:
        """Find the shop of a WooCommerce `token` or of a Shopify `domain`."""
        name = name[:200]
        now = self._app.clock.now()
        with self._lock:
            kept = self._kept.get((kind, name))
            if kept is not None and abs(now - kept[0]) < _FRESH:
                return kept[1]
        with self._app.storage.reading() as tx:
            if kind == "token":
                shop = tx.shop_by_token(name) if name else None
            else:
                shop = tx.shop_by_address("shopify", name)
        if shop is not None and shop.state is ShopState.REMOVED:
            shop = None
        if shop is not None:
            # Only shops that exist are kept: guesses must not fill the memory.
            with self._lock:
                self._kept[kind, name] = (now, shop)
        return shop

    def newer(self, shop: ShopRecord) -> ShopRecord | None:
        """Read a shop anew, now and then; None when its secrets are the same."""
        with self._asking:
            asked, known = self._again.get(shop.id, (0.0, shop))
            if time.monotonic() - asked > _AGAIN_S:
                with self._app.storage.reading() as tx:
                    known = tx.shop(shop.id) or shop
                self._again[shop.id] = time.monotonic(), known
        gone = known.state is ShopState.REMOVED
        return None if gone or known.secrets == shop.secrets else known


def secrets_of(shop: ShopRecord, now: datetime) -> tuple[Secret, ...]:
    """Give what may sign the deliveries of a shop now."""
    old = old_is_good(shop, now)
    return tuple(
        shop.secrets[name]
        for name in _SIGNS.get(shop.platform, ())
        if name in shop.secrets and (old or not name.startswith("old_"))
    )
