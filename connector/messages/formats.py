"""Amounts and days as people write them, in Spanish and in English."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.model.money import decimal_text

# An amount and its symbol must not part at a line end.
_HARD_SPACE: Final = "\u00a0"

_SYMBOLS: Final = {
    "es": {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "US$"},
    "en": {"EUR": "€", "GBP": "£", "JPY": "¥", "USD": "$"},
}
_MONTHS: Final = {
    "es": [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}


def money_text(minor: int, currency: str, language: str) -> str:
    """Write an amount, like `1.234,50 €` or `€1,234.50`.

    Args: minor: whole minor units. language: `es` or `en`.
    """
    whole, _, cents = decimal_text(abs(minor), currency).partition(".")
    grouped = f"{int(whole):,}"
    sign = "-" if minor < 0 else ""
    symbol = _SYMBOLS[language].get(currency)
    if language == "es":
        number = grouped.replace(",", ".") + (f",{cents}" if cents else "")
        return f"{sign}{number}{_HARD_SPACE}{symbol or currency}"
    number = grouped + (f".{cents}" if cents else "")
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{currency}{_HARD_SPACE}{number}"


def percent_text(value: str, language: str) -> str:
    """Write a percentage, like `12,5 %` or `12.5%`; `value` is decimal text."""
    try:
        plain = f"{Decimal(value).normalize():f}"
    except InvalidOperation:
        plain = value
    if language == "es":
        return f"{plain.replace('.', ',')}{_HARD_SPACE}%"
    return f"{plain}%"


def date_text(at: datetime, timezone: str, language: str) -> str:
    """Write the day of a time, like `3 de diciembre de 2026`.

    Args: at: aware. timezone: an IANA name; UTC when it is not known.
    """
    local = at.astimezone(_zone(timezone))
    month = _MONTHS[language][local.month - 1]
    between = " de " if language == "es" else " "
    return f"{local.day}{between}{month}{between}{local.year}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
