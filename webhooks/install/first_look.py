"""The first look at a connected shop: what was looked at, and how to mend each thing.

The same looks as `postventa shops check` and `postventa doctor` take.
"""

from typing import Any

from connector.errors import AdapterError
from connector.flows.watch_webhooks import ACTIVE
from connector.ports import ShopCheck
from connector.storage.records import ShopRecord
from webhooks.shop_hooks import look_at_webhooks, read_again
from webhooks.shop_values import advice
from webhooks.urls import hook_address
from webhooks.wiring import Application

_OFF: tuple[str, ...] = ("permalinks", "https", "clock", "cron", "hpos", "version", "key_rights")


def first_look(app: Application, shop: ShopRecord) -> tuple[ShopCheck, ...]:
    """Look at a shop now.

    Returns: every check; when the shop does not answer one `answers` that says why, and
        the others as unknown.
    """
    adapter = app.adapters.direct(shop)
    try:
        facts = adapter.look_at_shop()
    except AdapterError as err:
        unknown = tuple(ShopCheck(name, "unknown") for name in _OFF)
        return (ShopCheck("answers", "bad", advice(err)), *unknown)
    checks = [
        # What the owner has allowed in the settings is no fault.
        ShopCheck(one.name, "note", one.found)
        if one.name == "https" and one.state == "bad" and app.settings.allow_http
        else one
        for one in facts.checks
    ]
    return (ShopCheck("answers", "ok"), *checks, _webhooks(app, shop))


def look_lines(checks: tuple[ShopCheck, ...]) -> list[dict[str, Any]]:
    """Give the checks as plain data for JSON."""
    return [{"name": one.name, "state": one.state, "found": one.found} for one in checks]


def _webhooks(app: Application, shop: ShopRecord) -> ShopCheck:
    if not app.settings.base_url:
        return ShopCheck("webhooks", "unknown")
    hook = hook_address(app.settings.base_url, shop.platform, shop.hook_token)
    shop = read_again(app, shop)
    states, problem = look_at_webhooks(app, app.adapters.direct(shop), shop, hook)
    active = sum(state == ACTIVE for state in states.values())
    found = f"{active}/{len(states)}"
    return ShopCheck("webhooks", "bad" if problem or not active else "ok", found)
