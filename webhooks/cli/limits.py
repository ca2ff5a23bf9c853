"""What a shop or a platform can do, as rules are checked against it."""

from adapters.catalogue import load_shop
from connector.messages.templates import template_names
from connector.ports import AdapterInfo
from connector.rules.limits import ShopLimits
from connector.storage.records import ShopRecord


def limits_for(platform: str, currency: str = "") -> ShopLimits:
    """Tell what a rule may ask of a platform."""
    info: AdapterInfo = load_shop(platform).info
    return ShopLimits(
        platform=platform,
        capabilities=info.capabilities,
        statuses=info.statuses,
        currency=currency,
        channels=frozenset({"email"}),
        templates=frozenset(template_names()),
    )


def limits_of(shop: ShopRecord) -> ShopLimits:
    """Tell what a rule may ask of a connected shop."""
    return limits_for(shop.platform, shop.currency)
