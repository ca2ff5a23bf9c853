"""What every flow needs, put together once by the composition root."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from connector.flows.rulebook import Rulebook
from connector.jobs.ceilings import Ceilings
from connector.jobs.gate import Gates
from connector.jobs.switch import Switch
from connector.model.order import ShopId
from connector.ports import Bell, ChannelAdapter, Clock, ShopAdapter
from connector.storage.port import Storage
from connector.storage.records import ShopRecord

# Opening a shop's sealed keys costs as much as storing an order.
SHOP_FRESH_S: Final = 1.0


class ShopCache:
    """Shops as they were at most a second ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[ShopId, tuple[float, ShopRecord]] = {}

    def get(self, storage: Storage, shop_id: ShopId) -> ShopRecord | None:
        """Read a shop, from the store when what is kept is old."""
        now = time.monotonic()
        with self._lock:
            kept = self._kept.get(shop_id)
        if kept is not None and now - kept[0] < SHOP_FRESH_S:
            return kept[1]
        with storage.reading() as tx:
            shop = tx.shop(shop_id)
        with self._lock:
            if shop is None:
                self._kept.pop(shop_id, None)
            else:
                self._kept[shop_id] = (now, shop)
        return shop

    def forget(self, shop_id: ShopId) -> None:
        """Read a shop anew next time: it was changed here."""
        with self._lock:
            self._kept.pop(shop_id, None)


@dataclass(frozen=True, slots=True)
class Engine:
    """The store, the clock and the ways to the outside.

    Attributes:
        adapter_of: gives the adapter of a connected shop.
        channels: by name, like `email`.
        code_key: from which discount codes are derived; the same for ever.
        gates: stand before every call to a shop. switch: stops all effects.
        ceilings: bound what one shop may do in an hour.
        log: takes an event's name and its keys; never names, addresses or bodies.
    """

    storage: Storage
    clock: Clock
    bell: Bell
    adapter_of: Callable[[ShopRecord], ShopAdapter]
    channels: Mapping[str, ChannelAdapter]
    code_key: bytes = field(repr=False)
    rulebook: Rulebook
    gates: Gates
    switch: Switch
    ceilings: Ceilings
    log: Callable[..., None]
    shops: ShopCache = field(default_factory=ShopCache, repr=False)

    def shop(self, shop_id: ShopId) -> ShopRecord | None:
        """Read a shop as it was at most a second ago."""
        return self.shops.get(self.storage, shop_id)
