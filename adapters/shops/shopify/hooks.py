"""Our webhook subscriptions in the shop: made, checked, mended, removed.

Shopify signs all of an app's webhooks with the app's client secret, so there is
no secret to hand over. It deletes a subscription after 8 failures in a row.

Source: shopify.dev, subscribe to webhooks, 2026-10, checked 2026-11-22.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from adapters.shops.shopify import schema
from adapters.shops.shopify.client import ShopifyClient, UserError, refuse
from connector.ports import WebhookState

# An order that was paid, canceled, fulfilled or edited also fires orders/updated.
TOPICS: Final = (
    "orders/create",
    "orders/updated",
    "orders/delete",
    "fulfillments/create",
    "fulfillments/update",
    "fulfillment_events/create",
    "refunds/create",
    "app/uninstalled",
)
NAME: Final = "postventa-"


class Subscription(msgspec.Struct, frozen=True, rename="camel"):
    """A WebhookSubscription."""

    id: str
    topic: str
    uri: str
    format: str = "JSON"
    filter: str | None = None
    include_fields: list[str] = []
    name: str | None = None

    @property
    def whole(self) -> bool:
        """Tell whether it sends every event, whole and as JSON."""
        return self.format == "JSON" and not self.filter and not self.include_fields


class Subscriptions(msgspec.Struct, frozen=True, rename="camel"):
    """One page of subscriptions."""

    nodes: list[Subscription]
    page_info: schema.Page = schema.Page()


class ListData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of WebhookList."""

    webhook_subscriptions: Subscriptions


class Payload(msgspec.Struct, frozen=True, rename="camel"):
    """What each of the mutations answers."""

    webhook_subscription: schema.Node | None = None
    user_errors: list[UserError] = []


class CreateData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of WebhookCreate."""

    webhook_subscription_create: Payload


class DeleteData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of WebhookDelete."""

    webhook_subscription_delete: Payload


def register(client: ShopifyClient, address: str) -> Sequence[WebhookState]:
    """Make what is missing and mend what sends less; leave all others alone."""
    ours = {item.topic: item for item in _all(client) if item.uri == address}
    for topic in TOPICS:
        found = ours.get(_enum(topic))
        if found is None:
            _create(client, topic, address)
        elif not found.whole:
            # Made anew: the schema does not say that an update with nothing clears a filter.
            _delete(client, found)
            _create(client, topic, address)
    return check(client, address)


def check(client: ShopifyClient, address: str) -> Sequence[WebhookState]:
    """Tell the state of each topic we need."""
    existing = _all(client)
    return [_state(topic, address, existing) for topic in TOPICS]


def remove(client: ShopifyClient, address: str) -> int:
    """Delete every subscription that points to the address; tell how many."""
    ours = [item for item in _all(client) if item.uri == address]
    for item in ours:
        _delete(client, item)
    return len(ours)


def _all(client: ShopifyClient) -> list[Subscription]:
    found: list[Subscription] = []
    after: str | None = None
    while True:
        page = client.ask("WebhookList", {"after": after}, ListData).data.webhook_subscriptions
        found += page.nodes
        if not page.page_info.has_next_page:
            return found
        after = page.page_info.end_cursor


def _create(client: ShopifyClient, topic: str, address: str) -> None:
    name = NAME + topic.replace("/", "-")
    sub: dict[str, Any] = {"uri": address, "format": "JSON", "name": name}
    data = client.ask("WebhookCreate", {"topic": _enum(topic), "sub": sub}, CreateData).data
    errors = data.webhook_subscription_create.user_errors
    # Another process of ours was quicker: it is there, and that is what we want.
    if not any("taken" in error.message.lower() for error in errors):
        refuse(errors, "WebhookCreate")


def _delete(client: ShopifyClient, found: Subscription) -> None:
    data = client.ask("WebhookDelete", {"id": found.id}, DeleteData).data
    refuse(data.webhook_subscription_delete.user_errors, "WebhookDelete")


def _state(topic: str, address: str, existing: list[Subscription]) -> WebhookState:
    same = [item for item in existing if item.topic == _enum(topic)]
    for item in same:
        if item.uri == address:
            return WebhookState(topic, item.id, item.uri, "active" if item.whole else "disabled")
    for item in same:
        if (item.name or "").startswith(NAME):
            return WebhookState(topic, item.id, item.uri, "wrong_address")
    return WebhookState(topic, None, address, "missing")


def _enum(topic: str) -> str:
    return topic.replace("/", "_").upper()
