"""The closed list of fields: name, type, choices and what they mean."""

from dataclasses import dataclass
from typing import Final

from connector.model.order import FulfillmentState, OrderState, PaymentState
from connector.model.parcel import ParcelState
from connector.rules.rule import FieldType


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `choices` are the words a choice can be."""

    name: str
    type: FieldType
    es: str
    en: str
    choices: tuple[str, ...] = ()


_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_T = FieldType
_ALL: Final = (
    Field("order.number", _T.TEXT, "Número que ve la gente, como #1001", "Number as people see it"),
    Field("order.total", _T.MONEY, "Total vendido, con impuestos", "Total as sold, with tax"),
    Field(
        "order.subtotal",
        _T.MONEY,
        "Artículos tras descuentos, con impuestos, sin envío",
        "Goods after discounts, with tax, without shipping",
    ),
    Field("order.shipping", _T.MONEY, "Gastos de envío", "Shipping cost"),
    Field("order.discount", _T.MONEY, "Descuentos", "Discounts"),
    Field("order.tax", _T.MONEY, "Impuestos", "Taxes"),
    Field("order.refunded", _T.MONEY, "Dinero devuelto hasta ahora", "Money refunded so far"),
    Field("order.currency", _T.TEXT, "Moneda, como EUR", "Currency, like EUR"),
    Field(
        "order.state",
        _T.CHOICE,
        "Estado del pedido, igual en todas las plataformas",
        "State of the order, the same on every platform",
        tuple(OrderState),
    ),
    Field(
        "order.platform_state",
        _T.TEXT,
        "Estado con la palabra de la plataforma",
        "State in the platform's own word",
    ),
    Field(
        "order.payment_state", _T.CHOICE, "Estado del pago", "State of payment", tuple(PaymentState)
    ),
    Field(
        "order.fulfillment_state",
        _T.CHOICE,
        "Estado del envío según la tienda",
        "What the shop says of the goods",
        tuple(FulfillmentState),
    ),
    Field(
        "order.payment_method",
        _T.TEXT,
        "Código del método de pago",
        "Code of the payment method, like bacs",
    ),
    Field(
        "order.created_via",
        _T.TEXT,
        "Por dónde entró el pedido, como checkout o admin",
        "How the order came, like checkout or admin",
    ),
    Field("order.note", _T.TEXT, "Nota que dejó el comprador", "Note the buyer left"),
    Field("order.test", _T.FLAG, "Pedido de prueba", "A test order"),
    Field("order.tags", _T.TEXTS, "Etiquetas del pedido", "Tags of the order"),
    Field("order.skus", _T.TEXTS, "SKU de los artículos", "SKUs of the items"),
    Field(
        "order.product_refs",
        _T.TEXTS,
        "Identificadores de producto en la plataforma",
        "Product ids of the platform",
    ),
    Field("order.product_names", _T.TEXTS, "Nombres de los artículos", "Names of the items"),
    Field("order.item_count", _T.NUMBER, "Unidades, de todas las líneas", "Units, of all lines"),
    Field("order.parcel_count", _T.NUMBER, "Número de paquetes", "Number of parcels"),
    Field("order.discount_codes", _T.TEXTS, "Cupones usados", "Discount codes used"),
    Field(
        "order.shipping_methods", _T.TEXTS, "Formas de envío elegidas", "Shipping methods chosen"
    ),
    Field(
        "order.country",
        _T.TEXT,
        "País de entrega, dos letras; si falta, el de facturación",
        "Country of delivery, two letters; billing where there is none",
    ),
    Field("order.region", _T.TEXT, "Provincia o región, como la da la tienda", "Region, as told"),
    Field("order.postal_code", _T.TEXT, "Código postal", "Postal code"),
    Field("order.city", _T.TEXT, "Ciudad", "City"),
    Field("order.placed_at", _T.TIME, "Cuándo se hizo el pedido", "When it was placed"),
    Field("order.paid_at", _T.TIME, "Cuándo se pagó", "When it was paid"),
    Field(
        "order.weekday",
        _T.CHOICE,
        "Día de la semana del pedido, hora de la tienda",
        "Day of the week it was placed, in the shop's zone",
        _DAYS,
    ),
    Field(
        "order.hour",
        _T.NUMBER,
        "Hora del pedido, de 0 a 23, hora de la tienda",
        "Hour it was placed, 0 to 23, in the shop's zone",
    ),
    Field(
        "buyer.order_count",
        _T.NUMBER,
        "Pedidos de esta persona en todas las tiendas, con este",
        "Orders of this person in all shops, this one included",
    ),
    Field("buyer.email_domain", _T.TEXT, "Lo que sigue a la @", "What follows the @"),
    Field("buyer.has_email", _T.FLAG, "Hay correo", "An e-mail address is known"),
    Field("buyer.has_phone", _T.FLAG, "Hay teléfono", "A phone number is known"),
    Field("buyer.locale", _T.TEXT, "Idioma y país, como es-ES", "Language and country, like es-ES"),
    Field("buyer.language", _T.TEXT, "Idioma, como es", "Language, like es"),
    Field(
        "buyer.accepts_marketing",
        _T.FLAG,
        "Dio permiso para ofertas por correo; sin respuesta es false",
        "Allowed offers by e-mail; no answer counts as false",
    ),
    Field("buyer.is_guest", _T.FLAG, "Compró sin cuenta", "Bought without an account"),
    Field("parcel.carrier", _T.TEXT, "Transportista", "Carrier, as the shop names it"),
    Field("parcel.service", _T.TEXT, "Servicio del transportista", "Service of the carrier"),
    Field("parcel.state", _T.CHOICE, "Dónde está el paquete", "Where it is", tuple(ParcelState)),
    Field("parcel.has_number", _T.FLAG, "Hay número de envío", "A tracking number is known"),
    Field("refund.amount", _T.MONEY, "Importe de esta devolución", "Amount of this refund"),
    Field("refund.reason", _T.TEXT, "Motivo de la devolución", "Reason of the refund"),
    Field("shop.platform", _T.TEXT, "Plataforma de la tienda", "Platform of the shop"),
    Field("shop.currency", _T.TEXT, "Moneda de la tienda", "Currency of the shop"),
    Field("shop.country", _T.TEXT, "País de la tienda", "Country of the shop"),
    Field("shop.locale", _T.TEXT, "Idioma de la tienda", "Locale of the shop"),
)

FIELDS: Final = {known.name: known for known in _ALL}
META: Final = Field(
    "order.meta.<key>",
    _T.TEXT,
    "Campo propio del pedido con esa clave",
    "The shop's extra field with that key",
)
