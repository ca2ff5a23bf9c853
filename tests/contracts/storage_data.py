"""Rows that the store's tests are made of."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.model.customer import Buyer
from connector.model.effect import EffectKind, PlannedEffect
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.message import Message, MessageClass
from connector.model.order import (
    FulfillmentState,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    ShopId,
)
from connector.secret import Secret
from connector.storage.port import Storage
from connector.storage.records import DeliverySource, NewDelivery, ShopRecord, ShopState

KEY = bytes(range(32))
NOW = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
LEASE = NOW + timedelta(seconds=60)
SHOP = ShopId("shop-1")
OTHER = ShopId("shop-2")


def later(**span: float) -> datetime:
    """Give a time after NOW, like `minutes=5`."""
    return NOW + timedelta(**span)


def a_shop(shop_id: str = SHOP, **changes: Any) -> ShopRecord:
    """Make a connected shop."""
    values: dict[str, Any] = {
        "id": ShopId(shop_id),
        "platform": "woocommerce",
        "name": f"Shop {shop_id}",
        "address": f"https://{shop_id}.example",
        "hook_token": f"token-{shop_id}",
        "state": ShopState.CONNECTED,
        "created_at": NOW,
        "secrets": {"webhook": Secret("s3cret-of-the-shop")},
    }
    return ShopRecord(**{**values, **changes})


def a_delivery(key: str, lane: str = "", shop_id: str = SHOP, **changes: Any) -> NewDelivery:
    """Make a webhook row."""
    values: dict[str, Any] = {
        "shop_id": ShopId(shop_id),
        "key": key,
        "source": DeliverySource.WEBHOOK,
        "topic": "order.updated",
        "lane": lane,
        "headers": {"x-wc-webhook-topic": "order.updated"},
        "body": b'{"id":1}',
        "received_at": NOW,
    }
    return NewDelivery(**{**values, **changes})


def an_effect(key: str, ref: str = "1", shop_id: str = SHOP, **changes: Any) -> PlannedEffect:
    """Make an effect that is due."""
    values: dict[str, Any] = {
        "key": key,
        "shop_id": ShopId(shop_id),
        "order_ref": OrderRef(ref),
        "rule_id": "welcome",
        "rule_version": 1,
        "occurrence_id": 1,
        "step": 0,
        "kind": EffectKind.NOTE,
        "payload": {"text": "¡Gracias!", "deep": {"list": [1, None, True]}},
        "due_at": NOW,
    }
    return PlannedEffect(**{**values, **changes})


def an_order(ref: str = "1", **changes: Any) -> Order:
    """Make a paid order."""
    values: dict[str, Any] = {
        "ref": OrderRef(ref),
        "number": f"#{ref}",
        "state": OrderState.PROCESSING,
        "platform_state": "processing",
        "payment_state": PaymentState.PAID,
        "fulfillment_state": FulfillmentState.UNFULFILLED,
        "currency": "EUR",
        "total_minor": 4374,
        "placed_at": NOW,
        "modified_at": NOW,
        "buyer": Buyer(name="Núria Pérez", email="nuria@example.com"),
    }
    return Order(**{**values, **changes})


def an_occurrence(ref: str = "1", discriminator: str = "", **changes: Any) -> Occurrence:
    """Make the payment of an order."""
    values: dict[str, Any] = {
        "shop_id": SHOP,
        "order_ref": OrderRef(ref),
        "kind": OccurrenceKind.ORDER_PAID,
        "discriminator": discriminator,
        "occurred_at": NOW,
    }
    return Occurrence(**{**values, **changes})


def a_message(key: str, **changes: Any) -> Message:
    """Make a service message."""
    values: dict[str, Any] = {
        "key": key,
        "shop_id": SHOP,
        "order_ref": OrderRef("1"),
        "channel": "email",
        "message_class": MessageClass.SERVICE,
        "to": "nuria@example.com",
        "to_name": "Núria",
        "subject": "Gracias",
        "text": "¡Hola!\n",
    }
    return Message(**{**values, **changes})


def with_shops(storage: Storage, *shop_ids: str, **changes: Any) -> None:
    """Store connected shops: SHOP when none is named."""
    with storage.transaction() as tx:
        for shop_id in shop_ids or (SHOP,):
            tx.add_shop(a_shop(shop_id, **changes))


def with_first_shop(storage: Storage) -> None:
    """Store SHOP unless it is there."""
    with storage.transaction() as tx:
        if tx.shop(SHOP) is None:
            tx.add_shop(a_shop())


def claimed_keys(storage: Storage, limit: int = 10, **words: Any) -> list[str]:
    """Claim deliveries and give their keys."""
    with storage.transaction() as tx:
        found = tx.claim_deliveries(**{"now": NOW, "lease_until": LEASE, "limit": limit, **words})
    return [item.key for item in found]


def claimed_effects(storage: Storage, limit: int = 10, **words: Any) -> list[str]:
    """Claim effects and give their keys."""
    with storage.transaction() as tx:
        found = tx.claim_effects(**{"now": NOW, "lease_until": LEASE, "limit": limit, **words})
    return [item.key for item in found]


def state_of(storage: Storage, key: str) -> Mapping[str, Any]:
    """Read what an effect has come to."""
    with storage.reading() as tx:
        found = tx.effect(key)
    assert found is not None
    return {
        "state": found.state.value,
        "attempts": found.attempts,
        "probes": found.probes,
        "reason": found.reason,
        "due_at": found.due_at,
        "done_at": found.done_at,
    }
