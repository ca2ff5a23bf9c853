"""Store a WooCommerce shop whose owner has granted keys, and agree with its plugin."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from adapters.shops.woocommerce.adapter import WooCommerceAdapter
from connector.errors import AdapterError, ConfigurationError
from connector.model.order import ShopId
from connector.secret import Secret
from connector.storage.records import ShopRecord
from webhooks.install.handover import ADMIN_ORIGIN, OLD_PLUGIN_KEY, PLUGIN_KEY
from webhooks.shop_hooks import make_webhooks, update_shop
from webhooks.shop_keys import change_keys
from webhooks.shop_values import advice
from webhooks.shops import connect_woocommerce
from webhooks.urls import hook_address
from webhooks.wiring import Application

# 256 bits: nobody guesses one.
_BYTES: Final = 32
MAX_NAME: Final = 80


class InstallRefused(Exception):
    """A step of connecting a shop is refused.

    Attributes:
        reason: names the sentence that the page shows.
        detail: what else there is to say, like the shop's own words.
        back: where the person came from; empty when not known.
    """

    def __init__(self, reason: str, detail: str = "", back: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.back = back


@dataclass(frozen=True, slots=True)
class Connected:
    """The last step.

    Attributes:
        again: the shop was connected already and has new keys.
        plugin: the plugin in the shop has its key. plugin_error: why it has not, when it
            asked for one.
        problems: sentences with what to mend.
    """

    shop: ShopRecord
    again: bool
    plugin: bool
    started_by: str
    back: str
    problems: tuple[str, ...]
    plugin_error: str = ""


def disconnect_plugin(app: Application, shop: ShopRecord) -> None:
    """Forget the plugin's key: its hand-overs and requests are refused from now on."""
    update_shop(app, shop, secrets={PLUGIN_KEY: Secret(""), OLD_PLUGIN_KEY: Secret("")})


def bind(app: Application, data: Mapping[str, str], key: Secret, secret: Secret) -> Connected:
    """Store a shop whose keys were tried, or give a connected one its new keys.

    Args: data: what the state holds.
    Raises: InstallRefused: the shop stopped answering, or its values cannot be used.
    """
    with app.storage.reading() as tx:
        known = tx.shop_by_address("woocommerce", data["url"])
    try:
        if known is None:
            made = connect_woocommerce(
                app, data["name"][:MAX_NAME], data["url"], key.reveal(), secret.reveal()
            )
            shop_id, problems = made["id"], made["problems"]
        else:
            shop_id = str(known.id)
            change_keys(
                app,
                shop_id,
                {"consumer_key": key.reveal(), "consumer_secret": secret.reveal()},
            )
            shop = _shop(app, shop_id)
            hook = hook_address(app.base_url(), shop.platform, shop.hook_token)
            _, problem = make_webhooks(app, shop, hook)
            problems = [problem] if problem else []
    except AdapterError as err:
        raise InstallRefused("unreachable", advice(err), data.get("back", "")) from err
    except ConfigurationError as err:
        raise InstallRefused("address", str(err), data.get("back", "")) from err
    error = ""
    if data.get("nonce"):
        error = _agree(app, _shop(app, shop_id), data)
    plugin = bool(data.get("nonce")) and not error
    app.engine.log("shop.connected", shop_id=shop_id, again=known is not None, plugin=plugin)
    return Connected(
        _shop(app, shop_id),
        again=known is not None,
        plugin=plugin,
        started_by=data["by"],
        back=data.get("back", ""),
        problems=tuple(problems),
        plugin_error=error,
    )


def _agree(app: Application, shop: ShopRecord, data: Mapping[str, str]) -> str:
    """Give the plugin its key.

    Returns: why it did not take it; empty when it did.
    """
    new = Secret(secrets.token_urlsafe(_BYTES))
    before = shop.secrets.get(PLUGIN_KEY) or Secret("")
    settings = {**shop.settings, ADMIN_ORIGIN: _origin(data["admin"])}
    # Ours first: what the plugin signs the next moment is not refused.
    update_shop(app, shop, settings=settings, secrets={PLUGIN_KEY: new, OLD_PLUGIN_KEY: before})
    adapter = adapter_for(
        app, shop.address, shop.secrets["consumer_key"], shop.secrets["consumer_secret"]
    )
    try:
        adapter.agree_with_plugin(
            {
                "shop": str(shop.id),
                "key": new.reveal(),
                "connector": app.base_url(),
                "nonce": data["nonce"],
            }
        )
    except AdapterError as err:
        return str(err).strip() or type(err).__name__
    update_shop(app, shop, secrets={OLD_PLUGIN_KEY: Secret("")})
    return ""


def adapter_for(app: Application, url: str, key: Secret, secret: Secret) -> WooCommerceAdapter:
    """Make an adapter for keys that are not stored yet.

    Raises: ConfigurationError: the address is refused.
    """
    return WooCommerceAdapter(
        {"url": url},
        {"consumer_key": key, "consumer_secret": secret},
        allow_private=app.settings.allow_private_hosts,
        allow_http=app.settings.allow_http,
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _shop(app: Application, shop_id: str) -> ShopRecord:
    with app.storage.reading() as tx:
        shop = tx.shop(ShopId(shop_id))
    assert shop is not None  # noqa: S101 - it was just stored
    return shop
