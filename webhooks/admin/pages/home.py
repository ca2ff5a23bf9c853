"""The first page: how each shop is doing, what waits, what failed, what happened last."""

from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from connector.jobs.switch import KILL_SWITCH
from connector.model.order import OrderRef
from connector.storage.access import Role
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord, ShopState
from webhooks.admin import access
from webhooks.admin.access import application, needs, signed_in, visitor

pages = Blueprint("home", __name__)

MOST: Final = 1_000
"""More of one kind is not counted."""
_LATE: Final = timedelta(minutes=15)
_LATELY: Final = 12


@pages.get("/")
@signed_in
def start() -> ResponseReturnValue:
    """Show all shops of the visitor; with only one, that shop."""
    app = application()
    with app.storage.reading() as tx:
        shops = access.shops_of(visitor(), tx)
        if len(shops) == 1:
            return redirect(url_for("admin.home.shop_home", shop_id=shops[0].id), 303)
        cards = [{"shop": one, **_standing(tx, one)} for one in shops]
        stopped = tx.value(KILL_SWITCH)
    return render_template("admin/home.html", cards=cards, stopped=stopped, most=MOST)


@pages.get("/shops/<shop_id>/")
@needs(Role.VIEWER)
def shop_home(shop_id: str) -> ResponseReturnValue:
    """Show one shop."""
    del shop_id
    shop = access.shop()
    with application().storage.reading() as tx:
        standing = _standing(tx, shop)
        stopped = tx.value(KILL_SWITCH)
        lately = tx.occurrences_lately(shop.id, _LATELY)
        refs = [OrderRef(ref) for ref in {row.occurrence.order_ref for row in lately}]
        known = tx.orders_page(shop.id, refs=refs, limit=len(refs)) if refs else []
    orders = {stored.order.ref: stored.order for _, stored in known}
    return render_template(
        "admin/shop_home.html",
        stopped=stopped,
        lately=lately,
        orders=orders,
        most=MOST,
        **standing,
    )


def _standing(tx: Transaction, shop: ShopRecord) -> dict[str, Any]:
    counts = tx.standing_of_shop(shop.id, late=application().clock.now() - _LATE, most=MOST)
    failed = counts.deliveries_dead + counts.effects_dead
    off = sorted(topic for topic, state in shop.webhooks.items() if state != "active")
    if shop.state is not ShopState.CONNECTED:
        health = "stopped"
    elif off or failed or counts.effects_late:
        health = "look"
    else:
        health = "well"
    return {"counts": counts, "failed": failed, "off": off, "health": health}
