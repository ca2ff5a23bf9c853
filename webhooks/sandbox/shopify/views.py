"""Show the records in the shape of the GraphQL schema.

A value that is callable is resolved late, with (info, arguments). A field
that is asked for and missing here is reported as not pretended; it is never
silently null.
"""

from __future__ import annotations

from typing import Any

from webhooks.sandbox.shopify import views_shipping
from webhooks.sandbox.shopify.money import minor, money_v2, share
from webhooks.sandbox.shopify.pages import Args, Info, first_of, listed
from webhooks.sandbox.shopify.records import (
    Customer,
    Order,
    Refund,
    RefundLine,
)
from webhooks.sandbox.shopify.schema import gid
from webhooks.sandbox.shopify.store import Store, stamp
from webhooks.sandbox.shopify.views_parts import (
    View,
    address_view,
    line_view,
    metafields_of,
    shipping_line_view,
    tax_view,
    transaction_view,
)


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
