"""Coupons of the pretend shop, generous mistakes included."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from webhooks.sandbox.woocommerce.discounts import coupon_by_code
from webhooks.sandbox.woocommerce.errors import (
    WooError,
    invalid_id,
    missing_param,
    not_in,
)
from webhooks.sandbox.woocommerce.orders import EMAIL, apply_meta
from webhooks.sandbox.woocommerce.render import links
from webhooks.sandbox.woocommerce.store import Store, read_amount, read_moment

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS: Final = ["percent", "fixed_cart", "fixed_product"]
TAGS: Final = re.compile(r"<[^>]*>")
DEFAULTS: Final[dict[str, Any]] = {
    "code": "",
    "amount": "0.00",
    "status": "publish",
    "created_at": None,
    "modified_at": None,
    "discount_type": "fixed_cart",
    "description": "",
    "expires_at": None,
    "usage_count": 0,
    "individual_use": False,
    "product_ids": [],
    "excluded_product_ids": [],
    "usage_limit": None,
    "usage_limit_per_user": None,
    "limit_usage_to_x_items": None,
    "free_shipping": False,
    "product_categories": [],
    "excluded_product_categories": [],
    "exclude_sale_items": False,
    "minimum_amount": "0.00",
    "maximum_amount": "0.00",
    "email_restrictions": [],
    "used_by": [],
    "meta_data": [],
}
COPIED: Final = (
    "description",
    "individual_use",
    "product_ids",
    "excluded_product_ids",
    "usage_limit",
    "usage_limit_per_user",
    "limit_usage_to_x_items",
    "free_shipping",
    "product_categories",
    "excluded_product_categories",
    "exclude_sale_items",
)


def find(store: Store, number: int) -> dict[str, Any]:
    """Give a coupon.

    Raises: WooError: there is none.
    """
    coupon = store.coupons.get(number)
    if coupon is None:
        raise invalid_id("coupon")
    return coupon


def create(store: Store, data: dict[str, Any]) -> dict[str, Any]:
    """Create a coupon.

    An expiry in `date_expires_gmt` is ignored, as in the real shop.

    Raises: WooError: no code, a code that is taken, a bad kind or amount.
    Source: recorded in coupons, WooCommerce 10.2.4.
    """
    if "code" not in data:
        raise missing_param("code")
    _check_kind(data)
    code = _code(data["code"])
    if not code:
        text = "The coupon code cannot be empty."
        raise WooError(400, "woocommerce_rest_empty_coupon_code", text)
    _check_free(store, code, None)
    now = store.now()
    coupon = {"id": 0, **DEFAULTS, "meta_data": [], "created_at": now, "modified_at": now}
    _apply(store, coupon, data)
    coupon["code"] = code
    coupon["id"] = store.post_id()
    store.coupons[coupon["id"]] = coupon
    store.fire("coupon.created", coupon["id"])
    return coupon


def update(store: Store, coupon: dict[str, Any], data: dict[str, Any]) -> None:
    """Change a coupon; fires coupon.updated even if nothing changed."""
    _check_kind(data)
    changed = {**coupon, "meta_data": [dict(entry) for entry in coupon["meta_data"]]}
    if "code" in data:
        changed["code"] = _code(data["code"])
        _check_free(store, changed["code"], coupon["id"])
    _apply(store, changed, data)
    changed["modified_at"] = store.now()
    coupon.update(changed)
    store.fire("coupon.updated", coupon["id"])


def remove(store: Store, coupon: dict[str, Any], *, force: bool) -> None:
    """Trash a coupon, or delete it for good, which fires nothing."""
    if force:
        del store.coupons[coupon["id"]]
        return
    if coupon["status"] == "trash":
        text = "The shop_coupon has already been deleted."
        raise WooError(410, "woocommerce_rest_already_trashed", text)
    coupon["status"] = "trash"
    store.fire("coupon.deleted", coupon["id"])


def listed(store: Store, params: dict[str, str]) -> list[dict[str, Any]]:
    """List coupons, newest first; `code` finds one or none."""
    found: Iterable[dict[str, Any]] = reversed(store.coupons.values())
    found = [coupon for coupon in found if coupon["status"] != "trash"]
    if "code" in params:
        code = _code(params["code"])
        found = [coupon for coupon in found if coupon["code"] == code]
    if "search" in params:
        found = [coupon for coupon in found if params["search"].lower() in coupon["code"]]
    return found


def write(store: Store, coupon: dict[str, Any]) -> dict[str, Any]:
    """Write a coupon, every key in the recorded sequence."""
    written: dict[str, Any] = {}
    for name, value in coupon.items():
        if name in {"created_at", "modified_at", "expires_at"}:
            shown = {"created_at": "created", "modified_at": "modified", "expires_at": "expires"}
            written[f"date_{shown[name]}"] = store.local(value)
            written[f"date_{shown[name]}_gmt"] = store.gmt(value)
        elif name == "code":
            written[name] = html.escape(value, quote=False)
        else:
            written[name] = value
    written["_links"] = links(store, f"coupons/{coupon['id']}")
    return written


def _code(raw: object) -> str:
    return TAGS.sub("", str(raw)).strip().lower()


def _check_free(store: Store, code: str, own_id: int | None) -> None:
    other = coupon_by_code(store, code)
    if other is not None and other["id"] != own_id:
        text = "The coupon code already exists"
        raise WooError(400, "woocommerce_rest_coupon_code_already_exists", text)


def _check_kind(data: dict[str, Any]) -> None:
    if data.get("discount_type", "percent") not in KINDS:
        raise not_in("discount_type", "discount_type", KINDS)


def _apply(store: Store, coupon: dict[str, Any], sent: dict[str, Any]) -> None:
    # Quirk(woocommerce): null changes nothing; "" takes an expiry away.
    data = {name: value for name, value in sent.items() if value is not None}
    coupon.update({name: data[name] for name in COPIED if name in data})
    coupon["discount_type"] = data.get("discount_type", coupon["discount_type"])
    if "amount" in data:
        coupon["amount"] = store.text(read_amount(data["amount"]))
    amount = Decimal(coupon["amount"])
    if amount < 0 or (coupon["discount_type"] == "percent" and amount > 100):
        raise WooError(400, "coupon_invalid_amount", "Invalid discount amount.")
    for name in ("minimum_amount", "maximum_amount"):
        if name in data:
            coupon[name] = store.text(read_amount(data[name]))
    if "email_restrictions" in data:
        # Quirk(woocommerce): a bad address is dropped, the coupon opens to all.
        asked = [str(email).strip().lower() for email in data["email_restrictions"]]
        coupon["email_restrictions"] = [email for email in asked if EMAIL.fullmatch(email)]
    if "date_expires" in data:
        coupon["expires_at"] = _expiry(store, data["date_expires"])
    apply_meta(store, coupon["meta_data"], data.get("meta_data", []))


def _expiry(store: Store, raw: object) -> datetime | None:
    if not str(raw):
        return None
    moment = read_moment(str(raw), store.zone)
    if moment is None:
        # Quirk(woocommerce): an unreadable date becomes the start of 1970.
        return datetime(1970, 1, 1, tzinfo=store.zone).astimezone(UTC)
    return moment
