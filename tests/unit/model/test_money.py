"""Money: exact minor units, whatever number of decimals the shop writes."""

# ruff: noqa: RUF001 - letters of other scripts are what is tested

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import PayloadInvalid
from connector.model.money import (
    MAX_MINOR,
    Money,
    decimal_text,
    exponent,
    is_currency,
    to_minor,
)

CURRENCIES = ("EUR", "JPY", "KWD", "CLF", "XTS")


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [
        *[("EUR", 2), ("USD", 2), ("MXN", 2), ("HUF", 2), ("MGA", 2), ("XTS", 2)],
        *[("JPY", 0), ("KRW", 0), ("CLP", 0), ("ISK", 0), ("PYG", 0), ("UGX", 0), ("XOF", 0)],
        *[("BHD", 3), ("IQD", 3), ("JOD", 3), ("KWD", 3), ("LYD", 3), ("OMR", 3), ("TND", 3)],
        *[("CLF", 4), ("UYW", 4)],
    ],
)
def test_decimals_of_currencies(currency: str, decimals: int) -> None:
    """Each currency has the decimals of ISO 4217, and an unknown one has two."""
    assert exponent(currency) == decimals


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("43.74", "EUR", 4374),
        ("43.7", "EUR", 4370),
        ("43", "EUR", 4300),
        ("0", "EUR", 0),
        ("0.00", "EUR", 0),
        ("  12.50\n", "EUR", 1250),
        ("007.10", "EUR", 710),
        ("1980", "JPY", 1980),
        ("4.125", "KWD", 4125),
        ("4.1", "KWD", 4100),
        ("1.2345", "CLF", 12345),
        ("-5", "EUR", -500),
        ("-0.01", "EUR", -1),
        ("-0", "EUR", 0),
    ],
)
def test_amount_in_own_decimals(text: str, currency: str, minor: int) -> None:
    """An amount counts in the smallest coin of its currency."""
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1980.00", "JPY", 1980),
        ("1980.49", "JPY", 1980),
        ("1980.50", "JPY", 1981),
        ("19.9900", "EUR", 1999),
        ("10.004999999999", "EUR", 1000),
        ("10.005", "EUR", 1001),
        ("2.675", "EUR", 268),
        ("1.005", "EUR", 101),
        ("0.0005", "KWD", 1),
        ("0.00049", "KWD", 0),
        ("0.00005", "CLF", 1),
        ("-10.004", "EUR", -1000),
        ("-10.005", "EUR", -1001),
        ("-0.5", "JPY", -1),
        ("-0.4", "JPY", 0),
    ],
)
def test_shop_with_other_decimals_than_currency(text: str, currency: str, minor: int) -> None:
    """More decimals than the currency has are rounded, half a unit away from zero."""
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "-", ".", ".5", "5.", "+5", "--5", "- 5"],
        *["1_000", "1,50", "1.234,56", "1,234.56", "1 000", "1.2.3"],
        *["NaN", "nan", "sNaN", "Infinity", "-inf", "1e5", "1E5", "0x10"],
        *["٤٣", "４３.７４", "1²", "43.74 EUR", "€5", "null", "None", "5\x00"],
        *["1234567890123456", "1.1234567890123", "9" * 400],
    ],
)
def test_what_is_no_plain_decimal(text: str) -> None:
    """Only an optional minus, ASCII digits and one dot make an amount."""
    with pytest.raises(PayloadInvalid, match="is not an amount of money"):
        to_minor(text, "EUR")


def test_largest_amounts() -> None:
    """Fifteen digits are read exactly; what passes the limit in minor units is refused."""
    assert to_minor("999999999999999.99", "EUR") == 99_999_999_999_999_999
    assert to_minor("-999999999999999", "JPY") == -999_999_999_999_999
    assert to_minor("100000000000000", "KWD") == MAX_MINOR == 100_000_000_000_000_000
    for text in ("100000000000000.001", "-100000000000000.001"):
        with pytest.raises(PayloadInvalid, match="not a believable amount"):
            to_minor(text, "KWD")
    with pytest.raises(PayloadInvalid, match="not a believable amount"):
        to_minor("999999999999999.995", "CLF")


def test_refusal_is_short() -> None:
    """A refused text is quoted with 40 letters at most."""
    with pytest.raises(PayloadInvalid) as caught:
        to_minor("x" * 5000, "EUR")
    assert str(caught.value) == f"{'x' * 40!r} is not an amount of money"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (4374, "EUR", "43.74"),
        (5, "EUR", "0.05"),
        (50, "EUR", "0.50"),
        (0, "EUR", "0.00"),
        (-5, "EUR", "-0.05"),
        (-4374, "EUR", "-43.74"),
        (1980, "JPY", "1980"),
        (0, "JPY", "0"),
        (-7, "JPY", "-7"),
        (4125, "KWD", "4.125"),
        (1, "KWD", "0.001"),
        (12345, "CLF", "1.2345"),
        (-1, "CLF", "-0.0001"),
    ],
)
def test_written_decimals(minor: int, currency: str, text: str) -> None:
    """Minor units are written with all decimals of the currency and a leading zero."""
    assert decimal_text(minor, currency) == text
    assert str(Money(minor, currency)) == f"{text} {currency}"


@settings(deadline=None)
@given(
    minor=st.integers(-(10**15) + 1, 10**15 - 1),
    currency=st.sampled_from(CURRENCIES),
)
def test_written_amounts_are_read_back(minor: int, currency: str) -> None:
    """What is written is read back as the same number, and has the same worth."""
    text = decimal_text(minor, currency)
    assert to_minor(text, currency) == minor
    assert Decimal(text) * 10 ** exponent(currency) == minor


@settings(deadline=None)
@given(
    whole=st.integers(0, 10**12),
    part=st.text("0123456789", min_size=1, max_size=12),
    minus=st.booleans(),
    currency=st.sampled_from(CURRENCIES),
)
def test_rounding_is_never_off_by_more_than_half(
    whole: int, part: str, minus: bool, currency: str
) -> None:
    """Any amount comes within half a unit of its worth, and a minus only turns its sign."""
    minor = to_minor(f"{whole}.{part}", currency)
    places = exponent(currency)
    # In units of the twelfth decimal behind the coin, as whole numbers.
    worth = int(str(whole) + part.ljust(12, "0")) * 10**places
    assert abs(minor * 10**12 - worth) * 2 <= 10**12
    assert to_minor(f"{'-' if minus else ''}{whole}.{part}", currency) == (
        -minor if minus else minor
    )


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than PayloadInvalid."""
    try:
        minor = to_minor(text, "EUR")
    except PayloadInvalid:
        return
    assert text.strip().isascii()
    assert abs(minor) <= MAX_MINOR


@pytest.mark.parametrize("code", ["EUR", "JPY", "XXX"])
def test_currency_codes(code: str) -> None:
    """Three capital letters have the shape of a currency."""
    assert is_currency(code)


@pytest.mark.parametrize("code", ["", "eur", "EU", "EURO", "E1R", "EUR\n", " EUR", "ЕUR", "ÑÑÑ"])
def test_what_is_no_currency_code(code: str) -> None:
    """Anything but three capital ASCII letters is no currency."""
    assert not is_currency(code)


def test_currency_is_part_of_the_amount() -> None:
    """The same number in two currencies is not the same money."""
    assert Money(500, "EUR") == Money(500, "EUR")
    assert Money(500, "EUR") != Money(500, "USD")
