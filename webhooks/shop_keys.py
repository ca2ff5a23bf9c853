"""Give a connected shop new keys; its orders, rules and addresses stay."""

from collections.abc import Mapping
from typing import Any, Final

from connector.errors import ConfigurationError
from connector.secret import Secret
from connector.storage.records import ShopState
from webhooks.shop_hooks import update_shop
from webhooks.shop_values import typed_key
from webhooks.shops import check_shop, find_shop, share_secrets
from webhooks.wiring import Application

_KEYS: Final = {
    "woocommerce": ("consumer_key", "consumer_secret"),
    "shopify": ("client_id", "client_secret", "access_token"),
}


def change_keys(app: Application, shop_id: str, given: Mapping[str, str | None]) -> dict[str, Any]:
    """Try new keys and store them when the shop takes them.

    Args: given: names as the adapter calls them; None leaves one as it is.
    Returns: what `shops check --json` prints.

    Raises:
        ConfigurationError: no such shop, or a key its platform does not have.
        AdapterError: the shop refuses the keys or does not answer; nothing is changed.
    """
    shop = find_shop(app, shop_id)
    wanted = _KEYS.get(shop.platform, ())
    options = " ".join(_option(name) for name in wanted)
    keys = {
        name: typed_key(_option(name), value) for name, value in given.items() if value is not None
    }
    if not keys or not set(keys) <= set(wanted):
        raise ConfigurationError(f"A {shop.platform} shop has the keys {options}: give those.")
    settings = dict(shop.settings)
    if "client_id" in keys:
        settings["client_id"] = keys.pop("client_id").reveal()
    secrets: dict[str, Secret] = {**shop.secrets, **keys}
    if "client_secret" in keys and shop.secrets.get("client_secret") != keys["client_secret"]:
        # Deliveries that are on their way were signed with the one before.
        secrets["old_client_secret"] = shop.secrets["client_secret"]
    app.adapters.build(shop.platform, settings, secrets).look_at_shop()
    update_shop(app, shop, settings=settings, secrets=secrets, state=ShopState.CONNECTED)
    with app.storage.transaction() as tx:
        share_secrets(tx)
    return check_shop(app, shop_id)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
