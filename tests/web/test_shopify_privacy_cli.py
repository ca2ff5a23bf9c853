"""The commands about the data of people, and the command that makes an install link."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Running
from tests.support import until
from tests.web.cli import Cli
from tests.web.connected import ANA, ask, connect
from webhooks.sandbox.shopify.shop import ShopifyShop

EMAIL = str(ANA["email"])


@pytest.fixture
def shopify() -> Iterator[ShopifyShop]:
    """Run a pretend Shopify."""
    with ShopifyShop(queue_interval_s=0.02) as shop:
        yield shop


def test_export_hand_over_and_erase(tmp_path: Path, shopify: ShopifyShop) -> None:
    """A data request is listed, written to a file for its owner alone, and ended; then erase."""
    with Running(tmp_path) as running:
        shop = connect(running, shopify)
        ask(shopify, "POST", "/_sandbox/orders", ANA)
        until(lambda: running.drain() >= 0 and len(running.export("orders")) == 1, what="an order")
        ask(
            shopify,
            "POST",
            "/_sandbox/compliance",
            {
                "topic": "customers/data_request",
                "email": EMAIL,
                "url": f"{running.url}/hooks/shopify",
            },
        )

        def asked() -> bool:
            running.drain()
            with running.storage.reading() as tx:
                return bool(tx.privacy_requests(shop.id))

        until(asked, what="the request")
    cli = Cli(tmp_path)
    [request] = cli.data("privacy", "list")
    assert (request["kind"], request["state"], request["export_ready"]) == ("export", "open", True)
    out = tmp_path / "ana.json"
    number = str(request["id"])
    cli.ok("privacy", "export", number, "--out", str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text(encoding="utf-8"))["buyer"]["email"] == EMAIL
    assert "1 exports wait" in cli.run("doctor", "--offline").stdout
    cli.ok("privacy", "done", number)
    cli.refused("privacy", "export", number, says="has no export")
    cli.refused("privacy", "done", "99", says="no request 99")
    cli.refused("privacy", "export", "--shop", shop.id, says="Say who")
    cli.refused("privacy", "export", "--email", EMAIL, says="--shop and who")
    cli.refused("privacy", "erase", "--shop", shop.id, "--yes", says="Say who")
    assert EMAIL in cli.ok("export", "orders")
    erased = cli.data("privacy", "erase", "--shop", shop.id, "--email", EMAIL)
    assert erased["erased"]["orders"] == 1
    assert EMAIL not in cli.ok("export", "orders")
    assert cli.data("privacy", "erase", "--shop", shop.id, "--whole-shop") == {
        "shop": shop.id,
        "erased": {"shop": 1},
    }
    assert cli.data("shops", "list") == []


def test_the_link_for_an_owner(tmp_path: Path, shopify: ShopifyShop) -> None:
    """The command prints the link and what the app must know; the secret comes by the prompt."""
    cli = Cli(tmp_path)
    line = cli.data(
        *("shops", "connect", "shopify", "--shop", shopify.domain),
        *("--client-id", shopify.client_id, "--client-secret", shopify.client_secret),
    )
    assert line["link"].startswith(f"{line['app_url']}/start/")
    assert line["redirect_url"] == f"{line['app_url']}/callback"
    asked = cli.run(
        *("shops", "connect", "shopify", "--shop", shopify.domain),
        *("--client-id", shopify.client_id),
        typed=f"{shopify.client_secret}\n",
    )
    assert asked.exit_code == 0
    assert "App URL" in asked.stdout
    assert shopify.client_secret not in asked.output
    cli.refused(
        *("shops", "connect", "shopify", "--shop", "shop.example.com", "--client-id", "a"),
        *("--client-secret", "b"),
        says="myshopify.com",
    )
