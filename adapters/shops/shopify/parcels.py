"""Turn fulfillments into parcels: one for each tracking number.

Source: FulfillmentEventStatus and FulfillmentDisplayStatus of the Admin GraphQL
schema 2026-10, checked 2026-11-22.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from adapters.shops.shopify import payload as body
from adapters.shops.shopify.values import maybe_when
from connector.model.parcel import Parcel, ParcelState

STATES: Final = {
    "fulfilled": ParcelState.SHIPPED,  # left, and no carrier has said anything yet
    "confirmed": ParcelState.SHIPPED,  # the platform's default, no news either
    "label_purchased": ParcelState.LABEL_CREATED,
    "label_printed": ParcelState.LABEL_CREATED,
    "label_voided": ParcelState.CANCELED,
    "carrier_picked_up": ParcelState.IN_TRANSIT,
    "in_transit": ParcelState.IN_TRANSIT,
    "delayed": ParcelState.EXCEPTION,
    "out_for_delivery": ParcelState.OUT_FOR_DELIVERY,
    "ready_for_pickup": ParcelState.READY_FOR_PICKUP,
    "attempted_delivery": ParcelState.DELIVERY_FAILED,
    "not_delivered": ParcelState.DELIVERY_FAILED,
    "delivered": ParcelState.DELIVERED,
    "picked_up": ParcelState.DELIVERED,
    "failure": ParcelState.EXCEPTION,
    "error": ParcelState.EXCEPTION,
    "canceled": ParcelState.CANCELED,
    # pending, open, submitted: asked of a fulfillment service, which has not said yes yet.
}
# Words of the fulfillment itself, for when no carrier has spoken.
_OWN_WORDS: Final = {"success": "fulfilled", "cancelled": "canceled"}
_NO_NEWS: Final = frozenset({"fulfilled", "marked_as_fulfilled", "canceled", "submitted"})


def word(raw: body.Fulfillment) -> str:
    """Give the one word for where the parcel is, in lower case.

    A canceled fulfillment is canceled, whatever its carrier said before.
    """
    own = (raw.status or "").lower()
    shipment = (raw.shipment_status or "").lower()
    if own == "cancelled" or not shipment or shipment in _NO_NEWS:
        return _OWN_WORDS.get(own, own)
    return shipment


def parcels(fulfillments: Iterable[body.Fulfillment]) -> tuple[Parcel, ...]:
    """List the parcels, oldest fulfillment first.

    The first parcel is named by the fulfillment alone: its name stays when the
    tracking number is filled in later.
    """
    ordered = sorted(fulfillments, key=lambda item: item.id)
    return tuple(parcel for item in ordered for parcel in _of(item))


def _of(raw: body.Fulfillment) -> Iterator[Parcel]:
    now = word(raw)
    state = STATES.get(now, ParcelState.UNKNOWN)
    numbers = [text for text in raw.tracking_numbers or () if text]
    if not numbers and raw.tracking_number:
        numbers = [raw.tracking_number]
    urls = [text for text in raw.tracking_urls or () if text]
    if not urls and raw.tracking_url:
        urls = [raw.tracking_url]
    companies = list(raw.companies or ())
    for place, number in enumerate(dict.fromkeys(numbers) or [None]):
        company = companies[place] if place < len(companies) else raw.tracking_company
        yield Parcel(
            ref=str(raw.id) if place == 0 else f"{raw.id}/{number}",
            carrier=company or "",
            tracking_number=number,
            tracking_url=urls[place] if place < len(urls) else None,
            state=state,
            platform_state=now,
            shipped_at=None
            if now in {"open", "pending"}
            else maybe_when(raw.created_at, "fulfillments.created_at"),
            delivered_at=maybe_when(raw.delivered_at, "fulfillments.delivered_at"),
            estimated_at=maybe_when(
                raw.estimated_delivery_at, "fulfillments.estimated_delivery_at"
            ),
        )
