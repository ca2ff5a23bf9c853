"""Show fulfillments, fulfillment orders and returns as the schema does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from webhooks.sandbox.shopify.pages import Args, Info, connection, first_of, listed
from webhooks.sandbox.shopify.records import Fulfillment, Order, Return, ShipmentEvent
from webhooks.sandbox.shopify.schema import gid
from webhooks.sandbox.shopify.store import Store, stamp
from webhooks.sandbox.shopify.views_parts import line_view

View = dict[str, Any]
OrderView = Callable[[Store, Order], View]

OPEN_RETURNS: Final = {"REQUESTED": "RETURN_REQUESTED", "OPEN": "IN_PROGRESS"}
FULFILLMENT_ORDER_SCOPES: Final = (
    "merchant_managed_fulfillment_orders",
    "third_party_fulfillment_orders",
    "assigned_fulfillment_orders",
)


def event_view(event: ShipmentEvent) -> View:
    """Show a FulfillmentEvent."""
    return {
        "id": gid("FulfillmentEvent", event.id),
        "status": event.status,
        "message": event.message,
        "happenedAt": stamp(event.happened_at),
        "createdAt": stamp(event.created_at),
        "estimatedDeliveryAt": stamp(event.estimated_at),
        "city": event.city,
        "country": event.country,
        "zip": event.zip,
        "province": None,
        "address1": None,
        "latitude": None,
        "longitude": None,
    }


def fulfillment_view(store: Store, order: Order, item: Fulfillment, order_view: OrderView) -> View:
    """Show a Fulfillment."""
    newest, transit, arrived = item.latest(), item.latest("IN_TRANSIT"), item.latest("DELIVERED")
    estimates = [event.estimated_at for event in item.events if event.estimated_at]
    status = "FULFILLED" if newest is None else newest.status
    if item.status == "CANCELLED":
        status = "CANCELED"

    def row(pair: tuple[int, int]) -> View:
        line = order.line(pair[0])
        return {
            "id": fulfillment_line_gid(item, pair[0]),
            "quantity": pair[1],
            "lineItem": line and line_view(order, line),
        }

    def events(info: Info, args: Args) -> View:
        by_time = args.get("sortKey") == "HAPPENED_AT"
        return connection(
            info,
            args,
            item.events,
            lambda e: (stamp(e.happened_at if by_time else e.created_at), e.id),
            event_view,
        )

    return {
        "id": gid("Fulfillment", item.id),
        "legacyResourceId": str(item.id),
        "name": item.name,
        "status": item.status,
        "displayStatus": status,
        "createdAt": stamp(item.created_at),
        "updatedAt": stamp(item.updated_at),
        "inTransitAt": transit and stamp(transit.happened_at),
        "deliveredAt": arrived and stamp(arrived.happened_at),
        "estimatedDeliveryAt": stamp(estimates[-1]) if estimates else None,
        "requiresShipping": True,
        "totalQuantity": sum(quantity for _line_id, quantity in item.lines),
        "trackingInfo": first_of(item.tracking, lambda one: one),
        "events": events,
        "fulfillmentLineItems": listed(item.lines, row),
        "order": lambda _info, _args: order_view(store, order),
    }


def fulfillment_line_gid(item: Fulfillment, line_id: int) -> str:
    """Name one line of a fulfillment; differs from the order line's id."""
    place = next(at for at, (number, _q) in enumerate(item.lines) if number == line_id)
    return gid("FulfillmentLineItem", item.id * 100 + place)


def fulfillment_orders(
    store: Store, order: Order, info: Info, args: Args, order_view: OrderView
) -> View:
    """Page over the fulfillment orders of an order.

    Quirk(shopify): without a fulfillment-order scope the list is empty, and
    that is no error.
    """
    granted = info.context.scopes
    seen = granted is None or any(
        f"{verb}_{name}" in granted
        for name in FULFILLMENT_ORDER_SCOPES
        for verb in ("read", "write")
    )
    items = [order] if seen and any(line.requires_shipping for line in order.lines) else []
    page = listed(items, lambda one: fulfillment_order_view(store, one, order_view))
    return page(info, args)


def fulfillment_order_status(order: Order) -> str:
    """Tell the status of the one fulfillment order an order has here."""
    if order.cancelled_at is not None:
        return "CANCELLED"
    if not any(line.unfulfilled_quantity for line in order.lines if line.requires_shipping):
        return "CLOSED"
    if order.holds:
        return "ON_HOLD"
    return "IN_PROGRESS" if any(line.fulfilled for line in order.lines) else "OPEN"


def fulfillment_order_view(store: Store, order: Order, order_view: OrderView) -> View:
    """Show the FulfillmentOrder of an order; its id is the order's plus one."""
    status = fulfillment_order_status(order)
    actions = {
        "OPEN": ["CREATE_FULFILLMENT", "HOLD", "MOVE"],
        "IN_PROGRESS": ["CREATE_FULFILLMENT", "HOLD"],
        "ON_HOLD": ["RELEASE_HOLD", "HOLD"],
    }.get(status, [])
    place = {"id": gid("Location", store.location_id), "name": "Main warehouse"}
    physical = [line for line in order.lines if line.requires_shipping]
    return {
        "id": gid("FulfillmentOrder", order.id + 1),
        "status": status,
        "requestStatus": "UNSUBMITTED",
        "createdAt": stamp(order.created_at),
        "updatedAt": stamp(order.updated_at),
        "fulfillAt": stamp(order.created_at),
        "fulfillBy": None,
        "orderId": gid("Order", order.id),
        "orderName": order.name,
        "order": lambda _info, _args: order_view(store, order),
        "assignedLocation": {"name": place["name"], "countryCode": "ES", "location": place},
        "deliveryMethod": {
            "id": gid("DeliveryMethod", order.shipping_id),
            "methodType": "SHIPPING",
            "presentedName": order.shipping_title,
            "minDeliveryDateTime": None,
            "maxDeliveryDateTime": None,
            "serviceCode": order.shipping_title,
        },
        "fulfillmentHolds": [hold_view(hold) for hold in order.holds],
        "supportedActions": [{"action": name, "externalUrl": None} for name in actions],
        "lineItems": listed(
            physical,
            lambda line: {
                "id": gid("FulfillmentOrderLineItem", line.id + 1),
                "remainingQuantity": line.unfulfilled_quantity,
                "totalQuantity": line.current_quantity,
                "lineItem": line_view(order, line),
                "sku": line.sku,
            },
        ),
    }


def hold_view(hold: Any) -> View:
    """Show a FulfillmentHold; every hold here is ours."""
    return {
        "id": gid("FulfillmentHold", hold.id),
        "handle": hold.handle,
        "reason": hold.reason,
        "displayReason": hold.reason.replace("_", " ").capitalize(),
        "reasonNotes": hold.notes,
        "heldByRequestingApp": True,
    }


def return_status(order: Order) -> str:
    """Tell how the returns of an order stand together."""
    states = {item.status for item in order.returns}
    for state in ("REQUESTED", "OPEN"):
        if state in states:
            return OPEN_RETURNS[state]
    return "RETURNED" if "CLOSED" in states else "NO_RETURN"


def return_view(store: Store, order: Order, item: Return, order_view: OrderView) -> View:
    """Show a Return."""
    return {
        "id": gid("Return", item.id),
        "name": item.name,
        "status": item.status,
        "totalQuantity": sum(line["quantity"] for line in item.lines),
        "requestApprovedAt": stamp(item.approved_at),
        "createdAt": stamp(item.created_at),
        "closedAt": None,
        "decline": item.decline,
        "order": lambda _info, _args: order_view(store, order),
        "refunds": listed([], lambda one: one),
        "returnLineItems": listed(
            item.lines,
            lambda line: {
                "__typename": "ReturnLineItem",
                "id": gid("ReturnLineItem", line["id"]),
                "quantity": line["quantity"],
                "processedQuantity": line.get("processed", 0),
                "refundableQuantity": line["quantity"],
                "customerNote": line.get("customer_note"),
                "returnReasonNote": line.get("reason_note") or "",
                "returnReasonDefinition": line.get("reason"),
            },
        ),
    }
