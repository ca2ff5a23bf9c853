"""What buyers, the merchant and carriers do in the pretend shop."""

from __future__ import annotations

from typing import Any, TypeAlias

from webhooks.sandbox._server import Refused
from webhooks.sandbox.shopify import order_body, payloads, refund_body
from webhooks.sandbox.shopify.checkout import charge, new_line
from webhooks.sandbox.shopify.money import minor
from webhooks.sandbox.shopify.records import (
    Fulfillment,
    Order,
    Refund,
    RefundLine,
    ShipmentEvent,
    Transaction,
)
from webhooks.sandbox.shopify.store import Store, moment
from webhooks.sandbox.shopify.tell import changed, emit_order

Data: TypeAlias = dict[str, Any]


def pay(store: Store, order: Order, data: Data) -> None:
    """Receive what is still owed.

    Raises: Refused: nothing is owed.
    """
    if not order.outstanding_minor:
        raise Refused("nothing is owed for this order", 409)
    if data.get("amount") is None:
        charge(store, order)
    else:
        charge(store, order, minor(data["amount"], order.rate.shop))
    store.note_event(order, "Payment received")
    if order.financial_status == "PAID":
        emit_order(store, order, "orders/paid")
    changed(store, order)


def ship(store: Store, order: Order, data: Data) -> Fulfillment:
    """Hand lines to a carrier.

    Args: data: carrier, number, url; `lines` of `sku` and `quantity` for a part.
    Raises: Refused: nothing is left to ship, or the order is canceled.
    """
    if order.cancelled_at is not None:
        raise Refused("the order is canceled", 409)
    wanted = {item["sku"]: int(item["quantity"]) for item in data.get("lines", [])}
    take = [
        (line.id, min(line.unfulfilled_quantity, wanted.get(line.sku or "", 0)))
        if wanted
        else (line.id, line.unfulfilled_quantity)
        for line in order.lines
    ]
    tracking = {key: data.get(name) for key, name in _TRACKING.items()}
    parcel = [tracking] if any(tracking.values()) else []
    return fulfill(store, order, [pair for pair in take if pair[1]], parcel)


_TRACKING = {"company": "carrier", "number": "number", "url": "url"}


def fulfill(
    store: Store, order: Order, lines: list[tuple[int, int]], tracking: list[dict[str, Any]]
) -> Fulfillment:
    """Record a fulfillment and tell it.

    Raises: Refused: there is nothing to ship.
    """
    if not lines:
        raise Refused("nothing is left to ship", 409)
    now = store.now()
    for line_id, quantity in lines:
        line = order.line(line_id)
        if line is not None:
            line.fulfilled += quantity
    fulfillment = Fulfillment(
        id=store.next_id(),
        name=f"{order.name}-F{len(order.fulfillments) + 1}",
        lines=lines,
        created_at=now,
        updated_at=now,
        tracking=tracking,
    )
    order.fulfillments.append(fulfillment)
    store.note_event(order, "Items sent")
    body = payloads.fulfillment_topic_body(store, order, fulfillment)
    store.emit("fulfillments/create", body, str(order.id))
    done = order.fulfillment_status == "FULFILLED"
    if done and order.financial_status == "PAID":
        order.closed_at = now
    emit_order(store, order, "orders/fulfilled" if done else "orders/partially_fulfilled")
    changed(store, order)
    return fulfillment


def retrack(store: Store, order: Order, fulfillment: Fulfillment, tracking: list[Data]) -> None:
    """Change the tracking of a fulfillment."""
    fulfillment.tracking = tracking
    fulfillment.updated_at = store.now()
    body = payloads.fulfillment_topic_body(store, order, fulfillment)
    store.emit("fulfillments/update", body, str(order.id))
    changed(store, order)


def carrier_event(
    store: Store, order: Order, fulfillment: Fulfillment, status: str, data: Data
) -> ShipmentEvent:
    """Record what the carrier reports about a parcel."""
    now = store.now()
    happened, estimated = data.get("happened_at"), data.get("estimated_delivery_at")
    event = ShipmentEvent(
        id=store.next_id(),
        status=status.upper(),
        happened_at=moment(happened) if happened else now,
        created_at=now,
        message=data.get("message"),
        city=data.get("city"),
        country=data.get("country"),
        zip=data.get("zip"),
        estimated_at=moment(estimated) if estimated else None,
    )
    fulfillment.events.append(event)
    fulfillment.updated_at = now
    told = payloads.shipment_event_body(store, order, fulfillment, event)
    store.emit("fulfillment_events/create", told, str(order.id))
    body = payloads.fulfillment_topic_body(store, order, fulfillment)
    store.emit("fulfillments/update", body, str(order.id))
    changed(store, order)
    return event


def refund(
    store: Store, order: Order, amount_minor: int, note: str | None, lines: list[RefundLine]
) -> Refund:
    """Give money back, through the payment it came from.

    Raises: Refused: more than was received.
    """
    if amount_minor > order.paid_minor - order.refunded_minor:
        raise Refused("Refund amount exceeds the amount that can be refunded", 409)
    now = store.now()
    moves = []
    if amount_minor:
        parent = next((t for t in order.transactions if t.kind in {"SALE", "CAPTURE"}), None)
        moves.append(
            Transaction(
                id=store.next_id(),
                kind="REFUND",
                status="SUCCESS",
                gateway=order.gateway,
                amount_minor=amount_minor,
                at=now,
                parent_id=None if parent is None else parent.id,
            )
        )
    order.transactions += moves
    for item in lines:
        line = order.line(item.line_id)
        if line is not None:
            line.removed += item.quantity
    done = Refund(store.next_id(), now, note, lines, [t.id for t in moves], amount_minor)
    order.refunds.append(done)
    store.note_event(order, f"Refund recorded: {note}" if note else "Refund recorded")
    store.emit("refunds/create", refund_body.refund_body(store, order, done), str(order.id))
    changed(store, order)
    return done


def cancel(store: Store, order: Order, reason: str, *, give_back: bool, restock: bool) -> None:
    """Cancel an order.

    Raises: Refused: it is canceled or has left.
    """
    if order.cancelled_at is not None:
        raise Refused("The order is already canceled", 409)
    if any(item.status == "SUCCESS" for item in order.fulfillments):
        raise Refused("Cannot cancel an order with fulfillments", 409)
    now = store.now()
    order.cancelled_at, order.cancel_reason, order.closed_at = now, reason.upper(), now
    order.holds.clear()
    store.note_event(order, f"Order canceled: {reason.lower()}")
    owed = order.paid_minor - order.refunded_minor
    lines = [
        RefundLine(
            store.next_id(),
            line.id,
            line.current_quantity,
            "CANCEL" if restock else "NO_RESTOCK",
            line.part_minor(line.current_quantity),
        )
        for line in order.lines
        if line.current_quantity
    ]
    if give_back and owed:
        refund(store, order, owed, None, lines)
    emit_order(store, order, "orders/cancelled")
    changed(store, order)


def edit(store: Store, order: Order, data: Data) -> None:
    """Change what was ordered: `add` lines, `remove` units by sku.

    Raises: Refused: nothing to change.
    """
    added, removed = [], []
    for item in data.get("add", []):
        line = new_line(store, item)
        line.added = True
        order.lines.append(line)
        order.edited_minor += line.total_minor
        added.append({"id": line.id, "delta": line.quantity})
    for item in data.get("remove", []):
        found = next((line for line in order.lines if line.sku == item["sku"]), None)
        if found is None:
            raise Refused(f"no line with sku {item['sku']!r}")
        quantity = min(int(item.get("quantity", 1)), found.unfulfilled_quantity)
        found.removed += quantity
        order.edited_minor -= found.part_minor(quantity)
        removed.append({"id": found.id, "delta": quantity})
    if not added and not removed:
        raise Refused("an edit needs `add` or `remove`")
    order.edited = True
    store.note_event(order, "Order edited")
    body = order_body.edited_body(store, order, store.next_id(), added, removed)
    store.emit("orders/edited", body, str(order.id))
    changed(store, order)


def delete(store: Store, order: Order) -> None:
    """Delete an order for good; its last webhook holds only the id."""
    del store.orders[order.id]
    store.emit("orders/delete", {"id": order.id}, str(order.id))
