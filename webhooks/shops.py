"""Connect, check and remove shops."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from connector.errors import AdapterError, AuthRejected, ConfigurationError, Conflict
from connector.flows.watch_webhooks import ACTIVE, BY_HAND
from connector.model.order import ShopId
from connector.ports import ShopAdapter, ShopFacts
from connector.secret import Secret
from connector.storage.port import Transaction
from connector.storage.records import ShopRecord, ShopState
from webhooks.limits_shown import go_on
from webhooks.shop_hooks import look_at_webhooks, make_webhooks, read_again, update_shop
from webhooks.shop_values import AWAY, advice, new_shop_id, shop_address, shopify_domain, typed_key
from webhooks.urls import hook_address
from webhooks.wiring import Application

# 256 bits: nobody guesses a webhook address.
_TOKEN_BYTES: Final = 32
_MAX_NAME: Final = 200
_NO_TLS: Final = "without TLS"


Line = dict[str, Any]


def _line(
    shop: ShopRecord,
    webhook_url: str,
    webhooks: Mapping[str, str],
    problems: Sequence[str],
    *,
    ok: bool,
) -> Line:
    """Say what connecting or checking a shop brought.

    The address is only a path when this server's own is not set. Problems are one
    sentence each, with what to do; `ok` means that none keeps the shop from working.
    """
    return {
        "id": str(shop.id),
        "platform": shop.platform,
        "name": shop.name,
        "address": shop.address,
        "state": str(shop.state),
        "webhook_url": webhook_url,
        "registered": [topic for topic, state in webhooks.items() if state == ACTIVE],
        "webhooks": dict(webhooks),
        "ok": ok,
        "problems": list(problems),
    }


def connect_woocommerce(
    app: Application,
    name: str,
    url: str,
    consumer_key: str,
    consumer_secret: str,
    webhook_secret: str | None = None,
    register: bool = True,
    contact: str = "",
) -> Line:
    """Connect a WooCommerce shop.

    Args: webhook_secret: signs its webhooks; made here when not given. register: make
        the webhooks in the shop. contact: address buyers may write to.
    Returns: what `shops add --json` prints.

    Raises:
        ConfigurationError: a value cannot be used.
        Conflict: the shop is connected already.
        AdapterError: the shop refuses the key or does not answer; nothing is stored.
    """
    address = shop_address(url)
    values = {
        "consumer_key": typed_key("--consumer-key", consumer_key),
        "consumer_secret": typed_key("--consumer-secret", consumer_secret),
        "webhook_secret": Secret(webhook_secret or secrets.token_urlsafe(_TOKEN_BYTES)),
    }
    settings = {"url": address, "contact": contact}
    done = _connect(app, "woocommerce", name, address, settings, values, register=register)
    if not register and not webhook_secret:
        # It has to be typed into the shop by hand, so it is shown this once.
        done["webhook_secret"] = values["webhook_secret"].reveal()
    return done


def connect_shopify(
    app: Application,
    name: str,
    shop: str,
    client_id: str,
    client_secret: str,
    access_token: str | None = None,
    api_url: str | None = None,
    register: bool = True,
    contact: str = "",
) -> Line:
    """Connect a Shopify shop; see connect_woocommerce.

    Args: shop: its domain, like `x.myshopify.com`. access_token: a fixed token; without
        one tokens are asked for with the client's id and secret. api_url: another place
        of the API, for tests.
    """
    domain = shopify_domain(shop)
    values = {"client_secret": typed_key("--client-secret", client_secret)}
    if access_token:
        values["access_token"] = typed_key("--access-token", access_token)
    settings = {
        "domain": domain,
        "client_id": typed_key("--client-id", client_id).reveal(),
        "contact": contact,
    }
    if api_url:
        settings["api_url"] = shop_address(api_url)
    return _connect(app, "shopify", name, domain, settings, values, register=register)


def _connect(
    app: Application,
    platform: str,
    name: str,
    address: str,
    settings: Mapping[str, str],
    values: Mapping[str, Secret],
    *,
    register: bool,
) -> Line:
    name = name.strip()
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise ConfigurationError(
            f"The name of the shop must have 1 to {_MAX_NAME} letters and no line breaks."
        )
    settings = {key: value for key, value in settings.items() if value}
    if not register:
        settings[BY_HAND] = "yes"
    base_url = app.base_url() if register else app.settings.base_url
    with app.storage.reading() as tx:
        _refuse_second(tx, platform, address)
    facts = _look(app, app.adapters.build(platform, settings, values))
    shop = ShopRecord(
        id=ShopId(new_shop_id()),
        platform=platform,
        name=name,
        address=address,
        hook_token=secrets.token_urlsafe(_TOKEN_BYTES),
        state=ShopState.CONNECTED,
        created_at=app.clock.now(),
        settings=settings,
        secrets=values,
        currency=facts.currency,
        timezone=facts.timezone,
        country=facts.country,
        region=facts.region,
        locale=facts.locale,
    )
    with app.storage.transaction() as tx:
        _refuse_second(tx, platform, address)
        tx.add_shop(shop)
        share_secrets(tx)
        shop = tx.shop(shop.id) or shop
    hook = hook_address(base_url, platform, shop.hook_token)
    if not register:
        return _line(shop, hook, {}, facts.problems, ok=True)
    states, problem = make_webhooks(app, shop, hook)
    problems = facts.problems if problem is None else (*facts.problems, problem)
    return _line(read_again(app, shop), hook, states, problems, ok=problem is None)


def check_shop(app: Application, shop_id: str, *, mend: bool = False) -> Line:
    """Try the shop's key and look at its webhooks; remember what was found.

    Args: mend: make missing webhooks and switch on those that are off.
    Raises: ConfigurationError: no such shop, or the public address is needed and not set.
    """
    shop = find_shop(app, shop_id)
    hook = hook_address(app.settings.base_url, shop.platform, shop.hook_token)
    if mend:
        app.base_url()
    # Not through the gate: whoever checks wants to know how it stands now.
    adapter = app.adapters.direct(shop)
    problems: list[str] = []
    try:
        facts = _look(app, adapter)
    except AdapterError as err:
        if isinstance(err, AuthRejected):
            update_shop(app, shop, state=ShopState.DISCONNECTED)
        return _line(read_again(app, shop), hook, shop.webhooks, (advice(err),), ok=False)
    problems.extend(facts.problems)
    if shop.state is ShopState.UNINSTALLED:
        with app.storage.transaction() as tx:
            tx.skip_overdue(shop.id, reason=AWAY, now=app.clock.now())
    update_shop(app, shop, state=ShopState.CONNECTED, facts=shop_facts(facts))
    go_on(app, shop)
    states: dict[str, str] = dict(shop.webhooks)
    if mend:
        states, problem = make_webhooks(app, read_again(app, shop), hook)
        problems.extend([problem] if problem else [])
    elif not app.settings.base_url:
        problems.append("Set POSTVENTA_BASE_URL: without it the webhooks cannot be checked.")
    else:
        states, problem = look_at_webhooks(app, adapter, shop, hook)
        problems.extend([problem] if problem else [])
    looks = {check.name: check.state for check in facts.checks}
    done = _line(read_again(app, shop), hook, states, problems, ok=not problems)
    return {**done, "looks": looks}


def remove_shop(app: Application, shop_id: str) -> tuple[ShopRecord, int, str]:
    """Delete our webhooks in the shop and forget its keys; its orders stay.

    Returns: the shop, webhooks deleted, and what a person still has to do, if anything.
    Raises: ConfigurationError: no such shop.
    """
    shop = find_shop(app, shop_id)
    deleted, left = 0, ""
    if app.settings.base_url:
        hook = hook_address(app.settings.base_url, shop.platform, shop.hook_token)
        try:
            deleted = app.adapter_of(shop).remove_webhooks(hook)
        except AdapterError as err:
            left = f"Its webhooks could not be deleted ({err}). Delete them in the shop."
    else:
        left = "POSTVENTA_BASE_URL is not set, so delete its webhooks in the shop by hand."
    with app.storage.transaction() as tx:
        tx.update_shop(
            shop.id,
            state=ShopState.REMOVED,
            webhooks={},
            secrets=dict.fromkeys(shop.secrets, Secret("")),
        )
        tx.drop_shop_token(shop.id)
        share_secrets(tx)
    app.engine.shops.forget(shop.id)
    return shop, deleted, left


def find_shop(app: Application, shop_id: str) -> ShopRecord:
    """Find a shop by its id.

    Raises: ConfigurationError: there is none; the message names those there are.
    """
    with app.storage.reading() as tx:
        shop = tx.shop(ShopId(shop_id))
        if shop is not None and shop.state is not ShopState.REMOVED:
            return shop
        known = [f"{item.id} ({item.name})" for item in tx.shops()]
    there = f"There are: {', '.join(known)}." if known else "No shop is connected yet."
    raise ConfigurationError(f"No shop has the id {shop_id[:40]!r}. {there}")


def _refuse_second(tx: Transaction, platform: str, address: str) -> None:
    there = tx.shop_by_address(platform, address)
    if there is not None:
        raise Conflict(
            f"This shop is connected already as {there.id} ({there.name}). To connect it "
            f"anew, first run: postventa shops remove {there.id}"
        )


def share_secrets(tx: Transaction) -> None:
    """Write for each Shopify shop whether its client secret is its own.

    One app secret signs for all shops of that app, so a signature proves the shop only
    while no other connected shop has the same client.
    """
    shops = [shop for shop in tx.shops() if shop.platform == "shopify"]
    clients = [shop.settings.get("client_id", "") for shop in shops]
    for shop in shops:
        own = "yes" if clients.count(shop.settings.get("client_id", "")) == 1 else "no"
        if shop.settings.get("own_secret") != own:
            tx.update_shop(shop.id, settings={**shop.settings, "own_secret": own})


def _look(app: Application, adapter: ShopAdapter) -> ShopFacts:
    """Prove the key; leave out what the owner has allowed in the settings."""
    facts = adapter.look_at_shop()
    if not app.settings.allow_http:
        return facts
    return replace(facts, problems=tuple(one for one in facts.problems if _NO_TLS not in one))


def shop_facts(facts: ShopFacts) -> dict[str, str]:
    """Give what is kept of what a shop says about itself."""
    told = {
        "currency": facts.currency,
        "timezone": facts.timezone,
        "country": facts.country,
        "region": facts.region,
        "locale": facts.locale,
    }
    return {name: value for name, value in told.items() if value}
