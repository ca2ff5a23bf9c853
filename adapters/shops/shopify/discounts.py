"""Discount codes: made once, and known as ours by the mark in their title.

Source: discountCodeBasicCreate and codeDiscountNodeByCode, Admin GraphQL
2026-10, checked 2026-11-22.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from adapters.shops.shopify import schema
from adapters.shops.shopify.client import ShopifyClient, UserError, refuse
from adapters.shops.shopify.values import number_text
from connector.errors import Conflict, InvalidRequest, PayloadInvalid, Unsupported
from connector.model.money import decimal_text, to_minor
from connector.model.write import CreateDiscountCode, DiscountKind, WriteResult

TITLE_LENGTH: Final = 200
_WHERE: Final[dict[str, Any]] = {"platform": "shopify", "operation": "DiscountCodeBasicCreate"}


class Amount(msgspec.Struct, frozen=True, rename="camel"):
    """A sum of money."""

    amount: msgspec.Raw
    currency_code: str


class Value(msgspec.Struct, frozen=True, rename="camel"):
    """What a code is worth: a fraction, or a sum."""

    percentage: msgspec.Raw = msgspec.Raw(b"null")
    amount: Amount | None = None


class Gets(msgspec.Struct, frozen=True):
    """What the buyer gets."""

    value: Value


class Discount(msgspec.Struct, frozen=True, rename="camel"):
    """A code discount; only those of our kind have a title here."""

    title: str = ""
    status: str = ""
    ends_at: str | None = None
    customer_gets: Gets | None = None


class DiscountNode(msgspec.Struct, frozen=True, rename="camel"):
    """A discount with its id."""

    id: str
    code_discount: Discount


class FindData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of DiscountByCode."""

    code_discount_node_by_code: DiscountNode | None


class Payload(msgspec.Struct, frozen=True, rename="camel"):
    """What the mutation answers."""

    code_discount_node: schema.Node | None = None
    user_errors: list[UserError] = []


class CreateData(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of DiscountCodeBasicCreate."""

    discount_code_basic_create: Payload


def find(client: ShopifyClient, action: CreateDiscountCode) -> WriteResult | None:
    """Look for the code; capitals make no difference to Shopify.

    Raises: Conflict: a discount that is not ours has this code.
    """
    if action.kind is DiscountKind.FREE_SHIPPING:
        raise _no_free_shipping()
    data = client.ask("DiscountByCode", {"code": action.code}, FindData).data
    found = data.code_discount_node_by_code
    if found is None:
        return None
    if action.marker not in found.code_discount.title or not _same_value(
        found.code_discount, action
    ):
        raise Conflict(
            f"The discount code {action.code} exists already and is not ours.",
            platform="shopify",
            operation="DiscountByCode",
        )
    return _result(found.id, action, adopted=True)


def create(client: ShopifyClient, action: CreateDiscountCode, currency: str) -> WriteResult:
    """Make the code.

    Args: currency: the shop's own, in which Shopify counts every fixed sum.

    Raises:
        Unsupported: free shipping.
        InvalidRequest: a value that Shopify would refuse, or one buyer without account.
        Conflict: the code is taken by something that is not ours.
    """
    data = client.ask("DiscountCodeBasicCreate", {"discount": wanted(action, currency)}, CreateData)
    made = data.data.discount_code_basic_create
    if any(error.code == "TAKEN" for error in made.user_errors):
        found = find(client, action)
        if found is not None:
            return found
    refuse(made.user_errors, "DiscountCodeBasicCreate")
    if made.code_discount_node is None:
        raise InvalidRequest("Shopify made no discount and does not say why.", **_WHERE)
    return _result(made.code_discount_node.id, action, adopted=False)


def wanted(action: CreateDiscountCode, currency: str) -> dict[str, Any]:
    """Build the input of the mutation.

    Raises: InvalidRequest, Unsupported: see `create`.
    """
    if action.kind is DiscountKind.FREE_SHIPPING:
        raise _no_free_shipping()
    if (
        currency
        and action.currency != currency
        and (action.kind is DiscountKind.FIXED or action.min_total is not None)
    ):
        raise InvalidRequest(
            f"Shopify counts sums of a discount in {currency}, not in {action.currency}.", **_WHERE
        )
    if action.usage_limit is not None and action.usage_limit < 1:
        raise InvalidRequest("A code must be usable at least once.", **_WHERE)
    if action.ends_at is not None and action.ends_at <= action.starts_at:
        raise InvalidRequest("The code would end before it begins.", **_WHERE)
    discount: dict[str, Any] = {
        "title": f"{action.title[:TITLE_LENGTH]} [{action.marker}]",
        "code": action.code,
        "startsAt": _stamp(action.starts_at),
        "endsAt": _stamp(action.ends_at) if action.ends_at else None,
        "usageLimit": action.usage_limit,
        "appliesOncePerCustomer": action.usage_limit == 1,
        "context": _context(action),
        "customerGets": {"value": _value(action), "items": {"all": True}},
        "combinesWith": {
            "orderDiscounts": False,
            "productDiscounts": False,
            "shippingDiscounts": True,
        },
    }
    if action.min_total is not None:
        least = _sum(action.min_total, action.currency)
        discount["minimumRequirement"] = {"subtotal": {"greaterThanOrEqualToSubtotal": least}}
    return discount


def _no_free_shipping() -> Unsupported:
    return Unsupported("Codes for free shipping are not made on Shopify.", **_WHERE)


def _context(action: CreateDiscountCode) -> dict[str, Any]:
    if action.buyer_ref is not None:
        if not (action.buyer_ref.isascii() and action.buyer_ref.isdecimal()):
            raise InvalidRequest("The buyer's reference is not a Shopify customer.", **_WHERE)
        return {"customers": {"add": [f"gid://shopify/Customer/{action.buyer_ref}"]}}
    if action.buyer_email is not None:
        # Shopify binds a code to a customer, never to an e-mail address alone.
        raise InvalidRequest(
            "The order has no Shopify customer, and a guest cannot use a code for one buyer: let"
            " the rule make a code for everybody.",
            **_WHERE,
        )
    return {"all": "ALL"}


def _value(action: CreateDiscountCode) -> dict[str, Any]:
    if action.kind is DiscountKind.FIXED:
        return {
            "discountAmount": {
                "amount": _sum(action.value, action.currency),
                "appliesOnEachItem": False,
            }
        }
    # The schema has a float here; a percentage of two decimals survives it.
    return {"percentage": float(_percent(action) / 100)}


def _percent(action: CreateDiscountCode) -> Decimal:
    try:
        percent = Decimal(action.value)
    except InvalidOperation as err:
        raise InvalidRequest(f"{action.value[:20]!r} is not a percentage.", **_WHERE) from err
    if not percent.is_finite() or not 0 < percent <= 100:  # noqa: PLR2004 - percent
        raise InvalidRequest("A percentage is above 0 and at most 100.", **_WHERE)
    return percent


def _sum(text: str, currency: str) -> str:
    try:
        minor = to_minor(text, currency)
    except PayloadInvalid as err:
        raise InvalidRequest(str(err), **_WHERE) from err
    if minor <= 0:
        raise InvalidRequest("A sum of a discount is above zero.", **_WHERE)
    return decimal_text(minor, currency)


def _same_value(found: Discount, action: CreateDiscountCode) -> bool:
    if found.customer_gets is None:
        return False
    value = found.customer_gets.value
    try:
        if action.kind is DiscountKind.PERCENT:
            text = number_text(value.percentage, "percentage")
            # The schema has a float here, so a last digit may differ.
            near = Decimal("0.01")
            return text is not None and abs(Decimal(text) * 100 - _percent(action)) < near
        text = number_text(value.amount.amount, "amount") if value.amount else None
        return text is not None and to_minor(text, action.currency) == to_minor(
            action.value, action.currency
        )
    except (PayloadInvalid, InvalidOperation):
        return False


def _result(ref: str, action: CreateDiscountCode, *, adopted: bool) -> WriteResult:
    detail = [("code", action.code), ("id", ref)]
    if action.ends_at is not None:
        detail.append(("ends_at", _stamp(action.ends_at)))
    return WriteResult(action.code, adopted=adopted, detail=tuple(detail))


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
