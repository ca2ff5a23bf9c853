"""A WooCommerce shop is connected by its own page for granting keys."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from connector.storage.records import ShopRecord, ShopState
from tests.running import Running
from tests.support import FrozenClock
from tests.web.cli import Cli
from tests.web.connected import connect
from tests.wordpress.granting import asked, bring_keys, come_back
from webhooks.install.binding import InstallRefused
from webhooks.install.first_look import first_look
from webhooks.install.woocommerce import begin, begin_with_code, make_code
from webhooks.install.wording import LANGUAGES, catalog
from webhooks.sandbox.woocommerce.shop import WooShop

NONCE = "n" * 32


@pytest.fixture
def shop() -> Iterator[WooShop]:
    """Give a pretend shop."""
    with WooShop() as running:
        yield running


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Give a server whose clock stands."""
    with Running(tmp_path, clock=FrozenClock()) as server:
        yield server


def connected(running: Running) -> list[ShopRecord]:
    """Read the connected shops."""
    with running.storage.reading() as tx:
        return list(tx.shops())


def move(running: Running, **span: float) -> None:
    """Move the server's clock."""
    clock = running.app.clock
    assert isinstance(clock, FrozenClock)
    clock.move(**span)


def test_a_shop_is_connected_from_zero(running: Running, shop: WooShop) -> None:
    """Begin, approve, come back: keys are stored, webhooks active, the first look is shown."""
    begun = begin(running.app, shop.url + "/wp-admin/", by="cli:ana", name="Tienda")
    query = asked(begun.authorize_url)
    assert urlsplit(begun.authorize_url).path == "/wc-auth/v1/authorize"
    assert (query["app_name"], query["scope"]) == ("Postventa", "read_write")
    assert bring_keys(begun.authorize_url, shop).status_code == 200
    assert connected(running) == []
    answer = come_back(begun.authorize_url, lang="es")
    assert answer.status_code == 200
    assert "Tienda está conectada" in answer.text
    assert "cli:ana" in answer.text
    assert "WP-Cron" in answer.text
    (stored,) = connected(running)
    assert stored.state is ShopState.CONNECTED
    assert stored.secrets["consumer_key"].reveal() == shop.consumer_key
    assert set(stored.webhooks.values()) == {"active"}
    assert shop.consumer_secret not in answer.text
    with running.storage.reading() as tx:
        acts = [(entry.act, entry.actor) for entry in tx.audit(limit=5)]
    assert acts == [("shop.connected", "cli:ana")]


def test_a_state_counts_once(running: Running, shop: WooShop) -> None:
    """Used or denied, neither keys nor a person come in with it again."""
    begun = begin(running.app, shop.url, by="cli:ana")
    bring_keys(begun.authorize_url, shop)
    assert come_back(begun.authorize_url).status_code == 200
    assert come_back(begun.authorize_url).status_code == 409
    assert bring_keys(begun.authorize_url, shop).status_code == 403
    assert len(connected(running)) == 1
    denied = begin(running.app, shop.url, by="cli:ana")
    assert "Access was denied" in come_back(denied.authorize_url, success=0).text
    assert bring_keys(denied.authorize_url, shop).status_code == 403


def test_a_state_ends_after_half_an_hour(running: Running, shop: WooShop) -> None:
    """At 30 minutes keys are refused; WooCommerce deletes them then."""
    begun = begin(running.app, shop.url, by="cli:ana")
    move(running, minutes=30)
    assert bring_keys(begun.authorize_url, shop).status_code == 403
    assert come_back(begun.authorize_url).status_code == 409
    assert connected(running) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "1"},
        {"user_id": None},
        {"key_permissions": "read"},
        {"consumer_key": "ck_short"},
        {"consumer_key": "ck_" + "0" * 40 + "\n"},
        {"consumer_secret": ["cs_" + "0" * 40]},
    ],
)
def test_forged_keys_are_refused(
    running: Running, shop: WooShop, changes: dict[str, object]
) -> None:
    """A wrong check word, lesser rights or odd keys: nothing is kept."""
    begun = begin(running.app, shop.url, by="cli:ana")
    assert bring_keys(begun.authorize_url, shop, **changes).status_code == 403
    answer = come_back(begun.authorize_url)
    assert (answer.status_code, "not brought its keys" in answer.text) == (409, True)


def test_guessed_states_and_odd_bodies_are_refused(running: Running, shop: WooShop) -> None:
    """Unknown state, no JSON, a list, a giant: 403 and no fault of ours."""
    begun = begin(running.app, shop.url, by="cli:ana")
    address = asked(begun.authorize_url)["callback_url"]
    guessed = f"{running.url}/install/woocommerce/keys/{'A' * 43}"
    assert requests.post(guessed, json={}, timeout=60).status_code == 403
    for body in (b"", b"[]", b"\xff", b"[" * 50_000, b"x" * 70_000):
        assert requests.post(address, data=body, timeout=60).status_code == 403


def test_keys_of_another_shop_bind_nothing(running: Running, shop: WooShop) -> None:
    """Keys are tried at the shop that was named; those of another one fail there."""
    begun = begin(running.app, shop.url, by="cli:ana")
    with WooShop() as other:
        bring_keys(begun.authorize_url, other)
    answer = come_back(begun.authorize_url)
    assert (answer.status_code, "refuses the keys" in answer.text) == (409, True)
    assert connected(running) == []


def test_the_newest_keys_count(running: Running, shop: WooShop) -> None:
    """Approve opened twice makes two keys: the second pair replaces the first."""
    begun = begin(running.app, shop.url, by="cli:ana")
    bring_keys(begun.authorize_url, shop, consumer_key="ck_" + "0" * 40)
    bring_keys(begun.authorize_url, shop)
    assert come_back(begun.authorize_url).status_code == 200


def test_a_connected_shop_gets_new_keys(running: Running, shop: WooShop) -> None:
    """Connecting again keeps the shop with its address for webhooks; a forger changes nothing."""
    before = connect(running, shop)
    begun = begin(running.app, shop.url, by="cli:ana")
    bring_keys(begun.authorize_url, shop, consumer_key="ck_" + "0" * 40)
    assert come_back(begun.authorize_url).status_code == 409
    (kept,) = connected(running)
    assert kept.secrets == before.secrets
    begun = begin(running.app, shop.url, by="cli:ana")
    bring_keys(begun.authorize_url, shop)
    assert "has new keys" in come_back(begun.authorize_url).text
    (now,) = connected(running)
    assert (now.id, now.hook_token) == (before.id, before.hook_token)


def plugin_says(shop: WooShop, **changes: str) -> dict[str, str]:
    """Give what the plugin sends to begin."""
    return {
        "shop": shop.url,
        "admin": shop.url + "/wp-admin/",
        "user": "ana",
        "nonce": NONCE,
        "name": "Mi tienda",
        "locale": "es_ES",
        **changes,
    }


def test_a_plugin_needs_a_connection_code(running: Running, shop: WooShop) -> None:
    """With the code it is told where to go; without, with a used or an old one it is not."""
    address = make_code(running.app, by="cli:ana")
    assert address.startswith(running.url + "/connect/")
    for wrong in (running.url + "/connect/", running.url + "/connect/" + "A" * 43):
        answer = requests.post(wrong, json=plugin_says(shop), timeout=60)
        assert (answer.status_code, answer.json()["reason"]) == (403, "code")
        assert "código" in answer.json()["detail"]
    answer = requests.post(address, json=plugin_says(shop), timeout=60)
    assert answer.status_code == 200
    authorize = answer.json()["authorize"]
    bring_keys(authorize, shop)
    # The pretend shop has no plugin that could take the key, and the page says so.
    told = come_back(authorize)
    assert (told.status_code, "did not take its key" in told.text) == (200, True)
    assert f'href="{shop.url}/wp-admin/admin.php?page=postventa"' in told.text
    assert requests.post(address, json=plugin_says(shop), timeout=60).status_code == 403
    old = make_code(running.app, by="cli:ana")
    move(running, hours=24)
    assert requests.post(old, json=plugin_says(shop), timeout=60).status_code == 403


def test_one_code_connects_one_shop(running: Running, shop: WooShop) -> None:
    """Two flows begun with the same code: only the first to end is connected."""
    code = make_code(running.app, by="cli:ana").rpartition("/")[2]
    with WooShop() as other:
        first = begin_with_code(running.app, code, plugin_says(shop))
        second = begin_with_code(running.app, code, plugin_says(other))
        bring_keys(first.authorize_url, shop)
        bring_keys(second.authorize_url, other)
        assert come_back(first.authorize_url).status_code == 200
        assert come_back(second.authorize_url).status_code == 409
    assert [item.address for item in connected(running)] == [shop.url]


def test_a_code_for_one_shop_serves_no_other(running: Running, shop: WooShop) -> None:
    """A code made for an address refuses a plugin of another."""
    code = make_code(running.app, by="cli:ana", url="https://shop.example").rpartition("/")[2]
    with pytest.raises(InstallRefused, match="other_shop"):
        begin_with_code(running.app, code, plugin_says(shop))


@pytest.mark.parametrize(
    "admin",
    [
        "https://evil.example/wp-admin/",
        "//evil.example/wp-admin/",
        "javascript:alert(1)//wp-admin/",
        "{shop}@evil.example/wp-admin/",
        "{shop}/wp-admin/?x=/wp-admin/",
        "{shop}/\\evil/wp-admin/",
        "{shop}\r\n/wp-admin/",
        "{shop}/",
        "",
    ],
)
def test_nobody_is_sent_to_another_host(running: Running, shop: WooShop, admin: str) -> None:
    """The way back is on the shop's own host, or the plugin is refused."""
    code = make_code(running.app, by="cli:ana").rpartition("/")[2]
    given = plugin_says(shop, admin=admin.format(shop=shop.url))
    with pytest.raises(InstallRefused, match="admin_address"):
        begin_with_code(running.app, code, given)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1", "http://2130706433", "http://[::ffff:127.0.0.1]", "ftp://shop.example"],
)
def test_only_public_addresses_are_begun_with(tmp_path: Path, url: str) -> None:
    """Outside of tests a private or odd address of a shop is refused before anything is asked."""
    with (
        Running(tmp_path, allow_private_hosts=False, allow_http=False) as server,
        pytest.raises(InstallRefused, match="address"),
    ):
        begin(server.app, url, by="cli:ana")


def test_pages_say_what_they_may(running: Running, shop: WooShop) -> None:
    """No page is kept or framed, and none runs a script."""
    begun = begin(running.app, shop.url, by="<script>ana", name="<b>x")
    bring_keys(begun.authorize_url, shop)
    for answer in (
        come_back(begun.authorize_url),
        come_back(begun.authorize_url),
        requests.get(make_code(running.app, by="cli:ana"), timeout=60),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "<script" not in answer.text
        assert "<b>x" not in answer.text


def test_the_first_look_names_each_check(running: Running, shop: WooShop) -> None:
    """Eight facts and the webhooks are looked at; each has words in both languages."""
    record = connect(running, shop)
    found = {check.name: check.state for check in first_look(running.app, record)}
    assert set(found) == {
        *("answers", "permalinks", "https", "clock", "zone", "cron", "hpos"),
        *("version", "key_rights", "webhooks"),
    }
    assert (found["answers"], found["webhooks"], found["key_rights"]) == ("ok", "ok", "ok")
    for language in LANGUAGES:
        assert set(catalog(language)["check"]) == set(found)
    shop.stop()
    found = {check.name: check.state for check in first_look(running.app, record)}
    assert (found["answers"], found["permalinks"]) == ("bad", "unknown")


def test_the_doctor_says_the_same(
    tmp_path: Path, shop: WooShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first look wants read, `shops check` names and `doctor` says in its words."""
    cli = Cli(tmp_path)
    told = catalog("en")["check"]["cron"]

    def without_cron(_store: object) -> dict[str, object]:
        return {"environment": {"version": "7.9.1", "wp_cron": False}, "settings": {}}

    made = cli.add(shop)
    monkeypatch.setattr("webhooks.sandbox.woocommerce.catalog.system_status", without_cron)
    found = json.loads(cli.run("shops", "check", made["id"], "--json").stdout)
    assert found["looks"]["cron"] == "note"
    assert found["looks"]["hpos"] == "unknown"
    assert "older than 8.0" in str(found["problems"])
    lines = json.loads(cli.run("doctor", "--json").stdout)
    mends = [line["mend"] for line in lines if line["what"] == f"shop {made['id']}"]
    assert told["note"] in mends


def test_both_languages_have_the_same_texts() -> None:
    """No text is missing in one of the languages."""

    def names(node: object, path: str = "") -> set[str]:
        if isinstance(node, dict):
            return {name for key, value in node.items() for name in names(value, f"{path}.{key}")}
        return {path}

    assert names(catalog("es")) == names(catalog("en"))
