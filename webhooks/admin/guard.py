"""Whether a visitor may see a page."""

from typing import Final

from flask import g, request

from connector.model.order import ShopId
from connector.storage.records import ShopState
from webhooks.admin.access import Needs, Scope, Visitor
from webhooks.wiring import Application

WHO: Final = 401
NOT_ALLOWED: Final = 403
NOT_THERE: Final = 404


def refusal(wanted: Needs | None, known: Visitor | None, app: Application) -> int:
    """Give the status with which a visitor is refused, or 0; the page's shop is found here.

    A shop that is not theirs is told apart from none in nothing.
    """
    if wanted is None:
        # A page that declares nothing is not shown.
        return NOT_THERE
    if wanted.scope is Scope.PUBLIC:
        return 0
    if known is None:
        return WHO
    if wanted.scope is Scope.EVERYWHERE:
        return 0 if known.may_everywhere(wanted.role) else NOT_ALLOWED
    if wanted.scope is Scope.SHOP:
        return _of_shop(wanted, known, app)
    return 0


def _of_shop(wanted: Needs, known: Visitor, app: Application) -> int:
    shop_id = str((request.view_args or {}).get("shop_id", ""))
    if known.role_in(shop_id) is None:
        return NOT_THERE
    with app.storage.reading() as tx:
        found = tx.shop(ShopId(shop_id))
    if found is None or found.state is ShopState.REMOVED:
        return NOT_THERE
    g.shop = found
    return 0 if known.may(wanted.role, shop_id) else NOT_ALLOWED
