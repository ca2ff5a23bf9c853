"""Addresses of this server, each written once."""

from typing import Final

HOOKS: Final = "/hooks/"
WOOCOMMERCE_HOOK: Final = "/hooks/woocommerce/"
SHOPIFY_HOOK: Final = "/hooks/shopify"


def hook_address(base_url: str, platform: str, hook_token: str) -> str:
    """Give the address a shop sends its webhooks to."""
    if platform == "shopify":
        return base_url + SHOPIFY_HOOK
    return f"{base_url}/hooks/{platform}/{hook_token}"
