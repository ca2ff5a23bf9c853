"""One order: what came, what happened, why rules acted or not, and what was done."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, abort, g, render_template
from flask.typing import ResponseReturnValue

from connector.flows.why_words import reason_words
from connector.model.order import OrderRef, ShopId
from connector.storage.access import Role
from connector.storage.port import Transaction
from webhooks.admin import access
from webhooks.admin.access import application, needs, write_down
from webhooks.exports import plain

pages = Blueprint("timeline", __name__)

# An order that was told of more often shows the newest.
_MOST: Final = 200
_MOST_ID: Final = 2**63 - 1
_MOST_SHOWN: Final = 200_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline.

    Attributes:
        kind: `delivery`, `occurrence`, `evaluation`, `effect` or `message`; its template
            part has that name.
    """

    at: datetime
    kind: str
    what: Any
    more: Any = None


# Of one instant: first what came, then what it meant, then what was made of it.
_ORDER: Final = ("delivery", "occurrence", "evaluation", "effect", "message")


@pages.get("/shops/<shop_id>/orders/<path:ref>")
@needs(Role.VIEWER)
def order(shop_id: str, ref: str) -> ResponseReturnValue:
    """Show one order with its timeline."""
    with application().storage.reading() as tx:
        stored = tx.order(ShopId(shop_id), OrderRef(ref))
        entries = timeline(tx, ShopId(shop_id), OrderRef(ref))
    if stored is None and not entries:
        abort(404)
    return render_template(
        "admin/order.html",
        ref=ref,
        order=stored.order if stored else None,
        stored=stored,
        entries=entries,
    )


@pages.get("/shops/<shop_id>/deliveries/<int:number>")
@needs(Role.VIEWER)
def delivery(shop_id: str, number: int) -> ResponseReturnValue:
    """Show word for word what a shop sent; the log keeps who looked."""
    if number > _MOST_ID:
        abort(404)
    app = application()
    with app.storage.reading() as tx:
        row = tx.delivery(number)
    if row is None or row.shop_id != shop_id:
        abort(404)
    with app.storage.transaction() as tx:
        write_down(tx, "delivery.read", shop_id=access.shop().id, delivery=number)
    body = None if row.body is None else pretty(row.body)
    return render_template("admin/delivery.html", row=row, body=body)


def timeline(tx: Transaction, shop_id: ShopId, ref: OrderRef) -> Sequence[Entry]:
    """Read everything that is known of an order, in the order of time."""
    entries = [
        Entry(row.received_at, "delivery", row) for row in tx.deliveries_of(shop_id, ref, _MOST)
    ]
    for happened in tx.occurrences_of(shop_id, ref)[-_MOST:]:
        entries.append(Entry(happened.seen_at, "occurrence", happened))
        entries.extend(
            Entry(answer["at"], "evaluation", answer, happened.occurrence.kind)
            for answer in tx.evaluation_of(happened.id)
        )
    effects = tx.effects_of(shop_id, ref)[-_MOST:]
    entries.extend(
        Entry(effect.done_at or effect.due_at, "effect", effect, tx.attempts_of(effect.key))
        for effect in effects
    )
    sent = tx.messages_of([effect.key for effect in effects])
    entries.extend(Entry(one.sent_at, "message", one.message) for one in sent)
    entries.sort(key=lambda entry: (entry.at, _ORDER.index(entry.kind)))
    return entries


def pretty(body: bytes) -> str:
    """Write a body for reading: JSON with line breaks, anything else as it is."""
    text = body.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    return text[:_MOST_SHOWN]


def condition_text(value: Any) -> str:
    """Write a value that a condition asked for or saw."""
    told = plain(value)
    if told is None:
        return "—"
    return told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)


@pages.app_template_filter("reason")
def _reason(text: str) -> str:
    """Put a stored reason into the reader's language, where it is one of ours."""
    return reason_words(text, g.language)


@pages.app_template_filter("condition_text")
def _condition_text(value: Any) -> str:
    return condition_text(value)
