"""The list of all adapters: one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, cast

from connector.errors import ConfigurationError
from connector.ports import AdapterInfo, ChannelAdapter, ShopAdapter


@dataclass(frozen=True, slots=True)
class Entry:
    """One adapter: where its class lives."""

    kind: str
    name: str
    module: str
    class_name: str

    def load(self) -> Any:
        """Import the class; only what is used is imported."""
        return getattr(import_module(self.module), self.class_name)


ENTRIES: Final = (
    Entry("shops", "woocommerce", "adapters.shops.woocommerce.adapter", "WooCommerceAdapter"),
    Entry("shops", "shopify", "adapters.shops.shopify.adapter", "ShopifyAdapter"),
    Entry("channels", "smtp", "adapters.channels.smtp.adapter", "SmtpChannel"),
    Entry("channels", "demo", "adapters.channels.demo.adapter", "DemoChannel"),
    Entry("bells", "embedded", "adapters.bells.embedded.bell", "EmbeddedBell"),
)


def names(kind: str) -> tuple[str, ...]:
    """Name all adapters of a kind."""
    return tuple(entry.name for entry in ENTRIES if entry.kind == kind)


def load_shop(name: str) -> Callable[..., ShopAdapter]:
    """Give the class of a shop platform.

    Raises: ConfigurationError: there is no such adapter.
    """
    return cast("Callable[..., ShopAdapter]", _find("shops", name).load())


def load_channel(name: str) -> Callable[..., ChannelAdapter]:
    """Give the class of a channel.

    Raises: ConfigurationError: there is no such adapter.
    """
    return cast("Callable[..., ChannelAdapter]", _find("channels", name).load())


def shop_info(name: str) -> AdapterInfo:
    """Tell what a shop platform is and can do."""
    return cast("AdapterInfo", _find("shops", name).load().info)


def _find(kind: str, name: str) -> Entry:
    for entry in ENTRIES:
        if (entry.kind, entry.name) == (kind, name):
            return entry
    raise ConfigurationError(f"There is no adapter {name!r}; known: {', '.join(names(kind))}")
