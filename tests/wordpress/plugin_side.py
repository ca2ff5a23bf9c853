"""What the plugin sends, worked out by hand and not with the product's own code."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

import requests

from connector.secret import Secret
from connector.storage.records import ShopRecord
from tests.running import Running

KEY = "k" * 43
ENTER = "/admin/wordpress/enter"


def encode(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(claims: dict[str, Any], *, key: str = KEY, purpose: str = "enter") -> str:
    """Sign claims."""
    return sign(json.dumps(claims, sort_keys=True, separators=(",", ":")), key, purpose)


def sign(text: str, key: str = KEY, purpose: str = "enter") -> str:
    """Sign a text as it is."""
    said = encode(text.encode())
    mac = hmac.new(key.encode(), f"postventa {purpose} v1\n{said}".encode(), hashlib.sha256)
    return f"{said}.{encode(mac.digest())}"


def claims_of(running: Running, shop: ShopRecord, /, **changes: Any) -> dict[str, Any]:
    """Give the claims of a good hand-over."""
    return {
        "aud": running.url + ENTER,
        "iat": int(running.app.clock.now().timestamp()),
        "locale": "en_US",
        "login": "ana",
        "nonce": secrets.token_urlsafe(24),
        "page": "",
        "role": "administrator",
        "shop": str(shop.id),
        "uid": 7,
        **changes,
    }


def give_key(running: Running, shop: ShopRecord, key: str = KEY) -> None:
    """Agree on a key, as connecting does."""
    with running.storage.transaction() as tx:
        tx.update_shop(shop.id, secrets={"plugin_key": Secret(key)})


def post_enter(running: Running, made: str) -> requests.Response:
    """Open the frame."""
    return requests.post(
        running.url + ENTER,
        data={"token": made},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://shop.example"},
        timeout=60,
        allow_redirects=False,
    )


def call(
    running: Running, shop: ShopRecord, what: str, sent: dict[str, Any], /, **changes: Any
) -> requests.Response:
    """Send a signed request."""
    text = json.dumps(sent).encode()
    claims = {
        "aud": f"{running.url}/wordpress/v1/{what}",
        "body": hashlib.sha256(text).hexdigest(),
        "iat": int(running.app.clock.now().timestamp()),
        "nonce": secrets.token_urlsafe(24),
        "shop": str(shop.id),
        **changes,
    }
    return requests.post(
        f"{running.url}/wordpress/v1/{what}",
        data=text,
        headers={
            "Content-Type": "application/json",
            "X-Postventa-Token": token(claims, purpose="call"),
        },
        timeout=60,
    )
