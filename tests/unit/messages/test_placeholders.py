"""The values that texts get for an order, in both languages."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.messages.clean import clean_line
from connector.messages.formats import date_text, money_text, percent_text
from connector.messages.placeholders import PLACEHOLDERS, context_of, language_of, names
from connector.messages.render import check, render_text
from connector.messages.samples import SAMPLE_COUPON, SAMPLE_ORDER, SAMPLE_SHOP, sample_context
from connector.model.customer import Address, Buyer
from connector.model.order import LineItem
from connector.model.parcel import Parcel, ParcelState

NBSP = "\u00a0"


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("name", sorted(names()))
def test_every_placeholder_is_real(name: str, language: str) -> None:
    """Each listed name passes the check and has a value in the sample."""
    kind = next(place.kind for place in PLACEHOLDERS if place.name == name)
    source = f"{{% for i in {name} %}}x{{% endfor %}}" if kind == "list" else f"{{{{ {name} }}}}"

    assert check(source) == []
    assert render_text(source, sample_context(language)).strip()


def test_every_value_is_listed() -> None:
    """What the sample holds and what the list names are the same."""
    context = sample_context("es")
    held = {
        f"{root}.{name}" if isinstance(values, dict) else root
        for root, values in context.items()
        for name in (values if isinstance(values, dict) else [root])
    }
    assert held == names()


def test_every_placeholder_is_explained_twice() -> None:
    """Both languages have a sentence for each name."""
    for place in PLACEHOLDERS:
        assert place.help_es.endswith(".")
        assert place.help_en.endswith(".")


def test_names_that_always_have_a_value_do() -> None:
    """An order with nothing in it still has all values that are promised."""
    bare = replace(
        SAMPLE_ORDER,
        buyer=Buyer(),
        lines=(),
        shipping_lines=(),
        parcels=(),
        shipping_address=None,
        note=None,
    )
    shop = replace(SAMPLE_SHOP, url="", contact="")
    context = context_of(bare, shop, language="es")
    for place in PLACEHOLDERS:
        if place.always and place.kind != "list":
            assert render_text(f"{{{{ {place.name} }}}}", context) != ""
    assert context["carrier"] == "aún por asignar"
    assert context["buyer"]["greeting"] == "Hola"
    assert context["buyer"]["first_name"] == "cliente"
    assert "parcel" not in context
    assert "coupon" not in context


@pytest.mark.parametrize(
    ("minor", "currency", "es", "en"),
    [
        (123450, "EUR", f"1.234,50{NBSP}€", "€1,234.50"),
        (5, "EUR", f"0,05{NBSP}€", "€0.05"),
        (-4374, "EUR", f"-43,74{NBSP}€", "-€43.74"),
        (123456789, "USD", f"1.234.567,89{NBSP}US$", "$1,234,567.89"),
        (1500, "JPY", f"1.500{NBSP}¥", "¥1,500"),
        (1234567, "KWD", f"1.234,567{NBSP}KWD", f"KWD{NBSP}1,234.567"),
        (99900, "MXN", f"999,00{NBSP}MXN", f"MXN{NBSP}999.00"),
        (-100, "MXN", f"-1,00{NBSP}MXN", f"-MXN{NBSP}1.00"),
    ],
)
def test_money(minor: int, currency: str, es: str, en: str) -> None:
    """Amounts have the language's signs and the currency's decimals."""
    assert money_text(minor, currency, "es") == es
    assert money_text(minor, currency, "en") == en


def test_dates_are_those_of_the_shop() -> None:
    """A day is the day in the shop's zone: 23:30 UTC is tomorrow in Madrid."""
    late = datetime(2026, 12, 2, 23, 30, tzinfo=UTC)

    assert date_text(late, "Europe/Madrid", "es") == "3 de diciembre de 2026"
    assert date_text(late, "Europe/Madrid", "en") == "3 December 2026"
    assert date_text(late, "America/Bogota", "es") == "2 de diciembre de 2026"
    assert date_text(late, "Nowhere/Land", "en") == "2 December 2026"
    assert date_text(late, "", "en") == "2 December 2026"


def test_percentages() -> None:
    """A percentage loses needless noughts and has the language's comma."""
    assert percent_text("10", "es") == f"10{NBSP}%"
    assert percent_text("12.50", "es") == f"12,5{NBSP}%"
    assert percent_text("100", "en") == "100%"
    assert percent_text("7.5", "en") == "7.5%"


@pytest.mark.parametrize(
    ("first", "name", "language", "first_name", "greeting"),
    [
        ("Lucía", "Lucía Fernández", "es", "Lucía", "Hola, Lucía"),
        ("", "Ana María López", "es", "Ana", "Hola, Ana"),
        ("ANA MARÍA", "ANA MARÍA LÓPEZ", "en", "Ana María", "Hi Ana María"),
        ("josé", "", "es", "José", "Hola, José"),
        ("JJ", "", "en", "JJ", "Hi JJ"),
        ("", "", "es", "cliente", "Hola"),
        ("", "", "en", "customer", "Hello"),
        ("  ", " \u202e ", "en", "customer", "Hello"),
    ],
)
def test_how_people_are_greeted(
    first: str, name: str, language: str, first_name: str, greeting: str
) -> None:
    """Names are tidied, and nobody is greeted by an empty name."""
    order = replace(SAMPLE_ORDER, buyer=Buyer(name=name, first_name=first))
    buyer = context_of(order, SAMPLE_SHOP, language=language)["buyer"]

    assert (buyer["first_name"], buyer["greeting"]) == (first_name, greeting)


@pytest.mark.parametrize(
    ("locale", "billing", "shipping", "shop_locale", "shop_country", "language"),
    [
        ("es_MX", "US", "", "en", "US", "es"),
        ("en-GB", "ES", "", "es", "ES", "en"),
        ("ca", "ES", "", "", "", "es"),
        ("fr", "ES", "", "es", "ES", "en"),
        (None, "AR", "", "en", "US", "es"),
        (None, "DE", "", "es", "ES", "en"),
        (None, "", "PE", "en", "US", "es"),
        (None, "", "", "en_US", "ES", "en"),
        (None, "", "", "gl_ES", "", "es"),
        (None, "", "", "", "ES", "es"),
        (None, "", "", "", "", "en"),
    ],
)
def test_language_order(
    locale: str | None,
    billing: str,
    shipping: str,
    shop_locale: str,
    shop_country: str,
    language: str,
) -> None:
    """The order's locale wins, then the country, then the shop."""
    order = replace(
        SAMPLE_ORDER,
        buyer=Buyer(locale=locale),
        billing_address=Address(country=billing),
        shipping_address=Address(country=shipping),
    )
    shop = replace(SAMPLE_SHOP, locale=shop_locale, country=shop_country)

    assert language_of(order, shop) == language


def test_which_parcel_and_which_carrier() -> None:
    """The newest parcel with a number speaks; a canceled one does not."""
    boxes = (
        Parcel(ref="1", carrier="SEUR", service="24", tracking_number="S1"),
        Parcel(ref="2", carrier="GLS"),
        Parcel(ref="3", carrier="MRW", tracking_number="M3", state=ParcelState.CANCELED),
    )
    context = context_of(replace(SAMPLE_ORDER, parcels=boxes), SAMPLE_SHOP)
    named = context_of(replace(SAMPLE_ORDER, parcels=boxes), SAMPLE_SHOP, parcel=boxes[1])
    none = context_of(replace(SAMPLE_ORDER, parcels=boxes[2:]), SAMPLE_SHOP)

    assert context["parcel"] == {"carrier": "SEUR", "number": "S1"}
    assert context["carrier"] == "SEUR 24"
    assert named["carrier"] == "GLS"
    assert none["carrier"] == "Correos Paq Estándar"
    assert "parcel" not in none


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            {
                "code": "GRACIAS-7K2M9QWXTRB4",
                "value": f"10{NBSP}%",
                "expires_on": "2 de enero de 2027",
                "min_total": f"30,00{NBSP}€",
            },
        ),
        # Madrid is an hour ahead: the code ends at midnight there, so the day before counts.
        (
            {"ends_at": "2027-02-28T23:00:00+00:00", "min_total": None},
            {
                "code": "GRACIAS-7K2M9QWXTRB4",
                "value": f"10{NBSP}%",
                "expires_on": "28 de febrero de 2027",
            },
        ),
        (
            {"kind": "fixed", "value": "5.5", "expires": None, "min_total": ""},
            {"code": "GRACIAS-7K2M9QWXTRB4", "value": f"5,50{NBSP}€"},
        ),
        (
            {"kind": "free_shipping", "value": None, "made_at": None, "min_total": "x"},
            {"code": "GRACIAS-7K2M9QWXTRB4", "value": "envío gratis"},
        ),
    ],
)
def test_what_a_coupon_says(changes: dict[str, object], words: dict[str, str]) -> None:
    """Value, end and smallest purchase are written out; what is not set is left out."""
    coupon = {**SAMPLE_COUPON, **changes}

    assert context_of(SAMPLE_ORDER, SAMPLE_SHOP, coupon=coupon)["coupon"] == words


def test_a_shop_known_by_its_domain_has_a_web_address() -> None:
    """A bare domain becomes an address that can be opened."""
    shop = replace(SAMPLE_SHOP, url="x.myshopify.com")

    assert context_of(SAMPLE_ORDER, shop)["shop"]["url"] == "https://x.myshopify.com"


def test_long_and_broken_values_become_one_line() -> None:
    """A value is one line of bounded length."""
    line = LineItem("1", "a\r\nb\t c" + "x" * 500, 1, 100)
    item = context_of(replace(SAMPLE_ORDER, lines=(line,)), SAMPLE_SHOP)["order"]["items"][0]

    assert item["name"].startswith("a b cx")
    assert len(item["name"]) == 300
    assert item["name"].endswith("…")
    assert clean_line("  a\u2028b ") == "a b"
