"""What rules still have planned, and what needs a person."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from connector.model.order import ShopId
from connector.storage.access import Role
from connector.storage.listings import EffectList
from connector.storage.port import Transaction
from webhooks.admin import access
from webhooks.admin.access import application, needs, write_down
from webhooks.admin.forms import go_on, local_time, typed
from webhooks.admin.pages.orders import read_place, write_place
from webhooks.admin.site import zone

pages = Blueprint("effects", __name__)

PAGE: Final = 50
CANCELED: Final = "canceled by a person"
_MOST_ID: Final = 2**63 - 1
_FAR: Final = timedelta(days=400)


@pages.get("/shops/<shop_id>/effects")
@needs(Role.VIEWER)
def scheduled(shop_id: str) -> ResponseReturnValue:
    """List what is planned, in the order in which it is due."""
    return _list(shop_id, EffectList.SCHEDULED)


@pages.get("/shops/<shop_id>/failed")
@needs(Role.VIEWER)
def failed(shop_id: str) -> ResponseReturnValue:
    """List what needs a person, newest first."""
    return _list(shop_id, EffectList.DEAD)


def _list(shop_id: str, which: EffectList) -> ResponseReturnValue:
    after = read_place(request.args.get("after", ""))
    with application().storage.reading() as tx:
        rows = tx.effects_page(ShopId(shop_id), which, after=after, limit=PAGE + 1)
        deliveries = []
        if which is EffectList.DEAD and after is None:
            deliveries = list(tx.dead_deliveries(ShopId(shop_id), PAGE))
        refs = [effect.planned.order_ref for _, effect in rows]
        known = tx.orders_page(ShopId(shop_id), refs=refs, limit=len(refs)) if refs else []
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return render_template(
        "admin/effects.html",
        numbers={stored.order.ref: stored.order.number for _, stored in known},
        which=which.value,
        rows=[effect for _, effect in rows],
        deliveries=deliveries,
        after=write_place(rows[-1][0]) if more else "",
        now=application().clock.now(),
    )


@pages.post("/shops/<shop_id>/effects")
@needs(Role.EDITOR)
def act(shop_id: str) -> ResponseReturnValue:
    """Move an effect, send it now, cancel it, or try again what failed."""
    app = application()
    what, key = typed(request, "act"), typed(request, "key")
    now = app.clock.now()
    doing = _ACTS.get(what)
    page = "admin.effects.failed" if what == "retry" else "admin.effects.scheduled"
    if doing is None:
        return go_on(page, "nothing_done", shop_id=shop_id)
    with app.storage.transaction() as tx:
        said = doing(tx, ShopId(shop_id), key, now)
        if said in _DONE:
            write_down(tx, f"effect.{said}", shop_id=access.shop().id, effect=key)
    app.bell.ring(ShopId(shop_id))
    return go_on(page, said, shop_id=shop_id)


def _move(tx: Transaction, shop_id: ShopId, key: str, now: datetime) -> str:
    at = local_time(typed(request, "due_at"), zone())
    if at is None or not now <= at <= now + _FAR:
        return "no_such_time"
    return "moved" if tx.move_effect(shop_id, key, at) else "too_late"


def _now(tx: Transaction, shop_id: ShopId, key: str, now: datetime) -> str:
    return "sent_now" if tx.move_effect(shop_id, key, now) else "too_late"


def _cancel(tx: Transaction, shop_id: ShopId, key: str, now: datetime) -> str:
    done = tx.cancel_effect(shop_id, key, reason=CANCELED, now=now)
    return "canceled" if done else "too_late"


def _retry(tx: Transaction, shop_id: ShopId, key: str, now: datetime) -> str:
    if key.isascii() and key.isdecimal():
        row = tx.delivery(int(key)) if int(key) <= _MOST_ID else None
        ours = row is not None and row.shop_id == shop_id and row.state == "dead"
        done = ours and tx.reopen_delivery(int(key), now=now)
    else:
        effect = tx.effect(key)
        ours = effect is not None and effect.planned.shop_id == shop_id
        done = ours and tx.reopen_effect(key, now=now)
    return "retried" if done else "too_late"


_ACTS: Final[Mapping[str, Callable[[Transaction, ShopId, str, datetime], str]]] = {
    "move": _move,
    "now": _now,
    "cancel": _cancel,
    "retry": _retry,
}
_DONE: Final = frozenset({"moved", "sent_now", "canceled", "retried"})
