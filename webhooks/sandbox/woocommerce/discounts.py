"""Use coupons on an order and work out what they take off."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from webhooks.sandbox.woocommerce.errors import WooError

if TYPE_CHECKING:
    from webhooks.sandbox.woocommerce.store import Order, Store


def check_coupons(store: Store, data: dict[str, Any]) -> None:
    """Refuse coupon codes that the shop does not have or that are used up."""
    for item in data.get("coupon_lines", []):
        code = str(item.get("code", "")).strip().lower()
        coupon = coupon_by_code(store, code)
        if coupon is None:
            text = f"Coupon &quot;{code}&quot; cannot be applied because it does not exist."
            raise WooError(400, "woocommerce_rest_invalid_coupon", text)
        limit = coupon["usage_limit"]
        if limit and coupon["usage_count"] >= limit:
            text = f"Usage limit for coupon &quot;{code}&quot; has been reached."
            raise WooError(400, "woocommerce_rest_invalid_coupon", text)


def coupon_by_code(store: Store, code: str) -> dict[str, Any] | None:
    """Find a coupon that is not in the trash."""
    for coupon in store.coupons.values():
        if coupon["code"] == code and coupon["status"] != "trash":
            return coupon
    return None


def use_coupons(store: Store, order: Order, codes: list[str]) -> None:
    """Replace the coupons of an order; discounts are worked out again."""
    for used in order.coupons:
        coupon = store.coupons.get(used["coupon_id"])
        if coupon is not None:
            coupon["usage_count"] -= 1
    order.coupons.clear()
    for line in order.lines:
        line.off = Decimal(0)
    for code in codes:
        coupon = coupon_by_code(store, code.strip().lower())
        if coupon is None:
            continue
        amount = Decimal(coupon["amount"])
        off = _discount(order, str(coupon["discount_type"]), amount)
        coupon["usage_count"] += 1
        who = str(order.customer_id or order.billing["email"])
        coupon["used_by"] = [*coupon["used_by"], who]
        order.coupons.append(
            {
                "id": store.part_id(),
                "meta_id": store.part_id(),
                "coupon_id": coupon["id"],
                "code": coupon["code"],
                "discount_type": coupon["discount_type"],
                "nominal_amount": amount,
                "off": off,
            }
        )


def _discount(order: Order, kind: str, amount: Decimal) -> Decimal:
    cents = Decimal("0.01")
    base = sum((line.gross - line.off for line in order.lines), Decimal(0))
    left = min(amount, base)
    taken = Decimal(0)
    for index, line in enumerate(order.lines):
        worth = line.gross - line.off
        if kind == "percent":
            off = (worth * amount / 100).quantize(cents)
        elif kind == "fixed_product":
            off = min(worth, amount * line.quantity)
        elif index == len(order.lines) - 1:
            off = left - taken
        else:
            off = (left * worth / base).quantize(cents) if base else Decimal(0)
        line.off += off
        taken += off
    return taken
