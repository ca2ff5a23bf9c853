"""The commands about shops, against pretend shops over real HTTP."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.shops.shopify.reads import SCOPES
from tests.support import free_port
from tests.web.cli import BASE_URL, Cli, added
from webhooks.sandbox.faults import Fault
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.sandbox.woocommerce.shop import WooShop

WOO_TOPICS = ["order.created", "order.updated", "order.deleted", "order.restored"]


@pytest.fixture(scope="module")
def woo() -> Iterator[WooShop]:
    """Run a pretend WooCommerce."""
    with WooShop(queue_interval_s=60) as shop:
        yield shop


@pytest.fixture(scope="module")
def shopify() -> Iterator[ShopifyShop]:
    """Run a pretend Shopify."""
    with ShopifyShop() as shop:
        yield shop


@pytest.fixture
def cli(tmp_path: Path, woo: WooShop) -> Iterator[Cli]:
    """Give commands over an empty data folder."""
    yield Cli(tmp_path)
    woo.faults.clear()


def test_woocommerce_is_connected(cli: Cli, woo: WooShop) -> None:
    """The result names id, platform, webhook address and the topics registered."""
    made = cli.add(woo)
    assert re.fullmatch(r"s[a-z2-7]{10}", made["id"])
    assert made["platform"] == "woocommerce"
    prefix, _, token = made["webhook_url"].rpartition("/")
    assert prefix == BASE_URL + "/hooks/woocommerce"
    # 22 letters of base64 are the first that hold 128 bits.
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,}", token)
    assert sorted(made["registered"]) == sorted(WOO_TOPICS)
    assert made["problems"] == []
    there = [hook["delivery_url"] for hook in woo.state()["webhooks"]]
    assert there.count(made["webhook_url"]) == len(WOO_TOPICS)


def test_shopify_is_connected(cli: Cli, shopify: ShopifyShop) -> None:
    """A Shopify shop is connected with client id and secret, at the common address."""
    made = cli.add(shopify)
    assert made["platform"] == "shopify"
    assert made["webhook_url"] == BASE_URL + "/hooks/shopify"
    assert {"orders/create", "orders/updated", "app/uninstalled"} <= set(made["registered"])
    assert made["address"] == shopify.domain


def test_list_names_the_shop(cli: Cli, woo: WooShop) -> None:
    """The list has each shop with its webhook address and no key."""
    made = cli.add(woo)
    (line,) = cli.data("shops", "list")
    assert (line["id"], line["webhook_url"]) == (made["id"], made["webhook_url"])
    assert (line["currency"], line["timezone"]) == ("EUR", "Europe/Madrid")
    shown = cli.ok("shops", "list")
    assert made["id"] in shown
    assert woo.consumer_secret not in shown + json.dumps(line)


def test_no_register_makes_no_webhooks(cli: Cli, woo: WooShop) -> None:
    """With --no-register nothing is written into the shop, and the secret is shown once."""
    before = len(woo.state()["webhooks"])
    made = cli.data(*added(woo), "--no-register")
    assert made["registered"] == []
    assert len(made["webhook_secret"]) >= 32
    assert len(woo.state()["webhooks"]) == before
    assert "webhook_secret" not in cli.data("shops", "list")[0]


def test_no_register_works_without_base_url(cli: Cli, woo: WooShop) -> None:
    """Without a public address only the path of the webhook address is given."""
    result = cli.run(*added(woo), "--no-register", "--json", env={"POSTVENTA_BASE_URL": None})
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["webhook_url"].startswith("/hooks/woocommerce/")


def test_missing_base_url_is_refused(cli: Cli, woo: WooShop) -> None:
    """Registering webhooks needs the public address; nothing is stored without."""
    cli.refused(*added(woo), says="POSTVENTA_BASE_URL is not set", env={"POSTVENTA_BASE_URL": None})
    assert cli.data("shops", "list") == []


def test_wrong_key_is_refused(cli: Cli, woo: WooShop) -> None:
    """A key the shop refuses stores nothing."""
    args = added(woo)
    args[-1] = "cs_" + "0" * 40
    told = cli.refused(*args, says="The shop refuses the key")
    assert "Nothing was stored" in told
    assert "cs_000" not in told
    assert cli.data("shops", "list") == []


def test_wrong_client_secret_is_refused(cli: Cli, shopify: ShopifyShop) -> None:
    """A client secret that Shopify refuses stores nothing."""
    args = added(shopify)
    args[args.index("--client-secret") + 1] = "shpss_wrong"
    cli.refused(*args, says="The shop refuses the key")
    assert cli.data("shops", "list") == []


def test_read_only_key_is_told(tmp_path: Path) -> None:
    """A key without write rights ends with 1 and says which rights it needs."""
    with WooShop(permissions="read") as shop:
        cli = Cli(tmp_path)
        result = cli.run(*added(shop), "--json")
    assert result.exit_code in {1, 2}
    assert "read and write rights" in " ".join(result.stderr.split())


def test_unreachable_shop_fails(cli: Cli) -> None:
    """A shop where nobody listens fails with 1 and stores nothing."""
    told = cli.refused(
        *("shops", "add", "woocommerce", "--name", "X"),
        *("--url", f"http://127.0.0.1:{free_port()}"),
        *("--consumer-key", "ck_1", "--consumer-secret", "cs_1"),
        says="The shop cannot be reached",
        code=1,
    )
    assert "Nothing was stored" in told
    assert cli.data("shops", "list") == []


def test_failed_registration_keeps_the_shop(cli: Cli, woo: WooShop) -> None:
    """When the webhooks cannot be made the shop stays and `check --mend` makes them."""
    woo.faults.add(Fault("status_500", match="POST /wp-json/wc/v3/webhooks", times=None))
    result = cli.run(*added(woo), "--json")
    made = json.loads(result.stdout)
    assert (result.exit_code, made["registered"], made["ok"]) == (1, [], False)
    assert f"postventa shops check {made['id']} --mend" in " ".join(result.stderr.split())
    woo.faults.clear()
    mended = cli.data("shops", "check", made["id"], "--mend")
    assert sorted(mended["registered"]) == sorted(WOO_TOPICS)


def test_second_shop_with_the_same_address_is_refused(cli: Cli, woo: WooShop) -> None:
    """The same shop cannot be connected twice, however its address is written."""
    made = cli.add(woo)
    cli.refused(*added(woo), says=f"connected already as {made['id']}")
    args = added(woo)
    args[args.index("--url") + 1] = woo.url + "/wp-admin/index.php"
    cli.refused(*args, says=f"connected already as {made['id']}")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("shop.example.com", "Write the shop's address like https://"),
        ("ftp://shop.example.com", "Write the shop's address like https://"),
        ("https://user:pass@shop.example.com", "without name, password"),
        ("https://shop.example.com/?page=1", "without name, password"),
        ("https://shop.example.com:port", "cannot be read"),
        ("http://shop.example.com", "begins with http://"),
        ("https://127.0.0.1", "127.0.0.1 is not a public address"),
        ("https://169.254.169.254", "is not a public address"),
        ("https://[::1]", "is not a public address"),
        ("https://localhost", "is not a public address"),
        ("https://93.184.215.14:8443", "is not a web port"),
    ],
)
def test_bad_address_is_refused(cli: Cli, url: str, says: str) -> None:
    """An address that is none, or leads into a private network, is refused."""
    strict: dict[str, str | None] = {
        "POSTVENTA_ALLOW_HTTP": None,
        "POSTVENTA_ALLOW_PRIVATE_HOSTS": None,
    }
    cli.refused(
        *("shops", "add", "woocommerce", "--name", "X", "--url", url),
        *("--consumer-key", "ck_1", "--consumer-secret", "cs_1"),
        says=says,
        env=strict,
    )


@pytest.mark.parametrize(
    "domain",
    ["shop.example.com", "x.myshopify.com.example.com", "-.myshopify.com", "myshopify.com"],
)
def test_bad_shopify_domain_is_refused(cli: Cli, domain: str) -> None:
    """Only a name that ends in .myshopify.com is a Shopify shop."""
    cli.refused(
        *("shops", "add", "shopify", "--name", "X", "--shop", domain),
        *("--client-id", "i", "--client-secret", "s"),
        says="is no Shopify domain",
    )


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--name", "  ", "name of the shop"),
        ("--name", "a\nb", "name of the shop"),
        ("--consumer-key", " ", "--consumer-key is empty"),
        ("--consumer-secret", "cs_\u00e9", "--consumer-secret is empty or holds"),
    ],
)
def test_bad_values_are_refused(cli: Cli, woo: WooShop, option: str, value: str, says: str) -> None:
    """Names and keys that cannot be right are refused before the shop is asked."""
    args = added(woo)
    args[args.index(option) + 1] = value
    cli.refused(*args, says=says)


def test_missing_option_is_usage(cli: Cli) -> None:
    """A missing option is named."""
    cli.refused("shops", "add", "woocommerce", "--name", "X", says="Missing option '--url'")


def test_unknown_shop_id_is_refused(cli: Cli, woo: WooShop) -> None:
    """An unknown id is refused, and the known ones are named."""
    cli.refused("shops", "check", "snobody", says="No shop is connected yet")
    made = cli.add(woo)
    told = cli.refused("shops", "check", "snobody", says="No shop has the id 'snobody'")
    assert made["id"] in told
    cli.refused("shops", "remove", "snobody", "--yes", says="No shop has the id 'snobody'")


def test_check_tells_a_disabled_webhook(cli: Cli, woo: WooShop) -> None:
    """A webhook that the shop switched off is told, and --mend switches it on."""
    made = cli.add(woo)
    assert cli.data("shops", "check", made["id"])["ok"] is True
    for hook in woo.hooks.all.values():
        if hook.delivery_url == made["webhook_url"] and hook.topic == "order.updated":
            hook.status = "disabled"
    cli.refused("shops", "check", made["id"], says="order.updated is disabled", code=1)
    cli.ok("shops", "check", made["id"], "--mend")
    assert cli.data("shops", "check", made["id"])["webhooks"]["order.updated"] == "active"


def test_check_tells_a_shop_that_is_down(cli: Cli, woo: WooShop) -> None:
    """A shop that is down stays connected; the message says to try again."""
    made = cli.add(woo)
    woo.faults.add(Fault("status_503", match="", times=None))
    cli.refused("shops", "check", made["id"], says="cannot be reached now", code=1)
    woo.faults.clear()
    assert cli.data("shops", "list")[0]["state"] == "connected"


def test_refused_key_disconnects_and_comes_back(cli: Cli, woo: WooShop) -> None:
    """A key that is refused later disconnects the shop until a check finds it working."""
    made = cli.add(woo)
    secret = woo.keys.secret
    woo.keys.secret = "cs_other"
    try:
        cli.refused("shops", "check", made["id"], says="The shop refuses the key", code=1)
    finally:
        woo.keys.secret = secret
    assert cli.data("shops", "list")[0]["state"] == "disconnected"
    cli.refused("reconcile", "--shop", made["id"], says=f"The shop {made['id']} is disconnected")
    assert cli.data("reconcile")["shops"] == []
    assert cli.data("shops", "check", made["id"])["state"] == "connected"


def test_new_keys_are_tried_first(cli: Cli) -> None:
    """New keys replace the old ones only when the shop takes them; the id stays."""
    with WooShop(queue_interval_s=60) as shop:
        made = cli.add(shop)
        new = "cs_" + "1" * 40
        args = ("shops", "keys", made["id"], "--consumer-secret", new)
        cli.refused(*args, says="The shop refuses the key")
        assert cli.data("shops", "check", made["id"])["state"] == "connected"
        shop.keys.secret = new
        cli.refused("shops", "check", made["id"], says="postventa shops keys", code=1)
        done = cli.data(*args)
        assert (done["id"], done["state"]) == (made["id"], "connected")
        assert done["webhook_url"] == made["webhook_url"]
        cli.refused("shops", "keys", made["id"], says="--consumer-key --consumer-secret: give")
        cli.refused("shops", "keys", made["id"], "--client-id", "x", says="has the keys")
        cli.refused("shops", "keys", "s0", "--client-id", "x", says="No shop has the id 's0'")


def test_old_client_secret_still_proves(tmp_path: Path) -> None:
    """After a change of the client secret, deliveries signed with the old one are taken."""
    with ShopifyShop() as shop:
        cli = Cli(tmp_path)
        made = cli.add(shop)
        old, shop.client_secret = shop.client_secret, "shpss_new"
        cli.ok("shops", "keys", made["id"], "--client-secret", "shpss_new")
        kept = cli.shop(made["id"]).secrets
    assert (kept["client_secret"].reveal(), kept["old_client_secret"].reveal()) == (
        "shpss_new",
        old,
    )


def test_remove_deletes_webhooks_and_keys(cli: Cli, woo: WooShop) -> None:
    """A removed shop has no webhooks of ours and can be connected anew."""
    made = cli.add(woo)
    gone = cli.data("shops", "remove", made["id"])
    assert (gone["removed"], gone["webhooks_deleted"], gone["left"]) == (True, len(WOO_TOPICS), "")
    assert cli.data("shops", "list") == []
    there = [hook["delivery_url"] for hook in woo.state()["webhooks"]]
    assert made["webhook_url"] not in there
    again = cli.add(woo)
    assert again["id"] != made["id"]


def test_remove_asks_first(cli: Cli, woo: WooShop) -> None:
    """Without --yes the command asks; anything but yes leaves the shop connected."""
    made = cli.add(woo)
    result = cli.run("shops", "remove", made["id"], typed="n\n")
    assert result.exit_code == 1
    assert len(cli.data("shops", "list")) == 1


def test_remove_works_while_the_shop_is_down(cli: Cli, woo: WooShop) -> None:
    """A shop that does not answer is removed; what is left to do by hand is said."""
    made = cli.add(woo)
    woo.faults.add(Fault("status_503", match="", times=None))
    gone = cli.data("shops", "remove", made["id"])
    woo.faults.clear()
    assert "Delete them in the shop" in gone["left"]
    assert cli.data("shops", "list") == []


def test_client_secret_is_own_only_while_not_shared(cli: Cli, shopify: ShopifyShop) -> None:
    """Two Shopify shops of one app share the secret, so it proves neither of them."""
    with ShopifyShop(domain="second-shop.myshopify.com") as second:
        second.client_id, second.client_secret = shopify.client_id, shopify.client_secret
        first = cli.add(shopify)
        assert cli.shop(first["id"]).settings["own_secret"] == "yes"
        other = cli.add(second)
        assert cli.shop(first["id"]).settings["own_secret"] == "no"
        assert cli.shop(other["id"]).settings["own_secret"] == "no"
        cli.ok("shops", "remove", other["id"], "--yes")
        assert cli.shop(first["id"]).settings["own_secret"] == "yes"


def test_help_names_the_scopes(cli: Cli) -> None:
    """The help of `shops add shopify` names every scope that the adapter misses otherwise."""
    shown = cli.ok("shops", "add", "shopify", "--help")
    assert set(SCOPES) <= set(re.findall(r"[a-z]+_[a-z]+", shown))


def test_shopify_without_a_scope_is_told(tmp_path: Path) -> None:
    """An app that lacks a scope is connected, and what it cannot do is said."""
    with ShopifyShop(scopes=["read_orders", "write_orders", "read_customers"]) as shop:
        result = Cli(tmp_path).run(*added(shop), "--no-register", "--json")
    assert result.exit_code == 0, result.stderr
    assert "write_discounts" in result.stderr
