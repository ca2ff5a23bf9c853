"""The list of all adapters: one line each, compared with the folders by a test."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from connector.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Entry:
    """One adapter: where it is, and which class implements the port.

    Attributes:
        kind: the folder under `adapters/`, like `shops`; `storage` is one by itself.
    """

    kind: str
    name: str
    module: str
    class_name: str

    def load(self) -> Any:
        """Import the class."""
        return getattr(import_module(self.module), self.class_name)


CATALOGUE: Final = (
    Entry("shops", "woocommerce", "adapters.shops.woocommerce.adapter", "WooCommerceAdapter"),
    Entry("shops", "shopify", "adapters.shops.shopify.adapter", "ShopifyAdapter"),
    Entry("channels", "smtp", "adapters.channels.smtp.adapter", "SmtpChannel"),
    Entry("channels", "demo", "adapters.channels.demo.adapter", "DemoChannel"),
    Entry("bells", "embedded", "adapters.bells.embedded.bell", "EmbeddedBell"),
    Entry("bells", "celery", "adapters.bells.celery.bell", "CeleryBell"),
    Entry("storage", "storage", "adapters.storage.database", "Database"),
)


def names(kind: str) -> tuple[str, ...]:
    """List the adapters of a kind."""
    return tuple(entry.name for entry in CATALOGUE if entry.kind == kind)


def load_shop(name: str) -> Any:
    """Give the class of a shop adapter.

    Raises: ConfigurationError: no such platform; the known ones are named.
    """
    return _load("shops", name)


def load_channel(name: str) -> Any:
    """Give the class of a channel adapter.

    Raises: ConfigurationError: no such channel; the known ones are named.
    """
    return _load("channels", name)


def _load(kind: str, name: str) -> Any:
    for entry in CATALOGUE:
        if (entry.kind, entry.name) == (kind, name):
            return entry.load()
    known = ", ".join(names(kind))
    raise ConfigurationError(f"{name[:40]!r} is none of: {known}.")
