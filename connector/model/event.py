"""Deliveries from shops, what they mean, and what happened to an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.model.order import JsonObject, Order, OrderRef, ShopId


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One HTTP request, not yet trusted.

    Attributes:
        headers: names in lower case.
        body: the exact bytes that were signed.
        received_at: aware, UTC.
    """

    shop_id: ShopId
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime


class EventType(StrEnum):
    """What a delivery is about."""

    ORDER = "order"
    """A whole order, as it stood when the delivery was built."""
    ORDER_HINT = "order_hint"
    """Something happened to an order; its state has to be fetched."""
    ORDER_DELETED = "order_deleted"
    PING = "ping"
    SHOP_UNINSTALLED = "shop_uninstalled"
    CUSTOMER_DATA_REQUEST = "customer_data_request"
    CUSTOMER_REDACT = "customer_redact"
    SHOP_REDACT = "shop_redact"
    IGNORED = "ignored"
    """A topic we know and have no use for, like a product or a coupon."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ShopEvent:
    """What one delivery means in our words.

    Attributes:
        order_ref: which order, where the body tells.
        order: the whole order, when the body carries one.
        needs_fetch: why the order must be read from the shop before it is stored,
            empty when the body itself may be stored.
        detail: a short text for people: what it was, without personal data.
    """

    type: EventType
    topic: str
    occurred_at: datetime
    order_ref: OrderRef | None = None
    order: Order | None = None
    needs_fetch: str = ""
    detail: str = ""
    raw: JsonObject = field(default_factory=dict, repr=False)


class OccurrenceKind(StrEnum):
    """Everything that can happen and that a rule can wait for."""

    ORDER_CREATED = "order.created"
    ORDER_PAID = "order.paid"
    ORDER_ON_HOLD = "order.on_hold"
    ORDER_FAILED = "order.failed"
    ORDER_COMPLETED = "order.completed"
    ORDER_CANCELED = "order.canceled"
    ORDER_REFUNDED = "order.refunded"
    ORDER_DELETED = "order.deleted"
    PARCEL_SHIPPED = "parcel.shipped"
    PARCEL_IN_TRANSIT = "parcel.in_transit"
    PARCEL_OUT_FOR_DELIVERY = "parcel.out_for_delivery"
    PARCEL_READY_FOR_PICKUP = "parcel.ready_for_pickup"
    PARCEL_DELIVERED = "parcel.delivered"
    PARCEL_DELIVERY_FAILED = "parcel.delivery_failed"
    PARCEL_EXCEPTION = "parcel.exception"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened to an order, once.

    Unique on (shop, order, kind, discriminator).

    Attributes:
        discriminator: which parcel or refund; empty where an order has only one.
        occurred_at: when the platform says it happened.
    """

    shop_id: ShopId
    order_ref: OrderRef
    kind: OccurrenceKind
    discriminator: str
    occurred_at: datetime
