"""The connected shops: how each stands, a look at it now, and its settings."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from connector.errors import PostventaError
from connector.storage.access import Role
from webhooks.admin import access
from webhooks.admin.access import application, needs, signed_in, visitor, write_down
from webhooks.admin.forms import go_on, typed
from webhooks.install.first_look import first_look
from webhooks.install.pages import shown
from webhooks.shops import check_shop

pages = Blueprint("shops", __name__)

_MOST_NAME: Final = 200


@pages.get("/shops")
@signed_in
def shops() -> ResponseReturnValue:
    """List the shops of the visitor."""
    with application().storage.reading() as tx:
        rows = access.shops_of(visitor(), tx)
    return render_template("admin/shops.html", rows=rows)


@pages.get("/shops/<shop_id>/settings")
@needs(Role.VIEWER)
def settings(shop_id: str) -> ResponseReturnValue:
    """Show what is known of a shop, and what can be set."""
    del shop_id
    return _page()


@pages.post("/shops/<shop_id>/settings")
@needs(Role.OWNER)
def save(shop_id: str) -> ResponseReturnValue:
    """Keep the settings."""
    shop, name, contact = access.shop(), typed(request, "name"), typed(request, "contact")
    errors = {}
    if not name or len(name) > _MOST_NAME or not name.isprintable():
        errors["name"] = "settings.name_wrong"
    if len(contact) > _MOST_NAME or not contact.isprintable():
        errors["contact"] = "settings.contact_wrong"
    if errors:
        return _page(errors=errors, typed_name=name, typed_contact=contact), 422
    kept = {key: value for key, value in shop.settings.items() if key != "contact"}
    if contact:
        kept["contact"] = contact
    app = application()
    with app.storage.transaction() as tx:
        tx.update_shop(shop.id, settings=kept, facts={"name": name})
        write_down(tx, "shop.settings_changed", shop_id=shop.id)
    app.engine.shops.forget(shop.id)
    return go_on("admin.shops.settings", "saved", shop_id=shop_id)


@pages.post("/shops/<shop_id>/check")
@needs(Role.EDITOR)
def check(shop_id: str) -> ResponseReturnValue:
    """Look at the shop now: the same look as `postventa shops check`."""
    app, shop = application(), access.shop()
    mend = typed(request, "mend") == "yes"
    with app.storage.transaction() as tx:
        write_down(tx, "shop.mended" if mend else "shop.checked", shop_id=shop.id)
    checks: list[Mapping[str, str]] = []
    try:
        looked: dict[str, Any] = check_shop(app, shop_id, mend=mend)
        checks = [shown(one, g.language) for one in first_look(app, shop)]
    except PostventaError as err:
        looked = {"ok": False, "problems": [str(err)]}
    return _page(looked=looked, checks=checks)


def _page(**values: Any) -> str:
    shop = access.shop()
    with application().storage.reading() as tx:
        shown = tx.shop(shop.id) or shop
    return render_template("admin/settings.html", shown=shown, **values)
