"""A pretend WooCommerce shop."""

from webhooks.sandbox.woocommerce.shop import WooShop

__all__ = ["WooShop"]
