"""Signed WooCommerce orders of a wanted size, each unlike all others."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

MARK: Final = b"100000000"
"""Stands where each body has its own number; of nine digits, so that sizes are equal."""

FIRST_NUMBER: Final = 200_000_000
SECRET: Final = "bench-webhook-secret"  # noqa: S105 - of a shop that is pretended
TOKEN: Final = "bench-address-of-the-shop-0123456789"  # noqa: S105 - the same
PATH: Final = f"/hooks/woocommerce/{TOKEN}"

_RECORDING: Final = Path(__file__).parents[2] / "tests" / "data" / "woocommerce" / "webhooks.jsonl"
_UNREAD: Final = ("_links", "meta_data", "customer_user_agent", "payment_url")


@dataclass(frozen=True, slots=True)
class Template:
    """An order with gaps for its number."""

    text: bytes

    def body(self, number: int) -> bytes:
        """Write the order with this number."""
        return self.text.replace(MARK, b"%09d" % number)

    @property
    def parts(self) -> list[bytes]:
        """Give what stands between the numbers."""
        return self.text.split(MARK)


def signature(body: bytes) -> str:
    """Sign as the shop does."""
    return base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()


def headers() -> dict[str, str]:
    """Give the headers of a delivery, without the signature."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "WooCommerce/10.2.4 Hookshot (WordPress/6.8.3)",
        "X-WC-Webhook-Source": "https://shop.example/",
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Resource": "order",
        "X-WC-Webhook-Event": "updated",
        "X-WC-Webhook-ID": "43",
        "X-WC-Webhook-Delivery-ID": "d4bac3c0a4c792f6ec5f7be092bc0a03",
    }


def template(size: int, now: datetime | None = None) -> Template:
    """Make a paid order of `size` bytes, placed just now, from the largest recorded that fits.

    Raises: ValueError: a real order does not fit into so few bytes.
    """
    stamp = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S")
    fitting = []
    for recorded in _recorded():
        order = _marked(recorded, stamp)
        missing = size - len(_write({**order, "meta_data": [_fill("")]}))
        if missing >= 0:
            fitting.append((missing, order))
    if not fitting:
        raise ValueError(f"an order takes more than {size} bytes")
    missing, order = min(fitting, key=lambda found: found[0])
    return Template(_write({**order, "meta_data": [_fill("x" * missing)]}))


def _marked(recorded: dict[str, Any], stamp: str) -> dict[str, Any]:
    mark = MARK.decode()
    order = {name: value for name, value in recorded.items() if name not in _UNREAD}
    for name in ("created", "modified", "paid"):
        order[f"date_{name}"] = order[f"date_{name}_gmt"] = stamp
    order["billing"] = {**order["billing"], "email": f"buyer-{mark}@example.com", "phone": ""}
    # Each has a buyer of its own: of one with thousands of orders all would be counted.
    order["customer_id"] = int(mark)
    # The number stays first, as the platform writes it: that is where it is looked for.
    return {**order, "id": int(mark), "number": mark}


def _fill(text: str) -> dict[str, Any]:
    return {"id": 1, "key": "_of_a_plugin", "value": text}


def _write(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _recorded() -> Iterator[dict[str, Any]]:
    """Read the paid orders with a buyer from the recording of a real shop."""
    for line in _RECORDING.read_text(encoding="utf-8").splitlines():
        delivery = json.loads(line)
        if delivery["headers"].get("X-WC-Webhook-Topic") == "order.updated":
            order = json.loads(delivery["body"])
            if order.get("status") == "processing" and order["billing"].get("email"):
                yield order
