"""An order and a shop that the tests of rules ask about."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connector.model.customer import Address, Buyer, Consent, ConsentState
from connector.model.event import Occurrence, OccurrenceKind
from connector.model.order import (
    FulfillmentState,
    LineItem,
    Order,
    OrderRef,
    OrderState,
    PaymentState,
    Refund,
    ShippingLine,
    ShopId,
)
from connector.model.parcel import Parcel, ParcelState
from connector.rules.engine import compile_rule, evaluate, quick
from connector.rules.fields import ShopView, facts_of
from connector.rules.load import rule_from_source

SHOP = ShopView(
    "s1", "woocommerce", "La Huerta", "https://shop.example", "EUR", "Europe/Madrid", "ES", "es_ES"
)
ORDER = Order(
    ref=OrderRef("501"),
    number="#1001",
    state=OrderState.PROCESSING,
    platform_state="processing",
    payment_state=PaymentState.PAID,
    fulfillment_state=FulfillmentState.PARTIAL,
    currency="EUR",
    total_minor=4374,
    placed_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC),  # Saturday 00:30 in Madrid
    modified_at=datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
    tax_minor=759,
    shipping_minor=495,
    discount_minor=200,
    refunded_minor=500,
    buyer=Buyer(
        ref="77",
        name="Ana Núñez",
        email="ana@mail.example",
        locale="es-ES",
        order_count=1,
        consents=(Consent("email", ConsentState.GRANTED),),
    ),
    shipping_address=Address(city="Getafe", region="M", postal_code="28901", country="ES"),
    lines=(
        LineItem("1", "Aceite", 2, 2400, sku="OIL-1", product_ref="9"),
        LineItem("2", "Queso Manchego", 1, 1479, product_ref="10"),
    ),
    shipping_lines=(ShippingLine("Envío 24 h", 495),),
    discount_codes=("HOLA",),
    parcels=(
        Parcel("p1", "SEUR", tracking_number="S1", state=ParcelState.IN_TRANSIT),
        Parcel("p2", "Correos", state=ParcelState.SHIPPED),
    ),
    refunds=(Refund("r1", 300, "damaged"), Refund("r2", 200)),
    tags=("Wholesale", "gift"),
    meta=(("channel", "Instagram"),),
    note="Llamar antes",
    payment_method="bacs",
    created_via="checkout",
)


def happened(
    kind: OccurrenceKind = OccurrenceKind.ORDER_PAID, discriminator: str = ""
) -> Occurrence:
    """Say that something happened to the order at nine."""
    at = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    return Occurrence(ShopId("s1"), ORDER.ref, kind, discriminator, at)


def source_of(**more: Any) -> dict[str, Any]:
    """Give the plain data of a small rule."""
    source: dict[str, Any] = {
        "id": "r",
        "name": "R",
        "trigger": "order.paid",
        "actions": [{"tag": {"add": ["seen"]}}],
    }
    return source | more


def holds(conditions: Any, order: Order = ORDER, previous: Order | None = None) -> bool:
    """Ask one tree of conditions about an order, in both ways."""
    compiled = compile_rule(rule_from_source(source_of(conditions=conditions)))
    facts = facts_of(order, happened(), SHOP, previous)
    held, _ = evaluate(compiled, facts)
    assert quick(compiled, facts) is held
    return held


BARE_ORDER = replace(
    ORDER,
    buyer=Buyer(),
    shipping_address=None,
    lines=(),
    shipping_lines=(),
    discount_codes=(),
    parcels=(),
    refunds=(),
    tags=(),
    meta=(),
    note=None,
    payment_method="",
    created_via="",
)
