"""The webhooks of a connected shop: make, look at, remember."""

from collections.abc import Sequence
from typing import Any

from connector.errors import AdapterError, AuthRejected, OutcomeUnknown, TemporaryFailure
from connector.flows.watch_webhooks import ACTIVE, BY_HAND, webhook_secret
from connector.ports import ShopAdapter, WebhookState
from connector.storage.records import ShopRecord
from webhooks.shop_values import advice
from webhooks.wiring import Application


def make_webhooks(
    app: Application, shop: ShopRecord, hook: str
) -> tuple[dict[str, str], str | None]:
    """Make the webhooks a shop needs and remember their state.

    Returns: topic to state, and what to do when it did not work.
    """
    try:
        found = app.adapter_of(shop).register_webhooks(hook, webhook_secret(shop))
    except AdapterError as err:
        why = str(err).strip().rstrip(".")
        if isinstance(err, AuthRejected):
            mending = (
                "Give the key read and write rights in the shop, then run: "
                f"postventa shops check {shop.id} --mend"
            )
        elif isinstance(err, TemporaryFailure | OutcomeUnknown):
            mending = f"Try again with: postventa shops check {shop.id} --mend"
        else:
            mending = f"Mend that, then run: postventa shops check {shop.id} --mend"
        return {}, f"The shop is connected, but its webhooks were not made ({why}). {mending}"
    if BY_HAND in shop.settings:
        # Ours from now on, so they are watched and mended.
        left = {name: value for name, value in shop.settings.items() if name != BY_HAND}
        update_shop(app, shop, settings=left)
    return _kept(app, shop, found)


def look_at_webhooks(
    app: Application, adapter: ShopAdapter, shop: ShopRecord, hook: str
) -> tuple[dict[str, str], str | None]:
    """Ask the shop for the state of its webhooks and remember it.

    Returns: topic to state, and what to do when something is off.
    """
    try:
        found = adapter.check_webhooks(hook)
    except AdapterError as err:
        return dict(shop.webhooks), advice(err)
    return _kept(app, shop, found)


def _kept(
    app: Application, shop: ShopRecord, found: Sequence[WebhookState]
) -> tuple[dict[str, str], str | None]:
    states = {item.topic: item.state for item in found}
    update_shop(app, shop, webhooks=states)
    off = [f"{topic} is {state}" for topic, state in states.items() if state != ACTIVE]
    if not off:
        return states, None
    return states, (
        f"Webhooks that do not work: {', '.join(off).replace('_', ' ')}. "
        f"Run: postventa shops check {shop.id} --mend"
    )


def update_shop(app: Application, shop: ShopRecord, **changes: Any) -> None:
    """Change a stored shop."""
    with app.storage.transaction() as tx:
        tx.update_shop(shop.id, **changes)
    app.engine.shops.forget(shop.id)


def read_again(app: Application, shop: ShopRecord) -> ShopRecord:
    """Read a shop as it is stored now."""
    with app.storage.reading() as tx:
        return tx.shop(shop.id) or shop
