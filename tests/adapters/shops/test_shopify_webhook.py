"""What each of Shopify's webhooks means, by headers and bodies of its documents."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import PayloadInvalid, SignatureRejected
from connector.model.event import EventType
from connector.secret import Secret
from tests.adapters.shops.shopify_support import (
    DOMAIN,
    NOW,
    SCHEMAS,
    SECRET,
    Receiver,
    bare,
    connected,
    delivery,
    sample,
)
from webhooks.sandbox.shopify.shop import ShopifyShop

ORDER = 9007199254740995
VECTOR = "T/RAvfVLR5puNqzMdDFWXFJM5X3n2soz9MJkh++aA1U="


def test_signature_of_a_fixed_vector() -> None:
    """A signature computed by another program (openssl) is taken."""
    # printf '%s' '{"id":1,"note":"ñ \/ 1.10"}' | openssl dgst -sha256 -hmac hush -binary | base64
    body = '{"id":1,"note":"ñ \\/ 1.10"}'.encode()
    told = delivery("orders/delete", body, **{"x-shopify-hmac-sha256": VECTOR})
    bare().verify(told, [Secret("hush")])
    with pytest.raises(SignatureRejected):
        bare().verify(replace(told, body=body.replace(b"\\/", b"/")), [Secret("hush")])


def test_another_shop_in_the_header_is_refused() -> None:
    """A right signature does not help a delivery that names another shop."""
    told = delivery("orders/delete", {"id": 1}, **{"x-shopify-shop-domain": "b.myshopify.com"})
    with pytest.raises(SignatureRejected, match="another shop"):
        bare().verify(told, [SECRET])


def test_key_is_the_delivery_id() -> None:
    """The key is X-Shopify-Webhook-Id; one that is no plain text becomes a digest."""
    assert bare().key(delivery("orders/delete", {"id": 1})) == (
        "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    )
    odd = bare().key(delivery("orders/delete", {"id": 1}, **{"x-shopify-webhook-id": "ñ" * 300}))
    assert len(odd) == 64


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/create", sample("order_es.json")),
        ("orders/updated", {"name": "#1", **sample("order_es.json")}),
        ("orders/delete", {"id": ORDER}),
        ("orders/edited", {"order_edit": {"id": 5, "order_id": ORDER, "line_items": {}}}),
        ("refunds/create", {"id": 5, "order_id": ORDER, "refund_line_items": []}),
        ("fulfillments/create", {"id": 5, "order_id": ORDER, "status": "success"}),
        ("fulfillments/update", {"id": 5, "order_id": ORDER, "status": "success"}),
        ("fulfillment_events/create", {"id": 5, "fulfillment_id": 6, "order_id": ORDER}),
        ("fulfillment_events/delete", {"id": 5, "fulfillment_id": 6, "order_id": ORDER}),
    ],
)
def test_all_topics_of_an_order_share_its_lane(topic: str, body: dict[str, Any]) -> None:
    """Whatever is said about an order runs in one lane, and its number is exact."""
    told = delivery(topic, body)
    assert bare().lane(told) == "9007199254740995"
    [event] = bare().parse(told)
    assert event.order_ref == "9007199254740995"


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("orders/paid", EventType.ORDER),
        ("orders/cancelled", EventType.ORDER),
        ("orders/fulfilled", EventType.ORDER),
        ("orders/partially_fulfilled", EventType.ORDER),
        ("products/update", EventType.IGNORED),
        ("customers/update", EventType.IGNORED),
        ("app/scopes_update", EventType.IGNORED),
        ("orders/risk_assessment_changed", EventType.IGNORED),
        ("", EventType.UNKNOWN),
    ],
)
def test_kind_of_each_topic(topic: str, kind: EventType) -> None:
    """Each topic has its kind; what we have no use for is ignored."""
    [event] = bare().parse(delivery(topic, sample("order_us.json")))
    assert event.type is kind


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/edited", {"order_edit": {"order_id": 7}}),
        ("refunds/create", {"id": 5, "order_id": 7}),
        ("fulfillments/update", {"id": 5, "order_id": 7}),
        ("fulfillment_events/create", {"id": 5, "order_id": 7}),
    ],
)
def test_parts_of_an_order_are_hints(topic: str, body: dict[str, Any]) -> None:
    """A body that is not the whole order only says which order to read."""
    [event] = bare(own_secret="yes").parse(delivery(topic, body))
    assert (event.type, event.order_ref, event.order) == (EventType.ORDER_HINT, "7", None)
    assert event.needs_fetch
    assert event.occurred_at == NOW.replace(hour=8, minute=59, second=58)


def test_deletion_is_looked_up() -> None:
    """A deletion is an id under an unsigned topic, so the shop is asked."""
    [event] = bare(own_secret="yes").parse(delivery("orders/delete", {"id": 7}))
    assert (event.type, event.order_ref) == (EventType.ORDER_DELETED, "7")
    assert event.needs_fetch


def test_order_under_a_deletion_topic_does_not_delete_unasked() -> None:
    """A whole order replayed under orders/delete still needs the shop's word."""
    [event] = bare(own_secret="yes").parse(delivery("orders/delete", sample("order_us.json")))
    assert event.needs_fetch


@pytest.mark.parametrize(
    ("topic", "kind", "field"),
    [
        ("app/uninstalled", EventType.SHOP_UNINSTALLED, "myshopify_domain"),
        ("customers/data_request", EventType.CUSTOMER_DATA_REQUEST, "shop_domain"),
        ("customers/redact", EventType.CUSTOMER_REDACT, "shop_domain"),
        ("shop/redact", EventType.SHOP_REDACT, "shop_domain"),
    ],
)
def test_calls_about_the_shop(topic: str, kind: EventType, field: str) -> None:
    """A call about the shop counts only if its signed body names this shop."""
    body = {field: DOMAIN.upper(), "customer": {"id": 1, "email": None, "phone": None}}
    [event] = bare().parse(delivery(topic, body))
    assert (event.type, event.raw) == (kind, body)
    [foreign] = bare().parse(delivery(topic, {**body, field: "other.myshopify.com"}))
    assert foreign.type is EventType.UNKNOWN
    with pytest.raises(PayloadInvalid, match=field):
        bare().parse(delivery(topic, {field: None}))


def test_other_version_is_told() -> None:
    """A body of another API version is read, and the difference is noted."""
    told = delivery("orders/delete", {"id": 7}, **{"x-shopify-api-version": "2026-07"})
    [event] = bare().parse(told)
    assert event.detail == "written by API version '2026-07', expected 2026-10"


def test_event_without_its_time_takes_the_arrival() -> None:
    """Without a readable X-Shopify-Triggered-At the time of arrival counts."""
    told = delivery("orders/delete", {"id": 7}, **{"x-shopify-triggered-at": "soon"})
    assert bare().parse(told)[0].occurred_at == NOW


def _example(schema: Any, draw: st.DrawFn) -> Any:
    """Build a value that fits a schema of the published package."""
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else draw(st.sampled_from(sorted(kinds)))
    if kind == "object":
        required = set(schema.get("required", ()))
        return {
            name: _example(part, draw)
            for name, part in schema.get("properties", {}).items()
            if name in required or draw(st.booleans())
        }
    if kind == "array":
        items = schema.get("items")
        count = draw(st.integers(0, 2)) if isinstance(items, dict) else 0
        return [_example(items, draw) for _ in range(count)]
    if kind == "string":
        forms = {"date-time": "2026-11-20T10:00:00+01:00", "email": "a@example.com"}
        return forms.get(schema.get("format"), draw(st.sampled_from(("", "3.50", "EUR", "ñ"))))
    plain: dict[str, Any] = {"integer": 9007199254740993, "boolean": True, "number": 1.5}
    return plain.get(kind)


# The schemas call these a text of any kind; a shop sends what they are.
MEANT: dict[str, Any] = {
    "currency": "EUR",
    "name": "#1",
    "created_at": "2026-11-20T10:00:00+01:00",
    "updated_at": "2026-11-20T10:00:01+01:00",
    "processed_at": "2026-11-20T10:00:00+01:00",
    "happened_at": "2026-11-20T10:00:00+01:00",
    "consent_updated_at": None,
    "cancelled_at": None,
    "price": "3.50",
    "discounted_price": "3.50",
    "amount": "3.50",
    "total_price": "3.50",
    "total_tax": "0.50",
    "total_discounts": "0.00",
}


def _meant(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: MEANT.get(key, _meant(item)) for key, item in value.items()}
    return [_meant(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "topic",
    [
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
        "orders/edited",
        "orders/delete",
        "refunds/create",
        "fulfillments/create",
        "fulfillments/update",
        "fulfillment_events/create",
    ],
)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_body_of_the_published_schema_is_read(topic: str, data: st.DataObject) -> None:
    """Whatever the published schema of a topic allows can be read."""
    schema = json.loads((SCHEMAS / f"{topic}.json").read_text(encoding="utf-8"))
    body = _meant(data.draw(st.composite(lambda draw: _example(schema, draw))()))
    [event] = bare().parse(delivery(topic, body))
    assert event.order_ref == "9007199254740993"


@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(max_size=200),
    topic=st.sampled_from(("orders/updated", "orders/delete", "app/uninstalled", "shop/redact")),
)
def test_noise_is_invalid_and_nothing_worse(body: bytes, topic: str) -> None:
    """Any bytes are read or refused as PayloadInvalid; the lane never raises."""
    told = delivery(topic, body)
    bare().lane(told)
    try:
        bare().parse(told)
    except PayloadInvalid:
        return


def test_deliveries_of_the_pretend_shop_are_taken() -> None:
    """What the pretend shop signs and sends over HTTP is verified and understood."""
    with ShopifyShop(queue_interval_s=0.0) as shop, Receiver() as receiver:
        adapter = connected(shop)
        adapter.register_webhooks(receiver.url, SECRET)
        made = shop.create_order({})
        shop.act(str(made["id"]), "ship", {"number": "PK1"})
        shop.act(str(made["id"]), "deliver", {})
        shop.act(str(made["id"]), "refund", {"amount": "1.00"})
        shop.act(str(made["id"]), "delete", {})
        wanted = {
            "orders/create",
            "orders/updated",
            "fulfillments/create",
            "fulfillments/update",
            "fulfillment_events/create",
            "refunds/create",
            "orders/delete",
        }
        deliveries = receiver.wait_for(wanted)
        for told in deliveries:
            adapter.verify(told, [Secret(shop.client_secret)])
            [event] = adapter.parse(told)
            assert event.order_ref == adapter.lane(told) == str(made["id"])
            assert event.needs_fetch
