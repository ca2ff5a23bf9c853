"""What every flow needs, put together once by the composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connector.flows.rulebook import Rulebook
from connector.model.order import ShopId
from connector.ports import Bell, ChannelAdapter, Clock, ShopAdapter
from connector.storage.port import Storage
from connector.storage.records import ShopRecord


@dataclass(frozen=True, slots=True)
class Engine:
    """The store, the clock and the ways to the outside.

    Attributes:
        adapter_of: gives the adapter of a connected shop.
        channels: by name, like `email`.
        code_key: from which discount codes are derived; the same for ever.
        log: takes an event's name and its keys; never names, addresses or bodies.
    """

    storage: Storage
    clock: Clock
    bell: Bell
    adapter_of: Callable[[ShopRecord], ShopAdapter]
    channels: Mapping[str, ChannelAdapter]
    code_key: bytes = field(repr=False)
    rulebook: Rulebook
    log: Callable[..., None]

    def shop(self, shop_id: ShopId) -> ShopRecord | None:
        """Read a shop as it is now."""
        with self.storage.reading() as tx:
            return tx.shop(shop_id)
