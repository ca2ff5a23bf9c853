"""Webhooks that a shop switched off or deleted are made good, and the gap is pulled."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.flows.watch_webhooks import Watched, watch_webhooks
from connector.storage.records import ShopRecord
from tests.running import Running
from tests.support import until
from tests.web.cli import Cli
from tests.web.connected import Sandbox, connect, merchant_sees
from tests.web.reconciling import SANDBOXES, again, buy, held, opened
from webhooks.cli.data import status_line
from webhooks.doctor import mended
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.shops import check_shop
from webhooks.urls import hook_address


def watch(running: Running, shop: ShopRecord) -> Watched:
    """Look at the webhooks of a shop as the server does."""
    known = again(running, shop)
    address = hook_address(running.url, shop.platform, shop.hook_token)
    return watch_webhooks(running.app.engine, known, address)


def switch_off(sandbox: Sandbox) -> tuple[str, str]:
    """Let the shop stop one webhook as it does after failures; give topic and state."""
    if isinstance(sandbox, WooShop):
        hook = next(item for item in sandbox.hooks.all.values() if item.topic == "order.created")
        hook.status = "disabled"
        return "order.created", "disabled"
    (gone,) = [
        number
        for number, item in sandbox.store.subscriptions.items()
        if item.topic == "ORDERS_CREATE"
    ]
    del sandbox.store.subscriptions[gone]
    return "orders/create", "missing"


def switch_all_off(sandbox: Sandbox) -> None:
    """Let the shop stop all of them."""
    if isinstance(sandbox, WooShop):
        for hook in sandbox.hooks.all.values():
            hook.status = "disabled"
    else:
        sandbox.store.subscriptions.clear()


def move_address(woo: WooShop) -> None:
    """Point a webhook elsewhere, as the move of a server leaves it."""
    hook = next(item for item in woo.hooks.all.values() if item.topic == "order.updated")
    hook.delivery_url = "http://127.0.0.1:9/hooks/woocommerce/elsewhere"


def pause(woo: WooShop) -> None:
    """Pause a webhook, as a person does on the settings page."""
    next(item for item in woo.hooks.all.values() if item.topic == "order.updated").status = "paused"


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_a_webhook_that_is_off_is_mended(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """A switched-off or deleted webhook works again and is reported; then nothing is done."""
    with opened(tmp_path) as running, sandbox_class(queue_interval_s=0.01) as sandbox:
        shop = connect(running, sandbox)
        topic, was = switch_off(sandbox)
        found = watch(running, shop)
        (repair,) = found.repairs
        assert (repair.topic, repair.was, repair.became) == (topic, was, "active")
        assert set(found.states.values()) == {"active"}
        (line,) = status_line(running.app)["shops"]
        assert line["webhooks"][topic] == "active"
        assert [(one["topic"], one["was"]) for one in line["webhook_repairs"]] == [(topic, was)]
        second = watch(running, shop)
        assert (second.repairs, second.gap) == ((), None)
        assert len(status_line(running.app)["shops"][0]["webhook_repairs"]) == 1


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_the_gap_is_pulled_at_once(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """What happened since the last delivery is there after the repair, polls or no polls."""
    with opened(tmp_path) as running, sandbox_class(queue_interval_s=0.01) as sandbox:
        shop = connect(running, sandbox)
        told = buy(sandbox)
        until(lambda: again(running, shop).last_delivery_at is not None, what="a delivery")
        until(lambda: len(running.deliveries()) >= 1, what="its row")
        running.drain()
        switch_all_off(sandbox)
        lost = sorted(buy(sandbox, email=f"b{number}@example.com") for number in range(3))
        last = again(running, shop).last_delivery_at
        assert last is not None
        # The poller was at work meanwhile, so its own mark says nothing about the gap.
        with running.storage.transaction() as tx:
            tx.update_shop(shop.id, polled_until=running.app.clock.now() + timedelta(hours=1))
        found = watch(running, shop)
        running.drain()
        assert found.gap is not None
        # By the shop's clock, from which ours stands apart by a minute at most.
        assert abs(found.gap.since - (last - timedelta(minutes=15))) < timedelta(minutes=10)
        assert sorted(miss.order_ref for miss in found.gap.misses) == lost
        assert held(running, shop) == sorted([told, *lost])
        # And the next order tells of itself again.
        fresh = buy(sandbox, email="new@example.com")

        def arrived() -> bool:
            running.drain()
            return fresh in held(running, shop)

        until(arrived, what="the next webhook")


@pytest.mark.parametrize(("harm", "was"), [(move_address, "wrong_address"), (pause, "paused")])
def test_other_ways_to_be_off(tmp_path: Path, harm: Callable[[WooShop], None], was: str) -> None:
    """A paused webhook is switched on; one that points elsewhere gets a working one beside it."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        shop = connect(running, woo)
        harm(woo)
        (repair,) = watch(running, shop).repairs
        assert (repair.topic, repair.was, repair.became) == ("order.updated", was, "active")
        address = hook_address(running.url, shop.platform, shop.hook_token)
        working = [
            hook["topic"]
            for hook in merchant_sees(woo)["webhooks"]
            if hook["status"] == "active" and hook["delivery_url"] == address
        ]
        assert sorted(working) == sorted(shop.webhooks)
        assert watch(running, shop).repairs == ()


def test_webhooks_made_by_hand_are_left_alone(tmp_path: Path) -> None:
    """Where the owner makes the webhooks none is made, until asked to mend them."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600) as woo:
        shop = connect(running, woo, register=False)
        found = watch(running, shop)
        assert (set(found.states.values()), found.repairs) == ({"missing"}, ())
        assert merchant_sees(woo)["webhooks"] == []
        assert check_shop(running.app, shop.id, mend=True)["ok"] is True
        switch_off(woo)
        assert len(watch(running, shop).repairs) == 1


@pytest.mark.parametrize("sandbox_class", SANDBOXES)
def test_the_server_mends_at_its_start(tmp_path: Path, sandbox_class: type[Sandbox]) -> None:
    """A server that starts finds a webhook that was switched off while it was down."""
    with sandbox_class(queue_interval_s=0.01) as sandbox:
        with Running(tmp_path) as running:
            shop = connect(running, sandbox)
        topic, was = switch_off(sandbox)
        with Running(tmp_path, workers=1, base_url=running.url) as later:

            def repairs() -> list[Any]:
                return list(status_line(later.app)["shops"][0]["webhook_repairs"])

            until(lambda: len(repairs()) == 1, what="the repair")
            assert (repairs()[0]["topic"], repairs()[0]["was"]) == (topic, was)
            assert again(later, shop).webhooks[topic] == "active"
            (told,) = mended(later.app)
            assert (told.state, told.what) == ("note", f"webhooks of {shop.id}")
            assert f"{topic} was {was}" in told.found


def test_doctor_tells_of_the_ledger(tmp_path: Path) -> None:
    """`doctor` names a shop whose days differ and says what to do."""
    with ShopifyShop(queue_interval_s=0.01) as shopify:
        cli = Cli(tmp_path)
        shop_id = cli.add(shopify)["id"]
        cli.ok("reconcile")
        lines = {line["what"]: line for line in cli.data("doctor", "--offline")}
        assert lines[f"ledger of {shop_id}"]["state"] == "ok"
        assert "shop says 0, we hold 0" in lines[f"ledger of {shop_id}"]["found"]
