"""A made-up order with everything in it, to try texts on."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from connector.messages.placeholders import context_of
from connector.model.customer import Address, Buyer
from connector.model.order import (
    FulfillmentState,
    LineItem,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    ShippingLine,
)
from connector.model.parcel import Parcel, ParcelState


@dataclass(frozen=True, slots=True)
class SampleShop:
    """A shop to try texts with."""

    name: str = "La Huerta de Ana"
    url: str = "https://shop.example"
    contact: str = "hola@shop.example"
    currency: str = "EUR"
    timezone: str = "Europe/Madrid"
    country: str = "ES"
    locale: str = "es"


_PLACED_AT: Final = datetime(2026, 12, 3, 9, 30, tzinfo=UTC)
SAMPLE_SHOP: Final = SampleShop()
SAMPLE_ORDER: Final = Order(
    ref=OrderRef("1042"),
    number="#1042",
    state=OrderState.PROCESSING,
    platform_state="processing",
    payment_state=PaymentState.PAID,
    fulfillment_state=FulfillmentState.PARTIAL,
    currency="EUR",
    total_minor=6350,
    placed_at=_PLACED_AT,
    modified_at=_PLACED_AT,
    tax_minor=1102,
    shipping_minor=450,
    discount_minor=200,
    buyer=Buyer(
        name="Lucía Fernández",
        first_name="Lucía",
        last_name="Fernández",
        email="lucia@buyer.example",
        phone="+34600000000",
        locale="es",
        order_count=1,
    ),
    shipping_address=Address(
        name="Lucía Fernández",
        line1="Calle del Olmo 12, 3.º B",
        city="Madrid",
        postal_code="28012",
        country="ES",
    ),
    lines=(
        LineItem("1", "Aceite de oliva virgen extra, 1 l", 2, 3100, sku="ACE-1"),
        LineItem("2", "Cesta de mimbre", 1, 2800, sku="CES-2"),
    ),
    shipping_lines=(ShippingLine("Correos Paq Estándar", 450),),
    parcels=(
        Parcel(
            ref="p1",
            carrier="Correos",
            tracking_number="PQ4E5R0710012345",
            tracking_url="https://carrier.example/PQ4E5R0710012345",
            state=ParcelState.SHIPPED,
        ),
    ),
    note="Por la tarde, por favor",
)
SAMPLE_COUPON: Final = MappingProxyType(
    {
        "code": "GRACIAS-7K2M9QWXTRB4",
        "kind": "percent",
        "value": "10",
        "expires": "30d",
        "min_total": "30.00",
        "made_at": _PLACED_AT,
    }
)


@cache
def sample_context(language: str) -> dict[str, Any]:
    """Give a value for every placeholder, in `es` or `en`."""
    return context_of(SAMPLE_ORDER, SAMPLE_SHOP, coupon=SAMPLE_COUPON, language=language)
