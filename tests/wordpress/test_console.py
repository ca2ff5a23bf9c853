"""The command line and the admin pages give the address that connects a WooCommerce shop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from adapters.shops.woocommerce.plugin_zip import plugin_zip
from connector.storage.access import Role
from tests.running import Running
from tests.web.admin.console import Console
from tests.web.admin.world import add_user
from tests.web.cli import Cli
from tests.wordpress.granting import asked


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Give a server."""
    with Running(tmp_path) as server:
        yield server


def test_the_command_prints_both_ways(tmp_path: Path) -> None:
    """`shops connect woocommerce` gives the link to grant keys and the plugin's address."""
    cli = Cli(tmp_path)
    url = "http://127.0.0.1:81/shop"
    found = cli.data("shops", "connect", "woocommerce", "--url", url + "/wp-admin/")
    assert found["authorize_url"].startswith(url + "/wc-auth/v1/authorize?")
    assert asked(found["authorize_url"])["scope"] == "read_write"
    assert "/connect/" in found["connector_address"]
    told = cli.ok("shops", "connect", "woocommerce", "--url", url)
    assert "30 minutes" in told
    assert "WooCommerce > Postventa" in told


@pytest.mark.parametrize("url", ["shop", "https://a@shop.example", "https://10.0.0.1", "ftp://x.y"])
def test_the_command_refuses_odd_addresses(tmp_path: Path, url: str) -> None:
    """What cannot be called is said at once, with exit code 2."""
    cli = Cli(tmp_path, env={"POSTVENTA_ALLOW_PRIVATE_HOSTS": "", "POSTVENTA_ALLOW_HTTP": ""})
    cli.refused("shops", "connect", "woocommerce", "--url", url, says="")


def test_the_page_makes_a_code(running: Running) -> None:
    """An owner of all shops gets an address that the plugin can begin with."""
    add_user(running, "ana")
    ana = Console(running, "ana")
    assert "/admin/connect/woocommerce" in ana.get("/admin/shops").text
    ana.get("/admin/connect/woocommerce")
    answer = ana.post("/admin/connect/woocommerce", url="http://127.0.0.1:81")
    assert answer.status_code == 200
    start = answer.text.index(f"{running.url}/connect/")
    address = answer.text[start:].split("<")[0]
    given = {
        "shop": "http://127.0.0.1:81",
        "admin": "http://127.0.0.1:81/wp-admin/",
        "nonce": "n" * 32,
    }
    assert requests.post(address, json=given, timeout=60).status_code == 200
    given = {**given, "shop": "http://127.0.0.1:82", "admin": "http://127.0.0.1:82/wp-admin/"}
    assert requests.post(address, json=given, timeout=60).json()["reason"] == "other_shop"
    for wrong in ("", "shop", "https://a@b.example"):
        refused = ana.post("/admin/connect/woocommerce", url=wrong)
        assert (refused.status_code, 'role="alert"' in refused.text) == (422, True)
    zipped = ana.get("/admin/connect/woocommerce/plugin.zip")
    assert zipped.content == plugin_zip()
    assert "attachment" in zipped.headers["Content-Disposition"]


def test_others_make_no_code(running: Running) -> None:
    """Who may not do everything in all shops sees neither page nor link."""
    add_user(running, "vera", {"*": Role.EDITOR})
    vera = Console(running, "vera")
    assert vera.get("/admin/connect/woocommerce").status_code == 403
    assert "/admin/connect/woocommerce" not in vera.get("/admin/shops").text
    assert vera.post("/admin/connect/woocommerce", url="https://x.example").status_code == 403
