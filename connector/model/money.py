"""Money as integer minor units of an ISO 4217 currency, never a float."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from connector.errors import PayloadInvalid

# Source: ISO 4217:2015, list one, checked 2026-11-22. All others have two decimals.
_NO_DECIMALS: Final = frozenset(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split()  # noqa: SIM905 - reads better
)
_THREE_DECIMALS: Final = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_FOUR_DECIMALS: Final = frozenset(("CLF", "UYW"))

# Only plain ASCII digits: Decimal() would also read "1_000", "NaN" and Arabic digits.
_AMOUNT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
MAX_MINOR: Final = 10**17


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: `minor` whole units of the smallest coin of `currency`."""

    minor: int
    currency: str

    def __str__(self) -> str:
        """Write the amount as a plain decimal, like `43.74 EUR`."""
        return f"{decimal_text(self.minor, self.currency)} {self.currency}"


def exponent(currency: str) -> int:
    """Tell how many decimals a currency has.

    Args: currency: three capital letters; an unknown code counts as two decimals.
    Source: ISO 4217:2015, list one.
    """
    if currency in _NO_DECIMALS:
        return 0
    if currency in _THREE_DECIMALS:
        return 3
    if currency in _FOUR_DECIMALS:
        return 4
    return 2


def is_currency(code: str) -> bool:
    """Tell whether a text has the shape of a currency code."""
    return _CURRENCY.fullmatch(code) is not None


def to_minor(text: str, currency: str) -> int:
    """Read a decimal text as whole minor units, half a unit rounded up.

    Args: text: like `43.74`, `-5`, `4.125`; the shop's number of decimals may
        differ from the currency's.
    Raises: PayloadInvalid: not a plain decimal, or beyond all reason.
    """
    cleaned = text.strip()
    if not _AMOUNT.fullmatch(cleaned):
        raise PayloadInvalid(f"{text[:40]!r} is not an amount of money")
    scaled = Decimal(cleaned).scaleb(exponent(currency))
    minor = int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    if abs(minor) > MAX_MINOR:
        raise PayloadInvalid(f"{text[:40]!r} is not a believable amount of money")
    return minor


def decimal_text(minor: int, currency: str) -> str:
    """Write minor units as a decimal text with the currency's decimals."""
    places = exponent(currency)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(places + 1, "0")
    if places == 0:
        return sign + digits
    return f"{sign}{digits[:-places]}.{digits[-places:]}"
