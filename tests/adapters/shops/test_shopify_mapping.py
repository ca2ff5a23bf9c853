"""Shopify's orders in our words; expected values are worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.shops.shopify.webhook import SHARED_SECRET
from connector.errors import PayloadInvalid
from connector.model.customer import Address, Buyer, Consent, ConsentState
from connector.model.order import (
    FulfillmentState,
    LineItem,
    Order,
    OrderState,
    PaymentState,
    Refund,
    ShippingLine,
    TaxLine,
)
from connector.model.parcel import Parcel, ParcelState
from tests.adapters.shops.shopify_support import bare, connected, delivery, sample
from webhooks.sandbox.shopify.order_body import order_body
from webhooks.sandbox.shopify.shop import ShopifyShop


def order_of(body: dict[str, Any]) -> Order:
    """Parse a body as an order."""
    [event] = bare().parse(delivery("orders/updated", body))
    assert event.order is not None
    return event.order


def test_spanish_order_with_everything() -> None:
    """Prices with tax: line, shipping and total are taken as they are."""
    assert order_of(sample("order_es.json")) == Order(
        ref="9007199254740995",
        number="#ES-1042",
        state=OrderState.PAID,
        platform_state="partially_refunded/partial",
        payment_state=PaymentState.PARTIALLY_REFUNDED,
        fulfillment_state=FulfillmentState.PARTIAL,
        currency="EUR",
        total_minor=4240,
        placed_at=datetime(2026, 11, 20, 22, 50, 9, tzinfo=UTC),
        modified_at=datetime(2026, 11, 22, 9, 15, 30, tzinfo=UTC),
        tax_minor=533,
        shipping_minor=490,
        discount_minor=250,
        refunded_minor=1500,
        buyer=Buyer(
            ref="7001",
            name="Lucía Prueba",
            first_name="Lucía",
            last_name="Prueba",
            email="lucia.prueba@example.com",
            phone="+34 600 000 001",
            locale="es-ES",
            consents=(
                Consent(
                    "email",
                    ConsentState.DENIED,
                    "shopify single_opt_in",
                    datetime(2026, 11, 21, 7, 0, tzinfo=UTC),
                ),
            ),
        ),
        shipping_address=Address(
            name="Lucía Prueba",
            line1="Calle Inventada 5",
            line2="2º B",
            city="Sevilla",
            region="SE",
            postal_code="41001",
            country="ES",
            phone="+34 600 000 001",
        ),
        lines=(
            LineItem("501", "Taza azul", 2, 2250, 390, "TAZA-AZ", "61", "71"),
            LineItem("502", "Libro", 1, 1500, 58),
        ),
        shipping_lines=(ShippingLine("Envío estándar", 490, "standard"),),
        taxes=(TaxLine("IVA", 475, "21"), TaxLine("IVA reducido", 58, "4")),
        discount_codes=("OTOÑO10",),
        parcels=(
            Parcel(
                ref="801",
                carrier="Correos",
                tracking_number="PK0001",
                tracking_url="https://carrier.example/PK0001",
                state=ParcelState.SHIPPED,
                platform_state="fulfilled",
                shipped_at=datetime(2026, 11, 21, 11, 0, tzinfo=UTC),
            ),
            Parcel(
                ref="801/PK0002",
                carrier="Correos",
                tracking_number="PK0002",
                tracking_url="https://carrier.example/PK0002",
                state=ParcelState.SHIPPED,
                platform_state="fulfilled",
                shipped_at=datetime(2026, 11, 21, 11, 0, tzinfo=UTC),
            ),
        ),
        refunds=(
            Refund("901", 1500, "Página rota", datetime(2026, 11, 22, 9, 15, 29, tzinfo=UTC)),
        ),
        tags=("Navidad", "postventa-welcome", "vip"),
        meta=(("regalo", "sí"), ("piezas", "3")),
        note="Dejar en portería",
        payment_method="shopify_payments",
        created_via="web",
    )


def test_prices_without_tax_get_it_added() -> None:
    """Where prices are without tax, lines and shipping are told with their tax."""
    order = order_of(sample("order_us.json"))
    assert order.lines == (LineItem("601", "Candle", 3, 3218, 218, "CAN", "62", "72"),)
    assert (order.shipping_minor, order.total_minor, order.tax_minor) == (319, 3537, 237)
    assert order.total_minor == order.lines[0].total_minor + order.shipping_minor
    assert [tax.rate for tax in order.taxes] == ["6.25", "1"]


def test_paid_and_shipped_is_completed() -> None:
    """An order is completed when it is paid and its last fulfillment has left."""
    order = order_of(sample("order_us.json"))
    assert order.state is OrderState.COMPLETED
    assert order.completed_at == datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
    assert order.placed_at == datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def test_canceled_fulfillment_and_one_without_tracking() -> None:
    """A canceled fulfillment is a canceled parcel; one without number is a parcel too."""
    first, second = order_of(sample("order_us.json")).parcels
    assert (first.ref, first.state, first.tracking_number) == ("810", ParcelState.CANCELED, "1Z")
    assert (second.ref, second.state, second.tracking_number) == ("811", ParcelState.SHIPPED, None)


def test_first_given_address_and_phone_count() -> None:
    """An empty e-mail is passed over; the customer's is taken."""
    buyer = order_of(sample("order_us.json")).buyer
    assert (buyer.email, buyer.phone, buyer.name) == ("pat@example.org", "+1 202 555 0101", "Pat")
    assert buyer.consents == (Consent("email", ConsentState.UNKNOWN),)


def test_cash_desk_order_with_nulls() -> None:
    """A sale without customer, shipping and lists is read; yen have no decimals."""
    order = order_of(sample("order_pos.json"))
    assert (order.total_minor, order.currency, order.test) == (1500, "JPY", True)
    assert order.buyer == Buyer(consents=(Consent("email", ConsentState.UNKNOWN),))
    assert (order.shipping_address, order.parcels, order.refunds, order.tags) == (None, (), (), ())
    assert (order.state, order.platform_state) == (OrderState.PENDING, "pending/unfulfilled")


@pytest.mark.parametrize(
    ("financial", "goods", "canceled", "state", "payment", "fulfillment"),
    [
        ("pending", None, False, "pending", "pending", "unfulfilled"),
        ("authorized", None, False, "pending", "authorized", "unfulfilled"),
        ("partially_paid", None, False, "pending", "partially_paid", "unfulfilled"),
        ("paid", None, False, "paid", "paid", "unfulfilled"),
        ("paid", "partial", False, "paid", "paid", "partial"),
        ("paid", "fulfilled", False, "completed", "paid", "fulfilled"),
        ("paid", "restocked", False, "paid", "paid", "restocked"),
        ("partially_refunded", "fulfilled", False, "completed", "partially_refunded", "fulfilled"),
        ("refunded", "fulfilled", False, "refunded", "refunded", "fulfilled"),
        ("voided", None, False, "failed", "voided", "unfulfilled"),
        ("expired", None, False, "failed", "voided", "unfulfilled"),
        ("refunded", "restocked", True, "canceled", "refunded", "restocked"),
        ("voided", None, True, "canceled", "voided", "unfulfilled"),
        ("authorized", "fulfilled", False, "pending", "authorized", "fulfilled"),
        ("moonlit", "teleported", False, "unknown", "unknown", "unknown"),
    ],
)
def test_states(
    financial: str, goods: str | None, canceled: bool, state: str, payment: str, fulfillment: str
) -> None:
    """Canceled before refunded before completed before paid; a new word is unknown."""
    body = sample("order_us.json") | {"financial_status": financial, "fulfillment_status": goods}
    body["cancelled_at"] = "2026-11-20T02:00:00Z" if canceled else None
    order = order_of(body)
    seen = (order.state, order.payment_state, order.fulfillment_state)
    assert seen == (state, payment, fulfillment)
    assert order.platform_state == f"{financial}/{goods or 'unfulfilled'}"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("label_purchased", "label_created"),
        ("label_printed", "label_created"),
        ("confirmed", "shipped"),
        ("carrier_picked_up", "in_transit"),
        ("in_transit", "in_transit"),
        ("delayed", "exception"),
        ("out_for_delivery", "out_for_delivery"),
        ("ready_for_pickup", "ready_for_pickup"),
        ("attempted_delivery", "delivery_failed"),
        ("delivered", "delivered"),
        ("failure", "exception"),
        ("beamed_up", "unknown"),
    ],
)
def test_parcel_states(status: str, state: str) -> None:
    """Each carrier word has one state; a word nobody knows is unknown, never a guess."""
    body = sample("order_us.json")
    body["fulfillments"] = [body["fulfillments"][0] | {"shipment_status": status}]
    [parcel] = order_of(body).parcels
    assert (parcel.state, parcel.platform_state) == (state, status)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("total_price", "1_000"),
        ("total_price", "NaN"),
        ("total_price", "٣"),
        ("total_price", True),
        ("total_price", {"amount": "1"}),
        ("currency", "euros"),
        ("updated_at", "yesterday"),
        ("updated_at", "2026-11-20T10:00:00"),
        ("created_at", 5),
        ("id", "6002"),
        ("id", 6002.5),
        ("line_items", {}),
        ("customer", []),
    ],
)
def test_wrong_values_are_refused(path: str, value: object) -> None:
    """A value of the wrong kind is PayloadInvalid, and its path is named."""
    body = sample("order_us.json") | {"processed_at": None, path: value}
    with pytest.raises(PayloadInvalid) as caught:
        order_of(body)
    assert path in str(caught.value) or path == "created_at"


def test_json_numbers_are_money_too() -> None:
    """An amount that comes as a JSON number is exact."""
    raw = b'{"id":1,"name":"#1","currency":"EUR","created_at":"2026-11-20T10:00:00Z",'
    raw += b'"updated_at":"2026-11-20T10:00:00Z","total_price":90071992547409.93}'
    [event] = bare().parse(delivery("orders/updated", raw))
    assert event.order is not None
    assert event.order.total_minor == 9007199254740993


HISTORIES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "paid": [],
    "shipped": [("ship", {"carrier": "Correos", "number": "PK1", "url": "https://c.example/1"})],
    "shipped without number": [("ship", {})],
    "part shipped": [("ship", {"number": "A", "lines": [{"sku": "B-2", "quantity": 1}]})],
    "part refunded": [("refund", {"amount": "5.00", "reason": "Roto"})],
    "refunded": [("ship", {}), ("refund", {"reason": "Devuelto"})],
    "canceled": [("cancel", {"reason": "CUSTOMER"})],
    "tagged": [("tag", {"add": ["zeta", "Alfa", "ñandú"]}), ("note", {"note": "Con lazo"})],
    "in transit": [("ship", {"number": "PK2", "carrier": "SEUR"}), ("transit", {})],
    "delivered": [("ship", {"number": "PK3"}), ("transit", {}), ("deliver", {})],
}
PLACED: dict[str, dict[str, Any]] = {
    "plain": {},
    "guest": {"guest": True, "email": "guest@example.com"},
    "unpaid": {"paid": False},
    "digital": {"digital": True, "shipping": "0"},
    "other currency": {"presentment_currency": "USD", "rate": "1.1"},
    "big id": {"id": 9007199254740997},
    "consent": {"accepts_marketing": True, "phone": "+34600000002", "note": "Hola"},
    "test": {"test": True, "locale": None, "tags": ["b", "a"]},
}


@pytest.mark.parametrize(
    ("placed", "history"),
    [(name, "paid") for name in PLACED] + [("plain", name) for name in HISTORIES if name != "paid"],
)
def test_webhook_and_api_give_the_same_order(placed: str, history: str) -> None:
    """The order out of a webhook equals the one out of the API.

    Only the API tells when money came in and when a parcel arrived.
    """
    lines = [
        {"sku": "A-1", "name": "Té & miel", "quantity": 3, "price": "7.33"},
        {"sku": "B-2", "name": "Taza", "quantity": 1, "price": "12.00"},
    ]
    coupons = [{"code": "MENOS10", "amount": "3.40"}] if history == "paid" else []
    with ShopifyShop() as shop:
        made = shop.create_order({"lines": lines, "coupons": coupons, **PLACED[placed]})
        for verb, data in HISTORIES[history]:
            shop.act(str(made["id"]), verb, data)
        with shop.store.lock:
            body = order_body(shop.store, shop.store.orders[made["id"]])
        fetched = connected(shop).fetch_order(made["id"] and str(made["id"]))
    told = order_of(body)
    parcels = tuple(
        replace(parcel, delivered_at=None, estimated_at=None) for parcel in fetched.parcels
    )
    assert told == replace(fetched, paid_at=None, parcels=parcels)
    assert fetched.lines
    assert (fetched.discount_minor > 0) == bool(coupons)


def test_body_that_tells_less_needs_a_fetch() -> None:
    """Even with a secret of its own a shop is asked for what a body does not tell."""
    adapter = bare(own_secret="yes")

    def why(**changed: Any) -> str:
        body = sample("order_us.json") | changed
        return adapter.parse(delivery("orders/updated", body))[0].needs_fetch

    sent = sample("order_us.json")["fulfillments"][0]
    foreign = {"kind": "refund", "status": "success", "amount": "5.00", "currency": "EUR"}
    digital = sample("order_us.json")["line_items"][0] | {"requires_shipping": False}
    assert not why(fulfillments=[sent])
    assert "delivered" in why(fulfillments=[sent | {"shipment_status": "delivered"}])
    assert "was paid" in why(fulfillments=[sent], financial_status="refunded")
    assert "was paid" in why(fulfillments=[sent], financial_status="partially_refunded")
    assert "currency" in why(fulfillments=[sent], refunds=[{"id": 1, "transactions": [foreign]}])
    assert "to be sent" in why(fulfillments=[], line_items=[digital], fulfillment_status=None)


def test_shared_secret_needs_a_fetch() -> None:
    """Where other shops may share the secret, the order is read from the named shop."""
    [event] = bare().parse(delivery("orders/create", sample("order_us.json")))
    assert event.order is not None
    assert event.needs_fetch == SHARED_SECRET == "a Shopify signature does not prove the shop"
