"""Holds, parcels and returns of the pretend Shopify, driven over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.shopify_support import Client, coupon
from webhooks.sandbox.shopify.shop import ShopifyShop


@pytest.fixture
def client() -> Iterator[Client]:
    """Run a shop and give a client of it."""
    with ShopifyShop() as shop:
        yield Client(shop)


def test_hold_handle_is_unique_and_only_ours_is_released(client: Client) -> None:
    """The same handle twice is refused; releasing one hold leaves the other."""
    order = client.order()
    shown = client.run("OrderFulfillmentOrders", id=order["gid"])["order"]["fulfillmentOrders"]
    place = shown["nodes"][0]["id"]
    hold = {"reason": "INCORRECT_ADDRESS", "handle": "address"}
    first = client.run("FulfillmentOrderHold", id=place, hold=hold)["fulfillmentOrderHold"]
    again = client.run("FulfillmentOrderHold", id=place, hold=hold)["fulfillmentOrderHold"]
    assert again["userErrors"][0]["code"] == "DUPLICATE_FULFILLMENT_HOLD_HANDLE"
    client.run("FulfillmentOrderHold", id=place, hold={"reason": "OTHER", "handle": "other"})
    held = [first["fulfillmentHold"]["id"]]
    client.run("FulfillmentOrderReleaseHold", id=place, holdIds=held)
    assert [h["handle"] for h in client.state()["orders"][0]["holds"]] == ["other"]


def test_without_its_scopes_fulfillment_orders_are_hidden_not_denied(client: Client) -> None:
    """The list is empty and there is no error."""
    order = client.order()
    client.control("settings", scopes=["read_orders"])
    found = client.run("OrderFulfillmentOrders", id=order["gid"])["order"]
    assert found["fulfillmentOrders"]["nodes"] == []


def test_fulfillment_made_by_the_app_and_its_events(client: Client) -> None:
    """The parcel carries its tracking, and the newest event is its display status."""
    order = client.order()
    shown = client.run("OrderFulfillmentOrders", id=order["gid"])["order"]["fulfillmentOrders"]
    parcel = client.run(
        "FulfillmentCreate",
        fulfillment={
            "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": shown["nodes"][0]["id"]}],
            "trackingInfo": {"company": "Correos", "number": "X1", "url": "https://e.com/X1"},
        },
    )["fulfillmentCreate"]["fulfillment"]
    late = {"fulfillmentId": parcel["id"], "status": "DELIVERED"}
    client.run("FulfillmentEventCreate", event={**late, "happenedAt": "2026-11-22T12:00:00Z"})
    early = {"fulfillmentId": parcel["id"], "status": "IN_TRANSIT"}
    client.run("FulfillmentEventCreate", event={**early, "happenedAt": "2026-11-21T12:00:00Z"})
    found = client.run("FulfillmentEvents", id=parcel["id"])["fulfillment"]
    assert found["displayStatus"] == "DELIVERED"
    assert found["deliveredAt"] == "2026-11-22T12:00:00Z"
    assert [e["status"] for e in found["events"]["nodes"]] == ["IN_TRANSIT", "DELIVERED"]
    assert found["trackingInfo"] == [
        {"company": "Correos", "number": "X1", "url": "https://e.com/X1"}
    ]


def test_return_goes_from_request_to_closed(client: Client) -> None:
    """A buyer's request is approved, then closed; the order shows each step."""
    order = client.order()
    client.act(order, "ship", carrier="Correos", number="X1")
    rows = client.run("ReturnableFulfillments", orderId=order["gid"])["returnableFulfillments"]
    row = rows["nodes"][0]["returnableFulfillmentLineItems"]["nodes"][0]
    line = {"fulfillmentLineItemId": row["fulfillmentLineItem"]["id"], "quantity": 1}
    given = {"orderId": order["gid"], "returnLineItems": [line]}
    made = client.run("ReturnRequest", input=given)["returnRequest"]["return"]
    assert client.state()["orders"][0]["return_status"] == "RETURN_REQUESTED"
    client.run("ReturnApproveRequest", input={"id": made["id"]})
    assert client.run("ReturnById", id=made["id"])["return"]["status"] == "OPEN"
    client.run("ReturnClose", id=made["id"])
    assert client.state()["orders"][0]["return_status"] == "RETURNED"


def test_tracking_coupon_and_return_can_be_changed_and_ended(client: Client) -> None:
    """The rest of the writes an app may send are done and show."""
    order = client.order()
    client.act(order, "ship", carrier="Correos", number="X1")
    parcel = client.state()["orders"][0]["fulfillments"][0]["id"]
    tracking = {"company": "SEUR", "numbers": ["Y1", "Y2"]}
    number = f"gid://shopify/Fulfillment/{parcel}"
    client.run("FulfillmentTrackingUpdate", fulfillmentId=number, tracking=tracking)
    shown = client.state()["orders"][0]["fulfillments"][0]["tracking"]
    assert [one["number"] for one in shown] == ["Y1", "Y2"]
    made = client.run("DiscountCodeBasicCreate", discount=coupon("END"))
    node = made["discountCodeBasicCreate"]["codeDiscountNode"]["id"]
    client.run("DiscountCodeDeactivate", id=node)
    assert client.state()["coupons"][0]["status"] == "EXPIRED"
    client.run("DiscountCodeDelete", id=node)
    assert client.run("DiscountByCode", code="END")["codeDiscountNodeByCode"] is None
    rows = client.run("ReturnableFulfillments", orderId=order["gid"])["returnableFulfillments"]
    row = rows["nodes"][0]["returnableFulfillmentLineItems"]["nodes"][0]
    line = {"fulfillmentLineItemId": row["fulfillmentLineItem"]["id"], "quantity": 1}
    given = {"orderId": order["gid"], "returnLineItems": [line]}
    asked = client.run("ReturnRequest", input=given)["returnRequest"]["return"]["id"]
    declined = {"id": asked, "declineReason": "FINAL_SALE"}
    done = client.run("ReturnDeclineRequest", input=declined)["returnDeclineRequest"]
    assert done["return"]["decline"]["reason"] == "FINAL_SALE"
    made = client.run("ReturnCreate", returnInput=given)["returnCreate"]["return"]
    parts = [{"id": made["returnLineItems"]["nodes"][0]["id"], "quantity": 1}]
    processed = {"returnId": made["id"], "returnLineItems": parts}
    done = client.run("ReturnProcess", input=processed)["returnProcess"]["return"]
    assert done["status"] == "CLOSED"
    made = client.run("ReturnCreate", returnInput=given)["returnCreate"]["return"]
    done = client.run("ReturnCancel", id=made["id"])["returnCancel"]["return"]
    assert done["status"] == "CANCELED"
