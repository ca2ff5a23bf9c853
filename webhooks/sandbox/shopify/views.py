"""Show the records in the shape of the GraphQL schema.

A value that is callable is resolved late, with (info, arguments). A field
that is asked for and missing here is reported as not pretended; it is never
silently null.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from webhooks.sandbox.shopify import views_shipping
from webhooks.sandbox.shopify.money import minor, money_v2, share
from webhooks.sandbox.shopify.pages import Args, Info, first_of, listed
from webhooks.sandbox.shopify.payloads import COUNTRIES
from webhooks.sandbox.shopify.records import (
    Address,
    Customer,
    Line,
    Metafield,
    Order,
    Refund,
    RefundLine,
    Transaction,
)
from webhooks.sandbox.shopify.schema import gid
from webhooks.sandbox.shopify.store import Store, stamp

View = dict[str, Any]


def address_view(address: Address | None) -> View | None:
    """Show a MailingAddress."""
    if address is None:
        return None
    return {
        "id": gid("MailingAddress", address.id),
        "name": address.name,
        "firstName": address.first_name,
        "lastName": address.last_name,
        "company": address.company,
        "address1": address.address1,
        "address2": address.address2,
        "city": address.city,
        "province": address.province_code,
        "provinceCode": address.province_code,
        "zip": address.zip,
        "country": COUNTRIES.get(address.country_code, address.country_code),
        "countryCodeV2": address.country_code,
        "phone": address.phone,
    }


def digest(value: str) -> str:
    """Give the compareDigest of a metafield's value."""
    return hashlib.sha256(value.encode()).hexdigest()


def metafield_view(item: Metafield) -> View:
    """Show a Metafield."""

    def as_json(_info: Info, _args: Args) -> Any:
        if item.type in {"json", "boolean", "number_integer"} or item.type.startswith("list."):
            return json.loads(item.value)
        return item.value

    return {
        "id": gid("Metafield", item.id),
        "namespace": item.namespace,
        "key": item.key,
        "type": item.type,
        "value": item.value,
        "jsonValue": as_json,
        "compareDigest": digest(item.value),
        "createdAt": stamp(item.created_at),
        "updatedAt": stamp(item.updated_at),
        "legacyResourceId": str(item.id),
    }


def metafields_of(store: Store, owner: str) -> View:
    """Give the two metafield fields of an owner."""

    def one(_info: Info, args: Args) -> View | None:
        space = args.get("namespace") or "$app"
        return next(
            (
                metafield_view(item)
                for item in store.metafields[owner]
                if item.key == args["key"] and item.namespace == app_namespace(space)
            ),
            None,
        )

    def many(info: Info, args: Args) -> View:
        space = args.get("namespace")
        wanted = app_namespace(space) if space else None
        keys = args.get("keys")
        items = [
            item
            for item in store.metafields[owner]
            if wanted in {None, item.namespace}
            and (not keys or item.key in keys or f"{item.namespace}.{item.key}" in keys)
        ]
        return listed(items, metafield_view)(info, args)

    return {"metafield": one, "metafields": many}


def app_namespace(namespace: str) -> str:
    """Resolve the app-reserved namespace."""
    if namespace == "$app":
        return "app--580111"
    if namespace.startswith("$app:"):
        return f"app--580111--{namespace.removeprefix('$app:')}"
    return namespace


def customer_view(store: Store, customer: Customer) -> View:
    """Show a Customer."""
    orders = store.orders_of(customer.id)

    def spent(_info: Info, _args: Args) -> View:
        total = sum(order.paid_minor - order.refunded_minor for order in orders)
        return money_v2(total, store.currency)

    newest = max(orders, key=lambda order: order.created_at, default=None)
    return {
        "__typename": "Customer",
        "id": gid("Customer", customer.id),
        "legacyResourceId": str(customer.id),
        "displayName": customer.display_name,
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "email": customer.email,
        "phone": customer.phone,
        "locale": customer.locale,
        "tags": sorted(customer.tags),
        "note": customer.note,
        "state": "DISABLED",
        "verifiedEmail": True,
        "taxExempt": False,
        # Quirk(shopify): 64-bit numbers are texts in JSON.
        "numberOfOrders": str(len(orders) + customer.orders_before),
        "amountSpent": spent,
        "createdAt": stamp(customer.created_at),
        "updatedAt": stamp(customer.updated_at),
        "defaultEmailAddress": customer.email
        and {
            "emailAddress": customer.email,
            "marketingState": customer.marketing_state,
            "marketingOptInLevel": customer.opt_in_level,
            "marketingUpdatedAt": stamp(customer.consent_at),
            "validFormat": True,
        },
        "defaultPhoneNumber": customer.phone and {"phoneNumber": customer.phone},
        "defaultAddress": address_view(customer.address),
        "lastOrder": lambda _info, _args: newest and order_view(store, newest),
        "orders": listed(orders, lambda order: order_view(store, order)),
        **metafields_of(store, gid("Customer", customer.id)),
    }


def line_view(order: Order, line: Line) -> View:
    """Show a LineItem."""
    bag = order.rate.bag
    return {
        "id": gid("LineItem", line.id),
        "name": line.name,
        "title": line.name,
        "sku": line.sku,
        "quantity": line.quantity,
        "currentQuantity": line.current_quantity,
        "refundableQuantity": line.current_quantity,
        "unfulfilledQuantity": line.unfulfilled_quantity,
        "nonFulfillableQuantity": 0,
        "requiresShipping": line.requires_shipping,
        "isGiftCard": line.gift_card,
        "taxable": True,
        "variantTitle": None,
        "vendor": None,
        "originalUnitPriceSet": bag(line.price_minor),
        "originalTotalSet": bag(line.price_minor * line.quantity),
        "discountedUnitPriceSet": bag(line.price_minor),
        "discountedTotalSet": lambda _info, args: bag(
            line.total_minor if args.get("withCodeDiscounts") else line.price_minor * line.quantity
        ),
        "discountedUnitPriceAfterAllDiscountsSet": bag(line.part_minor(1)),
        "totalDiscountSet": bag(line.discount_minor),
        "product": line.product_id
        and {
            "id": gid("Product", line.product_id),
            "title": line.name,
            "legacyResourceId": str(line.product_id),
        },
        "variant": line.variant_id
        and {
            "id": gid("ProductVariant", line.variant_id),
            "sku": line.sku,
            "inventoryItem": {"id": gid("InventoryItem", line.variant_id + 1), "sku": line.sku},
        },
        "image": None,
        "customAttributes": line.attributes,
        "discountAllocations": [{"allocatedAmountSet": bag(line.discount_minor)}]
        if line.discount_minor
        else [],
        "taxLines": tax_view(order, line.total_minor),
    }


def tax_view(order: Order, amount_minor: int) -> list[View]:
    """Show the tax contained in an amount."""
    if not order.tax_rate:
        return []
    bag = order.rate.bag(order.tax_in(amount_minor))
    return [{"title": "VAT", "rate": float(order.tax_rate), "priceSet": bag}]


def transaction_view(order: Order, item: Transaction) -> View:
    """Show an OrderTransaction."""
    parent = order.transaction(item.parent_id)
    return {
        "id": gid("OrderTransaction", item.id),
        "kind": item.kind,
        "status": item.status,
        "gateway": item.gateway,
        "formattedGateway": item.gateway.replace("_", " ").title(),
        "test": order.test,
        "createdAt": stamp(item.at),
        "processedAt": stamp(item.at),
        "errorCode": None,
        "amountSet": order.rate.bag(item.amount_minor),
        "parentTransaction": None if parent is None else transaction_view(order, parent),
    }


def refund_view(store: Store, order: Order, refund: Refund) -> View:
    """Show a Refund."""

    def row(item: RefundLine) -> View:
        line = order.line(item.line_id)
        return {
            "id": gid("RefundLineItem", item.id),
            "lineItem": line and line_view(order, line),
            "quantity": item.quantity,
            "restockType": item.restock_type,
            "restocked": item.restock_type != "NO_RESTOCK",
            "subtotalSet": order.rate.bag(item.subtotal_minor),
            "totalTaxSet": order.rate.bag(order.tax_in(item.subtotal_minor)),
        }

    moves = [item for item in order.transactions if item.id in refund.transaction_ids]
    return {
        "id": gid("Refund", refund.id),
        "legacyResourceId": str(refund.id),
        "createdAt": stamp(refund.at),
        "updatedAt": stamp(refund.at),
        "processedAt": stamp(refund.at),
        "note": refund.note,
        "totalRefundedSet": order.rate.bag(refund.amount_minor),
        "order": lambda _info, _args: order_view(store, order),
        "refundLineItems": listed(refund.lines, row),
        "transactions": listed(moves, lambda item: transaction_view(order, item)),
        "return": None,
    }


def suggested_refund(order: Order, args: Args) -> View:
    """Show what a refund of the given lines would be."""
    rate, left = order.rate, order.paid_minor - order.refunded_minor
    wanted = left if args.get("suggestFullRefund") else 0
    for item in args.get("refundLineItems") or []:
        line = order.line(int(item["lineItemId"].rsplit("/", 1)[1]))
        wanted += line.part_minor(item["quantity"]) if line else 0
    if args.get("refundShipping"):
        wanted += order.shipping_minor
    if args.get("shippingAmount") is not None:
        wanted += minor(args["shippingAmount"], rate.shop)
    wanted = min(wanted, left)
    parent = next((t for t in order.transactions if t.kind in {"SALE", "CAPTURE"}), None)
    moves = [
        {
            "kind": "SUGGESTED_REFUND",
            "gateway": order.gateway,
            "amountSet": rate.bag(wanted),
            "maximumRefundableSet": rate.bag(left),
            "parentTransaction": parent and transaction_view(order, parent),
        }
    ]
    return {
        "amountSet": rate.bag(wanted),
        "maximumRefundableSet": rate.bag(left),
        "subtotalSet": rate.bag(wanted),
        "totalTaxSet": rate.bag(order.tax_in(wanted)),
        "suggestedTransactions": moves if left else [],
    }


def shipping_line_view(order: Order) -> View:
    """Show the ShippingLine of an order."""
    bag = order.rate.bag(order.shipping_minor)
    return {
        "id": gid("ShippingLine", order.shipping_id),
        "title": order.shipping_title,
        "code": order.shipping_title,
        "source": "shopify",
        "carrierIdentifier": None,
        "custom": False,
        "isRemoved": False,
        "originalPriceSet": bag,
        "discountedPriceSet": bag,
        "currentDiscountedPriceSet": bag,
        "taxLines": tax_view(order, order.shipping_minor),
    }


def order_view(store: Store, order: Order) -> View:
    """Show an Order."""
    customer = store.customers.get(order.customer_id or 0)
    shipping = [order] if order.shipping_address else []
    left = order.paid_minor - order.refunded_minor
    return {
        "__typename": "Order",
        **_head(store, order),
        **_amounts(order),
        "customer": lambda _info, _args: customer and customer_view(store, customer),
        "shippingAddress": address_view(order.shipping_address),
        "billingAddress": address_view(order.billing_address),
        "displayAddress": address_view(order.shipping_address or order.billing_address),
        "shippingLine": shipping_line_view(order) if shipping else None,
        "shippingLines": listed(shipping, shipping_line_view),
        "lineItems": listed(order.lines, lambda line: line_view(order, line)),
        "fulfillments": first_of(
            order.fulfillments,
            lambda item: views_shipping.fulfillment_view(store, order, item, order_view),
        ),
        "fulfillmentsCount": {"count": len(order.fulfillments), "precision": "EXACT"},
        "fulfillmentOrders": lambda info, args: views_shipping.fulfillment_orders(
            store, order, info, args, order_view
        ),
        "refunds": first_of(order.refunds, lambda item: refund_view(store, order, item)),
        "returns": listed(
            order.returns,
            lambda item: views_shipping.return_view(store, order, item, order_view),
        ),
        "disputes": [],
        "transactions": first_of(order.transactions, lambda item: transaction_view(order, item)),
        "transactionsCount": {"count": len(order.transactions), "precision": "EXACT"},
        "risk": {"recommendation": order.risk, "assessments": []},
        "refundable": left > 0,
        "suggestedRefund": lambda _info, args: suggested_refund(order, args),
        "discountApplications": listed(order.discounts, _application_view),
        "taxLines": tax_view(order, order.total_minor),
        **metafields_of(store, gid("Order", order.id)),
    }


def _application_view(item: dict[str, Any]) -> View:
    return {
        "__typename": "DiscountCodeApplication",
        "code": item["code"],
        "allocationMethod": "ACROSS",
        "targetSelection": "ALL",
        "targetType": "LINE_ITEM",
    }


def _head(store: Store, order: Order) -> View:
    return {
        "id": gid("Order", order.id),
        "legacyResourceId": str(order.id),
        "name": order.name,
        "number": order.number,
        "confirmationNumber": f"C{order.number}X",
        "confirmed": True,
        "test": order.test,
        "createdAt": stamp(order.created_at),
        "processedAt": stamp(order.processed_at),
        "updatedAt": stamp(order.updated_at),
        "cancelledAt": stamp(order.cancelled_at),
        "cancelReason": order.cancel_reason,
        "closedAt": stamp(order.closed_at),
        "closed": order.closed_at is not None,
        "edited": order.edited,
        "displayFinancialStatus": order.financial_status,
        "displayFulfillmentStatus": order.fulfillment_status,
        "returnStatus": views_shipping.return_status(order),
        "fullyPaid": order.outstanding_minor == 0 and order.paid_minor > 0,
        "unpaid": order.paid_minor == 0,
        "requiresShipping": any(line.requires_shipping for line in order.lines),
        "currencyCode": order.rate.shop,
        "presentmentCurrencyCode": order.rate.buyer,
        "email": order.email,
        "phone": order.phone,
        "customerLocale": order.locale,
        "customerAcceptsMarketing": order.accepts_marketing,
        "note": order.note,
        "tags": sorted(order.tags),
        "customAttributes": order.attributes,
        "discountCodes": [item["code"] for item in order.discounts],
        "discountCode": order.discounts[0]["code"] if order.discounts else None,
        "paymentGatewayNames": [order.gateway],
        "sourceName": "web",
        "sourceIdentifier": None,
        "poNumber": None,
        "taxesIncluded": True,
        "taxExempt": False,
        "estimatedTaxes": False,
        "dutiesIncluded": False,
        "statusPageUrl": f"https://{store.domain}/{store.shop_id}/orders/{order.id:x}/"
        "authenticate?key=demo",
        "subtotalLineItemsQuantity": sum(line.quantity for line in order.lines),
        "currentSubtotalLineItemsQuantity": sum(line.current_quantity for line in order.lines),
    }


def _amounts(order: Order) -> View:
    current = order.current_total_minor
    amounts = {
        "totalPriceSet": order.total_minor,
        "originalTotalPriceSet": order.total_minor,
        "currentTotalPriceSet": current,
        "subtotalPriceSet": order.total_minor - order.shipping_minor,
        "currentSubtotalPriceSet": max(0, current - order.shipping_minor),
        "totalRefundedSet": order.refunded_minor,
        "totalOutstandingSet": order.outstanding_minor,
        "totalReceivedSet": order.paid_minor,
        "netPaymentSet": order.paid_minor - order.refunded_minor,
        "totalTaxSet": order.tax_minor,
        "currentTotalTaxSet": order.tax_in(current),
        "totalShippingPriceSet": order.shipping_minor,
        "currentShippingPriceSet": order.shipping_minor,
        "totalRefundedShippingSet": 0,
        "totalDiscountsSet": order.discount_minor,
        "currentTotalDiscountsSet": order.discount_minor,
        "cartDiscountAmountSet": order.discount_minor,
        "currentCartDiscountAmountSet": order.discount_minor,
        "totalTipReceivedSet": 0,
        "totalCapturableSet": share(order.moved("AUTHORIZATION"), int(order.paid_minor == 0), 1),
    }
    return {name: order.rate.bag(amount) for name, amount in amounts.items()}
