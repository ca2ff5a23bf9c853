"""Install the app in a pretend Shopify shop: by link, from the admin, again, and forged."""

import re
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.errors import ConfigurationError
from connector.flows.shop_tokens import StoredTokens
from connector.model.order import ShopId
from connector.storage.records import ShopRecord, ShopState
from tests.postgresql import Cluster
from tests.running import Running
from tests.support import until
from tests.web.connected import ANA, ask, put_rules
from webhooks.install.shopify import app_url, callback_url, make_link
from webhooks.sandbox.shopify.shop import ShopifyShop
from webhooks.shops import check_shop

LATER = """
rules:
  - id: soon
    name: {es: Luego, en: Later}
    trigger: order.paid
    delay: 1m
    actions:
      - tag: {add: [soon]}
    enabled: true
"""


@pytest.fixture
def shopify() -> Iterator[ShopifyShop]:
    """Run a pretend Shopify in which nothing is installed yet."""
    with ShopifyShop(queue_interval_s=0.02) as shop:
        shop.installed = False
        yield shop


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Run a server."""
    with Running(tmp_path) as one:
        yield one


def link(running: Running, shopify: ShopifyShop) -> str:
    """Begin as the command does."""
    return make_link(
        running.app,
        shop=shopify.domain,
        client_id=shopify.client_id,
        client_secret=shopify.client_secret,
        name="Taller",
        api_url=shopify.url,
    )


def install(running: Running, shopify: ShopifyShop) -> requests.Response:
    """Walk the way of an owner with a browser; give the last page."""
    browser = requests.Session()
    begun = browser.get(link(running, shopify), timeout=30)
    assert begun.status_code == 200, begun.text
    return browser.get(granted(browser, begun.text), timeout=30, allow_redirects=False)


def granted(browser: requests.Session, text: str) -> str:
    """Press the button on our page and the one on the shop's page; give the way back."""
    url = unescape(re.findall(r'href="([^"]*/admin/oauth/authorize[^"]*)"', text)[0])
    asked = browser.get(url, timeout=30)
    assert "Sandbox" in asked.text
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', asked.text))
    told = {name: unescape(value) for name, value in fields.items()}
    answer = browser.post(url.partition("?")[0], data=told, timeout=30, allow_redirects=False)
    assert answer.status_code == 302
    return answer.headers["Location"]


def only_shop(running: Running) -> ShopRecord:
    """Give the one connected shop."""
    with running.storage.reading() as tx:
        [shop] = tx.shops()
    return shop


def opened(running: Running, shopify: ShopifyShop, **how: Any) -> str:
    """Let the platform open the app; give the address."""
    url = app_url(running.url, shopify.client_id)
    told: str = ask(shopify, "POST", "/_sandbox/open", {"url": url, **how})["url"]
    return told


def works(running: Running, shopify: ShopifyShop, shop: ShopRecord) -> None:
    """See that an order comes in by webhook and is read again with the stored key."""
    before = len(running.export("orders"))
    ask(shopify, "POST", "/_sandbox/orders", ANA)
    until(
        lambda: running.drain() >= 0 and len(running.export("orders", shop.id)) > before,
        what="an order",
    )


def test_an_owner_installs_by_a_link(running: Running, shopify: ShopifyShop) -> None:
    """Link, Shopify's page, back: the shop is connected with a pair of keys and works."""
    done = install(running, shopify)
    assert done.status_code == 200, done.text
    assert "is connected" in done.text
    assert "frame-ancestors 'none'" in done.headers["Content-Security-Policy"]
    shop = only_shop(running)
    assert (shop.state, shop.name, shop.currency) == (ShopState.CONNECTED, "Taller", "EUR")
    assert set(shop.webhooks.values()) == {"active"}
    with running.storage.reading() as tx:
        token = tx.shop_token(shop.id)
    assert token is not None
    assert token.refresh is not None
    assert (token.expires_at - token.got_at).total_seconds() == 3600
    works(running, shopify, shop)


def test_forged_ways_back_are_refused(running: Running, shopify: ShopifyShop) -> None:
    """Another browser, a guessed or used state, an altered or unsigned query: nothing stored."""
    owner, thief = requests.Session(), requests.Session()
    back = granted(owner, owner.get(link(running, shopify), timeout=30).text)
    for url in (
        back.replace("code=", "code=x"),
        back.replace("state=", "state=x"),
        back.partition("&hmac=")[0],
        back + "&shop=evil.myshopify.com",
        back.replace(shopify.domain, "evil.myshopify.com"),
        callback_url(running.url, shopify.client_id),
    ):
        assert owner.get(url, timeout=30).status_code == 403
    # Signed well, but the state is not of this browser; and it is spent by that.
    assert thief.get(back, timeout=30).status_code == 403
    assert owner.get(back, timeout=30).status_code == 403
    with running.storage.reading() as tx:
        assert tx.shops() == []
    unknown = back.replace(shopify.client_id, "0" * 32)
    assert owner.get(unknown, timeout=30).status_code == 404


def test_links_are_for_their_app_and_end(running: Running, shopify: ShopifyShop) -> None:
    """A link of another app or a guessed one leads nowhere; bad values make none."""
    good = link(running, shopify)
    assert requests.get(good[:-1] + "x", timeout=30).status_code == 404
    assert requests.get(good + "x", timeout=30).status_code == 404
    with pytest.raises(ConfigurationError, match="myshopify"):
        make_link(running.app, shop="evil.example", client_id="a", client_secret="b")


def test_the_first_page_inside_the_admin_brings_the_key(
    running: Running, shopify: ShopifyShop
) -> None:
    """Managed installation: the sign-in is exchanged, webhooks made, the admin page shown."""
    link(running, shopify)
    shopify.installed = True
    entered = requests.get(opened(running, shopify, embedded=True), timeout=30)
    assert entered.status_code == 200, entered.text
    shop = only_shop(running)
    assert shop.state is ShopState.CONNECTED
    policy = entered.headers["Content-Security-Policy"]
    assert f"frame-ancestors https://{shopify.domain} https://admin.shopify.com" in policy
    assert "X-Frame-Options" not in entered.headers
    assert "Set-Cookie" not in entered.headers
    works(running, shopify, shop)
    # The second time nothing is exchanged any more.
    before = sum("oauth" in call["path"] for call in shopify.calls_json())
    again = requests.get(opened(running, shopify, embedded=True), timeout=30)
    assert again.status_code == 200
    assert sum("oauth" in call["path"] for call in shopify.calls_json()) == before


def test_a_page_without_sign_in_bounces(running: Running, shopify: ShopifyShop) -> None:
    """Without a sign-in, or with a used one, App Bridge alone is shown; it leads back only here."""
    link(running, shopify)
    shopify.installed = True
    url = opened(running, shopify, embedded=True)
    assert requests.get(url, timeout=30).status_code == 200
    for address in (url, opened(running, shopify, embedded=True, id_token=False)):
        answer = requests.get(address, timeout=30, allow_redirects=False)
        assert answer.status_code == 302
        page = requests.get(running.url + answer.headers["Location"], timeout=30)
        assert page.status_code == 200
        assert f'content="{shopify.client_id}"' in page.text
        assert "https://cdn.shopify.com/shopifycloud/app-bridge.js" in page.text
        policy = page.headers["Content-Security-Policy"]
        assert f"frame-ancestors https://{shopify.domain} https://admin.shopify.com" in policy
        assert "Set-Cookie" not in page.headers
    bounce = app_url(running.url, shopify.client_id) + "/bounce"
    for elsewhere in ("https://evil.example/", "//evil.example", running.url + ".evil.example/"):
        wrong = requests.get(bounce, params={"shopify-reload": elsewhere}, timeout=30)
        assert wrong.status_code == 400


def test_bad_sign_ins_get_401(running: Running, shopify: ShopifyShop) -> None:
    """Old, foreign, altered: 401, App Bridge is told to ask once more, nothing is stored."""
    link(running, shopify)
    shopify.installed = True
    url = app_url(running.url, shopify.client_id)
    good = shopify.oauth.id_token()
    for bad in (
        "x",
        good[:-3],
        shopify.oauth.id_token(aud="other"),
        shopify.oauth.id_token(exp=1),
        shopify.oauth.id_token(nbf=2**33),
        shopify.oauth.id_token(dest="https://evil.myshopify.com"),
    ):
        answer = requests.get(url, params={"id_token": bad}, timeout=30)
        assert answer.status_code == 401
        assert answer.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"
    with running.storage.reading() as tx:
        assert tx.shops() == []


def test_opened_outside_it_installs_or_leads_into_the_admin(
    running: Running, shopify: ShopifyShop
) -> None:
    """A signed query starts an installation; of a connected shop it leads to its admin."""
    link(running, shopify)
    first = requests.get(opened(running, shopify), timeout=30, allow_redirects=False)
    assert first.headers["Location"].startswith(f"{shopify.url}/admin/oauth/authorize?")
    install(running, shopify)
    second = requests.get(opened(running, shopify), timeout=30, allow_redirects=False)
    assert second.headers["Location"] == (
        f"https://admin.shopify.com/store/sandbox-shop/apps/{shopify.client_id}"
    )
    unsigned = requests.get(app_url(running.url, shopify.client_id), timeout=30)
    assert unsigned.status_code == 403


def test_uninstalled_and_back_again(running: Running, shopify: ShopifyShop) -> None:
    """The key is forgotten and work stops; back again it is the same shop, without old jobs."""
    install(running, shopify)
    shop = only_shop(running)
    put_rules(running, shop, LATER)
    works(running, shopify, shop)
    ask(shopify, "POST", "/_sandbox/uninstall")
    until(
        lambda: running.drain() >= 0 and only_shop(running).state is ShopState.UNINSTALLED,
        what="uninstalled",
    )
    with running.storage.reading() as tx:
        assert tx.shop_token(shop.id) is None
        [planned] = [one for one in running.export("effects") if one["state"] == "planned"]
    # It falls due while nobody may work for the shop.
    with running.storage.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE effects SET due_at = due_at - 3600000000")
    assert running.drain() == 0
    assert "connected again" in install(running, shopify).text
    back = only_shop(running)
    assert (back.id, back.state, back.hook_token) == (shop.id, ShopState.CONNECTED, shop.hook_token)
    running.drain()
    [after] = [one for one in running.export("effects") if one["key"] == planned["key"]]
    assert after["state"] == "skipped"
    assert "not installed" in after["reason"]
    assert len(running.export("orders", shop.id)) == 1
    works(running, shopify, back)


def test_missing_scopes_are_told(running: Running, shopify: ShopifyShop) -> None:
    """What the owner did not grant is said when it is connected, and by the check."""
    shopify.scopes = frozenset({"read_orders", "read_customers", "read_fulfillments"})
    done = install(running, shopify)
    assert "write_orders" in done.text
    assert "write_discounts" in done.text
    found = check_shop(running.app, only_shop(running).id)
    assert any("write_discounts" in problem for problem in found["problems"])


def test_a_missing_approval_is_told(running: Running, shopify: ShopifyShop) -> None:
    """An app that is not told who bought says so in the check, and doctor with it."""
    install(running, shopify)
    shop = only_shop(running)
    ask(shopify, "POST", "/_sandbox/orders", ANA)
    assert check_shop(running.app, shop.id)["problems"] == []
    shopify.protected_data = False
    problems = check_shop(running.app, shop.id)["problems"]
    assert any("email" in one and "protected customer data" in one for one in problems)


def test_a_shop_of_another_app_is_not_taken_over(running: Running, shopify: ShopifyShop) -> None:
    """While a shop works through one app, installing another changes nothing."""
    install(running, shopify)
    shop = only_shop(running)
    shopify.client_id = "another-app"
    refused = install(running, shopify)
    assert refused.status_code == 403
    assert only_shop(running).settings["client_id"] == shop.settings["client_id"]


@pytest.mark.postgresql
def test_two_processes_renew_a_pair_once(tmp_path: Path, shopify: ShopifyShop) -> None:
    """When the hour is over, workers of two processes get one new pair and use that."""
    with Cluster() as cluster:
        url = cluster.url(cluster.new_database())
        first, second = tmp_path / "a", tmp_path / "b"
        key = tmp_path / "secret.key"
        with (
            Running(first, database_url=url, secret_key_file=key) as one,
            Running(second, database_url=url, secret_key_file=key) as two,
        ):
            install(one, shopify)
            shop = only_shop(one)
            shopify.oauth.end_access()
            before = renewals(shopify)
            adapters = [process.app.adapters.direct(shop) for process in (one, two, one, two)]
            threads = [threading.Thread(target=adapter.look_at_shop) for adapter in adapters]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert renewals(shopify) == before + 1
            # Whoever dies between the answer and the commit has lost nothing.
            with one.storage.reading() as tx:
                kept = tx.shop_token(shop.id)
            assert kept is not None
            lost = StoredTokens(one.storage, one.app.clock, shop.id, lambda *_a, **_k: None)
            with pytest.raises(KeyboardInterrupt):
                lost.renew(lambda _kept: False, _die_after(shopify, kept.refresh))
            shopify.oauth.end_access()
            two.app.adapters.direct(shop).look_at_shop()


def _die_after(shopify: ShopifyShop, refresh: Any) -> Any:
    def ask_and_die(_kept: Any) -> Any:
        answer = requests.post(
            f"{shopify.url}/admin/oauth/access_token",
            data={
                "client_id": shopify.client_id,
                "client_secret": shopify.client_secret,
                "grant_type": "refresh_token",
                "refresh_token": refresh.reveal(),
            },
            timeout=30,
        )
        assert answer.json()["refresh_token"]
        raise KeyboardInterrupt

    return ask_and_die


def renewals(shopify: ShopifyShop) -> int:
    """Count what the token endpoint was asked for."""
    return sum(call["path"].endswith("access_token") for call in shopify.calls_json())


def test_an_answer_without_a_refresh_token_locks_nobody_out(
    running: Running, shopify: ShopifyShop
) -> None:
    """The old refresh token stays when the platform forgets to send a new one."""
    install(running, shopify)
    shop = only_shop(running)
    shopify.oauth.omit_refresh = True
    for _ in range(3):
        shopify.oauth.end_access()
        running.app.adapters.direct(shop).look_at_shop()
    with running.storage.reading() as tx:
        token = tx.shop_token(ShopId(shop.id))
    assert token is not None
    assert token.refresh is not None
    assert token.refresh_until is not None


def test_a_dead_pair_heals_when_the_app_is_opened(running: Running, shopify: ShopifyShop) -> None:
    """A refused refresh token disconnects the shop; the next page inside the admin mends it."""
    install(running, shopify)
    shop = only_shop(running)
    shopify.oauth.forget()
    check = check_shop(running.app, shop.id)
    assert not check["ok"]
    assert "open the app once in the Shopify admin" in check["problems"][0]
    assert only_shop(running).state is ShopState.DISCONNECTED
    requests.get(opened(running, shopify, embedded=True), timeout=30).raise_for_status()
    assert only_shop(running).state is ShopState.CONNECTED
    assert check_shop(running.app, shop.id)["ok"]
