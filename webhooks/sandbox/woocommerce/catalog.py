"""Products, customers and what the shop says about itself."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.woocommerce.errors import WooError, invalid_id
from webhooks.sandbox.woocommerce.render import links
from webhooks.sandbox.woocommerce.store import BILLING, SHIPPING, STATUSES, SYMBOLS

if TYPE_CHECKING:
    from webhooks.sandbox.woocommerce.store import Order, Store

GOODS: Final = (
    ("TAZA-1", 'Taza de cerámica "Barceloneta"', "14.90"),
    ("PLATO-JGO", "Juego de platos", "39.00"),
    ("VELA-FAR", "Espelma artesana — olor de farigola", "7.95"),
    ("CAF-GEI/250", "Café Gesha 250 g", "18.50"),
)


def stock(store: Store) -> None:
    """Fill the shop with its first goods."""
    for sku, name, price in GOODS:
        add_product(store, sku, name, Decimal(price))


def add_product(store: Store, sku: str, name: str, price: Decimal) -> dict[str, Any]:
    """Put a product on sale."""
    number = store.post_id()
    now = store.now()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or str(number)
    amount = store.text(price)
    product: dict[str, Any] = {
        "id": number,
        "name": name,
        "slug": slug,
        "permalink": f"{store.url}/product/{slug}/",
        "date_created": store.local(now),
        "date_created_gmt": store.gmt(now),
        "date_modified": store.local(now),
        "date_modified_gmt": store.gmt(now),
        "type": "simple",
        "status": "publish",
        "featured": False,
        "catalog_visibility": "visible",
        "description": "",
        "short_description": "",
        "sku": sku,
        "price": amount,
        "regular_price": amount,
        "sale_price": "",
        "date_on_sale_from": None,
        "date_on_sale_from_gmt": None,
        "date_on_sale_to": None,
        "date_on_sale_to_gmt": None,
        "on_sale": False,
        "purchasable": True,
        "total_sales": 0,
        "virtual": False,
        "downloadable": False,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "external_url": "",
        "button_text": "",
        "tax_status": "taxable",
        "tax_class": "",
        "manage_stock": False,
        "stock_quantity": None,
        "backorders": "no",
        "backorders_allowed": False,
        "backordered": False,
        "low_stock_amount": None,
        "sold_individually": False,
        "weight": "",
        "dimensions": {"length": "", "width": "", "height": ""},
        "shipping_required": True,
        "shipping_taxable": True,
        "shipping_class": "",
        "shipping_class_id": 0,
        "reviews_allowed": True,
        "average_rating": "0.00",
        "rating_count": 0,
        "upsell_ids": [],
        "cross_sell_ids": [],
        "parent_id": 0,
        "purchase_note": "",
        "categories": [{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}],
        "brands": [],
        "tags": [],
        "images": [],
        "attributes": [],
        "default_attributes": [],
        "variations": [],
        "grouped_products": [],
        "menu_order": 0,
        "price_html": "",
        "related_ids": [],
        "meta_data": [],
        "stock_status": "instock",
        "has_options": False,
        "post_password": "",
        "global_unique_id": "",
        "_links": links(store, f"products/{number}"),
    }
    store.products[number] = product
    return product


def product(store: Store, number: int) -> dict[str, Any]:
    """Give a product.

    Raises: WooError: there is none.
    """
    found = store.products.get(number)
    if found is None:
        raise invalid_id("product")
    return found


def product_by_sku(store: Store, sku: str) -> dict[str, Any] | None:
    """Find a product by its exact SKU, whatever the case."""
    for item in store.products.values():
        if item["sku"].lower() == sku.lower():
            return item
    return None


def products(store: Store, params: dict[str, str]) -> list[dict[str, Any]]:
    """List products, newest first; `sku` takes several with commas."""
    found = list(reversed(store.products.values()))
    if "sku" in params:
        asked = {sku.strip().lower() for sku in params["sku"].split(",")}
        found = [item for item in found if item["sku"].lower() in asked]
    if "search" in params:
        found = [item for item in found if params["search"].lower() in item["name"].lower()]
    return found


def add_customer(store: Store, order: Order) -> int:
    """Open an account for the buyer of an order, or find it."""
    email = order.billing["email"].lower()
    for known in store.customers.values():
        if known["email"] == email:
            return int(known["id"])
    number = store.part_id()
    now = store.now()
    store.customers[number] = {
        "id": number,
        "date_created": store.local(now),
        "date_created_gmt": store.gmt(now),
        "date_modified": store.local(now),
        "date_modified_gmt": store.gmt(now),
        "email": email,
        "first_name": order.billing["first_name"],
        "last_name": order.billing["last_name"],
        "role": "customer",
        "username": email.partition("@")[0],
        "billing": {name: order.billing[name] for name in BILLING},
        "shipping": {name: order.shipping[name] for name in SHIPPING},
        "is_paying_customer": order.paid_at is not None,
        "avatar_url": "",
        "meta_data": [],
        "_links": links(store, f"customers/{number}"),
    }
    store.fire("customer.created", number)
    return number


def customer(store: Store, number: int) -> dict[str, Any]:
    """Give an account.

    Raises: WooError: there is none.
    """
    found = store.customers.get(number)
    if found is None:
        raise WooError(404, "wc_user_invalid_id", "Invalid user ID.")
    return found


def customers(store: Store, params: dict[str, str]) -> list[dict[str, Any]]:
    """List accounts; guests are never among them."""
    found = list(store.customers.values())
    if "email" in params:
        found = [item for item in found if item["email"] == params["email"].strip().lower()]
    return found


def index(store: Store) -> dict[str, Any]:
    """Describe the site, as anybody may ask."""
    offset = store.now().astimezone(store.zone).utcoffset()
    hours = offset.total_seconds() / 3600 if offset else 0.0
    return {
        "name": "Sandbox",
        "description": "",
        "url": store.url,
        "home": store.url,
        "gmt_offset": int(hours) if hours.is_integer() else hours,
        "timezone_string": store.timezone,
        "page_for_posts": 0,
        "page_on_front": 0,
        "show_on_front": "posts",
        "namespaces": ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wc/store/v1", "wp/v2"],
        "authentication": {},
        "routes": {},
        "site_logo": 0,
        "site_icon": 0,
        "site_icon_url": "",
    }


def system_status(store: Store) -> dict[str, Any]:
    """Describe the shop to its owner; the recorded answer has more."""
    return {
        "environment": {
            "home_url": store.url,
            "site_url": store.url,
            "version": "10.2.4",
            "wp_version": "6.8.3",
            "wp_multisite": False,
            "wp_debug_mode": False,
            "wp_cron": True,
            "language": "en_US",
            "php_version": "8.2.36",
            "default_timezone": "UTC",
        },
        "database": {"wc_database_version": "10.2.4", "database_prefix": "wp_"},
        "active_plugins": [
            {
                "plugin": "woocommerce/woocommerce.php",
                "name": "WooCommerce",
                "version": "10.2.4",
                "version_latest": "10.2.4",
                "url": "https://woocommerce.com/",
                "author_name": "Automattic",
                "author_url": "https://woocommerce.com",
                "network_activated": False,
            }
        ],
        "inactive_plugins": [],
        "settings": {
            "api_enabled": False,
            "force_ssl": False,
            "currency": store.currency,
            "currency_symbol": SYMBOLS.get(store.currency, store.currency),
            "currency_position": "right_space",
            "thousand_separator": ".",
            "decimal_separator": ",",
            "number_of_decimals": store.decimals,
            "HPOS_enabled": True,
            "HPOS_sync_enabled": False,
        },
        "security": {"secure_connection": store.url.startswith("https:"), "hide_errors": True},
    }


def statuses() -> list[dict[str, str]]:
    """List the statuses an order can have."""
    return [{"slug": slug, "name": name} for slug, name in STATUSES.items()]


def currency(store: Store) -> dict[str, Any]:
    """Describe the shop's currency."""
    return {
        "code": store.currency,
        "name": store.currency,
        "symbol": SYMBOLS.get(store.currency, store.currency),
        "_links": links(store, f"data/currencies/{store.currency}", ["GET"]),
    }


def place(store: Store) -> dict[str, Any]:
    """Tell country and province of the shop, in one value."""
    name = "woocommerce_default_country"
    return {
        "id": name,
        "label": "Country / State",
        "description": "",
        "type": "select",
        "default": "US:CA",
        "value": store.place,
        "group_id": "general",
        "_links": links(store, f"settings/general/{name}", ["GET", "POST", "PUT", "PATCH"]),
    }
