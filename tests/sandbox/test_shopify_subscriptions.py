"""Webhook subscriptions of the pretend Shopify."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.shopify_support import (
    Client,
    Receiver,
    operations,
    wait_for,
)
from webhooks.sandbox.shopify.shop import ShopifyShop


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


def test_after_eight_retries_the_subscription_is_gone(client: Client, receiver: Receiver) -> None:
    """One delivery and eight retries, all answered by a redirect: then it is deleted."""
    client.subscribe(receiver.url, "ORDERS_CREATE")
    receiver.status = 302
    client.order()
    wait_for(lambda: not client.state()["webhooks"])
    assert client.shop.sender.wait_idle()
    assert len(receiver.deliveries) == 9
    assert client.run("WebhookList")["webhookSubscriptions"]["nodes"] == []


def test_subscriptions_are_listed_moved_and_deleted(client: Client, receiver: Receiver) -> None:
    """A pair exists once; plain http is refused but on loopback; an update moves it."""
    made = client.subscribe(receiver.url, "ORDERS_CREATE", name="first")[0]
    again = client.run("WebhookCreate", topic="ORDERS_CREATE", sub={"uri": receiver.url})
    error = again["webhookSubscriptionCreate"]["userErrors"][0]
    assert error["message"] == "Address for this topic has already been taken"
    plain = client.run("WebhookCreate", topic="ORDERS_PAID", sub={"uri": "http://example.com/h"})
    assert plain["webhookSubscriptionCreate"]["userErrors"]
    client.run("WebhookUpdate", id=made["id"], sub={"uri": receiver.url + "/2"})
    listed = client.run("WebhookList")["webhookSubscriptions"]["nodes"]
    assert [(item["topic"], item["uri"]) for item in listed] == [
        ("ORDERS_CREATE", receiver.url + "/2")
    ]
    client.run("WebhookDelete", id=made["id"])
    gone = client.run("WebhookDelete", id=made["id"])["webhookSubscriptionDelete"]
    assert gone["userErrors"]


def test_included_fields_shorten_the_body(client: Client, receiver: Receiver) -> None:
    """Only the fields that were asked for are sent."""
    client.subscribe(receiver.url, "ORDERS_CREATE", includeFields=["id", "updated_at"])
    client.order()
    wait_for(lambda: receiver.deliveries)
    assert set(receiver.deliveries[0].json) == {"id", "updated_at"}


def test_topic_without_its_scope_cannot_be_subscribed(client: Client, receiver: Receiver) -> None:
    """An app that may not read orders cannot listen to them."""
    client.control("settings", scopes=["read_products"])
    variables = {"topic": "ORDERS_CREATE", "sub": {"uri": receiver.url}}
    answer = client.post(operations()["WebhookCreate"], variables).json()
    assert answer["data"]["webhookSubscriptionCreate"]["userErrors"][0]["field"] == [
        "webhookSubscription",
        "topic",
    ]
