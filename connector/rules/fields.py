"""The fields that conditions may ask for, read off an order once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from connector.model.customer import ConsentState
from connector.model.event import Occurrence
from connector.model.money import decimal_text
from connector.model.order import Order, Refund
from connector.model.parcel import Parcel
from connector.rules.field_table import FIELDS, META, Field
from connector.rules.operators import OPERATORS
from connector.rules.rule import FieldType
from connector.rules.zones import zone_of

_WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_SHOWN_LETTERS: Final = 200


@dataclass(frozen=True, slots=True)
class ShopView:
    """What rules and messages may know of a shop.

    Attributes:
        region: of the shop's address, for its holidays; empty when not known.
        contact: how a buyer reaches a person, like an e-mail address.
    """

    id: str
    platform: str = ""
    name: str = ""
    url: str = ""
    currency: str = ""
    timezone: str = "UTC"
    country: str = ""
    locale: str = ""
    contact: str = ""
    region: str = ""


@dataclass(slots=True)
class Facts:
    """One order as conditions see it: field name to value.

    Money is whole minor units of `currency`; lists are tuples. `sets` holds the lists
    once more, without regard to capitals.
    """

    values: Mapping[str, Any]
    sets: Mapping[str, frozenset[str]]
    currency: str
    zone: tzinfo
    before: Callable[[], "Facts | None"]

    def show(self, name: str) -> Any:
        """Give a field's value as plain data, for the record of an evaluation."""
        value = self.values.get(name)
        if value is None:
            return None
        kind = FIELDS[name].type if name in FIELDS else FieldType.TEXT
        if kind is FieldType.MONEY:
            return decimal_text(value, self.currency)
        if isinstance(value, datetime):
            return value.isoformat().replace("+00:00", "Z")
        if isinstance(value, tuple):
            return [item[:_SHOWN_LETTERS] for item in value[:_SHOWN_LETTERS]]
        return value[:_SHOWN_LETTERS] if isinstance(value, str) else value


def field_of(name: str) -> Field | None:
    """Look a field up, `order.meta.<key>` included."""
    known = FIELDS.get(name)
    if known is not None:
        return known
    prefix = META.name.removesuffix("<key>")
    return META if name.startswith(prefix) and len(name) > len(prefix) else None


def field_list() -> list[dict[str, Any]]:
    """Describe all fields as plain data, for `rules fields --json` and the docs."""
    return [
        {
            "name": known.name,
            "type": known.type.value,
            "operators": [operator.value for operator in OPERATORS[known.type]],
            **({"choices": list(known.choices)} if known.choices else {}),
            "help": {"es": known.es, "en": known.en},
        }
        for known in (*FIELDS.values(), META)
    ]


def facts_of(
    order: Order, occurrence: Occurrence, shop: ShopView, previous: Order | None = None
) -> Facts:
    """Flatten an order for the rules.

    Args: previous: the state held before, for the operator `changed`; None when this
        is the first.
    """
    zone = zone_of(shop.timezone)
    values = _values(order, occurrence, shop, zone)
    memory: list[Facts | None] = []

    def before() -> Facts | None:
        # Few rules ask for it, so it is built on demand.
        if not memory:
            old = None if previous is None else facts_of(previous, occurrence, shop)
            memory.append(old)
        return memory[0]

    sets = {
        name: frozenset(item.casefold() for item in value)
        for name, value in values.items()
        if isinstance(value, tuple)
    }
    return Facts(values, sets, order.currency, zone, before)


def _values(order: Order, occurrence: Occurrence, shop: ShopView, zone: tzinfo) -> dict[str, Any]:
    values: dict[str, Any] = {
        f"{META.name.removesuffix('<key>')}{key}": value for key, value in order.meta
    }
    values |= _order_values(order, zone)
    values |= _buyer_values(order)
    values |= _parcel_values(_parcel_of(order, occurrence))
    refund = _refund_of(order, occurrence)
    values["refund.amount"] = refund.amount_minor if refund else None
    values["refund.reason"] = (refund.reason or None) if refund else None
    values["shop.platform"] = shop.platform or None
    values["shop.currency"] = shop.currency or None
    values["shop.country"] = shop.country or None
    values["shop.locale"] = shop.locale or None
    return values


def _order_values(order: Order, zone: tzinfo) -> dict[str, Any]:
    address = order.shipping_address or order.billing_address
    if order.shipping_address and not order.shipping_address.country and order.billing_address:
        address = order.billing_address
    placed = order.placed_at.astimezone(zone)
    lines = order.lines
    return {
        "order.number": order.number,
        "order.total": order.total_minor,
        "order.subtotal": sum(line.total_minor for line in lines),
        "order.shipping": order.shipping_minor,
        "order.discount": order.discount_minor,
        "order.tax": order.tax_minor,
        "order.refunded": order.refunded_minor,
        "order.currency": order.currency,
        "order.state": order.state.value,
        "order.platform_state": order.platform_state or None,
        "order.payment_state": order.payment_state.value,
        "order.fulfillment_state": order.fulfillment_state.value,
        "order.payment_method": order.payment_method or None,
        "order.created_via": order.created_via or None,
        "order.note": order.note or None,
        "order.test": order.test,
        "order.tags": order.tags,
        "order.skus": tuple(line.sku for line in lines if line.sku),
        "order.product_refs": tuple(line.product_ref for line in lines if line.product_ref),
        "order.product_names": tuple(line.name for line in lines if line.name),
        "order.item_count": sum(line.quantity for line in lines),
        "order.parcel_count": len(order.parcels),
        "order.discount_codes": order.discount_codes,
        "order.shipping_methods": tuple(line.title for line in order.shipping_lines if line.title),
        "order.country": (address.country or None) if address else None,
        "order.region": (address.region or None) if address else None,
        "order.postal_code": (address.postal_code or None) if address else None,
        "order.city": (address.city or None) if address else None,
        "order.placed_at": order.placed_at,
        "order.paid_at": order.paid_at,
        "order.weekday": _WEEKDAYS[placed.weekday()],
        "order.hour": placed.hour,
    }


def _buyer_values(order: Order) -> dict[str, Any]:
    buyer = order.buyer
    email, locale = buyer.email, buyer.locale
    return {
        "buyer.order_count": buyer.order_count,
        "buyer.email_domain": email.rpartition("@")[2] if email else None,
        "buyer.has_email": bool(email),
        "buyer.has_phone": bool(buyer.phone),
        "buyer.locale": locale or None,
        "buyer.language": locale[:2].lower() if locale else None,
        "buyer.accepts_marketing": any(
            consent.channel == "email" and consent.state is ConsentState.GRANTED
            for consent in buyer.consents
        ),
        "buyer.is_guest": not buyer.ref,
    }


def _parcel_values(parcel: Parcel | None) -> dict[str, Any]:
    if parcel is None:
        return dict.fromkeys(
            ("parcel.carrier", "parcel.service", "parcel.state", "parcel.has_number")
        )
    return {
        "parcel.carrier": parcel.carrier or None,
        "parcel.service": parcel.service or None,
        "parcel.state": parcel.state.value,
        "parcel.has_number": bool(parcel.tracking_number),
    }


def _parcel_of(order: Order, occurrence: Occurrence) -> Parcel | None:
    """Find the parcel an occurrence is about, else the only one there is."""
    if occurrence.kind.value.startswith("parcel."):
        for parcel in order.parcels:
            if parcel.ref == occurrence.discriminator:
                return parcel
        return None
    return order.parcels[0] if len(order.parcels) == 1 else None


def _refund_of(order: Order, occurrence: Occurrence) -> Refund | None:
    """Find the refund an occurrence is about, else the only one there is."""
    if occurrence.kind.value == "order.refunded":
        for refund in order.refunds:
            if refund.ref == occurrence.discriminator:
                return refund
        return None
    return order.refunds[0] if len(order.refunds) == 1 else None
