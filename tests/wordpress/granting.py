"""What WooCommerce's page for granting keys does, as it was recorded."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from webhooks.sandbox.woocommerce.shop import WooShop


def asked(authorize_url: str) -> dict[str, str]:
    """Read what the page is asked for."""
    return {name: values[0] for name, values in parse_qs(urlsplit(authorize_url).query).items()}


def bring_keys(authorize_url: str, shop: WooShop, **changes: Any) -> requests.Response:
    """Send the keys as the shop's server does after Approve: JSON, unsigned.

    Source: recorded on WooCommerce 10.2.4.
    """
    query = asked(authorize_url)
    body = {
        "key_id": 13,
        "user_id": query["user_id"],
        "consumer_key": shop.consumer_key,
        "consumer_secret": shop.consumer_secret,
        "key_permissions": query["scope"],
        **changes,
    }
    return requests.post(
        query["callback_url"],
        json=body,
        headers={
            "User-Agent": "WordPress/6.8.3; http://127.0.0.1",
            "Content-Type": "application/json;charset=UTF-8",
        },
        timeout=60,
        allow_redirects=False,
    )


def come_back(authorize_url: str, *, success: int = 1, lang: str = "en") -> requests.Response:
    """Come back as the browser does after the page."""
    query = asked(authorize_url)
    return requests.get(
        query["return_url"],
        params={"success": success, "user_id": query["user_id"], "lang": lang},
        timeout=60,
        allow_redirects=False,
    )
