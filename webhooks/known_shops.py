"""The shops that webhooks come from, kept at hand for some seconds."""

import threading
from datetime import datetime, timedelta
from typing import Final

from connector.storage.records import ShopRecord, ShopState
from webhooks.wiring import Application

_FRESH: Final = timedelta(seconds=5)


class KnownShops:
    """Shops by address, kept for some seconds: a webhook costs no look-up."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[datetime, ShopRecord]] = {}

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
