"""Connect a pretend shop to a running server, as an owner would."""

from pathlib import Path
from typing import Any

import requests
import yaml

from connector.model.order import ShopId
from connector.rules.load import load_rules
from connector.storage.records import ShopRecord
from tests.running import Running
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.shops import connect_shopify, connect_woocommerce

Sandbox = WooShop | ShopifyShop

WELCOME = """
rules:
  - id: welcome
    name: {es: Bienvenida, en: Welcome}
    trigger: order.paid
    conditions:
      all:
        - {field: buyer.order_count, op: eq, value: 1}
    stop_if: [order.canceled, order.refunded]
    once_per: order
    actions:
      - note: {text: "Bienvenida enviada a {{ buyer.first_name }}", to_buyer: false}
      - tag: {add: [postventa-welcome]}
      - coupon:
          {kind: percent, value: "10", prefix: GRACIAS, expires: 30d, uses: 1, min_total: "30.00"}
    enabled: true
"""

ANA = {
    "email": "ana.ruiz@example.com",
    "first_name": "Ana",
    "last_name": "Ruiz",
    "phone": "+34600111222",
    "lines": [{"sku": "TAZA", "name": "Taza", "quantity": 2, "price": "15.00"}],
    "paid": True,
}


def connect(running: Running, sandbox: Sandbox, *, register: bool = True) -> ShopRecord:
    """Connect the shop and give its record."""
    if isinstance(sandbox, WooShop):
        made = connect_woocommerce(
            running.app,
            name="Woo",
            url=sandbox.url,
            consumer_key=sandbox.consumer_key,
            consumer_secret=sandbox.consumer_secret,
            register=register,
        )
    else:
        made = connect_shopify(
            running.app,
            name="Shopify",
            shop=sandbox.domain,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            api_url=sandbox.api_url,
            register=register,
        )
    with running.storage.reading() as tx:
        shop = tx.shop(ShopId(made["id"]))
    assert shop is not None
    return shop


def put_rules(running: Running, shop: ShopRecord, text: str = WELCOME) -> None:
    """Store rules, switched on as the file says."""
    load_rules(text)
    with running.storage.transaction() as tx:
        for source in yaml.safe_load(text)["rules"]:
            tx.put_rule(
                shop.id,
                source["id"],
                source,
                enabled=bool(source.get("enabled", False)),
                now=running.app.clock.now(),
            )


def ask(sandbox: Sandbox, method: str, path: str, body: Any = None) -> Any:
    """Call the control side of a pretend shop."""
    answer = requests.request(method, sandbox.url + path, json=body, timeout=60)
    assert answer.status_code < 300, answer.text[:500]
    return answer.json()


def merchant_sees(sandbox: Sandbox) -> Any:
    """Give everything the merchant could see in the pretend shop."""
    return ask(sandbox, "GET", "/_sandbox/state")


def folder_of(path: Path, name: str) -> Path:
    """Make a folder for one more server."""
    folder = path / name
    folder.mkdir()
    return folder
