"""What a rebuild needs of the adapters: how to read deliveries, and nothing that calls."""

from collections.abc import Callable, Mapping

from adapters.catalogue import load_shop
from connector.ports import AdapterInfo, ShopAdapter
from connector.secret import Secret
from connector.storage.records import ShopRecord
from webhooks.wiring import Application


class SilentBell:
    """A bell that nobody hears."""

    def ring(self, shop_id: str) -> None:
        """Do nothing."""

    def wake(self) -> None:
        """Do nothing."""

    def wait(self, timeout_s: float) -> bool:
        """Tell that it did not ring."""
        del timeout_s
        return False

    def listen(self, has_room: Callable[[float], bool]) -> Callable[[], None]:
        """Hear nothing."""
        del has_room
        return lambda: None

    def figures(self) -> Mapping[str, int]:
        """Count nothing."""
        return {}

    def close(self) -> None:
        """Do nothing."""


def parser_of(app: Application) -> Callable[[ShopRecord], ShopAdapter]:
    """Give what makes an adapter that can read deliveries and has no keys."""

    def make(shop: ShopRecord) -> ShopAdapter:
        info: AdapterInfo = load_shop(shop.platform).info
        settings = {**shop.settings, "timezone": shop.timezone, "currency": shop.currency}
        keys = {one.name: Secret("none") for one in info.settings if one.secret and one.required}
        return app.adapters.build(shop.platform, settings, keys)

    return make
