"""Give a shop's webhooks a new secret; for a while the old one is good as well."""

import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connector.errors import ConfigurationError
from connector.flows.watch_webhooks import BY_HAND
from connector.secret import Secret
from connector.storage.records import ShopRecord
from webhooks.exports import time_text
from webhooks.shop_hooks import read_again, update_shop
from webhooks.shop_keys import change_keys
from webhooks.shops import find_shop
from webhooks.urls import hook_address
from webhooks.wiring import Application

OVERLAP: Final = timedelta(hours=24)
OLD_UNTIL: Final = "old_secret_until"
"""A setting of a shop: from then on its old secret signs nothing any more."""
PENDING: Final = "secret_pending"
"""A setting of a shop that was not yet told its new secret for certain."""
# Longer than receivers pass over that a secret may be new; see receive.py.
SETTLE_S: Final = 1.0
_SECRET_BYTES: Final = 32
_OLD: Final = ("old_webhook_secret", "old_client_secret")

Line = dict[str, Any]


def rotate_secret(
    app: Application,
    shop_id: str,
    *,
    overlap: timedelta = OVERLAP,
    client_secret: str | None = None,
) -> Line:
    """Change what signs a shop's webhooks.

    Args: overlap: how long the old secret is still taken. client_secret: the new one
        of a Shopify app, which only Shopify can make.
    Returns: what `shops rotate-secret --json` prints.

    Raises:
        ConfigurationError: no such shop, or a value is missing.
        AdapterError: the shop did not take it. Both secrets are good until the command
            is run again and ends well.
    """
    shop = find_shop(app, shop_id)
    if shop.platform == "shopify":
        return _rotate_client(app, shop, overlap, client_secret)
    if client_secret is not None:
        raise ConfigurationError("--client-secret is for Shopify shops; here one is made.")
    by_hand = BY_HAND in shop.settings
    base_url = app.settings.base_url if by_hand else app.base_url()
    hook = hook_address(base_url, shop.platform, shop.hook_token)
    if PENDING not in shop.settings:
        # Taken here before the shop has it: nothing that it signs may be refused.
        fresh = Secret(secrets.token_urlsafe(_SECRET_BYTES))
        update_shop(
            app,
            shop,
            settings={**shop.settings, PENDING: "yes"},
            secrets={"webhook_secret": fresh, "old_webhook_secret": shop.secrets["webhook_secret"]},
        )
        shop = read_again(app, shop)
    states: Mapping[str, str] = shop.webhooks
    if not by_hand:
        time.sleep(SETTLE_S)
        told = app.adapters.direct(shop).register_webhooks(hook, shop.secrets["webhook_secret"])
        states = {item.topic: item.state for item in told}
    until = app.clock.now() + overlap
    settings = {name: text for name, text in shop.settings.items() if name != PENDING}
    settings[OLD_UNTIL] = until.isoformat()
    update_shop(app, shop, settings=settings, webhooks=states)
    line = _line(shop, until, states)
    if by_hand:
        # It has to be typed into the shop, so it is shown this once.
        line["webhook_secret"] = shop.secrets["webhook_secret"].reveal()
        line["todo"] = (
            f"Write the new secret into each webhook of the shop that points to {hook}, before "
            f"{line['old_valid_until']}."
        )
    return line


def old_is_good(shop: ShopRecord, now: datetime) -> bool:
    """Tell whether what was signed with the old secret of a shop is still taken."""
    until = shop.settings.get(OLD_UNTIL)
    return until is None or PENDING in shop.settings or now < datetime.fromisoformat(until)


def forget_old_secrets(app: Application) -> int:
    """Delete the secrets whose time is over; tell of how many shops."""
    now = app.clock.now()
    with app.storage.reading() as tx:
        over = [shop for shop in tx.shops() if not old_is_good(shop, now)]
    for shop in over:
        update_shop(
            app,
            shop,
            settings={name: text for name, text in shop.settings.items() if name != OLD_UNTIL},
            secrets={name: Secret("") for name in _OLD if name in shop.secrets},
        )
    return len(over)


def _rotate_client(
    app: Application, shop: ShopRecord, overlap: timedelta, client_secret: str | None
) -> Line:
    """Take over the new secret of a Shopify app.

    Source: shopify.dev, verify webhook deliveries, checked 2026-11-22: after a rotation
    both secrets are valid and the oldest that is not revoked signs, for up to an hour.
    """
    if client_secret is None:
        raise ConfigurationError(
            "Shopify makes the secret: in the Dev Dashboard open the app, Settings, rotate the "
            "client secret and copy the new one. Then run: "
            f"postventa shops rotate-secret {shop.id} --client-secret NEW"
        )
    changed = change_keys(app, shop.id, {"client_secret": client_secret})
    until = app.clock.now() + overlap
    shop = read_again(app, shop)
    update_shop(app, shop, settings={**shop.settings, OLD_UNTIL: until.isoformat()})
    line = _line(shop, until, changed["webhooks"])
    with app.storage.reading() as tx:
        client = shop.settings.get("client_id", "")
        others = [
            str(other.id)
            for other in tx.shops()
            if other.id != shop.id and client and other.settings.get("client_id") == client
        ]
    line["todo"] = (
        "Revoke the old secret in the Dev Dashboard, at the earliest in an hour and before "
        f"{line['old_valid_until']}: until then Shopify signs with it."
    )
    if others:
        line["todo"] += f" Before that give it to the other shops of the app: {', '.join(others)}."
    return line


def _line(shop: ShopRecord, until: datetime, webhooks: Mapping[str, str]) -> Line:
    return {
        "id": str(shop.id),
        "platform": shop.platform,
        "name": shop.name,
        "old_valid_until": time_text(until),
        "webhooks": dict(webhooks),
        "todo": "",
    }
