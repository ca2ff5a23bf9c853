"""Store a Shopify shop that has installed the app, new or back again."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from adapters.shops.shopify.adapter import OFFLINE
from adapters.shops.shopify.auth import admin_url, missing_scopes
from connector.errors import AdapterError
from connector.model.order import ShopId
from connector.model.token import AccessToken
from connector.secret import Secret
from connector.storage.install import AppRecord
from connector.storage.records import ShopRecord, ShopState
from webhooks.install.binding import InstallRefused
from webhooks.limits_shown import go_on
from webhooks.shop_hooks import make_webhooks, read_again, update_shop
from webhooks.shop_values import AWAY, advice, new_shop_id
from webhooks.shops import share_secrets, shop_facts
from webhooks.urls import hook_address
from webhooks.wiring import Application

PLATFORM: Final = "shopify"
MAX_NAME: Final = 200
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Connected:
    """A shop that was installed.

    Attributes:
        again: it was known before. problems: sentences with what to mend.
    """

    shop: ShopRecord
    again: bool
    problems: tuple[str, ...]
    admin: str


def connect(
    app: Application,
    record: AppRecord,
    domain: str,
    token: AccessToken,
    begun: Mapping[str, str],
) -> Connected:
    """Store the shop and its key in one commit, then look at it and make its webhooks.

    A shop that was here before goes on where it was: its orders, rules and history stay.

    Raises: InstallRefused: the shop works through another app.
    """
    shop, again = _stored(app, record, domain, token, begun)
    app.engine.shops.forget(shop.id)
    problems = [
        f"The shop did not grant {scope}: add it to the app's version in the Dev Dashboard, "
        "then open the app again."
        for scope in missing_scopes(token.scope)
    ]
    try:
        facts = app.adapters.direct(shop).look_at_shop()
    except AdapterError as err:
        return Connected(shop, again, (*problems, advice(err)), admin_url(domain, record.client_id))
    # What the look says about scopes is the same, in more words.
    problems = [*facts.problems] if facts.problems else problems
    update_shop(app, shop, state=ShopState.CONNECTED, facts=shop_facts(facts))
    shop = read_again(app, shop)
    if not shop.name:
        update_shop(app, shop, facts={"name": (facts.name or domain)[:MAX_NAME]})
    hook = hook_address(app.base_url(), PLATFORM, shop.hook_token)
    _, problem = make_webhooks(app, read_again(app, shop), hook)
    go_on(app, shop)
    app.engine.log("shop.connected", shop_id=shop.id, again=again)
    return Connected(
        read_again(app, shop),
        again,
        (*problems, *([problem] if problem else [])),
        admin_url(domain, record.client_id),
    )


def _stored(
    app: Application,
    record: AppRecord,
    domain: str,
    token: AccessToken,
    begun: Mapping[str, str],
) -> tuple[ShopRecord, bool]:
    now = app.clock.now()
    settings = {
        "domain": domain,
        "client_id": record.client_id,
        "grant": OFFLINE,
        "contact": begun.get("contact", ""),
        **record.settings,
    }
    values = {"client_secret": record.secret}
    if record.old_secret:
        values["old_client_secret"] = record.old_secret
    with app.storage.transaction() as tx:
        known = tx.shop_by_address(PLATFORM, domain)
        if known is None:
            shop = ShopRecord(
                id=ShopId(new_shop_id()),
                platform=PLATFORM,
                name=begun.get("name", ""),
                address=domain,
                hook_token=secrets.token_urlsafe(_BYTES),
                # Until its key was tried.
                state=ShopState.DISCONNECTED,
                created_at=now,
                settings={name: value for name, value in settings.items() if value},
                secrets=values,
            )
            tx.add_shop(shop)
        else:
            if (
                known.state is ShopState.CONNECTED
                and known.settings.get("client_id") != record.client_id
            ):
                raise InstallRefused("other_app")
            kept = {name: value for name, value in settings.items() if value}
            if known.secrets.get("access_token"):
                values["access_token"] = Secret("")
            tx.update_shop(
                known.id,
                state=ShopState.DISCONNECTED,
                settings={**known.settings, **kept},
                secrets=values,
            )
            if known.state is ShopState.UNINSTALLED:
                tx.skip_overdue(known.id, reason=AWAY, now=now)
            shop = known
        tx.set_shop_token(shop.id, token)
        share_secrets(tx)
        found = tx.shop(shop.id)
    return found or replace(shop), known is not None
