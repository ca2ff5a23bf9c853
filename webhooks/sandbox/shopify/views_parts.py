"""Show the parts of an order in the shape of the GraphQL schema."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from webhooks.sandbox.shopify.pages import Args, Info, listed
from webhooks.sandbox.shopify.payloads import COUNTRIES
from webhooks.sandbox.shopify.records import (
    Address,
    Line,
    Metafield,
    Order,
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
