"""A discount code as a text tells it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from connector.errors import PayloadInvalid
from connector.messages.formats import date_text, money_text, percent_text
from connector.model.money import to_minor

_SPAN: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FREE_SHIPPING: Final = {"es": "envío gratis", "en": "free shipping"}


def coupon_words(
    coupon: Mapping[str, Any], currency: str, timezone: str, language: str
) -> dict[str, str | None]:
    """Give the words for a code; what is not set is None."""
    last = _last_moment(coupon)
    return {
        "code": str(coupon["code"]) if coupon.get("code") else None,
        "value": _value(coupon, currency, language),
        "expires_on": date_text(last, timezone, language) if last is not None else None,
        "min_total": _amount(coupon.get("min_total"), currency, language),
    }


def _value(coupon: Mapping[str, Any], currency: str, language: str) -> str | None:
    kind = str(coupon.get("kind", ""))
    if kind == "free_shipping":
        return _FREE_SHIPPING[language]
    if coupon.get("value") is None:
        return None
    if kind == "percent":
        return percent_text(str(coupon["value"]), language)
    return _amount(coupon["value"], currency, language)


def _amount(value: object, currency: str, language: str) -> str | None:
    if value is None or not str(value):
        return None
    try:
        return money_text(to_minor(str(value), currency), currency, language)
    except PayloadInvalid:
        return None


def _last_moment(coupon: Mapping[str, Any]) -> datetime | None:
    end = _time(coupon.get("ends_at"))
    if end is None:
        made_at = _time(coupon.get("made_at"))
        span = _SPAN.fullmatch(str(coupon.get("expires") or ""))
        if made_at is None or span is None:
            return None
        end = made_at + timedelta(**{_UNITS[span[2]]: int(span[1])})
    # A code that ends at midnight is good until the day before.
    return end - timedelta(seconds=1)


def _time(value: object) -> datetime | None:
    if isinstance(value, str) and value:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
