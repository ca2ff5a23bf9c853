"""Stored rows as lines of JSON: the shapes that scripts build on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, Final

from connector.model.customer import Address, Buyer
from connector.model.order import Order, ShopId
from connector.model.parcel import Parcel
from connector.storage.limits import AttemptRecord
from connector.storage.records import EffectRecord, MessageRecord, ShopRecord
from webhooks.wiring import Application

Line = dict[str, Any]
WHAT: Final = ("orders", "occurrences", "evaluations", "effects", "messages", "attempts")


def time_text(at: datetime | None) -> str | None:
    """Write a time as ISO 8601 in UTC, like `2026-11-22T08:00:00Z`."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def order_line(shop: str, order: Order, order_count: int | None) -> Line:
    """Write one order.

    Args: order_count: orders of this buyer in all connected shops, this one included.
    """
    return {
        "shop": shop,
        "ref": str(order.ref),
        "number": order.number,
        "state": str(order.state),
        "platform_state": order.platform_state,
        "payment_state": str(order.payment_state),
        "fulfillment_state": str(order.fulfillment_state),
        "currency": order.currency,
        "total_minor": order.total_minor,
        "refunded_minor": order.refunded_minor,
        "tax_minor": order.tax_minor,
        "shipping_minor": order.shipping_minor,
        "discount_minor": order.discount_minor,
        "placed_at": time_text(order.placed_at),
        "modified_at": time_text(order.modified_at),
        "paid_at": time_text(order.paid_at),
        "completed_at": time_text(order.completed_at),
        "canceled_at": time_text(order.canceled_at),
        "buyer": _buyer(order.buyer, order_count),
        "billing_address": _address(order.billing_address),
        "shipping_address": _address(order.shipping_address),
        "lines": [
            {
                "ref": line.ref,
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "total_minor": line.total_minor,
                "tax_minor": line.tax_minor,
                "product_ref": line.product_ref,
                "variant_ref": line.variant_ref,
            }
            for line in order.lines
        ],
        "shipping_lines": [asdict(line) for line in order.shipping_lines],
        "fees": [asdict(fee) for fee in order.fees],
        "taxes": [asdict(tax) for tax in order.taxes],
        "discount_codes": list(order.discount_codes),
        "parcels": [_parcel(parcel) for parcel in order.parcels],
        "refunds": [
            {
                "ref": refund.ref,
                "amount_minor": refund.amount_minor,
                "reason": refund.reason,
                "at": time_text(refund.at),
            }
            for refund in order.refunds
        ],
        "tags": list(order.tags),
        "note": order.note,
        "payment_method": order.payment_method,
        "created_via": order.created_via,
        "test": order.test,
    }


def _buyer(buyer: Buyer, order_count: int | None) -> Line:
    return {
        "ref": buyer.ref,
        "name": buyer.name,
        "email": buyer.email,
        "phone": buyer.phone,
        "locale": buyer.locale,
        "order_count": order_count,
    }


def _address(address: Address | None) -> Line | None:
    return None if address is None else asdict(address)


def _parcel(parcel: Parcel) -> Line:
    return {
        "ref": parcel.ref,
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "tracking_url": parcel.tracking_url,
        "state": str(parcel.state),
        "shipped_at": time_text(parcel.shipped_at),
        "delivered_at": time_text(parcel.delivered_at),
    }


def occurrence_line(row: Mapping[str, Any]) -> Line:
    """Write something that happened to an order."""
    return {
        "id": row["id"],
        "shop": str(row["shop"]),
        "order": str(row["order"]),
        "kind": str(row["kind"]),
        "discriminator": row["discriminator"],
        "occurred_at": time_text(row["occurred_at"]),
        "seen_at": time_text(row["seen_at"]),
        "own": bool(row["own"]),
    }


def evaluation_line(row: Mapping[str, Any]) -> Line:
    """Write why a rule acted or not, with each value that was seen."""
    return {
        "shop": str(row["shop"]),
        "order": str(row["order"]),
        "rule": row["rule"],
        "version": row["version"],
        "occurrence": row["occurrence"],
        "verdict": str(row["verdict"]),
        "at": time_text(row["at"]),
        "conditions": [plain(seen) for seen in row["conditions"]],
    }


def effect_line(effect: EffectRecord) -> Line:
    """Write one intended write to the outside and how far it has come."""
    planned = effect.planned
    return {
        "key": planned.key,
        "shop": str(planned.shop_id),
        "order": str(planned.order_ref),
        "rule": planned.rule_id,
        "rule_version": planned.rule_version,
        "occurrence": planned.occurrence_id,
        "kind": str(planned.kind),
        "state": str(effect.state),
        "reason": effect.reason,
        "created_at": time_text(effect.created_at),
        "due_at": time_text(effect.due_at),
        "done_at": time_text(effect.done_at),
        "attempts": effect.attempts,
        "waits_for": planned.waits_for,
        "result": plain(effect.result),
    }


def attempt_line(attempt: AttemptRecord) -> Line:
    """Write one try of an effect; `ended_at` is null when its process was killed."""
    return {
        "shop": str(attempt.shop_id),
        "effect": attempt.effect_key,
        "number": attempt.number,
        "started_at": time_text(attempt.started_at),
        "ended_at": time_text(attempt.ended_at),
        "outcome": attempt.outcome or None,
        "detail": plain(attempt.detail),
    }


def message_line(record: MessageRecord) -> Line:
    """Write one message that was handed over."""
    message = record.message
    return {
        "key": message.key,
        "shop": str(message.shop_id),
        "order": None if message.order_ref is None else str(message.order_ref),
        "channel": message.channel,
        "class": str(message.message_class),
        "to": message.to,
        "to_name": message.to_name,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "locale": message.locale,
        "basis": message.basis,
        "reference": message.reference,
        "sent_at": time_text(record.sent_at),
        "result": plain(record.result),
    }


def shop_line(shop: ShopRecord, webhook_url: str) -> Line:
    """Write one connected shop, without its keys."""
    return {
        "id": str(shop.id),
        "platform": shop.platform,
        "name": shop.name,
        "address": shop.address,
        "state": str(shop.state),
        "currency": shop.currency,
        "timezone": shop.timezone,
        "country": shop.country,
        "region": shop.region,
        "created_at": time_text(shop.created_at),
        "last_delivery_at": time_text(shop.last_delivery_at),
        "polled_until": time_text(shop.polled_until),
        "webhook_url": webhook_url,
        "webhooks": dict(shop.webhooks),
    }


def plain(value: Any) -> Any:
    """Turn records and times into what JSON can hold."""
    if isinstance(value, datetime):
        return time_text(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(part) for name, part in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _order_row(row: Mapping[str, Any]) -> Line:
    return order_line(str(row["shop"]), row["order"], row["order_count"])


def _effect_row(row: Mapping[str, Any]) -> Line:
    return effect_line(row["record"])


def _attempt_row(row: Mapping[str, Any]) -> Line:
    return attempt_line(row["attempt"])


def _message_row(row: Mapping[str, Any]) -> Line:
    return message_line(MessageRecord(row["message"], row["sent_at"], row["result"]))


LINES: Final[Mapping[str, Callable[[Mapping[str, Any]], Line]]] = {
    "orders": _order_row,
    "occurrences": occurrence_line,
    "evaluations": evaluation_line,
    "effects": _effect_row,
    "messages": _message_row,
    "attempts": _attempt_row,
}
"""One function for each word of WHAT: a row of `Storage.iterate` becomes a line."""


def export_lines(app: Application, what: str, shop_id: str | None = None) -> Iterator[Line]:
    """Give the lines of an export one by one.

    Args: what: one of WHAT. shop_id: all shops when None.
    """
    make = LINES[what]
    for row in app.storage.iterate(what, None if shop_id is None else ShopId(shop_id)):
        yield make(row)
