"""The list of a shop's orders, page by page."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from connector.model.customer import normal_email
from connector.model.order import OrderRef, OrderState
from connector.storage.access import Role
from connector.storage.listings import Place
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord, StoredOrder
from webhooks.admin import access
from webhooks.admin.access import application, needs
from webhooks.admin.site import zone

pages = Blueprint("orders", __name__)

PAGE: Final = 50
_MOST_FOUND: Final = 500
_LONGEST: Final = 200


@pages.get("/shops/<shop_id>/orders")
@needs(Role.VIEWER)
def orders(shop_id: str) -> ResponseReturnValue:
    """List orders, placed last first."""
    del shop_id
    shop = access.shop()
    asked = {
        name: request.args.get(name, "")[:_LONGEST].strip()
        for name in ("q", "state", "since", "until")
    }
    with application().storage.reading() as tx:
        rows = _rows(tx, shop, asked, read_place(request.args.get("after", "")))
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    return render_template(
        "admin/orders.html",
        rows=[stored.order for _, stored in rows],
        asked=asked,
        states=[one.value for one in OrderState],
        after=write_place(rows[-1][0]) if more else "",
        first="after" not in request.args,
    )


def _rows(
    tx: Transaction, shop: ShopRecord, asked: Mapping[str, str], after: Place | None
) -> Sequence[tuple[Place, StoredOrder]]:
    wanted: dict[str, Any] = {"after": after, "limit": PAGE + 1}
    if asked["state"] in set(OrderState):
        wanted["state"] = OrderState(asked["state"])
    wanted["since"] = _day(asked["since"])
    last = _day(asked["until"])
    wanted["until"] = None if last is None else last + timedelta(days=1)
    if asked["q"]:
        wanted["refs"] = _found(tx, shop, asked["q"])
        if not wanted["refs"]:
            return []
    return tx.orders_page(shop.id, **wanted)


def _found(tx: Transaction, shop: ShopRecord, text: str) -> list[OrderRef]:
    """Find orders by a buyer's whole address, or by number."""
    email = normal_email(text)
    if email is None:
        return list(tx.refs_of_number(shop.id, text.lstrip("#")))[:_MOST_FOUND]
    buyer = tx.buyer_of([f"email:{email}"])
    return [] if buyer is None else list(tx.orders_of_buyer(buyer, shop.id, _MOST_FOUND))


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def write_place(place: Place) -> str:
    """Write where a page ends into an address."""
    return f"{place.at.timestamp():.6f}_{place.id}"


def read_place(text: str) -> Place | None:
    """Read it back; None for what was not written here."""
    at, _, number = text.partition("_")
    try:
        place = Place(datetime.fromtimestamp(float(at), UTC), int(number))
    except (ValueError, OverflowError, OSError):
        return None
    return place if 0 <= place.id < 2**63 else None
