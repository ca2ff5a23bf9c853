"""Turn a planned effect into what is written into the shop."""

from datetime import datetime, timedelta
from typing import Any

from connector.errors import Unsupported
from connector.flows.compose_message import SkipMessage, rendered
from connector.flows.engine import Engine
from connector.model.effect import EffectKind
from connector.model.money import decimal_text, to_minor
from connector.model.order import Order
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    DiscountKind,
    RemoveTags,
    SetStatus,
    WriteBack,
)
from connector.rules.actions import expiry_of
from connector.rules.coupons import marker
from connector.storage.records import EffectRecord, ShopRecord


def action_of(engine: Engine, shop: ShopRecord, effect: EffectRecord, order: Order) -> WriteBack:
    """Give the write an effect stands for, its texts rendered for this order.

    Raises:
        MessageInvalid: a text of it cannot be rendered.
        SkipMessage: the order lacks what it needs.
    """
    planned = effect.planned
    payload = planned.payload
    if planned.kind is EffectKind.NOTE:
        to_buyer = bool(payload.get("to_buyer", False))
        text = rendered(engine, shop, effect, order, str(payload["text"]), to_buyer=to_buyer)
        return AddNote(order.ref, text, marker(planned.key), to_buyer=to_buyer)
    if planned.kind is EffectKind.TAG:
        return _tags(order, payload)
    if planned.kind is EffectKind.STATUS:
        return SetStatus(order.ref, str(payload["status"]))
    if planned.kind is EffectKind.COUPON:
        return _coupon(shop, effect, order)
    raise Unsupported(f"an effect of kind {planned.kind} is no write", platform=shop.platform)


def _tags(order: Order, payload: dict[str, Any]) -> WriteBack:
    if payload.get("add"):
        return AddTags(order.ref, tuple(payload["add"]))
    return RemoveTags(order.ref, tuple(payload.get("remove", ())))


def _coupon(shop: ShopRecord, effect: EffectRecord, order: Order) -> CreateDiscountCode:
    payload = effect.planned.payload
    currency = shop.currency or order.currency
    kind = DiscountKind(payload["kind"])
    value = str(payload.get("value", "0"))
    if kind is DiscountKind.FIXED:
        value = decimal_text(to_minor(value, currency), currency)
    only_buyer = bool(payload.get("only_buyer", True))
    if only_buyer and not (order.buyer.email or order.buyer.ref):
        # Bound to nobody, the code would be good for everybody.
        raise SkipMessage("the code is for one buyer, and the order names none")
    # The day it was planned, not today: a later try must ask for the same code.
    starts_at = effect.created_at
    return CreateDiscountCode(
        code=str(payload["code"]),
        kind=kind,
        value=value,
        currency=currency,
        title=f"Postventa {effect.planned.rule_id}",
        marker=marker(effect.planned.key),
        starts_at=starts_at,
        ends_at=_ends_at(payload, starts_at),
        usage_limit=payload.get("uses", 1),
        min_total=payload.get("min_total"),
        buyer_email=order.buyer.email if only_buyer else None,
        buyer_ref=order.buyer.ref if only_buyer else None,
        order_ref=order.ref,
    )


def _ends_at(payload: dict[str, Any], starts_at: datetime) -> datetime | None:
    span: timedelta | None = expiry_of(payload)
    return starts_at + span if span is not None else None
