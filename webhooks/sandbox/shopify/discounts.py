"""Discount codes: made, found, switched off and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhooks.sandbox.shopify import views, views_parts
from webhooks.sandbox.shopify.money import minor, money_v2, plain
from webhooks.sandbox.shopify.pages import Args, Info, listed
from webhooks.sandbox.shopify.records import Discount
from webhooks.sandbox.shopify.schema import gid, number_of
from webhooks.sandbox.shopify.store import Store, moment, stamp

if TYPE_CHECKING:
    from webhooks.sandbox.shopify.engine import Resolver

View = dict[str, Any]


class _Refusal(Exception):
    def __init__(self, path: list[str], message: str, code: str) -> None:
        super().__init__(message)
        self.error = {
            "field": ["basicCodeDiscount", *path],
            "message": message,
            "code": code,
            "extraInfo": None,
        }


def node_view(store: Store, item: Discount) -> View:
    """Show a DiscountCodeNode."""
    return {
        "__typename": "DiscountCodeNode",
        "id": gid("DiscountCodeNode", item.id),
        "codeDiscount": _basic_view(store, item),
        **views_parts.metafields_of(store, gid("DiscountCodeNode", item.id)),
    }


def by_code(info: Info, args: Args) -> View | None:
    """Find a discount by its code; capitals make no difference."""
    store: Store = info.context.shop.store
    found = store.discount_by_code(args["code"])
    return None if found is None else node_view(store, found)


def by_id(info: Info, args: Args) -> View | None:
    """Find a discount by its id."""
    store: Store = info.context.shop.store
    found = store.discounts.get(number_of(args["id"], "DiscountCodeNode"))
    return None if found is None else node_view(store, found)


def merchant_view(store: Store, item: Discount) -> View:
    """Show what the merchant sees of a discount."""
    people = [store.customers.get(number) for number in item.customer_ids or []]
    percent = item.percentage is not None
    amount = (
        f"{round((item.percentage or 0) * 100, 2):g}"
        if percent
        else plain(item.amount_minor or 0, store.currency)
    )
    return {
        "id": gid("DiscountCodeNode", item.id),
        "code": item.code,
        "title": item.title,
        "amount": amount,
        "type": "percent" if percent else "fixed",
        "customers": [one.email or gid("Customer", one.id) for one in people if one],
        "date_expires": stamp(item.ends_at),
        "starts_at": stamp(item.starts_at),
        "usage_limit": item.usage_limit,
        "usage_count": item.used,
        "minimum_amount": item.minimum_minor and plain(item.minimum_minor, store.currency),
        "status": item.status(store.now()),
    }


def _basic_view(store: Store, item: Discount) -> View:
    if item.percentage is not None:
        value: View = {"__typename": "DiscountPercentage", "percentage": item.percentage}
    else:
        value = {
            "__typename": "DiscountAmount",
            "amount": money_v2(item.amount_minor or 0, store.currency),
            "appliesOnEachItem": item.on_each_item,
        }
    minimum: View | None = None
    if item.minimum_minor is not None:
        amount = money_v2(item.minimum_minor, store.currency)
        minimum = {
            "__typename": "DiscountMinimumSubtotal",
            "greaterThanOrEqualToSubtotal": amount,
        }
    elif item.minimum_quantity is not None:
        minimum = {
            "__typename": "DiscountMinimumQuantity",
            "greaterThanOrEqualToQuantity": str(item.minimum_quantity),
        }
    context: View = {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}
    if item.customer_ids is not None:
        people = [store.customers[number] for number in item.customer_ids]
        context = {
            "__typename": "DiscountCustomers",
            "customers": [views.customer_view(store, one) for one in people],
        }
    code = {
        "id": gid("DiscountRedeemCode", item.id + 1),
        "code": item.code,
        "asyncUsageCount": item.used,
    }
    return {
        "__typename": "DiscountCodeBasic",
        "title": item.title,
        "status": item.status(store.now()),
        "summary": item.title,
        "shortSummary": item.title,
        "startsAt": stamp(item.starts_at),
        "endsAt": stamp(item.ends_at),
        "usageLimit": item.usage_limit,
        "appliesOncePerCustomer": item.once_per_customer,
        "asyncUsageCount": item.used,
        "codes": listed([code], lambda one: one),
        "codesCount": {"count": 1, "precision": "EXACT"},
        "combinesWith": item.combines,
        "context": context,
        "customerGets": {
            "value": value,
            "items": {"__typename": "AllDiscountItems", "allItems": True},
            "appliesOnOneTimePurchase": True,
            "appliesOnSubscription": False,
        },
        "minimumRequirement": minimum,
        "createdAt": stamp(item.created_at),
        "updatedAt": stamp(item.updated_at),
        "tags": item.tags,
        "discountClasses": ["ORDER"],
    }


def _create(info: Info, args: Args) -> View:
    store: Store = info.context.shop.store
    try:
        item = _made(store, args["basicCodeDiscount"])
    except _Refusal as refusal:
        return {"codeDiscountNode": None, "userErrors": [refusal.error]}
    store.discounts[item.id] = item
    return {"codeDiscountNode": node_view(store, item), "userErrors": []}


def _made(store: Store, given: View) -> Discount:
    code = str(given.get("code") or "").strip()
    gets = given.get("customerGets") or {}
    value = gets.get("value") or {}
    if not code:
        raise _Refusal(["code"], "Code can't be blank", "BLANK")
    if not given.get("title"):
        raise _Refusal(["title"], "Title can't be blank", "BLANK")
    if not given.get("startsAt"):
        raise _Refusal(["startsAt"], "Starts at can't be blank", "BLANK")
    if store.discount_by_code(code) is not None:
        message = "Code must be unique. Please try a different code."
        raise _Refusal(["code"], message, "TAKEN")
    start = moment(given["startsAt"])
    end = moment(given["endsAt"]) if given.get("endsAt") else None
    if end is not None and end <= start:
        message = "Ends at needs to be after starts_at"
        raise _Refusal(["endsAt"], message, "END_DATE_BEFORE_START_DATE")
    if given.get("usageLimit") is not None and given["usageLimit"] < 1:
        message = "Usage limit must be greater than 0"
        raise _Refusal(["usageLimit"], message, "GREATER_THAN")
    percentage, amount_minor = _value(store, value)
    if not (gets.get("items") or {}).get("all"):
        raise _Refusal(["customerGets", "items"], "Items in customer get can't be blank", "BLANK")
    now = store.now()
    least = given.get("minimumRequirement") or {}
    subtotal = (least.get("subtotal") or {}).get("greaterThanOrEqualToSubtotal")
    quantity = (least.get("quantity") or {}).get("greaterThanOrEqualToQuantity")
    combines = given.get("combinesWith") or {}
    return Discount(
        id=store.next_id(),
        code=code,
        title=given["title"],
        starts_at=start,
        ends_at=end,
        usage_limit=given.get("usageLimit"),
        once_per_customer=bool(given.get("appliesOncePerCustomer")),
        percentage=percentage,
        amount_minor=amount_minor,
        on_each_item=bool((value.get("discountAmount") or {}).get("appliesOnEachItem")),
        minimum_minor=None if subtotal is None else minor(subtotal, store.currency),
        minimum_quantity=None if quantity is None else int(quantity),
        customer_ids=_people(store, given),
        combines={
            name: bool(combines.get(name))
            for name in ("orderDiscounts", "productDiscounts", "shippingDiscounts")
        },
        tags=list(given.get("tags") or []),
        created_at=now,
        updated_at=now,
    )


def _value(store: Store, value: View) -> tuple[float | None, int | None]:
    path = ["customerGets", "value"]
    percentage, amount = value.get("percentage"), value.get("discountAmount")
    if (percentage is None) == (amount is None):
        raise _Refusal(path, "Exactly one value is needed", "INVALID")
    if percentage is not None:
        if not 0 < percentage <= 1:
            message = "Value must be between 0.0 and 1.0"
            raise _Refusal([*path, "percentage"], message, "VALUE_OUTSIDE_RANGE")
        return float(percentage), None
    amount_minor = minor((amount or {}).get("amount") or 0, store.currency)
    if amount_minor <= 0:
        message = "Value must be greater than 0"
        raise _Refusal([*path, "discountAmount"], message, "GREATER_THAN")
    return None, amount_minor


def _people(store: Store, given: View) -> list[int] | None:
    context = given.get("context") or given.get("customerSelection")
    if not context:
        raise _Refusal(["context"], "Context can't be blank", "BLANK")
    if context.get("all"):
        return None
    wanted = (context.get("customers") or {}).get("add") or []
    numbers = [number_of(one, "Customer") for one in wanted]
    if not numbers or any(number not in store.customers for number in numbers):
        raise _Refusal(["context", "customers"], "Customer does not exist", "INVALID")
    return numbers


def _end(info: Info, args: Args) -> View:
    store: Store = info.context.shop.store
    found = store.discounts.get(number_of(args["id"], "DiscountCodeNode"))
    if found is None:
        return {"codeDiscountNode": None, "userErrors": [_unknown()]}
    found.off, found.updated_at = True, store.now()
    return {"codeDiscountNode": node_view(store, found), "userErrors": []}


def _delete(info: Info, args: Args) -> View:
    store: Store = info.context.shop.store
    if store.discounts.pop(number_of(args["id"], "DiscountCodeNode"), None) is None:
        return {"deletedCodeDiscountId": None, "userErrors": [_unknown()]}
    return {"deletedCodeDiscountId": args["id"], "userErrors": []}


def _unknown() -> View:
    return {
        "field": ["id"],
        "message": "Discount does not exist",
        "code": "INVALID",
        "extraInfo": None,
    }


WRITES: dict[str, Resolver] = {
    "discountCodeBasicCreate": _create,
    "discountCodeDeactivate": _end,
    "discountCodeDelete": _delete,
}
