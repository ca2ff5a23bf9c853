"""See that a shop still sends its webhooks; mend those that are off, pull the gap."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector.flows.engine import Engine
from connector.flows.reconcile import OVERLAP, Reconciled, at_shop, first_look, reconcile
from connector.ports import WebhookState
from connector.secret import Secret
from connector.storage.ledger import WebhookRepair
from connector.storage.records import ShopRecord

ACTIVE: Final = "active"
# A setting of a shop whose owner made its webhooks: they are looked at and left alone.
BY_HAND: Final = "webhooks_by_hand"


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look at the webhooks found.

    Attributes:
        states: topic to state, after the mending.
        repairs: what was mended; gap: what the pull brought that followed.
    """

    states: Mapping[str, str]
    repairs: tuple[WebhookRepair, ...] = ()
    gap: Reconciled | None = None


def watch_webhooks(
    engine: Engine,
    shop: ShopRecord,
    address: str,
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> Watched:
    """Check the webhooks; make or switch on what is off, then pull what was not sent.

    WooCommerce switches a webhook off and Shopify deletes it after failures in a row,
    and neither tells anybody. The gap begins with the last delivery that came.

    Args: address: where they have to point.
    Raises: AdapterError: the shop could not be asked or refuses the repair.
    """
    adapter = engine.adapter_of(shop)
    before = adapter.check_webhooks(address)
    off = [item for item in before if item.state != ACTIVE]
    by_hand = bool(shop.settings.get(BY_HAND))
    if not off or by_hand:
        return Watched(_keep(engine, shop, before))
    for item in off:
        engine.log("webhook.off", shop_id=shop.id, topic=item.topic, state=item.state)
    # Nothing was sent while it was off, and what was read since is read once more.
    since = at_shop(engine, shop, shop.last_delivery_at or first_look(shop)) - OVERLAP
    after = adapter.register_webhooks(address, webhook_secret(shop))
    states = _keep(engine, shop, after)
    now = engine.clock.now()
    repairs = tuple(
        WebhookRepair(shop.id, item.topic, item.state, states.get(item.topic, ""), now, since)
        for item in off
    )
    with engine.storage.transaction() as tx:
        for repair in repairs:
            tx.add_webhook_repair(repair)
    for repair in repairs:
        engine.log("webhook.repaired", shop_id=shop.id, topic=repair.topic, was=repair.was)
    gap = reconcile(engine, shop, since, stopping=stopping)
    return Watched(states, repairs, gap)


def webhook_secret(shop: ShopRecord) -> Secret:
    """Give what signs the shop's webhooks: its own secret, or that of its app."""
    return shop.secrets.get("webhook_secret") or shop.secrets["client_secret"]


def _keep(engine: Engine, shop: ShopRecord, found: Sequence[WebhookState]) -> dict[str, str]:
    states = {item.topic: item.state for item in found}
    if states != dict(shop.webhooks):
        with engine.storage.transaction() as tx:
            tx.update_shop(shop.id, webhooks=states)
    return states
