"""Parcels and what carriers say about them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ParcelState(StrEnum):
    """Where a parcel is; `unknown` is a state of its own, never a guess."""

    UNKNOWN = "unknown"
    LABEL_CREATED = "label_created"
    SHIPPED = "shipped"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    EXCEPTION = "exception"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """One carrier scan."""

    state: ParcelState
    occurred_at: datetime
    text: str = ""
    place: str = ""
    platform_state: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box on its way.

    Attributes:
        ref: the platform's id of the fulfillment, or the tracking number.
        carrier: the name as the shop gave it; empty when not told.
        events: scans known so far, oldest first.
    """

    ref: str
    carrier: str = ""
    service: str = ""
    tracking_number: str | None = None
    tracking_url: str | None = None
    state: ParcelState = ParcelState.UNKNOWN
    platform_state: str = ""
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    estimated_at: datetime | None = None
    events: tuple[TrackingEvent, ...] = ()
