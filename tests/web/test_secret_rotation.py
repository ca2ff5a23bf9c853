"""A webhook secret is changed while deliveries go on, and none is refused."""

from pathlib import Path

from connector.storage.records import ShopRecord
from tests.running import Running
from tests.web.cli import Cli
from tests.web.connected import connect
from tests.web.reconciling import again, buy, opened
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop
from webhooks.secret_rotation import forget_old_secrets
from webhooks.upkeep import Upkeep

CHANGE_HOOK = "/wp-json/wc/v3/webhooks/"


def taken(sandbox: WooShop) -> list[int]:
    """Let an order's webhooks out; give what they were answered."""
    before = len(sandbox.deliveries())
    buy(sandbox)
    sandbox.run_queue()
    return [sent["status"] for sent in sandbox.deliveries()[before:]]


def rotate(running: Running, shop: ShopRecord, *more: str) -> dict[str, object]:
    """Run the command beside the running server."""
    cli = Cli(running.settings.data_dir, {"POSTVENTA_BASE_URL": running.url})
    done: dict[str, object] = cli.data("shops", "rotate-secret", shop.id, *more)
    return done


def test_a_woocommerce_secret_is_changed_without_a_gap(tmp_path: Path) -> None:
    """Deliveries before and after are taken; the old secret only until the overlap is over."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600.0) as sandbox:
        shop = connect(running, sandbox)
        old = shop.secrets["webhook_secret"].reveal()
        assert set(taken(sandbox)) == {200}
        done = rotate(running, shop)
        assert (done["id"], done["todo"]) == (shop.id, "")
        assert set(done["webhooks"].values()) == {"active"}  # type: ignore[attr-defined]
        assert old not in {hook.secret for hook in sandbox.hooks.all.values()}
        # The server knows the shop from before, and takes what the new secret signs.
        assert set(taken(sandbox)) == {200}
        for hook in sandbox.hooks.all.values():
            hook.secret = old
        assert set(taken(sandbox)) == {200}
        running.app.clock.move(hours=25)  # type: ignore[attr-defined]
        assert set(taken(sandbox)) == {401}
        assert forget_old_secrets(running.app) == 1
        kept = again(running, shop)
        assert kept.secrets["old_webhook_secret"].reveal() == ""
        assert forget_old_secrets(running.app) == 0


def test_a_change_that_was_cut_off_is_brought_to_its_end(tmp_path: Path) -> None:
    """While the shop has the new secret at some webhooks only, both are good, also later."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600.0) as sandbox:
        shop = connect(running, sandbox)
        cli = Cli(tmp_path, {"POSTVENTA_BASE_URL": running.url})
        sandbox.faults.add(Fault("status_500", match=CHANGE_HOOK, times=None))
        cli.refused("shops", "rotate-secret", shop.id, says="Run the same command again", code=1)
        half = again(running, shop).secrets
        running.app.clock.move(hours=48)  # type: ignore[attr-defined]
        assert set(taken(sandbox)) == {200}
        sandbox.faults.clear()
        rotate(running, shop)
        now = again(running, shop).secrets
        assert now["webhook_secret"] == half["webhook_secret"]
        assert now["old_webhook_secret"] == shop.secrets["webhook_secret"]
        assert set(taken(sandbox)) == {200}


def test_a_secret_typed_by_hand_is_shown_once(tmp_path: Path) -> None:
    """Where the owner made the webhooks, the new secret is printed and the shop left alone."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600.0) as sandbox:
        shop = connect(running, sandbox, register=False)
        done = rotate(running, shop)
        assert done["webhook_secret"] == again(running, shop).secrets["webhook_secret"].reveal()
        assert "Write the new secret" in str(done["todo"])
        assert sandbox.hooks.all == {}


def test_a_shopify_secret_is_taken_over(tmp_path: Path) -> None:
    """Shopify makes it: without one the steps are told; with one both are taken for a day."""
    with opened(tmp_path) as running, ShopifyShop(queue_interval_s=0.01) as sandbox:
        shop = connect(running, sandbox)
        cli = Cli(tmp_path, {"POSTVENTA_BASE_URL": running.url})
        cli.refused("shops", "rotate-secret", shop.id, says="Dev Dashboard")
        sandbox.client_secret = "shpss_new"
        done = rotate(running, shop, "--client-secret", "shpss_new", "--overlap-hours", "2")
        assert "Revoke the old secret" in str(done["todo"])
        kept = again(running, shop)
        assert kept.secrets["old_client_secret"] == shop.secrets["client_secret"]
        assert kept.secrets["client_secret"].reveal() == "shpss_new"
        assert forget_old_secrets(running.app) == 0
        running.app.clock.move(hours=3)  # type: ignore[attr-defined]
        assert forget_old_secrets(running.app) == 1


def test_the_upkeep_forgets_old_secrets(tmp_path: Path) -> None:
    """The daily job deletes a secret whose time is over."""
    with opened(tmp_path) as running, WooShop(queue_interval_s=3600.0) as sandbox:
        shop = connect(running, sandbox)
        rotate(running, shop)
        running.app.clock.move(hours=25)  # type: ignore[attr-defined]
        upkeep = Upkeep(running.app)
        upkeep.tick()
        upkeep.stop()
        assert again(running, shop).secrets["old_webhook_secret"].reveal() == ""


def test_only_a_whole_number_of_hours_is_taken(tmp_path: Path) -> None:
    """An overlap is at least an hour and at most thirty days."""
    for hours in ("0", "721", "soon"):
        result = Cli(tmp_path).run("shops", "rotate-secret", "s1", "--overlap-hours", hours)
        assert result.exit_code == 2
