"""What the story must lead to, order by order, worked out by hand from story and rules.

Staff notes are in the language of the shop: the pretend WooCommerce says English, the
pretend Shopify is in Spain. Messages are in the language of the buyer.
"""

from typing import Final

from webhooks.demo import cast
from webhooks.demo.cast import Buyer
from webhooks.demo.expect import CODE, SHOPIFY, WOO, Expected

# Effects of the rules: welcome is a message, a note and a tag; first_gift a code and a note;
# transfer a note and a tag; second_thanks a code, a message and a note;
# confirmation and on_its_way are a message each, money_back is a note.
_TAG: Final = "postventa-welcome"
_ON_ITS_WAY_ES: Final = "Tu pedido {number} va en camino"


def _newcomer(key: str, buyer: Buyer) -> Expected:
    """Give what a first paid order in WooCommerce leads to, and nothing more."""
    return Expected(
        key,
        WOO,
        buyer.name,
        buyer.email,
        notes=(
            f"Welcome sent to {buyer.name}: this is their first order.",
            f"Code {CODE} made for {buyer.first_name}.",
        ),
        tags=(_TAG,),
        code="HOLA",
        mails=(f"Hola, {buyer.first_name}: ya tenemos tu pedido {{number}}",),
        effects=5,
    )


EXPECTED: Final = (
    # Shipped and completed as well; no second thanks, for WooCommerce knows no permission.
    Expected(
        "ana",
        WOO,
        "Ana Ruiz",
        "ana.ruiz@example.com",
        notes=(
            "Welcome sent to Ana Ruiz: this is their first order.",
            f"Code {CODE} made for Ana.",
        ),
        tags=(_TAG,),
        code="HOLA",
        mails=("Hola, Ana: ya tenemos tu pedido {number}", _ON_ITS_WAY_ES),
        effects=6,
    ),
    # Not her first order; shipped, so completed, and here she allowed offers.
    Expected(
        "ana_again",
        SHOPIFY,
        "Ana Ruiz",
        "ana.ruiz@example.com",
        notes=(f"Segundo gracias enviado con el vale {CODE}.",),
        code="GRACIAS",
        mails=(
            "Tu pedido {number} está en marcha",
            _ON_ITS_WAY_ES,
            "Gracias otra vez, y un detalle para tu próxima compra",
        ),
        effects=5,
    ),
    # On hold, then paid, then a part paid back.
    Expected(
        "luis",
        WOO,
        "Luis Ortega",
        "luis.ortega@example.com",
        notes=(
            "Luis pays by transfer: we wait for the money.",
            "Welcome sent to Luis Ortega: this is their first order.",
            f"Code {CODE} made for Luis.",
            "A part was paid back to Luis.",
        ),
        tags=("transferencia", _TAG),
        code="HOLA",
        mails=("Hola, Luis: ya tenemos tu pedido {number}",),
        effects=8,
    ),
    # An English buyer in a Spanish shop; shipped, and a part paid back.
    Expected(
        "emily",
        SHOPIFY,
        "Emily Carter",
        "emily.carter@example.com",
        notes=(
            "Bienvenida enviada a Emily Carter: es su primer pedido.",
            f"Vale {CODE} creado para Emily.",
            "Se devolvió una parte a Emily.",
        ),
        tags=(_TAG,),
        code="HOLA",
        mails=(
            "Hi Emily, we have your order {number}",
            "Your order {number} is on its way",
        ),
        effects=7,
    ),
    # Canceled before anything was done: welcome and first_gift are both skipped.
    Expected("marta", WOO, "Marta Vidal", "marta.vidal@example.com", effects=5, skipped=5),
    # Webhooks backwards: as any first order that was shipped; he allowed no offers.
    Expected(
        "carlos",
        SHOPIFY,
        "Carlos Peña",
        "carlos.pena@example.com",
        notes=(
            "Bienvenida enviada a Carlos Peña: es su primer pedido.",
            f"Vale {CODE} creado para Carlos.",
        ),
        tags=(_TAG,),
        code="HOLA",
        mails=("Hola, Carlos: ya tenemos tu pedido {number}", _ON_ITS_WAY_ES),
        effects=6,
    ),
    # Lost webhooks and lost answers change nothing.
    _newcomer("sofia", cast.SOFIA),
    _newcomer("nuria", cast.NURIA),
    Expected(
        "james",
        SHOPIFY,
        "James Walsh",
        "james.walsh@example.com",
        notes=(
            "Bienvenida enviada a James Walsh: es su primer pedido.",
            f"Vale {CODE} creado para James.",
        ),
        tags=(_TAG,),
        code="HOLA",
        mails=("Hi James, we have your order {number}",),
        effects=5,
    ),
)
