"""Answer the mutations of holds, fulfillments and returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox._server import Refused
from webhooks.sandbox.shopify import desk, tell, views, views_shipping
from webhooks.sandbox.shopify.metafields import user_error
from webhooks.sandbox.shopify.pages import Args, Info
from webhooks.sandbox.shopify.reach import find_order, store_of
from webhooks.sandbox.shopify.reads import reason_view
from webhooks.sandbox.shopify.records import Hold, Order, Return
from webhooks.sandbox.shopify.schema import number_of
from webhooks.sandbox.shopify.store import Store

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver

View = dict[str, Any]
MAX_HOLDS: Final = 10


def _order_of(store: Store, fulfillment_order: str) -> Order | None:
    return store.orders.get(number_of(fulfillment_order, "FulfillmentOrder") - 1)


def _hold(info: Info, args: Args) -> View:
    store, given = store_of(info), args["fulfillmentHold"]
    order = _order_of(store, args["id"])
    empty: View = {
        "fulfillmentHold": None,
        "fulfillmentOrder": None,
        "remainingFulfillmentOrder": None,
    }
    problem = None
    if order is None:
        problem = ("Fulfillment order could not be found.", "FULFILLMENT_ORDER_NOT_FOUND")
    elif views_shipping.fulfillment_order_status(order) in {"CLOSED", "CANCELLED"}:
        problem = ("The fulfillment order is not in an open state.", "TAKEN")
    elif given.get("handle") in {hold.handle for hold in order.holds}:
        problem = (
            "A hold with this handle exists on the fulfillment order.",
            "DUPLICATE_FULFILLMENT_HOLD_HANDLE",
        )
    elif len(order.holds) >= MAX_HOLDS:
        problem = (
            "The maximum number of holds has been reached.",
            "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED",
        )
    if order is None or problem is not None:
        message, code = problem or ("", "")
        return {**empty, "userErrors": [user_error(["id"], message, code)]}
    hold = Hold(store.next_id(), given.get("handle"), given["reason"], given.get("reasonNotes"))
    order.holds.append(hold)
    store.note_event(order, f"Fulfillment on hold: {given['reason'].lower()}", "App")
    tell.changed(store, order)
    return {
        **empty,
        "fulfillmentHold": views_shipping.hold_view(hold),
        "fulfillmentOrder": views_shipping.fulfillment_order_view(store, order, views.order_view),
        "userErrors": [],
    }


def _release(info: Info, args: Args) -> View:
    store, order = store_of(info), _order_of(store_of(info), args["id"])
    if order is None:
        message, code = "Fulfillment order could not be found.", "FULFILLMENT_ORDER_NOT_FOUND"
        return {"fulfillmentOrder": None, "userErrors": [user_error(["id"], message, code)]}
    if args.get("holdIds"):
        gone = {number_of(one, "FulfillmentHold") for one in args["holdIds"]}
        order.holds = [hold for hold in order.holds if hold.id not in gone]
    else:
        order.holds.clear()  # of every app
    store.note_event(order, "Fulfillment hold released", "App")
    tell.changed(store, order)
    shown = views_shipping.fulfillment_order_view(store, order, views.order_view)
    return {"fulfillmentOrder": shown, "userErrors": []}


def _tracking(given: View | None) -> list[View]:
    if not given:
        return []
    numbers = given.get("numbers") or [given.get("number")]
    urls = given.get("urls") or [given.get("url")]
    size = max(len(numbers), len(urls))
    numbers += [None] * (size - len(numbers))
    urls += [None] * (size - len(urls))
    return [
        {"company": given.get("company"), "number": number, "url": url}
        for number, url in zip(numbers, urls, strict=True)
    ]


def _fulfill(info: Info, args: Args) -> View:
    store, given = store_of(info), args["fulfillment"]
    parts = given["lineItemsByFulfillmentOrder"]
    orders = [_order_of(store, part["fulfillmentOrderId"]) for part in parts]
    order = orders[0] if orders else None

    def refused(message: str) -> View:
        return {"fulfillment": None, "userErrors": [user_error(["fulfillment"], message)]}

    if order is None or any(one is not order for one in orders):
        return refused("Fulfillment order does not exist.")
    status = views_shipping.fulfillment_order_status(order)
    if status not in {"OPEN", "IN_PROGRESS"}:
        message = f"Fulfillment order {order.id + 1} has an unfulfillable status= {status.lower()}."
        return refused(message)
    lines = [
        (line.id, line.unfulfilled_quantity) for line in order.lines if line.unfulfilled_quantity
    ]
    chosen = [row for part in parts for row in part.get("fulfillmentOrderLineItems") or []]
    if chosen:
        left = dict(lines)
        lines = [
            (number_of(row["id"], "FulfillmentOrderLineItem") - 1, row["quantity"])
            for row in chosen
        ]
        if any(quantity > left.get(line_id, 0) for line_id, quantity in lines):
            return refused("Invalid fulfillment order line item quantity requested.")
    try:
        done = desk.fulfill(store, order, lines, _tracking(given.get("trackingInfo")))
    except Refused as refusal:
        return refused(str(refusal))
    if given.get("notifyCustomer"):
        store.mails.append({"to": order.email, "subject": f"Order {order.name} is on its way"})
    shown = views_shipping.fulfillment_view(store, order, done, views.order_view)
    return {"fulfillment": shown, "userErrors": []}


def _retrack(info: Info, args: Args) -> View:
    store = store_of(info)
    pair = store.fulfillment(number_of(args["fulfillmentId"], "Fulfillment"))
    if pair is None:
        error = user_error(["fulfillmentId"], "Fulfillment does not exist.")
        return {"fulfillment": None, "userErrors": [error]}
    desk.retrack(store, *pair, _tracking(args["trackingInfoInput"]))
    shown = views_shipping.fulfillment_view(store, *pair, views.order_view)
    return {"fulfillment": shown, "userErrors": []}


def _event(info: Info, args: Args) -> View:
    store, given = store_of(info), args["fulfillmentEvent"]
    pair = store.fulfillment(number_of(given["fulfillmentId"], "Fulfillment"))
    if pair is None:
        error = user_error(["fulfillmentEvent", "fulfillmentId"], "Fulfillment does not exist.")
        return {"fulfillmentEvent": None, "userErrors": [error]}
    data = {
        "happened_at": given.get("happenedAt"),
        "estimated_delivery_at": given.get("estimatedDeliveryAt"),
        **{name: given.get(name) for name in ("message", "city", "country", "zip")},
    }
    event = desk.carrier_event(store, *pair, given["status"], data)
    return {"fulfillmentEvent": views_shipping.event_view(event), "userErrors": []}


def _return_lines(store: Store, order: Order, rows: list[View]) -> list[View] | None:
    known = {
        views_shipping.fulfillment_line_gid(parcel, line_id): quantity
        for parcel in order.fulfillments
        for line_id, quantity in parcel.lines
    }
    lines = []
    for row in rows:
        wanted = row["fulfillmentLineItemId"]
        if not 0 < row["quantity"] <= known.get(wanted, 0):
            return None
        reason = row.get("returnReasonDefinitionId")
        lines.append(
            {
                "id": store.next_id(),
                "fulfillment_line": wanted,
                "quantity": row["quantity"],
                "customer_note": row.get("customerNote"),
                "reason_note": row.get("returnReasonNote"),
                "reason": reason and reason_view(number_of(reason, "ReturnReasonDefinition") - 1),
            }
        )
    return lines


def _open_return(info: Info, given: View, status: str) -> View:
    store, order = store_of(info), find_order(info, given["orderId"])
    if order is None:
        error = user_error(["orderId"], "Order not found.", "NOT_FOUND")
        return {"return": None, "userErrors": [error]}
    lines = _return_lines(store, order, given["returnLineItems"])
    if not lines:
        message = "Return line items has an invalid quantity."
        error = user_error(["returnLineItems"], message, "INVALID")
        return {"return": None, "userErrors": [error]}
    now = store.now()
    item = Return(store.next_id(), f"{order.name}-R{len(order.returns) + 1}", status, lines, now)
    order.returns.append(item)
    _tell(store, order, item, "returns/request" if status == "REQUESTED" else "returns/approve")
    shown = views_shipping.return_view(store, order, item, views.order_view)
    return {"return": shown, "userErrors": []}


def _tell(store: Store, order: Order, item: Return, topic: str) -> None:
    tell.changed(store, order)
    body = {
        "id": item.id,
        "admin_graphql_api_id": f"gid://shopify/Return/{item.id}",
        "order": {"id": order.id, "admin_graphql_api_id": f"gid://shopify/Order/{order.id}"},
        "status": item.status.lower(),
        "name": item.name,
        "return_line_items": [],
        "total_return_line_items": len(item.lines),
    }
    store.emit(topic, body, str(order.id))


MOVES: Final = {
    "returnApproveRequest": ({"REQUESTED"}, "OPEN", "returns/approve"),
    "returnDeclineRequest": ({"REQUESTED"}, "DECLINED", "returns/decline"),
    "returnClose": ({"OPEN"}, "CLOSED", "returns/close"),
    "returnCancel": ({"OPEN", "REQUESTED"}, "CANCELED", "returns/cancel"),
    "returnProcess": ({"OPEN"}, "OPEN", "returns/process"),
}


def _move_return(info: Info, args: Args) -> View:
    store, given = store_of(info), args.get("input") or args
    wanted = number_of(given.get("id") or given["returnId"], "Return")
    pairs = [(order, item) for order in store.orders.values() for item in order.returns]
    pair = next((pair for pair in pairs if pair[1].id == wanted), None)
    if pair is None:
        error = user_error(["id"], "Return not found.", "NOT_FOUND")
        return {"return": None, "userErrors": [error]}
    order, item = pair
    allowed, status, topic = MOVES[info.field_name]
    if item.status not in allowed:
        message = f"Return status is {item.status.lower()}."
        error = user_error(["id"], message, "INVALID_STATE")
        return {"return": None, "userErrors": [error]}
    item.status = status
    if info.field_name == "returnApproveRequest":
        item.approved_at = store.now()
    if info.field_name == "returnDeclineRequest":
        item.decline = {"reason": given["declineReason"], "note": given.get("declineNote") or ""}
    if info.field_name == "returnProcess":
        done = {number_of(row["id"]): row["quantity"] for row in given["returnLineItems"] or []}
        for line in item.lines:
            line["processed"] = line.get("processed", 0) + done.get(line["id"], 0)
        if all(line["processed"] >= line["quantity"] for line in item.lines):
            item.status = "CLOSED"
    _tell(store, order, item, topic)
    shown = views_shipping.return_view(store, order, item, views.order_view)
    return {"return": shown, "userErrors": []}


WRITES: Final[dict[str, Resolver]] = {
    "fulfillmentOrderHold": _hold,
    "fulfillmentOrderReleaseHold": _release,
    "fulfillmentCreate": _fulfill,
    "fulfillmentTrackingInfoUpdate": _retrack,
    "fulfillmentEventCreate": _event,
    "returnRequest": lambda info, args: _open_return(info, args["input"], "REQUESTED"),
    "returnCreate": lambda info, args: _open_return(info, args["returnInput"], "OPEN"),
    **dict.fromkeys(MOVES, _move_return),
}
