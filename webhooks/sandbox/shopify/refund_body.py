"""Write refunds as webhook bodies."""

from __future__ import annotations

from typing import Any

from webhooks.sandbox.shopify.money import plain
from webhooks.sandbox.shopify.payloads import line_body
from webhooks.sandbox.shopify.records import (
    Order,
    Refund,
    Transaction,
)
from webhooks.sandbox.shopify.schema import gid
from webhooks.sandbox.shopify.store import Store

Body = dict[str, Any]


def transaction_body(store: Store, order: Order, item: Transaction) -> Body:
    """Write one transaction inside a refund; its sets say `currency`."""
    return {
        "id": item.id,
        "admin_graphql_api_id": gid("OrderTransaction", item.id),
        "amount": plain(item.amount_minor, order.rate.shop),
        "amount_rounding": None,
        "authorization": None,
        "created_at": store.local(item.at),
        "currency": order.rate.shop,
        "device_id": None,
        "error_code": None,
        "gateway": item.gateway,
        "kind": item.kind.lower(),
        "location_id": None,
        "manual_payment_gateway": item.gateway == "manual",
        "message": "Transaction approved",
        "order_id": order.id,
        "parent_id": item.parent_id,
        "payment_id": f"{order.name}.{item.id}",
        "processed_at": store.local(item.at),
        "receipt": {},
        "source_name": "web",
        "status": item.status.lower(),
        "test": order.test,
        "total_unsettled_set": order.rate.sets(0, "currency"),
        "user_id": None,
    }


def refund_body(store: Store, order: Order, refund: Refund) -> Body:
    """Write a refund: alone it is the body of refunds/create.

    Quirk(shopify): subtotal and total_tax of refund lines are JSON numbers,
    all other amounts are text.
    """
    rows = []
    rate = order.rate
    for item in refund.lines:
        line = order.line(item.line_id)
        if line is None:
            continue
        tax = order.tax_in(item.subtotal_minor)
        rows.append(
            {
                "id": item.id,
                "line_item": line_body(order, line),
                "line_item_id": line.id,
                "location_id": store.location_id,
                "quantity": item.quantity,
                "restock_type": item.restock_type.lower(),
                "subtotal": float(plain(item.subtotal_minor, rate.shop)),
                "subtotal_set": rate.sets(item.subtotal_minor),
                "total_tax": float(plain(tax, rate.shop)),
                "total_tax_set": rate.sets(tax),
            }
        )
    moves = [order.transaction(number) for number in refund.transaction_ids]
    in_lines = sum(item.subtotal_minor for item in refund.lines)
    adjustments = []
    if refund.amount_minor != in_lines:
        gap = in_lines - refund.amount_minor
        adjustments.append(
            {
                "id": refund.id + 1,
                "amount": plain(gap, rate.shop),
                "amount_set": rate.sets(gap),
                "kind": "refund_discrepancy",
                "order_id": order.id,
                "reason": "Refund discrepancy",
                "refund_id": refund.id,
                "tax_amount": plain(0, rate.shop),
                "tax_amount_set": rate.sets(0),
            }
        )
    return {
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "created_at": store.local(refund.at),
        "note": refund.note or "",
        "order_id": order.id,
        "processed_at": store.local(refund.at),
        "restock": any(item.restock_type != "NO_RESTOCK" for item in refund.lines),
        "return": None,
        "total_duties_set": rate.sets(0),
        "user_id": 799_407_056,
        "order_adjustments": adjustments,
        "transactions": [transaction_body(store, order, item) for item in moves if item],
        "refund_line_items": rows,
        "refund_shipping_lines": [],
        "duties": [],
    }
