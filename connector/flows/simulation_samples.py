"""Some effects of a simulation, with their texts as the buyer would read them."""

from collections.abc import Iterator, Sequence
from typing import Any

from connector.errors import MessageInvalid
from connector.flows.compose_message import note_text
from connector.flows.fates import Fate
from connector.flows.run_rules import view_of
from connector.flows.tally import SAMPLES, RuleTally
from connector.messages.compose import SkipMessage, compose
from connector.model.effect import EffectKind
from connector.storage.records import ShopRecord


def sample_lines(shop: ShopRecord, tallies: Sequence[RuleTally]) -> list[dict[str, Any]]:
    """Give samples of all rules in turn, rendered."""
    return [{"rule": rule_id, **fate_line(shop, fate)} for rule_id, fate in _in_turn(tallies)]


def _in_turn(tallies: Sequence[RuleTally]) -> Iterator[tuple[str, Fate]]:
    left = SAMPLES
    for place in range(SAMPLES):
        for tally in tallies:
            if place < len(tally.samples) and left:
                left -= 1
                yield tally.rule.id, tally.samples[place]


def fate_line(shop: ShopRecord, fate: Fate) -> dict[str, Any]:
    """Give one effect as plain data, with its text."""
    planned = fate.planned
    return {
        "order": fate.order.number,
        "order_ref": str(planned.order_ref),
        "step": planned.step,
        "kind": planned.kind.value,
        "at": fate.at.isoformat().replace("+00:00", "Z"),
        "state": fate.state.value,
        "reason": fate.reason,
        **texts_of(shop, fate),
    }


def texts_of(shop: ShopRecord, fate: Fate) -> dict[str, Any]:
    """Render what an effect says; why not, when it cannot be rendered."""
    payload = fate.planned.payload
    try:
        match fate.planned.kind:
            case EffectKind.MESSAGE:
                message = compose(
                    payload,
                    key=fate.planned.key,
                    order=fate.order,
                    shop=view_of(shop),
                    coupon=fate.coupon,
                )
                return {
                    "to": message.to,
                    "class": message.message_class.value,
                    "subject": message.subject,
                    "text": message.text,
                    "html": message.html,
                }
            case EffectKind.NOTE:
                to_buyer = bool(payload.get("to_buyer"))
                text = note_text(
                    shop, fate.order, str(payload["text"]), coupon=fate.coupon, to_buyer=to_buyer
                )
                return {"to_buyer": to_buyer, "text": text}
            case EffectKind.COUPON:
                names = ("code", "kind", "value", "min_total", "expires", "uses")
                return {name: payload[name] for name in names if payload.get(name) is not None}
            case EffectKind.TAG:
                return {name: list(payload[name]) for name in ("add", "remove") if name in payload}
            case EffectKind.STATUS:
                return {"status": payload.get("status", "")}
    except (SkipMessage, MessageInvalid) as err:
        return {"text": "", "problem": str(err)}
