"""An order without its buyer: what stays of it for the books and so that nothing repeats."""

import hashlib
import hmac
from dataclasses import replace
from typing import Final

from connector.model.customer import Address, Buyer
from connector.model.order import Order
from connector.model.parcel import Parcel

ERASED: Final = "the buyer was erased"
"""Reason of rows and effects that were closed for that."""
_NAME_LETTERS: Final = 24


def without_person(order: Order, key: bytes) -> Order:
    """Take everything out of an order that leads to a person.

    Money, goods, dates, country and language stay: that is what the books need. The
    number of a parcel leads to whom it was sent to, so it gives way to a name made with
    `key`, the same each time.
    """
    if order.erased:
        return order
    return replace(
        order,
        buyer=Buyer(locale=order.buyer.locale, order_count=order.buyer.order_count),
        billing_address=_country(order.billing_address),
        shipping_address=_country(order.shipping_address),
        # A point to pick it up, or who brings it: merchants write both there.
        shipping_lines=tuple(replace(line, title="") for line in order.shipping_lines),
        discount_codes=(),
        parcels=tuple(_parcel(parcel, key) for parcel in order.parcels),
        refunds=tuple(replace(refund, reason=None) for refund in order.refunds),
        tags=(),
        meta=(),
        note=None,
        erased=True,
    )


def hidden(ref: str, key: bytes) -> str:
    """Give the name that stands for the number of a parcel."""
    text = b"parcel\0" + ref.encode("utf-8", "surrogatepass")
    return "x" + hmac.new(key, text, hashlib.sha256).hexdigest()[:_NAME_LETTERS]


def _country(address: Address | None) -> Address | None:
    return None if address is None else Address(country=address.country)


def _parcel(parcel: Parcel, key: bytes) -> Parcel:
    return replace(
        parcel,
        ref=hidden(parcel.ref, key),
        tracking_number=None,
        tracking_url=None,
        events=tuple(replace(scan, text="", place="") for scan in parcel.events),
    )
