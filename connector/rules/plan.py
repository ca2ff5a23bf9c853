"""Turn a rule that held into planned effects."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connector.messages.placeholders import language_of
from connector.messages.render import uses
from connector.messages.templates import load_template
from connector.model.effect import EffectKind, PlannedEffect
from connector.model.event import Occurrence
from connector.model.order import Order
from connector.rules.context import names_coupon
from connector.rules.coupons import coupon_code, marker
from connector.rules.delays import due_at
from connector.rules.fields import ShopView
from connector.rules.reading import duration_text
from connector.rules.rule import (
    Action,
    CouponAction,
    LocalText,
    MessageAction,
    NoteAction,
    OncePer,
    Rule,
    StatusAction,
    TagAction,
    Window,
)

_Step = tuple[Action, dict[str, Any]]


def plan_effects(
    rule: Rule,
    version: int,
    occurrence_id: int,
    occurrence: Occurrence,
    order: Order,
    shop_view: ShopView,
    now: datetime,
    secret: bytes,
) -> list[PlannedEffect]:
    """Plan the effects of a rule for one occurrence.

    The same call gives the same keys, codes and marks again. A tag action that adds
    and removes becomes two effects. Steps count from 1.

    Args: secret: the key from which codes are derived.
    """
    due = due_at(
        rule.delay,
        now=now,
        occurred_at=occurrence.occurred_at,
        timezone=shop_view.timezone,
        country=shop_view.country,
        region=shop_view.region,
    )
    planned: list[PlannedEffect] = []
    coupon_key: str | None = None
    for step, (action, payload) in enumerate(_steps(rule, order, shop_view), start=1):
        key = effect_key(rule.id, occurrence, step)
        payload["marker"] = marker(key)
        if rule.delay.window is not None:
            # The hours are looked at once more when the effect is sent.
            payload["window"] = _window_text(rule.delay.window)
            payload["timezone"] = shop_view.timezone
        if isinstance(action, CouponAction):
            payload["code"] = coupon_code(action.prefix, key, secret)
        planned.append(
            PlannedEffect(
                key,
                occurrence.shop_id,
                order.ref,
                rule.id,
                version,
                occurrence_id,
                step,
                action.kind,
                payload,
                due,
                waits_for=coupon_key if _hands_out(action) else None,
                # After a long stop nobody wants yesterday's greeting.
                expires_at=due + rule.max_age,
            )
        )
        if action.kind is EffectKind.COUPON:
            coupon_key = key
    return planned


def effect_key(rule_id: str, occurrence: Occurrence, step: int) -> str:
    """Name one effect; the same rule, occurrence and step have one key for ever.

    The key is made of what happened and not of a row's number: after a rebuild, or
    with an older backup restored, the codes and marks are the same and are found in
    the shop.
    """
    return ":".join(
        (
            occurrence.shop_id,
            rule_id,
            occurrence.order_ref,
            occurrence.kind,
            occurrence.discriminator,
            str(step),
        )
    )


def once_key(rule: Rule, occurrence: Occurrence, buyer_id: int | None) -> str:
    """Name that for which a rule acts once.

    A buyer who is not known counts as another one with every order.
    """
    ref, part = occurrence.order_ref, occurrence.discriminator
    match rule.once_per:
        case OncePer.BUYER:
            return f"order:{ref}" if buyer_id is None else f"buyer:{buyer_id}"
        case OncePer.PARCEL:
            return f"parcel:{ref}:{part}"
        case OncePer.REFUND:
            return f"refund:{ref}:{part}"
        case OncePer.ORDER:
            return f"order:{ref}"


def _hands_out(action: Action) -> bool:
    """Tell whether an action waits for the coupon before it: it names the code."""
    if isinstance(action, MessageAction):
        if action.template is not None and action.body is None:
            return uses(load_template(action.template, "es").body, "coupon")
        return names_coupon(action.body) or names_coupon(action.subject)
    return isinstance(action, NoteAction) and names_coupon(action.text)


def _steps(rule: Rule, order: Order, shop: ShopView) -> Iterator[_Step]:
    for action in rule.actions:
        match action:
            case TagAction():
                if action.add:
                    yield action, {"add": list(action.add)}
                if action.remove:
                    yield action, {"remove": list(action.remove)}
            case NoteAction():
                # Staff read their own language, the buyer that of the order.
                locale = language_of(order, shop) if action.to_buyer else _staff_locale(shop)
                yield action, {"text": action.text.of(locale), "to_buyer": action.to_buyer}
            case CouponAction():
                yield action, _coupon(action)
            case StatusAction():
                yield action, {"status": action.word(shop.platform) or ""}
            case MessageAction():
                yield action, _message(action)


def _staff_locale(shop: ShopView) -> str:
    return shop.locale or ("es" if shop.country == "ES" else "en")


def _coupon(action: CouponAction) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "kind": action.discount.value,
        "prefix": action.prefix,
        "expires": duration_text(action.expires),
        "uses": action.uses,
        "only_buyer": action.only_buyer,
        "min_total": action.min_total,
    }
    if action.value:
        payload["value"] = action.value
    return payload


def _message(action: MessageAction) -> dict[str, Any]:
    return {
        "template": action.template,
        "channel": action.channel,
        "class": action.message_class.value,
        "subject": _texts(action.subject),
        "body": _texts(action.body),
    }


def _texts(text: LocalText | None) -> dict[str, str] | None:
    if text is None:
        return None
    # A text of one language says so, that dates and amounts around it agree with it.
    return {text.only: text.of(text.only)} if text.only else {"es": text.es, "en": text.en}


def _window_text(window: Window) -> str:
    return f"{window.opens:%H:%M}-{window.closes:%H:%M}"
