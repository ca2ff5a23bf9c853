"""Amounts as the pretend Shopify keeps and writes them.

Inside, an amount is an integer of the currency's minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

DECIMALS: Final = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def decimals(currency: str) -> int:
    """Tell how many decimals a currency has."""
    return DECIMALS.get(currency, 2)


def minor(amount: object, currency: str) -> int:
    """Read an amount written in major units.

    Raises: ValueError: it is no number.
    """
    try:
        number = Decimal(str(amount))
    except ArithmeticError as err:
        raise ValueError(f"not an amount: {amount!r}") from err
    return int(number.scaleb(decimals(currency)).to_integral_value(ROUND_HALF_UP))


def plain(amount_minor: int, currency: str) -> str:
    """Write an amount as webhooks do: with all of its decimals."""
    places = decimals(currency)
    return f"{Decimal(amount_minor).scaleb(-places):.{places}f}"


def trimmed(amount_minor: int, currency: str) -> str:
    """Write an amount as the GraphQL API does: 10.00 is "10.0"."""
    text = plain(amount_minor, currency)
    if "." not in text:
        return f"{text}.0"
    whole, rest = text.split(".")
    return f"{whole}.{rest.rstrip('0') or '0'}"


def share(amount_minor: int, part: int | Decimal, whole: int | Decimal) -> int:
    """Take part/whole of an amount, rounded half up."""
    if not whole:
        return 0
    return int((Decimal(amount_minor) * part / whole).to_integral_value(ROUND_HALF_UP))


def money_v2(amount_minor: int, currency: str) -> dict[str, str]:
    """Give the GraphQL type MoneyV2."""
    return {"amount": trimmed(amount_minor, currency), "currencyCode": currency}


@dataclass(frozen=True, slots=True)
class Rate:
    """Shop currency and buyer's currency of one order.

    Args:
        factor: what one unit of the shop's currency is in the buyer's.
    """

    shop: str
    buyer: str
    factor: Decimal = Decimal(1)

    def converted(self, amount_minor: int) -> int:
        """Turn an amount into the buyer's currency."""
        if self.shop == self.buyer:
            return amount_minor
        major = Decimal(amount_minor).scaleb(-decimals(self.shop)) * self.factor
        return int(major.scaleb(decimals(self.buyer)).to_integral_value(ROUND_HALF_UP))

    def back(self, amount_minor: int) -> int:
        """Turn an amount of the buyer's currency into the shop's."""
        if self.shop == self.buyer:
            return amount_minor
        major = Decimal(amount_minor).scaleb(-decimals(self.buyer)) / self.factor
        return int(major.scaleb(decimals(self.shop)).to_integral_value(ROUND_HALF_UP))

    def bag(self, amount_minor: int) -> dict[str, Any]:
        """Give the GraphQL type MoneyBag."""
        return {
            "shopMoney": money_v2(amount_minor, self.shop),
            "presentmentMoney": money_v2(self.converted(amount_minor), self.buyer),
        }

    def sets(self, amount_minor: int, key: str = "currency_code") -> dict[str, Any]:
        """Give the `*_set` object of a webhook body."""
        return {
            "shop_money": {"amount": plain(amount_minor, self.shop), key: self.shop},
            "presentment_money": {
                "amount": plain(self.converted(amount_minor), self.buyer),
                key: self.buyer,
            },
        }
