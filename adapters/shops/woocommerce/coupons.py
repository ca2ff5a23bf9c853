"""Make discount codes in WooCommerce, and prove that they are what was asked for.

# Quirk(woocommerce): a wrong value does not fail, it makes a generous coupon: a bad
# e-mail restriction is dropped, a bad amount is 0, an unreadable end is 1970. So every
# value is checked before, and the answer is compared with what was asked.
# Source: seen on WooCommerce 10.2.4.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from adapters._json import decode
from adapters.shops.woocommerce.client import WooClient
from adapters.shops.woocommerce.mapping import time_of
from adapters.shops.woocommerce.payload import MetaEntry
from connector.errors import AdapterError, Conflict, InvalidRequest, OutcomeUnknown, PayloadInvalid
from connector.model.customer import normal_email
from connector.model.write import CreateDiscountCode, DiscountKind, WriteResult

PLATFORM: Final = "woocommerce"
MARKER_KEY: Final = "_postventa_key"
_TAKEN: Final = "woocommerce_rest_coupon_code_already_exists"
_CODE: Final = re.compile(r"[A-Za-z0-9-]{3,60}")
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?", re.ASCII)
# What WordPress takes for an address; any other would be dropped in silence.
_ADDRESS: Final = re.compile(
    r"[a-z0-9!#$%&'+/=?^_`{|}~.-]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ShopBase:
    """What the shop counts in: its currency, and the zone its days end in."""

    currency: str
    timezone: str


class CouponBody(msgspec.Struct, frozen=True):
    """A coupon as the shop holds it."""

    id: int
    code: str
    amount: str = "0"
    discount_type: str = ""
    description: str | None = ""
    date_expires_gmt: str | None = None
    usage_limit: int | None = None
    free_shipping: bool = False
    minimum_amount: str | None = None
    email_restrictions: list[str] = []
    meta_data: list[MetaEntry] = []


def find_code(client: WooClient, action: CreateDiscountCode) -> WriteResult | None:
    """Look whether the code is there and is ours.

    Raises: Conflict: somebody else's, or not what was asked for.
    """
    code = action.code.strip().lower()
    for coupon in client.read(list[CouponBody], "coupons", code=code):
        if html.unescape(coupon.code).lower() != code:
            continue
        if not _is_ours(coupon, action.marker):
            raise Conflict(
                f"The shop has a coupon {code} that is not ours.", platform=PLATFORM, code=_TAKEN
            )
        wrong = _differences(coupon, action, None)
        if wrong:
            raise Conflict(
                f"The coupon {code} is there, but not as asked: {', '.join(wrong)}.",
                platform=PLATFORM,
            )
        return _result(coupon, adopted=True)
    return None


def create_code(
    client: WooClient, action: CreateDiscountCode, base: Callable[[], ShopBase]
) -> WriteResult:
    """Make a coupon; what the shop made otherwise is deleted again.

    Args: base: asks the shop for currency and zone; only called when they matter.

    Raises:
        InvalidRequest: a value is wrong, before or after.
        Conflict: the code is taken.
    """
    end: datetime | None = None
    body = _body(action)
    if action.kind is DiscountKind.FIXED or action.min_total is not None:
        currency = base().currency
        if currency and currency != action.currency:
            raise InvalidRequest(
                f"The amount is in {action.currency}, but the shop's coupons are in {currency}.",
                platform=PLATFORM,
            )
    if action.ends_at is not None:
        local, end = last_second(action.ends_at, base().timezone)
        body["date_expires"] = local
    try:
        told = client.post("coupons", body)
    except InvalidRequest as err:
        if err.code != _TAKEN:
            raise
        found = find_code(client, action)
        if found is None:
            raise Conflict(
                f"The shop says that {action.code} is taken, and does not show it.",
                platform=PLATFORM,
                code=_TAKEN,
            ) from err
        return found
    try:
        coupon = decode(CouponBody, msgspec.json.encode(told))
    except PayloadInvalid as err:
        raise OutcomeUnknown("The shop's answer shows no coupon.", platform=PLATFORM) from err
    wrong = _differences(coupon, action, end)
    if wrong:
        _undo(client, coupon, action.code, wrong)
    return _result(coupon, adopted=False)


def last_second(ends_at: datetime, timezone: str) -> tuple[str, datetime]:
    """Turn an end into the last second of that day in the shop's zone.

    # Quirk(woocommerce): a date alone means the start of the day, which leaves that day
    # out; and `date_expires_gmt` is ignored, so the time must be local.
    """
    zone = ZoneInfo(timezone)
    local = datetime.combine(ends_at.astimezone(zone).date(), time(23, 59, 59))
    return local.isoformat(), local.replace(tzinfo=zone).astimezone(UTC)


def _body(action: CreateDiscountCode) -> dict[str, Any]:
    if not _CODE.fullmatch(action.code):
        raise InvalidRequest("A code is made of letters, digits and -.", platform=PLATFORM)
    body: dict[str, Any] = {
        "code": action.code.lower(),
        "description": f"{action.title} [{action.marker}]".strip(),
        "meta_data": [{"key": MARKER_KEY, "value": action.marker}],
    }
    if action.kind is DiscountKind.FREE_SHIPPING:
        body |= {"discount_type": "fixed_cart", "amount": "0", "free_shipping": True}
    else:
        value = _decimal(action.value, "value")
        percent = action.kind is DiscountKind.PERCENT
        if value <= 0 or (percent and value > 100):  # noqa: PLR2004 - percent
            raise InvalidRequest(f"A value of {action.value} makes no sense.", platform=PLATFORM)
        body |= {"discount_type": "percent" if percent else "fixed_cart", "amount": action.value}
    if action.usage_limit is not None:
        if action.usage_limit < 1:
            raise InvalidRequest("A code is used once at least.", platform=PLATFORM)
        # One buyer cannot use up a code that is meant for several.
        body |= {"usage_limit": action.usage_limit, "usage_limit_per_user": 1}
    if action.min_total is not None:
        _decimal(action.min_total, "minimum")
        body["minimum_amount"] = action.min_total
    if action.buyer_email is not None or action.buyer_ref is not None:
        # A code can be bound to an address only; without one it would be everybody's.
        body["email_restrictions"] = [_email(action.buyer_email or "")]
    return body


def _email(text: str) -> str:
    email = normal_email(text)
    # A star would open the code to a whole domain.
    if email is None or not _ADDRESS.fullmatch(email):
        raise InvalidRequest(
            "The code is for one buyer, whose e-mail address WooCommerce cannot hold.",
            platform=PLATFORM,
        )
    return email


def _decimal(text: str, what: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise InvalidRequest(f"The {what} {text[:40]!r} is no amount.", platform=PLATFORM)
    return Decimal(text)


def _is_ours(coupon: CouponBody, marker: str) -> bool:
    if any(entry.key == MARKER_KEY and entry.value == marker for entry in coupon.meta_data):
        return True
    return f"[{marker}]" in html.unescape(coupon.description or "")


def _differences(coupon: CouponBody, action: CreateDiscountCode, end: datetime | None) -> list[str]:
    """Compare a coupon with what was asked.

    Args: end: the last second it is good for; None to ask only that there is an end.
    """
    wrong = []
    kinds = {
        DiscountKind.PERCENT: "percent",
        DiscountKind.FIXED: "fixed_cart",
        DiscountKind.FREE_SHIPPING: "fixed_cart",
    }
    free = action.kind is DiscountKind.FREE_SHIPPING
    if coupon.discount_type != kinds[action.kind] or coupon.free_shipping != free:
        wrong.append("kind")
    if not _same(coupon.amount, "0" if free else action.value):
        wrong.append("amount")
    if action.min_total is not None and not _same(coupon.minimum_amount, action.min_total):
        wrong.append("minimum")
    if action.buyer_email is not None:
        asked = {normal_email(action.buyer_email)}
        if {email.lower() for email in coupon.email_restrictions} != asked:
            wrong.append("restriction to the buyer")
    if action.usage_limit is not None and coupon.usage_limit != action.usage_limit:
        wrong.append("number of uses")
    if action.ends_at is not None and not _ends(coupon, end):
        wrong.append("end")
    return wrong


def _ends(coupon: CouponBody, end: datetime | None) -> bool:
    try:
        found = time_of(coupon.date_expires_gmt, "date_expires_gmt")
    except PayloadInvalid:
        return False
    return found is not None and (end is None or found == end)


def _same(held: str | None, asked: str) -> bool:
    if held is None or not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,12})?", held, re.ASCII):
        return False
    return Decimal(held) == Decimal(asked)


def _undo(client: WooClient, coupon: CouponBody, code: str, wrong: list[str]) -> None:
    what = f"The shop made the coupon {code} otherwise than asked ({', '.join(wrong)})"
    try:
        client.delete(f"coupons/{coupon.id}")
    except AdapterError as err:
        raise InvalidRequest(
            f"{what} and it could not be deleted: delete it by hand.", platform=PLATFORM
        ) from err
    raise InvalidRequest(f"{what}; it was deleted again.", platform=PLATFORM)


def _result(coupon: CouponBody, *, adopted: bool) -> WriteResult:
    detail = [("coupon", str(coupon.id)), ("code", coupon.code)]
    if coupon.date_expires_gmt:
        detail.append(("ends_at", f"{coupon.date_expires_gmt}Z"))
    return WriteResult(coupon.code, adopted=adopted, detail=tuple(detail))
