"""Bring together what a text may name, and render it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.flows.engine import Engine
from connector.flows.run_rules import view_of
from connector.messages.compose import SkipMessage, compose
from connector.messages.placeholders import context_of, language_of
from connector.messages.render import render_text
from connector.model.effect import EffectKind
from connector.model.message import Message
from connector.model.order import Order
from connector.storage.records import EffectRecord, ShopRecord

__all__ = ["SkipMessage", "message_of", "note_text", "rendered"]


def rendered(
    engine: Engine,
    shop: ShopRecord,
    effect: EffectRecord,
    order: Order,
    source: str,
    *,
    to_buyer: bool,
) -> str:
    """Render a short text of an action, like a note.

    Args: to_buyer: amounts and dates in the buyer's language; else in that of the shop.

    Raises: MessageInvalid: it names something that is not there.
    """
    return note_text(shop, order, source, coupon=_coupon_of(engine, effect), to_buyer=to_buyer)


def note_text(
    shop: ShopRecord,
    order: Order,
    source: str,
    *,
    coupon: Mapping[str, Any] | None,
    to_buyer: bool,
) -> str:
    """Render a short text whose code, if it names one, is at hand.

    Raises: MessageInvalid: it names something that is not there.
    """
    view = view_of(shop)
    reader = order if to_buyer else replace(order, buyer=replace(order.buyer, locale=shop.locale))
    context = context_of(order, view, coupon=coupon, language=language_of(reader, view))
    return render_text(source, context)


def message_of(engine: Engine, shop: ShopRecord, effect: EffectRecord, order: Order) -> Message:
    """Render the message of an effect.

    Raises:
        SkipMessage: there is no address, or no basis for this class of message.
        MessageInvalid: the text cannot be rendered.
    """
    return compose(
        effect.planned.payload,
        key=effect.planned.key,
        order=order,
        shop=view_of(shop),
        coupon=_coupon_of(engine, effect),
    )


def _coupon_of(engine: Engine, effect: EffectRecord) -> Mapping[str, Any] | None:
    """Give the code that the same rule made for the same occurrence, once it is done."""
    if effect.planned.waits_for is None:
        return None
    with engine.storage.reading() as tx:
        made = tx.effect(effect.planned.waits_for)
    if made is None or made.planned.kind is not EffectKind.COUPON:
        return None
    return {**made.planned.payload, **made.result, "made_at": made.created_at}
