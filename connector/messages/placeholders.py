"""What a text may name, and the values it gets for one order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connector.messages.clean import clean_line
from connector.messages.formats import date_text, money_text
from connector.messages.offers import coupon_words
from connector.messages.shop_words import ShopWords
from connector.model.customer import Address, Buyer
from connector.model.order import Order
from connector.model.parcel import Parcel, ParcelState


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One name that a text may use.

    Attributes:
        kind: `text`, `number` or `list`.
        needs: what must be there for it: `order`, `parcel` or `coupon`.
        always: whether it has a value for every order; the others are asked for with
            `{% if … %}` or given a `default`.
    """

    name: str
    kind: str
    needs: str
    always: bool
    help_es: str
    help_en: str


def _p(name: str, help_es: str, help_en: str, *, kind: str = "text", always: bool = True) -> Any:
    root = name.split(".", maxsplit=1)[0]
    needs = root if root in {"parcel", "coupon"} else "order"
    return Placeholder(name, kind, needs, always and needs == "order", help_es, help_en)


PLACEHOLDERS: Final[tuple[Placeholder, ...]] = (
    _p("order.number", "El número del pedido.", "The order's number."),
    _p("order.total", "El total, con impuestos y moneda.", "The total, with tax and currency."),
    _p("order.subtotal", "Los artículos sin el envío.", "The items without shipping."),
    _p("order.shipping", "Los gastos de envío.", "The cost of shipping."),
    _p("order.tax", "Los impuestos incluidos.", "The tax included."),
    _p("order.discount", "Lo descontado.", "What was taken off."),
    _p("order.refunded", "Lo devuelto hasta ahora.", "What was paid back so far."),
    _p("order.currency", "La moneda, como EUR.", "The currency, like EUR."),
    _p("order.item_count", "Cuántas unidades.", "How many units.", kind="number"),
    _p(
        "order.items",
        "Los artículos: se recorren con `for`; cada uno tiene name, quantity, total y sku.",
        "The items: go through them with `for`; each has name, quantity, total and sku.",
        kind="list",
    ),
    _p("order.placed_on", "El día de la compra.", "The day it was ordered."),
    _p(
        "order.shipping_method",
        "La forma de envío elegida.",
        "The way of shipping that was chosen.",
        always=False,
    ),
    _p(
        "order.shipping_address",
        "La dirección de entrega, en una línea.",
        "The delivery address, on one line.",
        always=False,
    ),
    _p("order.note", "Lo que escribió el comprador.", "What the buyer wrote.", always=False),
    _p("buyer.name", "El nombre completo.", "The full name."),
    _p(
        "buyer.first_name",
        "El nombre de pila; «cliente» si no se sabe.",
        "The first name; “customer” when it is not known.",
    ),
    _p(
        "buyer.greeting",
        "«Hola, Ana», o solo «Hola» si no se sabe el nombre.",
        "“Hi Ana”, or “Hello” when the name is not known.",
    ),
    _p("buyer.email", "El correo del comprador.", "The buyer's e-mail address.", always=False),
    _p("buyer.phone", "El teléfono del comprador.", "The buyer's phone.", always=False),
    _p(
        "buyer.order_count",
        "Cuántos pedidos lleva en todas las tiendas.",
        "Orders so far, in all shops.",
        kind="number",
        always=False,
    ),
    _p("shop.name", "El nombre de la tienda.", "The shop's name."),
    _p("shop.url", "La web de la tienda.", "The shop's web address.", always=False),
    _p("shop.contact", "Cómo hablar con una persona.", "How to reach a person.", always=False),
    _p(
        "carrier",
        "Quién lo lleva; «aún por asignar» si no se sabe.",
        "Who brings it; “not assigned yet” when it is not known.",
    ),
    _p("parcel.carrier", "El transportista del paquete.", "The parcel's carrier."),
    _p("parcel.number", "El número de seguimiento.", "The tracking number."),
    _p("parcel.url", "El enlace de seguimiento.", "The tracking link."),
    _p("coupon.code", "El código del cupón.", "The coupon's code."),
    _p("coupon.value", "Lo que descuenta, como «10 %».", "What it takes off, like “10%”."),
    _p("coupon.expires_on", "El último día para usarlo.", "The last day to use it."),
    _p("coupon.min_total", "La compra mínima.", "The smallest purchase it is good for."),
)
ITEM_FIELDS: Final = ("name", "quantity", "total", "sku")
_NAMES: Final = frozenset(place.name for place in PLACEHOLDERS)

# Source: ISO 3166-1; where Spanish is what most people read. Checked 2026-11-22.
_SPANISH_SPEAKING: Final = frozenset(
    "ES MX AR CO PE CL EC GT CU BO DO HN PY SV NI CR PA UY VE GQ PR".split()  # noqa: SIM905 - reads better
)
# Who reads Catalan, Galician or Basque pages reads Spanish sooner than English.
_READS_SPANISH: Final = frozenset({"es", "ca", "gl", "eu", "ast", "an"})
_WORDS: Final = {
    "es": {"carrier": "aún por asignar", "buyer": "cliente", "hello": "Hola", "hi": "Hola, {}"},
    "en": {"carrier": "not assigned yet", "buyer": "customer", "hello": "Hello", "hi": "Hi {}"},
}


def names() -> frozenset[str]:
    """Give every name a text may use."""
    return _NAMES


def language_of(order: Order, shop: ShopWords) -> str:
    """Choose the language for an order's buyer.

    The order's own locale first, then the country, then the shop's locale.
    Returns: `es` or `en`.
    """
    if order.buyer.locale:
        return _language(order.buyer.locale)
    for address in (order.billing_address, order.shipping_address):
        if address is not None and address.country:
            return "es" if address.country.upper() in _SPANISH_SPEAKING else "en"
    if shop.locale:
        return _language(shop.locale)
    return "es" if shop.country.upper() in _SPANISH_SPEAKING else "en"


def context_of(
    order: Order,
    shop: ShopWords,
    *,
    coupon: Mapping[str, Any] | None = None,
    parcel: Parcel | None = None,
    language: str = "es",
) -> dict[str, Any]:
    """Give the values of all placeholders; what is not known has no key.

    Args: coupon: the code's plain data: `code`, `kind`, `value`, `expires`, `made_at`,
        `ends_at`, `min_total`. parcel: which one; else the newest of the order with a
        tracking number. language: `es` or `en`.
    """
    box = parcel if parcel is not None else _newest(order.parcels)
    context: dict[str, Any] = {
        "order": _order(order, shop, language),
        "buyer": _buyer(order.buyer, language),
        "shop": _known(
            {"name": _shop_name(shop), "url": _web_address(shop.url), "contact": shop.contact}
        ),
        "carrier": _carrier(order, box, language),
    }
    if box is not None:
        context["parcel"] = _known(
            {"carrier": box.carrier, "number": box.tracking_number, "url": box.tracking_url}
        )
    if coupon is not None:
        currency = shop.currency or order.currency
        context["coupon"] = _known(coupon_words(coupon, currency, shop.timezone, language))
    return context


def _language(locale: str) -> str:
    return "es" if locale.lower().replace("_", "-").split("-")[0] in _READS_SPANISH else "en"


def _known(values: Mapping[str, str | None]) -> dict[str, Any]:
    cleaned = {name: clean_line(value) for name, value in values.items() if value}
    return {name: value for name, value in cleaned.items() if value}


def _shop_name(shop: ShopWords) -> str:
    return clean_line(shop.name) or _web_address(shop.url).partition("://")[2] or "—"


def _web_address(url: str) -> str:
    # Some platforms name a shop by its domain alone.
    return url if not url or "://" in url else f"https://{url}"


def _order(order: Order, shop: ShopWords, language: str) -> dict[str, Any]:
    def money(minor: int) -> str:
        return money_text(minor, order.currency, language)

    methods = [clean_line(line.title) for line in order.shipping_lines]
    return {
        "total": money(order.total_minor),
        "subtotal": money(sum(line.total_minor for line in order.lines)),
        "shipping": money(order.shipping_minor),
        "tax": money(order.tax_minor),
        "discount": money(order.discount_minor),
        "refunded": money(order.refunded_minor),
        "item_count": sum(line.quantity for line in order.lines),
        "items": [
            {
                "name": clean_line(line.name),
                "quantity": line.quantity,
                "total": money(line.total_minor),
                "sku": clean_line(line.sku or ""),
            }
            for line in order.lines
        ],
        "placed_on": date_text(order.placed_at, shop.timezone, language),
    } | _known(
        {
            "number": clean_line(order.number) or order.ref,
            "currency": order.currency,
            "shipping_method": ", ".join(filter(None, methods)),
            "shipping_address": _one_line(order.shipping_address),
            "note": order.note,
        }
    )


def _one_line(address: Address | None) -> str:
    if address is None:
        return ""
    place = f"{address.postal_code} {address.city}".strip()
    return ", ".join(filter(None, (address.line1, address.line2, place)))


def _buyer(buyer: Buyer, language: str) -> dict[str, Any]:
    words = _WORDS[language]
    full = clean_line(buyer.name or f"{buyer.first_name} {buyer.last_name}", 120)
    first = clean_line(buyer.first_name, 60) or clean_line(full.split(" ", maxsplit=1)[0], 60)
    # People type their name in capitals or in none; a letter should not repeat that.
    if len(first) > 2 and (first.isupper() or first.islower()):  # noqa: PLR2004 - initials stay
        first = first.title()
    result = _known({"email": buyer.email, "phone": buyer.phone})
    result["name"] = full or words["buyer"]
    result["first_name"] = first or words["buyer"]
    result["greeting"] = words["hi"].format(first) if first else words["hello"]
    if buyer.order_count is not None:
        result["order_count"] = buyer.order_count
    return result


def _newest(parcels: tuple[Parcel, ...]) -> Parcel | None:
    open_ones = [box for box in parcels if box.state is not ParcelState.CANCELED]
    numbered = [box for box in open_ones if box.tracking_number]
    return next(reversed(numbered or open_ones), None)


def _carrier(order: Order, box: Parcel | None, language: str) -> str:
    if box is not None and clean_line(box.carrier):
        return clean_line(f"{box.carrier} {box.service}")
    for line in order.shipping_lines:
        if clean_line(line.title):
            return clean_line(line.title)
    return _WORDS[language]["carrier"]
