"""Write the order itself as a webhook body."""

from __future__ import annotations

from webhooks.sandbox.shopify.money import plain
from webhooks.sandbox.shopify.payloads import (
    FINANCIAL,
    FULFILLMENT,
    Body,
    address_body,
    customer_body,
    fulfillment_body,
    line_body,
    tax_lines,
)
from webhooks.sandbox.shopify.records import Order
from webhooks.sandbox.shopify.refund_body import refund_body
from webhooks.sandbox.shopify.schema import gid
from webhooks.sandbox.shopify.store import Store


def order_body(store: Store, order: Order) -> Body:
    """Write the body of orders/create, orders/updated and their like."""
    customer = store.customers.get(order.customer_id or 0)
    status = order.financial_status
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": 580111,
        "browser_ip": "203.0.113.9",
        "buyer_accepts_marketing": order.accepts_marketing,
        "cancel_reason": None if order.cancel_reason is None else order.cancel_reason.lower(),
        "cancelled_at": store.local(order.cancelled_at),
        "cart_token": None,
        "checkout_token": None,
        "client_details": None,
        "closed_at": store.local(order.closed_at),
        "company": None,
        "confirmation_number": f"C{order.number}X",
        "confirmed": True,
        "contact_email": order.email,
        "created_at": store.local(order.created_at),
        "currency": order.rate.shop,
        **_amounts(order),
        "customer_locale": order.locale,
        "device_id": None,
        "discount_codes": [
            {
                "code": item["code"],
                "amount": plain(item["amount_minor"], order.rate.shop),
                "type": item["type"],
            }
            for item in order.discounts
        ],
        "duties_included": False,
        "email": order.email,
        "estimated_taxes": False,
        "financial_status": FINANCIAL.get(status, status.lower()),
        "fulfillment_status": FULFILLMENT.get(order.fulfillment_status),
        "landing_site": None,
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None,
        "name": order.name,
        "note": order.note,
        "note_attributes": [
            {"name": item["key"], "value": item["value"]} for item in order.attributes
        ],
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": (
            f"https://{store.domain}/{store.shop_id}/orders/{order.id:x}/authenticate?key=demo"
        ),
        "payment_gateway_names": [order.gateway],
        "payment_terms": None,
        "phone": order.phone,
        "po_number": None,
        "presentment_currency": order.rate.buyer,
        "processed_at": store.local(order.processed_at),
        "reference": None,
        "referring_site": None,
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        "tags": ", ".join(order.tags),
        "tax_exempt": False,
        "tax_lines": tax_lines(order, order.total_minor),
        "taxes_included": True,
        "test": order.test,
        "token": f"{order.id:x}",
        "total_weight": 0,
        "updated_at": store.local(order.updated_at),
        "user_id": None,
        "billing_address": order.billing_address and address_body(order.billing_address),
        "customer": customer and customer_body(store, customer),
        "discount_applications": _applications(order),
        "fulfillments": [fulfillment_body(store, order, item) for item in order.fulfillments],
        "line_items": [line_body(order, line) for line in order.lines],
        "line_item_groups": [],
        "refunds": [refund_body(store, order, item) for item in order.refunds],
        "returns": [],
        "shipping_address": order.shipping_address and address_body(order.shipping_address),
        "shipping_lines": [_shipping(order)] if order.shipping_address else [],
    }


def _amounts(order: Order) -> Body:
    rate, total, current = order.rate, order.total_minor, order.current_total_minor
    subtotal = total - order.shipping_minor
    pairs = {
        "current_subtotal_price": max(0, current - order.shipping_minor),
        "current_total_discounts": order.discount_minor,
        "current_total_price": current,
        "current_total_tax": order.tax_in(current),
        "subtotal_price": subtotal,
        "total_discounts": order.discount_minor,
        "total_line_items_price": order.lines_minor,
        "total_price": total,
        "total_tax": order.tax_minor,
    }
    body: Body = {}
    for name, amount in pairs.items():
        body[name] = plain(amount, rate.shop)
        body[f"{name}_set"] = rate.sets(amount)
    return {
        **body,
        "current_shipping_price_set": rate.sets(order.shipping_minor),
        "current_total_additional_fees_set": None,
        "current_total_duties_set": None,
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        "total_cash_rounding_payment_adjustment_set": rate.sets(0),
        "total_cash_rounding_refund_adjustment_set": rate.sets(0),
        "total_outstanding": plain(order.outstanding_minor, rate.shop),
        "total_shipping_price_set": rate.sets(order.shipping_minor),
        "total_tip_received": plain(0, rate.shop),
    }


def _applications(order: Order) -> list[Body]:
    return [
        {
            "target_type": "line_item",
            "type": "discount_code",
            "value": item["value"],
            "value_type": item["type"],
            "allocation_method": "across",
            "target_selection": "all",
            "code": item["code"],
        }
        for item in order.discounts
    ]


def _shipping(order: Order) -> Body:
    rate, amount = order.rate, order.shipping_minor
    return {
        "id": order.shipping_id,
        "carrier_identifier": None,
        "code": order.shipping_title,
        "current_discounted_price_set": rate.sets(amount),
        "discounted_price": plain(amount, rate.shop),
        "discounted_price_set": rate.sets(amount),
        "is_removed": False,
        "phone": None,
        "price": plain(amount, rate.shop),
        "price_set": rate.sets(amount),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": order.shipping_title,
        "tax_lines": tax_lines(order, amount),
        "discount_allocations": [],
    }


def edited_body(
    store: Store, order: Order, edit_id: int, added: list[Body], removed: list[Body]
) -> Body:
    """Write the body of orders/edited: differences only.

    Args: added, removed: items of line `id` and `delta`.
    """
    now = store.local(store.now())
    nothing: Body = {"additions": [], "removals": []}
    return {
        "order_edit": {
            "id": edit_id,
            "app_id": None,
            "created_at": now,
            "notify_customer": False,
            "order_id": order.id,
            "staff_note": "",
            "committed_at": now,
            "user_id": None,
            "line_items": {"additions": added, "removals": removed},
            "discounts": {"line_item": dict(nothing)},
            "shipping_lines": dict(nothing),
        }
    }


def shop_body(store: Store) -> Body:
    """Write the body of app/uninstalled: the shop."""
    return {
        "id": store.shop_id,
        "name": store.name,
        "email": f"owner@{store.domain}",
        "domain": store.domain,
        "province": "Madrid",
        "country": "ES",
        "address1": "Calle Mayor 1",
        "zip": "28013",
        "city": "Madrid",
        "source": None,
        "phone": "",
        "latitude": None,
        "longitude": None,
        "primary_locale": "es",
        "address2": None,
        "created_at": None,
        "updated_at": None,
        "country_code": "ES",
        "country_name": "Spain",
        "currency": store.currency,
        "customer_email": f"hello@{store.domain}",
        "timezone": f"(GMT+01:00) {store.timezone}",
        "iana_timezone": store.timezone,
        "shop_owner": "Sandbox Owner",
        "money_format": "{{amount}}",
        "money_with_currency_format": "{{amount}} " + store.currency,
        "weight_unit": "kg",
        "province_code": "M",
        "taxes_included": True,
        "auto_configure_tax_inclusivity": None,
        "tax_shipping": None,
        "county_taxes": None,
        "plan_display_name": "Shopify Plus",
        "plan_name": "enterprise",
        "has_discounts": True,
        "has_gift_cards": True,
        "myshopify_domain": store.domain,
        "google_apps_domain": None,
        "google_apps_login_enabled": None,
        "money_in_emails_format": "{{amount}}",
        "money_with_currency_in_emails_format": "{{amount}} " + store.currency,
        "eligible_for_payments": True,
        "requires_extra_payments_agreement": False,
        "password_enabled": None,
        "has_storefront": True,
        "finances": True,
        "primary_location_id": store.location_id,
        "checkout_api_supported": True,
        "multi_location_enabled": True,
        "setup_required": False,
        "pre_launch_enabled": False,
        "enabled_presentment_currencies": [store.currency],
        "marketing_sms_consent_enabled_at_checkout": False,
        "transactional_sms_disabled": False,
    }
