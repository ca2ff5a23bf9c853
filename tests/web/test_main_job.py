"""The main job, end to end: a paid order, a webhook, and one of each in the shop."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running
from tests.support import until
from tests.web.connected import ANA, Sandbox, ask, connect, merchant_sees, put_rules
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

WRITES = {
    "woocommerce": ("POST /wp-json/wc/v3", "PUT /wp-json/wc/v3"),
    "shopify": ("mutation",),
}


def settled(running: Running) -> bool:
    """Tell whether all three effects are done."""
    effects = running.export("effects")
    return len(effects) == 3 and all(line["state"] == "done" for line in effects)


def tags_of(sandbox: Sandbox, order: dict[str, Any]) -> list[str]:
    """Read the order's labels as the merchant finds them."""
    if isinstance(sandbox, ShopifyShop):
        return [tag for tag in order["tags"] if tag.startswith("postventa")]
    text = order["meta"].get("_postventa_tags", "")
    return [tag.strip() for tag in text.split(",") if tag.strip()]


@pytest.mark.parametrize("sandbox_class", [WooShop, ShopifyShop])
@pytest.mark.parametrize("dying", [False, True], ids=["healthy", "answers-lost"])
def test_a_paid_first_order_gets_each_effect_once(
    tmp_path: Path, database_url: str, sandbox_class: type[Sandbox], *, dying: bool
) -> None:
    """One note, one tag and one code for this buyer, also when every answer to a write is lost."""
    with (
        Running(tmp_path, workers=4, database_url=database_url) as running,
        sandbox_class(queue_interval_s=0.05) as sandbox,
    ):
        shop = connect(running, sandbox)
        put_rules(running, shop)
        if dying:
            for match in WRITES[shop.platform]:
                sandbox.faults.add(Fault("drop_after", match=match, times=None))
        order_id = str(ask(sandbox, "POST", "/_sandbox/orders", ANA)["id"])
        until(lambda: settled(running), what="all effects done")
        seen = merchant_sees(sandbox)
        order = next(item for item in seen["orders"] if str(item["id"]).endswith(order_id))
        notes = [note for note in order["notes"] if "Bienvenida enviada a Ana" in note["text"]]
        assert len(notes) == 1
        assert notes[0]["text"].count("Bienvenida enviada a Ana") == 1
        assert tags_of(sandbox, order) == ["postventa-welcome"]
        codes = [c for c in seen["coupons"] if c["code"].upper().startswith("GRACIAS-")]
        assert len(codes) == 1
        assert_code(sandbox, codes[0])
        done = {line["kind"]: line for line in running.export("effects")}
        assert done["coupon"]["result"]["code"].upper() == codes[0]["code"].upper()


def assert_code(sandbox: Sandbox, code: dict[str, Any]) -> None:
    """Check the code: for Ana only, once, with an end about thirty days away."""
    assert code["usage_limit"] == 1
    ends = datetime.fromisoformat(str(code["date_expires"]))
    if ends.tzinfo is None:
        ends = ends.replace(tzinfo=UTC)
    # WooCommerce ends a code with the shop's day: up to a day and the zone's hours more.
    left = ends - datetime.now(UTC)
    assert timedelta(days=29) < left < timedelta(days=32)
    if isinstance(sandbox, ShopifyShop):
        assert len(code["customers"]) == 1
    else:
        assert code["email_restrictions"] == ["ana.ruiz@example.com"]


@pytest.mark.parametrize("sandbox_class", [WooShop, ShopifyShop])
def test_our_own_writes_start_nothing(
    tmp_path: Path, database_url: str, sandbox_class: type[Sandbox]
) -> None:
    """The webhooks that our note, tag and code cause bring no occurrence and no effect."""
    with (
        Running(tmp_path, workers=4, database_url=database_url) as running,
        sandbox_class(queue_interval_s=0.05) as sandbox,
    ):
        shop = connect(running, sandbox)
        put_rules(running, shop)
        ask(sandbox, "POST", "/_sandbox/orders", ANA)
        until(lambda: settled(running), what="all effects done")
        occurrences = len(running.export("occurrences"))

        def echoed() -> bool:
            with running.storage.reading() as tx:
                counts = tx.counts().deliveries
            open_rows = counts.get("waiting", 0) + counts.get("working", 0)
            return open_rows == 0 and counts["done"] >= 3

        until(echoed, what="the echo of the tag")
        assert len(running.export("occurrences")) == occurrences
        assert len(running.export("effects")) == 3


def test_a_second_order_is_no_first_order(tmp_path: Path, database_url: str) -> None:
    """The welcome goes to the first order of a buyer in any connected shop, not the next."""
    with (
        Running(tmp_path, workers=4, database_url=database_url) as running,
        WooShop(queue_interval_s=0.05) as woo,
        ShopifyShop(queue_interval_s=0.05) as shopify,
    ):
        first, second = connect(running, woo), connect(running, shopify)
        put_rules(running, first)
        put_rules(running, second)
        # Some minutes apart: which of two orders of one second was first is nobody's to say.
        earlier = datetime.now(UTC) - timedelta(minutes=5)
        placed_at = earlier.strftime("%Y-%m-%dT%H:%M:%S")
        ask(woo, "POST", "/_sandbox/orders", {**ANA, "placed_at": placed_at})
        until(lambda: settled(running), what="the welcome in the first shop")
        ask(shopify, "POST", "/_sandbox/orders", {**ANA, "email": "ANA.Ruiz@example.com"})

        def judged() -> bool:
            lines = running.export("evaluations", second.id)
            return any(line["rule"] == "welcome" for line in lines)

        until(judged, what="the rule asked in the second shop")
        line = running.export("evaluations", second.id)[0]
        assert line["verdict"] == "not_matched"
        assert line["conditions"][0]["seen"] == 2
        assert running.export("effects", second.id) == []
