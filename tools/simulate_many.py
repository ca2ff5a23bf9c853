"""Fill a store with 50,000 orders of 90 days and time a simulation over them.

Ends with 1 when it takes longer than a minute. Run it on a machine that does nothing else.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from adapters.storage import tables
from connector.flows.occurrences import occurrences_of
from connector.flows.simulate import simulate
from connector.model.codec import encode_order
from connector.model.customer import Address, Buyer, Consent, ConsentState
from connector.model.order import (
    FulfillmentState,
    LineItem,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    Refund,
    ShippingLine,
    ShopId,
)
from connector.rules.load import load_playbook, playbook_names
from connector.secret import Secret
from connector.settings import Settings
from connector.storage.records import ShopRecord, ShopState
from tools.bench.installation import write_rows
from webhooks.wiring import Application, open_application

_SHOP: Final = ShopId("many")
_DAYS: Final = 90
_CHUNK: Final = 5_000
_MOST_S: Final = 60.0


def main() -> int:
    """Fill, simulate and tell the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=50_000)
    count = parser.parse_args().orders
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), allow_private_hosts=True, allow_http=True)
        with open_application(settings) as app:
            shop = _fill(app, count)
            rules = [rule for name in playbook_names() for rule in load_playbook(name).rules]
            began, cpu = time.perf_counter(), time.process_time()
            report = simulate(app.engine, shop, rules, days=_DAYS)
            took, cpu = time.perf_counter() - began, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{count} orders, {report['asked']} occurrences asked, {len(rules)} rules: {took:.1f} s "
        f"({cpu:.1f} s of a processor), {memory} MiB at most; it would do {report['would_do']}"
    )
    return 0 if took < _MOST_S else 1


def _fill(app: Application, count: int) -> ShopRecord:
    """Store a shop and its finished orders."""
    now = app.clock.now()
    shop = ShopRecord(
        id=_SHOP,
        platform="woocommerce",
        name="Many",
        address="http://127.0.0.1:9",
        hook_token="many",  # noqa: S106 - a pretend shop
        state=ShopState.CONNECTED,
        created_at=now - timedelta(days=_DAYS + 5),
        settings={"url": "http://127.0.0.1:9"},
        secrets={"consumer_key": Secret("ck"), "consumer_secret": Secret("cs")},
        currency="EUR",
        timezone="Europe/Madrid",
        country="ES",
        locale="es_ES",
    )
    chance = random.Random(1)  # noqa: S311 - the same orders at every run
    buyers = max(count // 3, 1)
    with app.storage.transaction() as tx:
        tx.add_shop(shop)
        write_rows(tx, tables.buyers, [{"id": number + 1} for number in range(buyers)])
    for start in range(0, count, _CHUNK):
        orders: list[dict[str, Any]] = []
        happened: list[dict[str, Any]] = []
        for number in range(start, min(start + _CHUNK, count)):
            buyer_id = chance.randrange(buyers) + 1
            order = _order(number, buyer_id, now, chance)
            orders.append(_row(order, buyer_id))
            happened += [
                {
                    "shop_id": _SHOP,
                    "order_ref": order.ref,
                    "kind": item.kind,
                    "discriminator": item.discriminator,
                    "occurred_at": item.occurred_at,
                    "seen_at": item.occurred_at,
                    "own": False,
                }
                for item in occurrences_of(_SHOP, order)
            ]
        with app.storage.transaction() as tx:
            write_rows(tx, tables.orders, orders)
            write_rows(tx, tables.occurrences, happened)
    return shop


def _order(number: int, buyer_id: int, now: datetime, chance: random.Random) -> Order:
    """Make an order that was paid, completed and sometimes refunded in part."""
    at = now - timedelta(seconds=chance.randrange(_DAYS * 86_400))
    done = min(at + timedelta(days=3), now)
    total = chance.randrange(500, 20_000)
    said = (Consent("email", ConsentState.GRANTED, "checkout", at),) if buyer_id % 2 else ()
    order = Order(
        ref=OrderRef(str(1_000 + number)),
        number=str(1_000 + number),
        state=OrderState.COMPLETED,
        platform_state="completed",
        payment_state=PaymentState.PAID,
        fulfillment_state=FulfillmentState.FULFILLED,
        currency="EUR",
        total_minor=total,
        shipping_minor=495,
        placed_at=at,
        modified_at=done,
        paid_at=at + timedelta(minutes=1),
        completed_at=done,
        buyer=Buyer(
            name="Ana Roca",
            first_name="Ana",
            email=f"b{buyer_id}@example.com",
            locale="es-ES",
            consents=said,
        ),
        shipping_address=Address("Ana Roca", "", "Calle Mayor 1", "", "Madrid", "M", "28001", "ES"),
        lines=tuple(
            LineItem(
                str(line), f"Taza {line}", 1, total // 3, sku=f"T{line}", product_ref=str(line)
            )
            for line in range(1, 4)
        ),
        shipping_lines=(ShippingLine("Envío 24 h", 495),),
    )
    if number % 10:
        return order
    back = (Refund("r1", total // 2, "roto", done),)
    return replace(order, refunds=back, refunded_minor=total // 2)


def _row(order: Order, buyer_id: int) -> dict[str, Any]:
    return {
        "shop_id": _SHOP,
        "ref": order.ref,
        "number": order.number,
        "state": order.state,
        "test": False,
        "placed_at": order.placed_at,
        "modified_at": order.modified_at,
        "buyer_id": buyer_id,
        "seen_at": order.modified_at,
        "snapshot": encode_order(order),
    }


if __name__ == "__main__":
    sys.exit(main())
