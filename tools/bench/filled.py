"""Whether a store full of orders and of effects that are not due slows the rest down."""

import itertools
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from adapters.catalogue import load_shop
from adapters.storage import tables
from connector.model.codec import encode_order
from connector.model.event import WebhookDelivery
from connector.model.order import Order
from tools.bench.arguments import Plan
from tools.bench.bodies import headers, template
from tools.bench.children import child, module
from tools.bench.drain import RULES, drain
from tools.bench.installation import SHOP_ID, Installation, shop_record, write_rows
from tools.bench.receiver import FEW, SMALL, Target
from tools.bench.table import Bar, Section, interleaved, ratio_row

_FIRST: Final = 900_000_000
_CHUNK: Final = 5_000
_DAYS: Final = 300
_BAR: Final = Bar(0.9)


@dataclass(frozen=True, slots=True)
class _Stock:
    """What a filled store holds many of."""

    order: Order
    snapshot: bytes
    now: datetime


def fill(at: Installation, count: int) -> None:
    """Put orders of the past year into a store, each with its buyer and one planned effect."""
    with at.opened() as app:
        now = app.clock.now()
        order = _order(now)
        stock = _Stock(order, encode_order(order), now)
        numbers = iter(range(count))
        while chunk := list(itertools.islice(numbers, _CHUNK)):
            with app.storage.transaction() as tx:
                for table, rows in _rows(stock, chunk).items():
                    write_rows(tx, tables.metadata.tables[table], rows)


def _order(now: datetime) -> Order:
    body = template(3 * 1024, now).body(_FIRST)
    shop = shop_record(0, now)
    adapter = load_shop("woocommerce")(
        {**shop.settings, "timezone": shop.timezone, "currency": shop.currency},
        shop.secrets,
        allow_private=True,
        allow_http=True,
    )
    lower = {name.lower(): value for name, value in headers().items()}
    order: Order | None = adapter.parse(WebhookDelivery(SHOP_ID, lower, body, now))[0].order
    if order is None:
        raise ValueError("the body holds no whole order")
    return replace(order, placed_at=now - timedelta(days=1))


def _rows(stock: _Stock, numbers: list[int]) -> dict[str, list[dict[str, Any]]]:
    """Write the rows of some orders, table by table."""
    found: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("buyers", "buyer_keys", "orders", "occurrences", "effects")
    }
    for number in numbers:
        ref = str(_FIRST + number)
        at = stock.now - timedelta(days=number % _DAYS + 1)
        shop = {"shop_id": SHOP_ID}
        found["buyers"].append({"id": _FIRST + number})
        found["buyer_keys"].append(
            {"key": f"email:past-{ref}@example.com", "buyer_id": _FIRST + number}
        )
        found["orders"].append(
            {
                **shop,
                "ref": ref,
                "number": ref,
                "state": stock.order.state,
                "test": False,
                "placed_at": at,
                "modified_at": at,
                "buyer_id": _FIRST + number,
                "seen_at": at,
                "snapshot": stock.snapshot,
            }
        )
        found["occurrences"].append(
            {
                **shop,
                "order_ref": ref,
                "kind": "order.paid",
                "discriminator": "",
                "occurred_at": at,
                "seen_at": at,
                "own": False,
            }
        )
        found["effects"].append(_effect(stock, number, ref))
    return found


def _effect(stock: _Stock, number: int, ref: str) -> dict[str, Any]:
    due_at = stock.now + timedelta(days=number % _DAYS + 1)
    return {
        "key": f"past:{ref}",
        "shop_id": SHOP_ID,
        "order_ref": ref,
        "rule_id": "rule-0",
        "rule_version": 1,
        "occurrence_id": number + 1,
        "step": 0,
        "kind": "note",
        "payload": {"text": "Paid: {{ order.number }}", "to_buyer": False},
        "planned_at": due_at,
        "state": "planned",
        "due_at": due_at,
        "created_at": stock.now,
        "result": {},
    }


def measure(plan: Plan, folder: Path) -> list[Section]:
    """Compare receiver and drain on a filled store with the same on an empty one."""
    places: dict[str, Installation] = {}
    for name, count in (("empty", 0), ("filled", plan.filled)):
        (folder / name).mkdir()
        places[name] = Installation(folder / name)
        places[name].prepare(rules=RULES)
        fill(places[name], count)
    with ExitStack() as stack:
        targets = {
            name: Target(
                "ours",
                stack.enter_context(child(module("target", "ours", str(at.folder)), at.folder)),
                at,
            )
            for name, at in places.items()
        }
        received = interleaved(
            plan.rounds,
            {
                name: partial(target.load, size=SMALL, connections=FEW, seconds=plan.load_s)
                for name, target in targets.items()
            },
        )
    for at in places.values():
        # What the load left is done with: the drains begin alike.
        at.forget_waiting()
    drained = interleaved(
        plan.rounds, {name: partial(drain, at, plan.rows) for name, at in places.items()}
    )
    taken = {name: [item.per_s for item in items] for name, items in received.items()}
    worked = {name: [item.per_core for item in items] for name, items in drained.items()}
    what = f"{plan.filled:,} orders and effects due later, against an empty store"
    return [
        Section(
            "Filled store",
            (
                ratio_row(
                    f"Receiver, 3 KB, {FEW} connections: {what}",
                    taken["filled"],
                    taken["empty"],
                    "/s",
                    bar=_BAR,
                ),
                ratio_row(
                    f"Drain, {RULES} rules, per core: {what}",
                    worked["filled"],
                    worked["empty"],
                    "/s",
                    bar=_BAR,
                ),
            ),
            "SQLite. The orders are of one shop and of the past year, each with a buyer and one "
            "planned effect; the effects become due over the coming year.",
        )
    ]
