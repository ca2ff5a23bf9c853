"""A real WordPress and a real browser: connect, page, frame, order box, personal data.

The tests of this file build on one another: the first one connects the shop.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from connector.storage.records import ShopRecord
from tests.running import Running
from tests.web.connected import ANA, put_rules
from tests.wordpress.browser import chromium, keep, sign_in
from tests.wordpress.site import Site, wordpress
from webhooks.install.woocommerce import make_code

FRAME = "iframe#postventa-frame"
WAIT_MS = 60_000

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give a WordPress of its own."""
    with wordpress(tmp_path_factory.mktemp("wordpress")) as running:
        yield running
        assert "postventa" not in running.debug_log().lower(), running.debug_log()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a server."""
    with Running(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a new profile with one page; faults of scripts on our pages fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(WAIT_MS)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def shop_of(running: Running) -> ShopRecord:
    """Give the one connected shop."""
    with running.storage.reading() as tx:
        (shop,) = tx.shops()
    return shop


def open_postventa(page: Page, site: Site, name: str = "admin") -> None:
    """Sign in and open our page by the menu."""
    sign_in(page, site.url, name)
    page.goto(f"{site.url}/wp-admin/admin.php?page=woocommerce")
    page.click("#adminmenu a[href='admin.php?page=postventa']")
    page.wait_for_url("**page=postventa*")


def test_the_owner_connects_from_zero(page: Page, site: Site, running: Running) -> None:
    """Menu, address, connect, approve: a first look, the way back, and our pages in a frame."""
    open_postventa(page, site)
    keep(page, "1-settings")
    page.fill("#postventa-address", running.url)
    page.click("text=Connect >> nth=-1")
    expect(page.locator(".notice-error")).to_contain_text("connection code")
    page.fill("#postventa-address", make_code(running.app, by="cli:test"))
    page.click("form:has(#postventa-address) button")
    expect(page.locator("h1")).to_contain_text("would like to connect")
    page.click("text=Approve")
    expect(page.locator("h1")).to_have_text("Mi tienda is connected")
    expect(page.locator("body")).to_contain_text("The plugin in the shop may now show")
    keep(page, "2-first-look")
    page.click("text=Back to the shop")
    inside = page.frame_locator(FRAME)
    expect(inside.locator("h1")).to_be_visible()
    expect(inside.locator("body")).to_contain_text("admin (WordPress)")
    keep(page, "3-frame")
    shop = shop_of(running)
    assert set(shop.webhooks.values()) == {"active"}
    stored = site.php("echo get_option('postventa_connection')['key'];")
    assert shop.secrets["plugin_key"].reveal() not in stored
    loaded = site.php("echo implode(',', array_keys(wp_load_alloptions()));")
    assert "postventa" not in loaded


def test_pages_in_the_frame_can_be_used(page: Page, site: Site, running: Running) -> None:
    """A click leads on inside of the frame, without any cookie of ours."""
    open_postventa(page, site)
    inside = page.frame_locator(FRAME)
    shop = shop_of(running)
    inside.locator(f"a[href='/admin/shops/{shop.id}/orders']").first.click()
    expect(inside.locator("h1")).to_have_text("Orders")
    assert [one for one in page.context.cookies() if "postventa" in one["name"]] == []
    # The address of the frame holds no token.
    (frame,) = [one for one in page.frames if one.url.startswith(running.url)]
    assert "token" not in frame.url


def test_a_shop_manager_reads_it_in_spanish(page: Page, site: Site) -> None:
    """Who manages the shop comes in with their own language and name."""
    open_postventa(page, site, "gestora")
    inside = page.frame_locator(FRAME)
    expect(inside.locator("html")).to_have_attribute("lang", "es")
    expect(inside.locator("body")).to_contain_text("gestora (WordPress)")
    page.goto(f"{site.url}/wp-admin/admin.php?page=postventa&view=settings")
    expect(page.locator("body")).to_contain_text("Dirección del conector")
    keep(page, "4-settings-es")


def test_a_customer_does_not_come_in(page: Page, site: Site) -> None:
    """Without the right to manage WooCommerce there is no page, and no action works."""
    sign_in(page, site.url, "clienta")
    answer = page.goto(f"{site.url}/wp-admin/admin.php?page=postventa")
    assert answer is not None
    assert answer.status == 403
    for action in ("connect", "disconnect"):
        refused = page.request.post(
            f"{site.url}/wp-admin/admin-post.php", form={"action": f"postventa_{action}"}
        )
        assert refused.status == 403


def test_another_site_can_start_nothing(page: Page, site: Site, running: Running) -> None:
    """Without a nonce of this person nothing is connected or disconnected."""
    sign_in(page, site.url, "admin")
    for action in ("connect", "disconnect"):
        refused = page.request.post(
            f"{site.url}/wp-admin/admin-post.php",
            form={"action": f"postventa_{action}", "_wpnonce": "0123456789"},
        )
        assert refused.status == 403
    assert shop_of(running).secrets["plugin_key"]
    for body in ({}, {"connector": "x", "shop": "s", "key": "k" * 43, "nonce": "n"}):
        answer = requests.post(f"{site.url}/wp-json/wc-postventa/v1/agree", json=body, timeout=60)
        assert answer.status_code in {400, 401, 403}


@pytest.mark.parametrize("storage", ["hpos", "posts"])
def test_the_order_box_shows_what_was_done(
    page: Page, site: Site, running: Running, storage: str
) -> None:
    """On both order screens the box tells of the order, and leads to its page in the frame."""
    put_rules(running, shop_of(running))
    order = site.order({**ANA, "email": f"{storage}@example.com"})
    running.drain()
    number = int(order["id"])
    hpos = "yes" if storage == "hpos" else "no"
    site.php(
        f"update_option('standin_hpos', '{hpos}');"
        f"wp_insert_post(['import_id' => {number}, 'post_type' => 'shop_order',"
        "'post_status' => 'publish', 'post_title' => 'Order']);"
    )
    sign_in(page, site.url, "admin")
    address = (
        f"admin.php?page=wc-orders&action=edit&id={number}"
        if storage == "hpos"
        else f"post.php?post={number}&action=edit"
    )
    page.goto(f"{site.url}/wp-admin/{address}")
    box = page.locator("#postventa-order")
    expect(box).to_contain_text("welcome")
    expect(box).to_contain_text("Order paid")
    keep(page, f"5-order-{storage}")
    box.locator("text=Open in Postventa").click()
    inside = page.frame_locator(FRAME)
    expect(inside.locator("body")).to_contain_text(f"{storage}@example.com")


def test_the_order_box_fails_softly(page: Page, site: Site, running: Running) -> None:
    """When the connector does not answer the order screen still comes, and says so."""
    key = shop_of(running).secrets["plugin_key"]
    with running.storage.transaction() as tx:
        tx.update_shop(shop_of(running).id, secrets={"plugin_key": type(key)("x" * 43)})
    site.php("update_option('standin_hpos', 'yes');")
    sign_in(page, site.url, "admin")
    page.goto(f"{site.url}/wp-admin/admin.php?page=wc-orders&action=edit&id=424242")
    expect(page.locator("#postventa-order")).to_contain_text("cannot be reached now")
    page.goto(f"{site.url}/wp-admin/admin.php?page=postventa")
    inside = page.frame_locator(FRAME)
    expect(inside.locator("body")).to_contain_text("signature of the hand-over does not fit")
    keep(page, "6-refused")
    with running.storage.transaction() as tx:
        tx.update_shop(shop_of(running).id, secrets={"plugin_key": key})


def test_site_health_asks_the_connector(page: Page, site: Site) -> None:
    """The test of Site Health runs beside the page and tells what it found."""
    sign_in(page, site.url, "admin")
    page.goto(f"{site.url}/wp-admin/site-health.php")
    found = page.locator(".health-check-accordion", has_text="Postventa found something")
    expect(found.first).to_be_visible()
    keep(page, "7-site-health")


def test_personal_data_is_exported_and_erased(page: Page, site: Site, running: Running) -> None:
    """WordPress' own tools run our exporter and eraser to their end."""
    site.order({**ANA, "email": "canary@example.com", "first_name": "Kanarienvogel"})
    running.drain()
    sign_in(page, site.url, "admin")
    page.goto(f"{site.url}/wp-admin/export-personal-data.php")
    page.fill("#username_or_email_for_privacy_request", "canary@example.com")
    page.uncheck("#send_confirmation_email")
    page.click("#submit")
    page.hover("td.column-email >> text=canary@example.com")
    with page.expect_download() as downloading:
        page.click(".export-personal-data-handle >> nth=0")
    file = Path(str(downloading.value.path()))
    assert file.read_bytes()[:2] == b"PK"
    import zipfile

    with zipfile.ZipFile(file) as archive:
        told = archive.read("export.json").decode()
    assert "Kanarienvogel" in told
    assert "postventa-order" in told
    page.goto(f"{site.url}/wp-admin/erase-personal-data.php")
    page.fill("#username_or_email_for_privacy_request", "canary@example.com")
    page.uncheck("#send_confirmation_email")
    page.click("#submit")
    page.hover("td.column-email >> text=canary@example.com")
    page.click(".remove-personal-data-handle >> nth=0")
    expect(page.locator("body")).to_contain_text("were erased")
    keep(page, "8-erased")
    lines = running.export("orders")
    assert "Kanarienvogel" not in str(lines)


def test_the_plugin_is_disconnected(page: Page, site: Site, running: Running) -> None:
    """Disconnect forgets the key on both sides; the shop itself stays connected."""
    sign_in(page, site.url, "admin")
    page.goto(f"{site.url}/wp-admin/admin.php?page=postventa&view=settings")
    page.click("text=Disconnect >> nth=-1")
    expect(page.locator(".notice-success")).to_contain_text("Disconnected.")
    assert not shop_of(running).secrets["plugin_key"]
    assert site.php("var_export(get_option('postventa_connection'));") == "false"


def test_uninstalling_leaves_nothing(site: Site) -> None:
    """After uninstall.php no option and no transient of ours is left."""
    site.php(
        "set_transient('postventa_order_x', [1], 60);"
        "update_option('postventa_connection', ['connector' => 'x'], false);"
        "update_option('postventa_pending', ['x' => 1], false);"
        "define('WP_UNINSTALL_PLUGIN', 'postventa/postventa.php');"
        "require WP_PLUGIN_DIR . '/postventa/uninstall.php';"
    )
    count = "SELECT COUNT(*) FROM {$wpdb->options} WHERE option_name LIKE '%postventa%'"
    assert site.php(f'global $wpdb; echo $wpdb->get_var("{count}");') == "0"
