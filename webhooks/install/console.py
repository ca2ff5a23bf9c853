"""The admin pages' part in connecting a WooCommerce shop: a code, a link, the plugin."""

from typing import Final

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from adapters.shops.woocommerce.plugin_zip import plugin_zip, zip_name
from connector.errors import ConfigurationError
from connector.storage.access import Role
from webhooks.admin.access import application, needs_everywhere, visitor, write_down
from webhooks.admin.forms import typed
from webhooks.install.binding import InstallRefused
from webhooks.install.woocommerce import begin, make_code
from webhooks.install.wording import catalog, language_of, text

_BAD: Final = 422

pages = Blueprint("connect", __name__, template_folder="templates")


@pages.get("/connect/woocommerce")
@needs_everywhere(Role.OWNER)
def woocommerce() -> ResponseReturnValue:
    """Ask for the address of the shop."""
    return _page()


@pages.post("/connect/woocommerce")
@needs_everywhere(Role.OWNER)
def make() -> ResponseReturnValue:
    """Make a connection code for a shop, and the link to its page for granting keys."""
    app, url, actor = application(), typed(request, "url"), visitor().actor
    try:
        begun = begin(app, url, by=actor)
        address = make_code(app, by=actor, url=url)
    except (InstallRefused, ConfigurationError) as err:
        reason = err.reason if isinstance(err, InstallRefused) else "address"
        detail = err.detail if isinstance(err, InstallRefused) else str(err)
        wrong = f"{text(_language(), 'refused', reason)} {detail}"
        return _page(url=url, wrong=wrong), _BAD
    with app.storage.transaction() as tx:
        write_down(tx, "shop.code_made", url=url)
    return _page(url=url, address=address, authorize=begun.authorize_url)


@pages.get("/connect/woocommerce/plugin.zip")
@needs_everywhere(Role.OWNER)
def plugin() -> ResponseReturnValue:
    """Give the plugin as a zip."""
    answer = Response(plugin_zip(), mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{zip_name()}"'
    return answer


def _language() -> str:
    from flask import g

    return language_of(str(g.get("language") or ""))


def _page(**values: str) -> str:
    words = catalog(_language())["console"]
    return render_template("admin_connect.html", words=words, **values)
